"""Asking for an erasure, withdrawing it, and how it stands."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from regulars.domain_events.members import ErasureAsked, ErasureWithdrawn
from regulars.members.contracts import MemberStatus
from regulars.members.contracts.privacy import (
    AskErasure,
    Erasure,
    ErasureStanding,
    ErasureState,
    Loss,
    Parts,
    WithdrawErasure,
)
from regulars.members.identity import service as identity
from regulars.members.privacy import store
from regulars.members.privacy.errors import NoErasureAsked
from regulars.members.privacy.store import Kept, ListWanted
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id

_encode = msgspec.json.Encoder().encode
_losses = msgspec.json.Decoder(tuple[Loss, ...]).decode


async def ask_erasure(tx: Transaction, parts: Parts, wait: timedelta, wish: AskErasure) -> Erasure:
    """Note that a member is to be erased; see `members.api.ask_erasure`."""
    wish = replace(wish, member_id=(await identity.meant(tx, wish.member_id, lock=True))[0])
    earlier = await store.last(tx, wish.member_id)
    if earlier is not None and earlier.ended_at is None:
        return _erasure(earlier)
    now = wall_now()
    kept = Kept(
        member_id=wish.member_id,
        erasure_id=new_id(),
        asked_at=now,
        asked_by=wish.actor,
        reason=wish.reason,
        due_at=now + wait,
        losses=_encode(await _would_lose(tx, parts, wish.member_id)).decode(),
        begun_at=None,
        ended_at=None,
        outcome=None,
    )
    store.insert(tx, kept)
    tx.publish(ErasureAsked(member_id=wish.member_id, recorded_at=tx.now, due_at=kept.due_at))
    return _erasure(kept)


async def withdraw_erasure(tx: Transaction, wish: WithdrawErasure) -> Erasure:
    """Note that a member is not to be erased; see `members.api.withdraw_erasure`."""
    wish = replace(wish, member_id=(await identity.meant(tx, wish.member_id))[0])
    if not await store.withdraw(tx, wish.member_id, wall_now()):
        raise NoErasureAsked
    tx.publish(ErasureWithdrawn(member_id=wish.member_id, recorded_at=tx.now))
    kept = await store.last(tx, wish.member_id)
    assert kept is not None, "it was withdrawn just now"  # noqa: S101 - tells the type checker
    return _erasure(kept)


async def erasure_standing(tx: Transaction, parts: Parts, wait: timedelta, member_id: UUID) -> ErasureStanding:
    """Tell how it stands with a member's erasure; see `members.api.erasure_standing`."""
    member = (await identity.known_members(tx, [member_id])).get(member_id)
    if member is None:
        raise NotFound
    member_id = member.stands_for
    is_erased = member.status is MemberStatus.ERASED
    kept = await store.last(tx, member_id)
    return ErasureStanding(
        member_id=member_id,
        is_erased=is_erased,
        wait_hours=wait // timedelta(hours=1),
        erasure=None if kept is None else _erasure(kept),
        losses=() if is_erased else tuple(await _would_lose(tx, parts, member_id)),
    )


async def list_erasures(
    tx: Transaction,
    *,
    member_id: UUID | None = None,
    state: ErasureState | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Erasure]:
    """Return erasures of everybody, or of one member, the last asked for first, from behind `before` (asked, id).

    Raises nothing. Source: erasures.
    """
    return [_erasure(kept) for kept in await store.erasures(tx, ListWanted(member_id, state, before, limit))]


async def _would_lose(tx: Transaction, parts: Parts, member_id: UUID) -> list[Loss]:
    return [loss for part in parts for loss in await part.loses(tx, member_id)]


def _erasure(kept: Kept) -> Erasure:
    state: ErasureState = "waiting" if kept.begun_at is None else "under_way"
    if kept.outcome is not None:
        state = "withdrawn" if kept.outcome == "withdrawn" else "carried_out"
    return Erasure(
        erasure_id=kept.erasure_id,
        member_id=kept.member_id,
        state=state,
        asked_at=kept.asked_at,
        asked_by=kept.asked_by,
        reason=kept.reason,
        due_at=kept.due_at,
        ended_at=kept.ended_at,
        losses=_losses(kept.losses),
    )
