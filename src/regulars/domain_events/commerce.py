"""Facts of the commerce domain."""

from uuid import UUID

from regulars.domain_events.base import Event


class OrderPaid(Event, frozen=True, kw_only=True):
    """An order became paid and was settled: its points, growth and tier are in the books."""

    member_id: UUID
    order_id: str
    channel: str
    store_id: str | None
    market: str
    total_minor: int
    points_used: int
    points_earned: int
    growth_earned: int


class OrderReturned(Event, frozen=True, kw_only=True):
    """Part of an order, or what was left of it, came back and was settled anew."""

    member_id: UUID
    order_id: str
    return_id: str
    store_id: str | None
    returned_minor: int
    points_given_back: int
    points_clawed_back: int
    growth_reversed: int


class OrderCancelled(Event, frozen=True, kw_only=True):
    """An order ended before it was paid, or was undone as a whole after."""

    order_id: str
