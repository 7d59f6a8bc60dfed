"""SQL of consent: append-only."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from regulars.members.contracts import Consent, ConsentChannel, Decision, Purpose
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

INSERT_CONSENTS: LiteralString = """
INSERT INTO consents (
    member_id, consent_id, purpose, channel, decision, wording_version, made_in, store_id, actor, effective_at,
    recorded_at, written_at
)
SELECT fresh.*, %s FROM unnest(
    %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::timestamptz[], %s::timestamptz[]
) AS fresh
"""

SELECT_CONSENTS: LiteralString = """
SELECT consent_id, purpose, channel, decision, wording_version, made_in, store_id, actor, effective_at, recorded_at
FROM consents WHERE member_id = %s AND recorded_at <= %s ORDER BY recorded_at, written_at, consent_id
"""

SELECT_WITHDRAWN: LiteralString = """
SELECT member_id FROM (
    SELECT DISTINCT ON (member_id) member_id, decision FROM consents
    WHERE member_id = ANY (%s::uuid[]) AND purpose = %s AND channel = %s AND recorded_at <= %s AND effective_at <= %s
    ORDER BY member_id, effective_at DESC, recorded_at DESC, written_at DESC, consent_id DESC
) AS in_force WHERE decision = 'withdrawn'
"""


def insert_consents(tx: Transaction, consents: Sequence[tuple[UUID, Consent]], written_at: datetime) -> None:
    """Append decisions of members."""
    rows = [consent for _, consent in consents]
    tx.write(
        INSERT_CONSENTS,
        (
            written_at,
            arrays.ids([member_id for member_id, _ in consents]),
            arrays.ids([row.consent_id for row in rows]),
            arrays.texts([row.purpose for row in rows]),
            arrays.texts([row.channel for row in rows]),
            arrays.texts([row.decision for row in rows]),
            arrays.texts([row.wording_version for row in rows]),
            arrays.texts([row.where for row in rows]),
            arrays.texts([row.store_id for row in rows]),
            arrays.texts([row.actor for row in rows]),
            arrays.instants([row.effective_at for row in rows]),
            arrays.instants([row.recorded_at for row in rows]),
        ),
    )


async def select_withdrawn(
    tx: Transaction, member_ids: Sequence[UUID], purpose: Purpose, channel: ConsentChannel, at: datetime
) -> set[UUID]:
    """Return those whose decision in force at an instant is a withdrawal."""
    parameters = (arrays.ids(member_ids), purpose.value, channel.value, at, at)
    return {member_id for (member_id,) in await tx.rows(SELECT_WITHDRAWN, parameters)}


async def select_consents(tx: Transaction, member_id: UUID, known_at: datetime) -> list[Consent]:
    """Return a member's decisions as far as they were known at an instant, in the order in which they became known."""
    return [
        Consent(
            consent_id=consent_id,
            purpose=Purpose(purpose),
            channel=ConsentChannel(channel),
            decision=Decision(decision),
            wording_version=wording_version,
            where=made_in,
            store_id=store_id,
            actor=actor,
            effective_at=effective_at,
            recorded_at=recorded_at,
        )
        for (
            consent_id,
            purpose,
            channel,
            decision,
            wording_version,
            made_in,
            store_id,
            actor,
            effective_at,
            recorded_at,
        ) in await tx.rows(SELECT_CONSENTS, (member_id, known_at))
    ]
