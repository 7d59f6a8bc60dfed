"""Facts of the commerce domain."""

from datetime import datetime
from uuid import UUID

from regulars.domain_events.base import Event


class OrderPaid(Event, frozen=True, kw_only=True):
    """An order became paid and was settled: its points, growth and tier are in the books.

    Amounts are minor units of `currency`. `occurred_at` is when it was paid, which may be told late; of the points
    earned, `debt_repaid` repaid debt, the rest can be spent from `available_at` until `expires_at`.
    """

    member_id: UUID
    order_id: str
    channel: str
    store_id: str | None
    market: str
    total_minor: int
    points_used: int
    points_earned: int
    growth_earned: int
    currency: str = ""
    occurred_at: datetime | None = None
    store_name: str | None = None
    debt_repaid: int = 0
    available_at: datetime | None = None
    expires_at: datetime | None = None


class OrderReturned(Event, frozen=True, kw_only=True):
    """Part of an order, or what was left of it, came back and was settled anew.

    Amounts are minor units of `currency`. `money_back_minor` is what went back in money: `returned_minor` less what the
    points given back are worth (None: written before this was said). `to_debt` is the part of `points_clawed_back` that
    was not there any more.
    """

    member_id: UUID
    order_id: str
    return_id: str
    store_id: str | None
    returned_minor: int
    points_given_back: int
    points_clawed_back: int
    growth_reversed: int
    market: str = ""
    currency: str = ""
    occurred_at: datetime | None = None
    store_name: str | None = None
    to_debt: int = 0
    money_back_minor: int | None = None


class OrderCancelled(Event, frozen=True, kw_only=True):
    """An order ended before it was paid, or was undone as a whole after."""

    order_id: str
