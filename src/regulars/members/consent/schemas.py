"""What callers send and get about consent."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from regulars.members.contracts import CONSENT_PREFIX, Consent, ConsentChannel, Decision, Purpose
from regulars.platform.ids import public_id

WordingVersion = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="Which text the member saw.",
        examples=["marketing-email-2026-05"],
    ),
]
Where = Annotated[
    str,
    Meta(pattern="^[a-z][a-z_]{0,31}$", description="The channel in which it was decided.", examples=["store"]),
]


class ConsentBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member's decision. `effective_at` is when it was made, now by default."""

    purpose: Purpose
    channel: ConsentChannel
    decision: Decision
    wording_version: WordingVersion
    where: Where
    store_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    effective_at: Annotated[datetime, Meta(tz=True)] | None = None


class ConsentAnswer(Struct, frozen=True, kw_only=True):
    """A decision as recorded; `actor` is who recorded it."""

    consent_id: str
    purpose: Purpose
    channel: ConsentChannel
    decision: Decision
    wording_version: str
    where: str
    store_id: str | None
    actor: str
    effective_at: datetime
    recorded_at: datetime


class ConsentsAnswer(Struct, frozen=True, kw_only=True):
    """The decisions in force at `as_of`, and all that were known then, in the order in which they became known."""

    as_of: datetime
    in_force: list[ConsentAnswer]
    history: list[ConsentAnswer]


def consent_answer(consent: Consent) -> ConsentAnswer:
    """Write a decision."""
    return ConsentAnswer(
        consent_id=public_id(CONSENT_PREFIX, consent.consent_id),
        purpose=consent.purpose,
        channel=consent.channel,
        decision=consent.decision,
        wording_version=consent.wording_version,
        where=consent.where,
        store_id=consent.store_id,
        actor=consent.actor,
        effective_at=consent.effective_at,
        recorded_at=consent.recorded_at,
    )
