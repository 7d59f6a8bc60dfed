"""Guest orders in memory: orders that nobody has claimed, kept whole as documents."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from regulars.commerce.contracts import PutOrder, ReturnLine
from regulars.commerce.orders.rules import LineLeft


class GuestReturn(Struct, frozen=True, kw_only=True):
    """A return of a guest order, as answered; amounts in minor units."""

    return_id: str
    content_hash: bytes
    store_id: str | None
    asked: tuple[ReturnLine, ...] | None
    lines: tuple[ReturnLine, ...]
    left: tuple[ReturnLine, ...]
    returned_minor: int
    returned_so_far_minor: int
    occurred_at: datetime
    recorded_at: datetime


class GuestOrder(Struct, kw_only=True):
    """An order without a member: what was last sent of it, and what has come back (thousandths, minor units)."""

    fact: PutOrder
    content_hash: bytes
    occurred_at: datetime
    recorded_at: datetime
    was_paid: bool = False
    returned: dict[str, tuple[int, int]] = {}
    returns: list[GuestReturn] = []
    claimed_by: UUID | None = None

    def lines(self) -> dict[str, LineLeft]:
        """Return its lines with what has come back of them."""
        return {line.line_id: LineLeft(line, *self.returned.get(line.line_id, (0, 0))) for line in self.fact.lines}

    @property
    def returned_minor(self) -> int:
        """All that has come back so far, in minor units."""
        return sum([minor for _, minor in self.returned.values()])


@dataclass(slots=True)
class GuestBook:
    """The guest orders a batch knows, and which of them it is going to write."""

    orders: dict[str, GuestOrder] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    claims: dict[str, UUID] = field(default_factory=dict)

    def unclaimed(self, order_id: str) -> GuestOrder | None:
        """Return a guest order that nobody has claimed."""
        order = self.orders.get(order_id)
        return order if order is not None and order.claimed_by is None else None
