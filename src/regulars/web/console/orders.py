"""Orders: listed by store, channel, state and day, found by the beginning of an id, and offered to the palette."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler

from regulars.commerce import api as commerce
from regulars.commerce.contracts import OrderRef, Store
from regulars.platform.errors import DomainError
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.service import list_markets
from regulars.platform.money import Money
from regulars.web.console.order import order_handlers
from regulars.web.console.sight import scope_of
from regulars.web.console.words import CHANNELS, STATES, channel_name, days_of, member_link, order_link, state_badge
from regulars.web.kit.cells import Badge, Cell
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Days, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.palette import Hit, Provider
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import Viewer, ViewerKind, viewer_of

ORDERS: Final = "/console/orders"
READ: Final = "orders:read"
_HITS: Final = 5
_WHOSE: Final[dict[str, commerce.Whose]] = {"member": "member", "guest": "guest"}
_STORES_IN_A_FILTER: Final = 600

AnyRequest = Request[Any, Any, Any]


def all_order_pages(kit: Kit) -> Pages:
    """Return the pages of orders."""
    entry = Entry(ORDERS, mark("Orders"), icon="receipt", permission=READ)
    return Pages(
        ViewerKind.STAFF,
        [_listing(kit), *order_handlers(kit)],
        navigation=[Group("", (entry,))],
        providers=[Provider(READ, _finder(kit))],
    )


def listing_in(language: str, stores: list[Store], markets: list[Market]) -> Listing:
    """Return the list of orders, with the stores that a viewer sees, and the markets that there are."""
    names = {one.store_id: one.name for one in stores}
    return Listing(
        name="orders",
        columns=(
            Column("order", mark("Order"), lambda one: order_link(one.order_id)),
            Column("member", mark("Member"), _whose, minor=True),
            Column("at", mark("Happened"), lambda one: one.occurred_at, minor=True),
            Column("state", mark("State"), lambda one: state_badge(one.state, one.returned_minor, one.total_minor)),
            Column("channel", mark("Channel"), lambda one: channel_name(one.channel, language), minor=True),
            Column("store", mark("Store"), lambda one: names.get(one.store_id or "", one.store_id), minor=True),
            Column("points", mark("Points used"), lambda one: one.points_used or None, minor=True),
            Column("returned", mark("Came back"), _returned, minor=True),
            Column("total", mark("Total"), lambda one: Money(one.total_minor, one.currency)),
        ),
        filters=(
            Choice("store", mark("Store"), tuple((one.store_id, one.name) for one in stores[:_STORES_IN_A_FILTER])),
            Choice("whose", mark("Buyer"), (("member", mark("Members")), ("guest", mark("Guests")))),
            Choice("channel", mark("Channel"), tuple(CHANNELS.items())),
            Choice("state", mark("State"), tuple((state, label) for state, (label, _) in STATES.items())),
            Choice("back", mark("Returns"), (("some", mark("Something came back")),)),
            Choice("paid", mark("Payment"), (("yes", mark("Was paid")),), rare=True),
            *several("market", mark("Market"), sorted({one.code for one in markets})),
            *several("currency", mark("Currency"), sorted({one.currency for one in markets})),
            Days("ordered", mark("Happened")),
        ),
        search=mark("The id, or how it begins"),
        sort="-at",
        empty=mark("No orders yet. They appear here as soon as a shop sends the first one."),
    )


def _whose(one: OrderRef) -> Cell:
    return Badge(mark("Guest")) if one.member_id is None else member_link(one.member_id)


def several(name: str, label: str, values: list[str]) -> list[Choice]:
    """Return a filter for values that speak for themselves; none where there is no choice."""
    return [Choice(name, label, tuple((value, value) for value in values))] if len(values) > 1 else []


def _returned(one: OrderRef) -> Cell:
    return Money(one.returned_minor, one.currency) if one.returned_minor else None


def _listing(kit: Kit) -> ControllerRouterHandler:
    services = kit.services

    @get(ORDERS, guards=[kit.guards.staff(READ)])
    async def order_list(request: AnyRequest) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        async with services.database.transaction() as tx:
            stores = [one for one in await commerce.every_store(tx) if viewer.sees_store(one.store_id)]
            markets = await list_markets(tx)

        async def fetch(wanted: Wanted) -> Slice:
            asked = wanted.filters
            first, last = days_of(asked, "ordered")
            async with wanted.reading() as tx:
                if wanted.search:
                    found = await commerce.find_orders(
                        tx, wanted.search, stores=scope_of(viewer), after=wanted.after or "", limit=wanted.limit + 1
                    )
                    rows = found[: wanted.limit]
                    return Slice(rows, after=rows[-1].order_id if len(found) > wanted.limit else None)
                rows, after = await commerce.list_orders(
                    tx,
                    whose=_WHOSE.get(asked.get("whose", "")),
                    stores=scope_of(viewer, asked.get("store")),
                    channel=asked.get("channel"),
                    state=asked.get("state"),
                    returned="back" in asked,
                    paid="paid" in asked,
                    market=asked.get("market"),
                    currency=asked.get("currency"),
                    first=first,
                    last=last,
                    cursor=wanted.after,
                    limit=wanted.limit,
                )
            return Slice(rows, after=after)

        return await kit.listing(request, "console/orders.html", listing_in(page.language, stores, markets), fetch)

    return order_list


def _finder(kit: Kit) -> Any:  # noqa: ANN401 - the palette's `Find`
    async def find(text: str, viewer: Viewer) -> list[Hit]:
        try:
            async with kit.services.database.transaction() as tx:
                found = await commerce.find_orders(tx, text, stores=scope_of(viewer), limit=_HITS)
        except DomainError:
            return []
        return [Hit(one.order_id, mark("Order"), f"{ORDERS}/{one.order_id}", "receipt") for one in found]

    return find
