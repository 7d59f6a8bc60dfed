"""What callers get of the books: wallets, lots, statements, tiers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from regulars.loyalty.contracts import LotStanding, LotState, StatementPage, TierStatus, WalletBalance
from regulars.loyalty.public_ids import transfer_id
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.ids import public_id


class WalletsAnswer(Struct, frozen=True, kw_only=True):
    """Every wallet of a member at an instant."""

    member_id: str
    as_of: datetime
    wallets: list[WalletBalance]


class LotAnswer(Struct, frozen=True, kw_only=True):
    """Units that expire together; `held` of them are kept. The lot's id is that of the transfer that brought it."""

    lot_id: str
    wallet: str
    amount: int
    remaining: int
    state: LotState
    earned_at: datetime
    available_at: datetime
    expires_at: datetime
    order_id: str | None
    held: int


class LotsAnswer(Struct, frozen=True, kw_only=True):
    """A page of a member's lots in the order in which they are spent; `next_cursor` continues it."""

    member_id: str
    lots: list[LotAnswer]
    has_more: bool
    next_cursor: str | None


class LineLot(Struct, frozen=True, kw_only=True):
    """What a transfer took from a lot (negative: returned to it)."""

    lot_id: str
    amount: int


class LineAnswer(Struct, frozen=True, kw_only=True):
    """One transfer: what it moved, the wallet's balance after it, and why, in the caller's language."""

    transfer_id: str
    wallet: str
    kind: str
    amount: int
    balance: int
    debt_change: int
    reason: str
    order_id: str | None
    reference: str
    effective_at: datetime
    recorded_at: datetime
    written_at: datetime
    policy_version: int
    lots: list[LineLot]


class StatementAnswer(Struct, frozen=True, kw_only=True):
    """A page of a member's transfers, newest first; `next_cursor` continues it."""

    member_id: str
    lines: list[LineAnswer]
    has_more: bool
    next_cursor: str | None


class TierAnswer(Struct, frozen=True, kw_only=True):
    """A member's tier, why it is held, and what comes next."""

    member_id: str
    status: TierStatus


def wallets_answer(member_id: UUID, as_of: datetime, wallets: Sequence[WalletBalance]) -> WalletsAnswer:
    """Write a member's wallets."""
    return WalletsAnswer(member_id=public_id(MEMBER_PREFIX, member_id), as_of=as_of, wallets=list(wallets))


def lot_answer(member_id: UUID, lot: LotStanding) -> LotAnswer:
    """Write a lot."""
    return LotAnswer(
        lot_id=transfer_id(member_id, lot.lot_no),
        wallet=lot.wallet,
        amount=lot.amount,
        remaining=lot.remaining,
        state=lot.state,
        earned_at=lot.earned_at,
        available_at=lot.available_at,
        expires_at=lot.expires_at,
        order_id=lot.order_id,
        held=lot.held,
    )


def lots_answer(member_id: UUID, lots: Sequence[LotStanding], *, has_more: bool) -> LotsAnswer:
    """Write a page of a member's lots; its cursor is the id of its last one."""
    return LotsAnswer(
        member_id=public_id(MEMBER_PREFIX, member_id),
        lots=[lot_answer(member_id, lot) for lot in lots],
        has_more=has_more,
        next_cursor=transfer_id(member_id, lots[-1].lot_no) if has_more else None,
    )


def statement_answer(member_id: UUID, page: StatementPage) -> StatementAnswer:
    """Write a page of a statement; its cursor is the id of its last transfer."""
    lines = [
        LineAnswer(
            transfer_id=transfer_id(member_id, line.seq),
            wallet=line.wallet,
            kind=line.kind,
            amount=line.amount,
            balance=line.balance,
            debt_change=line.debt_change,
            reason=line.reason,
            order_id=line.order_id,
            reference=line.reference,
            effective_at=line.effective_at,
            recorded_at=line.recorded_at,
            written_at=line.written_at,
            policy_version=line.policy_version,
            lots=[LineLot(lot_id=transfer_id(member_id, move.lot_no), amount=move.amount) for move in line.lots],
        )
        for line in page.lines
    ]
    following = None if page.next_before is None else transfer_id(member_id, page.next_before)
    return StatementAnswer(
        member_id=public_id(MEMBER_PREFIX, member_id),
        lines=lines,
        has_more=following is not None,
        next_cursor=following,
    )


def tier_answer(member_id: UUID, status: TierStatus) -> TierAnswer:
    """Write a member's tier."""
    return TierAnswer(member_id=public_id(MEMBER_PREFIX, member_id), status=status)
