"""Consent as members gave it and took it back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.domain_events.members import ConsentChanged
from regulars.members.consent import rules, store
from regulars.members.contracts import (
    Consent,
    ConsentChannel,
    ConsentGiven,
    MemberRef,
    MemberStatus,
    Purpose,
)
from regulars.members.contracts.refusals import MemberGone
from regulars.members.identity.service import check_instant, known_members
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id


async def record_consents(tx: Transaction, wishes: Sequence[ConsentGiven]) -> list[Consent | DomainError]:
    """Append decisions, in order; see `members.api.record_consents`."""
    known = await known_members(tx, [wish.member_id for wish in wishes])
    fresh_ids = sorted(new_id() for _ in wishes)  # in the order of arrival, also within one millisecond
    outcomes: list[Consent | DomainError] = []
    written: list[tuple[UUID, Consent]] = []
    for consent_id, wish in zip(fresh_ids, wishes, strict=True):
        effective_at = wish.effective_at or tx.now
        problem = (
            _unreachable(known.get(wish.member_id))
            or rules.check(wish.purpose, wish.channel)
            or check_instant(effective_at, recorded_at=tx.now, field="effective_at")
        )
        if problem is not None:
            outcomes.append(problem)
            continue
        consent = Consent(
            consent_id=consent_id,
            purpose=wish.purpose,
            channel=wish.channel,
            decision=wish.decision,
            wording_version=wish.wording_version,
            where=wish.where,
            store_id=wish.store_id,
            actor=wish.actor,
            effective_at=effective_at,
            recorded_at=tx.now,
        )
        written.append((wish.member_id, consent))
        outcomes.append(consent)
    if written:
        store.insert_consents(tx, written, wall_now())
        tx.publish(*[_changed(member_id, consent) for member_id, consent in written])
    return outcomes


async def consents(tx: Transaction, member_id: UUID, *, as_of: datetime) -> tuple[list[Consent], list[Consent]]:
    """Return what is in force and the whole history; see `members.api.consents`. Raises NotFound."""
    if member_id not in await known_members(tx, [member_id]):
        raise NotFound
    history = await store.select_consents(tx, member_id, as_of)
    return rules.in_force([consent for consent in history if consent.effective_at <= as_of]), history


async def withdrawn(
    tx: Transaction, member_ids: Sequence[UUID], purpose: Purpose, channel: ConsentChannel
) -> set[UUID]:
    """Return those who have withdrawn consent; see `members.api.withdrawn`."""
    return await store.select_withdrawn(tx, member_ids, purpose, channel, tx.now)


def _unreachable(member: MemberRef | None) -> DomainError | None:
    if member is None:
        return NotFound()
    return MemberGone() if member.status is MemberStatus.ERASED else None


def _changed(member_id: UUID, consent: Consent) -> ConsentChanged:
    return ConsentChanged(
        member_id=member_id,
        recorded_at=consent.recorded_at,
        consent_id=consent.consent_id,
        purpose=consent.purpose.value,
        channel=consent.channel.value,
        decision=consent.decision.value,
        wording_version=consent.wording_version,
        effective_at=consent.effective_at,
    )
