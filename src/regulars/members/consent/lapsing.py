"""A consent that was confirmed from an address counts as long as the member's mail goes there."""

from typing import Final
from uuid import UUID

from msgspec.structs import replace

from regulars.domain_events.members import ConsentChanged
from regulars.members.consent import rules, store
from regulars.members.contracts import Consent, ConsentChannel, Decision
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import new_id

WHERE: Final = "address"
ACTOR: Final = "system"


async def lapse(tx: Transaction, member_id: UUID) -> list[Consent]:
    """End what was confirmed, or waits to be, from another address than the one that mail goes to now; says by what.

    The caller has changed the addresses, in this transaction; who holds the member's row, or takes it here, comes
    after or before whoever confirms.
    """
    held = await store.hold_members(tx, [member_id])
    if member_id not in held:
        return []
    recorded_at = max(tx.now, held[member_id].last_recorded_at or tx.now)
    address = (await store.select_emails(tx, [member_id])).get(member_id)
    history = await store.select_consents(tx, member_id)
    given = {(one.purpose, one.channel): one for one in rules.in_force(history) if one.decision is Decision.GIVEN}
    waiting = {(one.purpose, one.channel): one for one in rules.requested(history)}
    ended = [
        replace(
            one,
            consent_id=new_id(),
            decision=Decision.LAPSED,
            where=WHERE,
            store_id=None,
            actor=ACTOR,
            effective_at=max(recorded_at, one.effective_at),
            recorded_at=recorded_at,
            request_id=None,
        )
        for one in (given | waiting).values()
        if one.channel is ConsentChannel.EMAIL and one.identity_id not in {None, address}
    ]
    if not ended:
        return []
    store.insert_consents(tx, [(member_id, one) for one in ended], wall_now())
    tx.publish(
        *[
            ConsentChanged(
                member_id=member_id,
                recorded_at=recorded_at,
                consent_id=one.consent_id,
                purpose=one.purpose.value,
                channel=one.channel.value,
                decision=one.decision.value,
                wording_version=one.wording_version,
                effective_at=one.effective_at,
            )
            for one in ended
        ]
    )
    return ended
