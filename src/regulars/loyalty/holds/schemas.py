"""What callers send and get about holds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from regulars.loyalty.contracts import HoldStanding, HoldState, PlaceHold, PostHold, VoidHold
from regulars.loyalty.errors import UnknownHold
from regulars.loyalty.ledger.errors import TermOutOfRange
from regulars.loyalty.ledger.schemas import Amount, Instant, Reference, UsedLot, WalletCode, reference_of
from regulars.loyalty.public_ids import transfer_id
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.clock import in_utc
from regulars.platform.ids import parse_public_id, public_id

HOLD: Final = "hld"
LONGEST: Final = timedelta(days=366)

Purpose = Annotated[
    str,
    Meta(min_length=1, max_length=200, description="What for; members read it.", examples=["Workshop on 2 June"]),
]


class HoldBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Spendable units to keep for a purpose until a deadline, at most 366 days ahead; the soonest to expire first."""

    amount: Amount
    purpose: Purpose
    deadline: Annotated[Instant, Meta(examples=["2026-06-02T10:00:00Z"])]
    wallet: WalletCode = "points"
    reference: Reference | None = None


class HoldPostingBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many of the held units to use; all of them if left out. What is left is free again."""

    amount: Amount | None = None


class HoldVoidingBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why nothing of it is needed."""

    reason: Annotated[str, Meta(max_length=500, examples=["The workshop was called off"])] = ""


class HoldAnswer(Struct, frozen=True, kw_only=True):
    """A hold: what it keeps of which lots, and how it ended. `transfer_id` used `posted` of it."""

    hold_id: str
    member_id: str
    wallet: str
    amount: int
    purpose: str
    reference: str
    state: HoldState
    placed_at: datetime
    deadline: datetime
    ended_at: datetime | None
    posted: int
    released: int
    transfer_id: str | None
    reason: str
    lots: list[UsedLot]


class HoldsAnswer(Struct, frozen=True, kw_only=True):
    """A page of a member's holds, the latest first; `next_cursor` continues it."""

    member_id: str
    holds: list[HoldAnswer]
    has_more: bool
    next_cursor: str | None


def hold_id_in(text: str) -> UUID:
    """Read the id of a hold. Raises UnknownHold."""
    found = parse_public_id(HOLD, text)
    if found is None:
        raise UnknownHold
    return found


def place_of(member_id: UUID, body: HoldBody, now: datetime) -> PlaceHold:
    """Read a hold. Raises what is wrong with its deadline or its reference."""
    if not now < body.deadline <= now + LONGEST:
        raise TermOutOfRange(
            pointer="/deadline", field="deadline", earliest=now.isoformat(), latest=(now + LONGEST).isoformat()
        )
    return PlaceHold(
        member_id=member_id,
        wallet=body.wallet,
        amount=body.amount,
        purpose=body.purpose,
        deadline=in_utc(body.deadline),
        reference=reference_of(body.reference),
    )


def post_of(member_id: UUID, hold_id: UUID, body: HoldPostingBody) -> PostHold:
    """Read what is to be used of a hold."""
    return PostHold(member_id=member_id, hold_id=hold_id, amount=body.amount)


def void_of(member_id: UUID, hold_id: UUID, body: HoldVoidingBody) -> VoidHold:
    """Read why a hold is let go."""
    return VoidHold(member_id=member_id, hold_id=hold_id, reason=body.reason)


def hold_answer(found: HoldStanding) -> HoldAnswer:
    """Write a hold."""
    member_id = found.member_id
    return HoldAnswer(
        hold_id=public_id(HOLD, found.hold_id),
        member_id=public_id(MEMBER_PREFIX, member_id),
        wallet=found.wallet,
        amount=found.amount,
        purpose=found.purpose,
        reference=found.reference,
        state=found.state,
        placed_at=found.placed_at,
        deadline=found.deadline,
        ended_at=found.ended_at,
        posted=found.posted,
        released=found.released,
        transfer_id=None if found.transfer_no is None else transfer_id(member_id, found.transfer_no),
        reason=found.reason,
        lots=[UsedLot(transfer_id(member_id, part.lot_no), part.amount) for part in found.lots],
    )


def holds_answer(member_id: UUID, found: Sequence[HoldStanding], *, has_more: bool) -> HoldsAnswer:
    """Write a page of holds; its cursor is the id of its last one."""
    return HoldsAnswer(
        member_id=public_id(MEMBER_PREFIX, member_id),
        holds=[hold_answer(each) for each in found],
        has_more=has_more,
        next_cursor=public_id(HOLD, found[-1].hold_id) if has_more else None,
    )
