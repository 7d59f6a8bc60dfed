"""What lineage tells: what an order caused, where units came from and where they went."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct


class CausedTransfer(Struct, frozen=True, kw_only=True):
    """A transfer that the order or a return of it caused; `amount` is above 0 when the member's wallet grew."""

    seq: int
    wallet: str
    kind: str
    amount: int
    debt_change: int
    reference: str
    effective_at: datetime
    recorded_at: datetime
    policy_version: int
    basis: dict[str, str | int]


class LotMovement(Struct, frozen=True, kw_only=True):
    """Points taken from a lot (above 0) or given back to it (below 0), and for which fact.

    `to_lot` is the lot that they are in since, where they were moved or extended: of `to_member`, or of the same one.
    """

    lot_no: int
    seq: int
    points: int
    kind: str
    reference: str
    order_id: str | None
    to_member: str | None = None
    to_lot: str | None = None


class CausedLot(Struct, frozen=True, kw_only=True):
    """Points that the order brought: what is left of them, and where the rest went.

    `movements` are the first 100; where there are more, the lot's own lineage has them.
    """

    lot_no: int
    points: int
    remaining: int
    available_at: datetime
    expires_at: datetime
    movements: list[LotMovement]
    has_more: bool = False


class MovedLot(Struct, frozen=True, kw_only=True):
    """A lot that units of an order came to since: by an extension, or in whose books a merge or its undoing brought it.

    `why` is merge, undo, return or extend, or cover: given, when a merge was undone, in place of what was spent of
    `from_lot`. Of the books of who is another person now, a movement has neither reference nor order.
    """

    member_id: str
    lot_id: str
    from_lot: str
    why: str
    points: int
    remaining: int
    available_at: datetime
    expires_at: datetime
    movements: list[LotMovement]
    has_more: bool = False


class CausedTierChange(Struct, frozen=True, kw_only=True):
    """A tier change by the order or a return of it, with the qualifying metric that decided.

    `member_id` is whose tier it was: of a return, that of whoever the order's member was merged into by then.
    """

    member_id: str
    seq: int
    from_tier: str
    to_tier: str
    cause: str
    reference: str
    metric: int
    policy_version: int
    recorded_at: datetime


class OrderLineage(Struct, frozen=True, kw_only=True):
    """Everything an order caused. `spent` are the points that it took from lots, each with the fact it came from.

    `moved` are the lots that its points came to since; `moved_more` says that there are others than those.
    """

    order_id: str
    transfers: list[CausedTransfer]
    lots: list[CausedLot]
    spent: list[LotMovement]
    tier_changes: list[CausedTierChange]
    moved: list[MovedLot] = []
    moved_more: bool = False
    next_after: int | None = None


class Origin(Struct, frozen=True, kw_only=True):
    """The transfer that units came by: an order (`order_id`), a posting, a correction, a move from another member.

    `lot_amount` and `remaining` are of the lot that it brought (None: it brought none). Moved units were with
    `from_member`, whose books gave them by `from_transfer`; they stand for the lot `from_lot` there, or are an
    extension of that lot here (then `from_member` is None). Units that went away have `to_member` and `to_transfer`.
    """

    seq: int
    wallet: str
    kind: str
    amount: int
    debt_change: int
    reference: str
    order_id: str | None
    effective_at: datetime
    recorded_at: datetime
    policy_version: int
    lot_amount: int | None
    remaining: int | None
    from_member: str | None = None
    from_lot: str | None = None
    from_transfer: str | None = None
    to_member: str | None = None
    to_transfer: str | None = None


class UnitsLineage(Struct, frozen=True, kw_only=True):
    """Where units came from and where they went: a page of movements, and behind what the next one begins.

    Of a lot each movement is a use of it; of a transfer each is a lot that it used, with the fact that had brought it.
    """

    origin: Origin
    movements: list[LotMovement]
    next_after: int | None


class SettledOrder(NamedTuple):
    """An order as the ledger settled it: its total and what has come back (minor units), the points that paid."""

    member_id: UUID
    order_id: str
    total_minor: int
    returned_minor: int
    points_used: int
