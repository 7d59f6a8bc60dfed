"""The member's orders: the list, and one with its lines, its returns, and what they did to points and growth."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from litestar import Response, get
from litestar.params import FromPath

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Channel, OrderOutcome, ReturnOutcome
from regulars.loyalty import api as loyalty
from regulars.platform.explaining.contracts import Explanation
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.kit.cells import Badge
from regulars.web.kit.formats import Formats
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.kit.whys import Why, why_of
from regulars.web.portal.effects import Effect, Undone, effects_of_order, effects_of_return, points_of_order, signed
from regulars.web.portal.own import AnyRequest, own_id

HOME: Final = "/portal/orders"
_ROWS: Final = 20
_CHANNELS: Final[dict[Channel, str]] = {
    "online": mark("Online store"),
    "store": mark("Shop"),
    "app": mark("App"),
    "partner": mark("Partner"),
    "social": mark("Social media"),
    "phone": mark("By phone"),
}
_SETTLED: Final = frozenset({"paid", "fulfilled"})


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order in the list. `points` is what it earned in all; empty before it is paid, and once goods came back."""

    order_id: str
    place: str
    occurred_at: datetime
    total: Money
    state: Badge | None
    points: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of an order, and how much of it has come back (nothing: an empty text)."""

    sku: str
    quantity: str
    amount: Money
    returned_quantity: str
    returned: Money


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """A return, and what it did. `lines` are what came back, `money_back` what was given back in money for it."""

    title: str
    place: str
    occurred_at: datetime
    returned: Money
    money_back: Money | None
    lines: list[str]
    effects: list[Effect]
    why: Why


def order_pages(kit: Kit) -> Pages:
    """Return the pages of orders."""
    services = kit.services
    configuration = loyalty.Configuration()
    rules = commerce.Commerce(configuration)

    @get(HOME, guards=[kit.guards.member()])
    async def orders(request: AnyRequest) -> Response[bytes]:
        member_id, page = own_id(request), kit.page(request)
        cursor = request.query_params.get("after")
        async with services.database.transaction() as tx:
            found, following = await commerce.orders_of_member(tx, member_id, cursor, _ROWS)
            stores = {store.store_id: store.name for store in await commerce.every_store(tx)} if found else {}
        return kit.render(
            request,
            "portal/orders.html",
            page=page,
            orders=[_row(order, stores, page.formats) for order in found],
            older="" if following is None else f"{HOME}?after={following}",
            is_first=cursor is None,
        )

    @get(f"{HOME}/{{order_id:str}}", guards=[kit.guards.member()])
    async def order(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
        member_id, page = own_id(request), kit.page(request)
        async with services.database.transaction() as tx:
            read = await commerce.own_order(tx, member_id, order_id)
            stores = {store.store_id: store.name for store in await commerce.every_store(tx)}
            await loyalty.policy_in_force(tx, configuration)
        found, formats = read.outcome, page.formats
        whys = commerce.explained(read, rules, {found.market: formats.zone.key})
        by_points = _paid_by_points(found, configuration)
        skus = {left.line.line_id: left.line.sku for left in read.lines}
        return kit.render(
            request,
            "portal/order.html",
            page=page,
            order=_row(found, stores, formats),
            returned=Money(found.returned_minor, found.currency),
            by_points=by_points,
            paid_in_money=Money(found.total_minor - by_points.amount_minor, found.currency),
            kept=Money(found.total_minor - found.returned_minor, found.currency),
            lines=_lines(read),
            effects=effects_of_order(found.settlement, by_points, _undone(read), tx.now, formats),
            why=why_of(whys.order, formats) if found.settlement is not None else None,
            returns=[
                _return(store_id, one, stores, skus, formats, why=why)
                for (store_id, one), why in zip(read.returns, whys.returns, strict=True)
            ],
            awaits_payment=found.settlement is None and found.state not in _SETTLED,
        )

    entries = (Entry(HOME, mark("Orders"), icon="receipt", also=("/portal/claim",)),)
    return Pages(ViewerKind.MEMBER, [orders, order], navigation=[Group("", entries)])


def _row(order: OrderOutcome, stores: dict[str, str], formats: Formats) -> OrderRow:
    points = None if order.returned_minor else points_of_order(order.settlement)  # else its page tells what is left
    return OrderRow(
        order_id=order.order_id,
        place=_place(order.store_id, stores, in_language(_CHANNELS[order.channel], formats.language)),
        occurred_at=order.occurred_at,
        total=Money(order.total_minor, order.currency),
        state=_state(order),
        points="" if not points else say("{amount} points", formats.language, amount=signed(points, formats)),
    )


def _state(order: OrderOutcome) -> Badge | None:
    """Return what is not usual about an order; being paid is."""
    if order.state == "cancelled":
        return Badge(mark("Cancelled"))
    if order.returned_minor and order.returned_minor >= order.total_minor:
        return Badge(mark("Returned"))
    if order.returned_minor:
        return Badge(mark("Partly returned"), "warning")
    return Badge(mark("Not paid yet"), "info") if order.state not in _SETTLED else None


def _place(store_id: str | None, stores: dict[str, str], otherwise: str) -> str:
    return otherwise if store_id is None else stores.get(store_id, otherwise)


def _lines(read: commerce.OrderRead) -> list[LineRow]:
    currency = read.outcome.currency
    return [
        LineRow(
            sku=left.line.sku,
            quantity=commerce.shown_quantity(left.line.quantity_milli),
            amount=Money(left.line.amount_minor, currency),
            returned_quantity=commerce.shown_quantity(left.returned_milli) if left.returned_milli else "",
            returned=Money(left.returned_minor, currency),
        )
        for left in read.lines
    ]


def _undone(read: commerce.OrderRead) -> Undone:
    """Return how much of what the order did its returns undid."""
    made = [one.settlement for _, one in read.returns if one.settlement is not None]
    return Undone(
        points=sum([one.points_clawed_back for one in made]),
        growth=sum([one.growth_reversed for one in made]),
        paid=sum([one.points_given_back for one in made]),
        tier=any(one.tier_before != one.tier_after for one in made),
    )


def _paid_by_points(order: OrderOutcome, configuration: loyalty.Configuration) -> Money:
    settled = order.settlement
    if settled is None or not settled.points_used:
        return Money(0, order.currency)
    worth = configuration.policy_of_version(settled.policy_version).payment.point_value_minor
    return Money(settled.points_used * worth, order.currency)


def _return(
    store_id: str | None,
    returned: ReturnOutcome,
    stores: dict[str, str],
    skus: dict[str, str],
    formats: Formats,
    *,
    why: Explanation,
) -> ReturnRow:
    cancelled = returned.return_id.startswith("~")  # as only cancellations do
    return ReturnRow(
        title=in_language(mark("Cancelled") if cancelled else mark("Return"), formats.language),
        place=_place(store_id, stores, ""),
        occurred_at=returned.occurred_at,
        returned=Money(returned.returned_minor, returned.currency),
        money_back=None if returned.money_back_minor is None else Money(returned.money_back_minor, returned.currency),
        lines=[
            f"{commerce.shown_quantity(line.quantity_milli or 0)} × {skus.get(line.line_id, line.line_id)}"
            for line in returned.lines
        ],
        effects=effects_of_return(returned.settlement, formats),
        why=why_of(why, formats),
    )
