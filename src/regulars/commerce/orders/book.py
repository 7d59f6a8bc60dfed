"""Orders in memory: what a batch decides on. `store.py` loads and writes them set-based."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from regulars.commerce.contracts import Channel, Line, OrderState
from regulars.commerce.orders.rules import LineLeft, ReturnedPart


@dataclass(slots=True)
class Order:
    """An order as it stands. `lines` are there when a return needs them, or when they are to be written."""

    member_id: UUID
    order_id: str
    state: OrderState
    channel: Channel
    store_id: str | None
    market: str
    currency: str
    total_minor: int
    returned_minor: int
    points_used: int
    occurred_at: datetime
    recorded_at: datetime
    paid_at: datetime | None
    content_hash: bytes
    payments: str
    effects: str
    lines: dict[str, LineLeft] = field(default_factory=dict)
    returns: dict[str, tuple[bytes, str]] = field(default_factory=dict)


class WrittenReturn(NamedTuple):
    """A row of `order_returns`."""

    member_id: UUID
    order_id: str
    return_id: str
    store_id: str | None
    returned_minor: int
    occurred_at: datetime
    recorded_at: datetime
    content_hash: bytes
    lines: str
    effects: str


@dataclass(slots=True)
class OrderBook:
    """The orders a batch knows, and what it is going to write; `steps` counts what was decided on them."""

    orders: dict[str, Order] = field(default_factory=dict)
    new: dict[str, Order] = field(default_factory=dict)
    changed: dict[str, Order] = field(default_factory=dict)
    new_lines: dict[str, tuple[UUID, tuple[Line, ...]]] = field(default_factory=dict)
    replaced_lines: set[tuple[UUID, str]] = field(default_factory=set)
    returned_parts: list[tuple[UUID, str, ReturnedPart]] = field(default_factory=list)
    returns: list[WrittenReturn] = field(default_factory=list)
    steps: int = 0

    def add(self, order: Order, lines: tuple[Line, ...]) -> None:
        """Add an order that is not in the database."""
        self.steps += 1
        self.orders[order.order_id] = order
        self.new[order.order_id] = order
        self.new_lines[order.order_id] = (order.member_id, lines)

    def change(self, order: Order) -> None:
        """Mark an order for writing."""
        self.steps += 1
        if order.order_id not in self.new:
            self.changed[order.order_id] = order

    def replace_lines(self, order: Order, lines: tuple[Line, ...]) -> None:
        """Give an unpaid order other lines."""
        self.steps += 1
        if order.order_id not in self.new:
            self.replaced_lines.add((order.member_id, order.order_id))
        self.new_lines[order.order_id] = (order.member_id, lines)
        order.lines = {}

    def lines_of(self, order: Order) -> dict[str, LineLeft]:
        """Return an order's lines with what has come back of them."""
        if not order.lines and order.order_id in self.new_lines:
            order.lines = {line.line_id: LineLeft(line, 0, 0) for line in self.new_lines[order.order_id][1]}
        return order.lines

    def take_back(self, order: Order, parts: list[ReturnedPart]) -> None:
        """Record on the order's lines what comes back."""
        self.steps += 1
        lines = self.lines_of(order)
        for part in parts:
            left = lines[part.line_id]
            lines[part.line_id] = LineLeft(
                left.line, left.returned_milli + part.quantity_milli, left.returned_minor + part.value_minor
            )
            self.returned_parts.append((order.member_id, order.order_id, part))
            order.returned_minor += part.value_minor
