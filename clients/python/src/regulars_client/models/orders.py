"""Of `client.orders`.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from regulars_client.models.shared import Effect, MemberAnswerShown, Money, OrderAnswer, Problem, Store, Verdict


class Amount(Struct, frozen=True, kw_only=True):
    """Part of `client.orders.put`."""

    amount_minor: int
    currency: str
    """ISO 4217 code, e.g. CNY."""


class LineBody(Struct, frozen=True, kw_only=True):
    """Part of `client.orders.put`."""

    sku: str
    amount: Amount
    quantity: str | UnsetType = UNSET
    """Above 0, up to three decimals, as a number or a string, e.g. 0.535."""
    line_id: str | UnsetType | None = UNSET
    """Default: the position, from 1."""


class PaymentBody(Struct, frozen=True, kw_only=True):
    """Part of `client.orders.put`."""

    method: str
    amount: Amount | UnsetType | None = UNSET
    points: int | UnsetType | None = UNSET
    points_at_most: int | UnsetType | None = UNSET


class BatchedOrder(Struct, frozen=True, kw_only=True):
    """Part of `client.orders.put_orders`."""

    state: Literal["open", "placed", "paid", "fulfilled", "cancelled"]
    channel: Literal["online", "store", "app", "partner", "social", "phone"]
    market: str
    total: Amount
    lines: Sequence[LineBody]
    member_id: str | UnsetType | None = UNSET
    """The member who buys; left out for an order without a member."""
    store_id: str | UnsetType | None = UNSET
    """A defined store."""
    occurred_at: datetime | UnsetType | None = UNSET
    """RFC 3339 with its zone; at most 5 minutes ahead. Default: now."""
    payments: Sequence[PaymentBody] | UnsetType = UNSET
    order_id: str


class LotMovement(Struct, frozen=True, kw_only=True):
    """Part of `CausedLot`."""

    lot_no: int
    seq: int
    points: int
    kind: str
    reference: str
    order_id: str | None
    to_member: str | None = None
    to_lot: str | None = None


class CausedLot(Struct, frozen=True, kw_only=True):
    """Part of `LineageAnswer`."""

    lot_no: int
    points: int
    remaining: int
    available_at: datetime
    expires_at: datetime
    movements: list[LotMovement]
    has_more: bool = False


class CausedTierChange(Struct, frozen=True, kw_only=True):
    """Part of `LineageAnswer`."""

    member_id: str
    seq: int
    from_tier: str
    to_tier: str
    cause: str
    reference: str
    metric: int
    policy_version: int
    recorded_at: datetime


class CausedTransfer(Struct, frozen=True, kw_only=True):
    """Part of `LineageAnswer`."""

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


class ReturnedQuantity(Struct, frozen=True, kw_only=True):
    """Part of `ReturnAnswer`."""

    line_id: str
    quantity: str


class ReturnShown(Struct, frozen=True, kw_only=True):
    """Part of `LineageAnswer`."""

    return_id: str
    store_id: str | None
    lines: list[ReturnedQuantity]
    returned: Money
    occurred_at: datetime
    recorded_at: datetime
    effects: list[Effect]
    money_back: Money | None = None


class MovedLot(Struct, frozen=True, kw_only=True):
    """Part of `LineageAnswer`."""

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


class LineageAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.orders.get_lineage`: list everything that an order caused."""

    order_id: str
    member_id: str | None
    returns: list[ReturnShown]
    transfers: list[CausedTransfer]
    lots: list[CausedLot]
    spent: list[LotMovement]
    tier_changes: list[CausedTierChange]
    moved: list[MovedLot]
    moved_more: bool
    has_more: bool
    next_cursor: str | None


class OrderRowAnswer(Struct, frozen=True, kw_only=True):
    """Part of `OrderBatchAnswer`."""

    order_id: str
    status: int
    order: OrderAnswer | None = None
    problem: Problem | None = None


class OrderBatchAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.orders.put_orders`: send many orders as they now stand."""

    taken: int
    refused: int
    rows: list[OrderRowAnswer]


class OrdersLineAnswer(Struct, frozen=True, kw_only=True):
    """Part of `OrderShown`."""

    line_id: str
    sku: str
    quantity: str
    amount: Money
    returned_quantity: str
    returned: Money


class OrderShown(Struct, frozen=True, kw_only=True):
    """The answer of `client.orders.get`: read an order."""

    order_id: str
    member_id: str | None
    state: str
    channel: str
    store_id: str | None
    market: str
    total: Money
    paid_in_money: Money
    returned: Money
    occurred_at: datetime
    recorded_at: datetime
    lines: list[OrdersLineAnswer]
    effects: list[Effect]
    returns: list[ReturnShown]
    explanation: list[Verdict] | None = None
    member: MemberAnswerShown | None = None
    """Given along where `expand` names it."""
    store: Store | None = None
    """Given along where `expand` names it."""
    lineage: LineageAnswer | None = None
    """Given along where `expand` names it."""


class OrdersPage(Struct, frozen=True, kw_only=True):
    """The answer of `client.orders.list_of_member`: list a member's orders."""

    orders: list[OrderAnswer]
    has_more: bool
    next_cursor: str | None


class ReturnAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.orders.return_order`: take back an order, or part of it."""

    order_id: str
    return_id: str
    member_id: str | None
    lines: list[ReturnedQuantity]
    returned: Money
    returned_so_far: Money
    left: list[ReturnedQuantity]
    occurred_at: datetime
    recorded_at: datetime
    effects: list[Effect]
    money_back: Money | None = None
    explanation: list[Verdict] | None = None


class ReturnLineBody(Struct, frozen=True, kw_only=True):
    """Part of `client.orders.return_order`."""

    line_id: str
    """Default: the position, from 1."""
    quantity: str | UnsetType | None = UNSET
    """Above 0, up to three decimals, as a number or a string, e.g. 0.535."""
