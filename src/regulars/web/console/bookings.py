"""The rows behind the figures: bookings of all members, and what they brought back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.platform.markets.service import list_markets
from regulars.platform.money import Money
from regulars.platform.places import read_place, write_place
from regulars.web.console.member_words import BOOKINGS, kind_name
from regulars.web.console.orders import several
from regulars.web.console.sight import scope_of
from regulars.web.console.words import WALLETS, days_of, member_link, order_link, wallet_name
from regulars.web.kit.cells import Cell, Link
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Days, Listing, One, Slice, Wanted
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, viewer_of

BOOKED: Final = "/console/bookings"
RETURNED: Final = "/console/returns"
# What a tile sums may be several kinds.
_DIGITS: Final = 18  # as many as a bigint surely holds
_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "issued": ("earn", "accrue"),
    **{kind: (kind,) for kind in BOOKINGS},
    "claw_back": ("claw_back", "forgive"),
}

AnyRequest = Request[Any, Any, Any]


def booking_pages(kit: Kit) -> Pages:
    """Return the lists of bookings and of returns."""
    services = kit.services

    @get(BOOKED, guards=[kit.guards.staff("overview:read")])
    async def bookings(request: AnyRequest) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        is_bound = viewer.stores is not None
        async with services.database.transaction() as tx:
            markets = sorted({market.code for market in await list_markets(tx)})

        async def fetch(wanted: Wanted) -> Slice:
            if is_bound:
                return Slice([])  # points belong to no store
            first, last = days_of(wanted.filters, "recorded")
            kind = wanted.filters.get("kind")
            async with wanted.reading() as tx:
                found = await loyalty.list_bookings(
                    tx,
                    wallet=wanted.filters.get("wallet"),
                    kinds=None if kind is None else _KINDS[kind],
                    market=wanted.filters.get("market"),
                    first=first,
                    last=last,
                    before=_place(wanted.after),
                    limit=wanted.limit + 1,
                )
            more = len(found) > wanted.limit
            return Slice(found[: wanted.limit], after=_cursor(found[wanted.limit - 1]) if more else None)

        return await kit.listing(
            request,
            "console/bookings.html",
            _bookings(page.language, markets, names_orders=viewer.may("orders:read")),
            fetch,
            is_bound=is_bound,
        )

    @get(RETURNED, guards=[kit.guards.staff("orders:read")])
    async def returns(request: AnyRequest) -> Response[Any]:
        viewer = viewer_of(request)
        async with services.database.transaction() as tx:
            currencies = sorted({market.currency for market in await list_markets(tx)})
            stores = {one.store_id: one.name for one in await commerce.every_store(tx)}

        async def fetch(wanted: Wanted) -> Slice:
            first, last = days_of(wanted.filters, "returned")
            async with wanted.reading() as tx:
                rows, after = await commerce.list_returns(
                    tx,
                    first=first,
                    last=last,
                    stores=scope_of(viewer, wanted.filters.get("store")),
                    currency=wanted.filters.get("currency"),
                    cursor=wanted.after,
                    limit=wanted.limit,
                )
            return Slice(rows, after=after)

        return await kit.listing(request, "console/returns.html", _returns(currencies, stores), fetch)

    return Pages(ViewerKind.STAFF, [bookings, returns])


def _bookings(language: str, markets: list[str], *, names_orders: bool) -> Listing:
    """Return the list; without the orders, whose ids are the codes on receipts, for who may not see orders."""
    of_orders = (
        Column("order", mark("Order"), _order_of, minor=True),
        Column("reference", mark("Reference"), lambda one: one.reference, minor=True, shown=False),
    )
    return Listing(
        name="bookings",
        columns=(
            Column("recorded", mark("Recorded"), lambda one: one.recorded_at),
            Column("member", mark("Member"), lambda one: member_link(one.member_id)),
            Column("kind", mark("Booking"), lambda one: kind_name(one.kind, language)),
            Column("wallet", mark("Wallet"), lambda one: wallet_name(one.wallet, language), minor=True),
            *(of_orders if names_orders else ()),
            Column("effective", mark("Happened"), lambda one: one.effective_at, minor=True, shown=False),
            Column("market", mark("Market"), lambda one: one.market, minor=True, shown=len(markets) > 1),
            Column("units", mark("Units"), lambda one: one.units),
            Column("debt", mark("Of it owed"), lambda one: one.debt_change or None, minor=True),
        ),
        filters=(
            Choice(
                "kind",
                mark("Booking"),
                (("issued", mark("Issued")), *[(kind, label) for kind, (label, _) in BOOKINGS.items()]),
            ),
            Choice("wallet", mark("Wallet"), tuple(WALLETS.items())),
            *several("market", mark("Market"), markets),
            Days("recorded", mark("Recorded")),
        ),
        sort="-recorded",
        empty=mark("No bookings yet. They appear here as members earn and spend."),
    )


def _order_of(one: loyalty.Booking) -> Link | None:
    return None if one.order_id is None else order_link(one.order_id)


def _returns(currencies: list[str], stores: Mapping[str, str]) -> Listing:
    return Listing(
        name="returns",
        columns=(
            Column("at", mark("Happened"), lambda one: one.occurred_at),
            Column("order", mark("Order"), lambda one: order_link(one.order_id)),
            Column("return", mark("Return"), lambda one: one.return_id, minor=True),
            Column("member", mark("Member"), lambda one: member_link(one.member_id), minor=True),
            Column(
                "store", mark("Taken back at"), lambda one: stores.get(one.store_id or "", one.store_id), minor=True
            ),
            Column("sold", mark("Sold at"), lambda one: stores.get(one.sold_at or "", one.sold_at), minor=True),
            Column("total", mark("Order total"), lambda one: Money(one.total_minor, one.currency), minor=True),
            Column("value", mark("Came back"), _value),
        ),
        filters=(
            Days("returned", mark("Came back")),
            *several("currency", mark("Currency"), currencies),
            One("store", mark("Sold at"), type="text", rare=True),
        ),
        sort="-at",
        empty=mark("Nothing came back yet. Returns appear here as shops take them."),
    )


def _value(one: commerce.ReturnRef) -> Cell:
    return Money(one.returned_minor, one.currency)


def _cursor(one: loyalty.Booking) -> str:
    return f"{write_place(one.recorded_at, one.member_id)}_{one.seq}"


def _place(cursor: str | None) -> tuple[datetime, UUID, int] | None:
    """Read a cursor; one that is none of ours starts from the beginning."""
    place, _, seq = (cursor or "").rpartition("_")
    found = read_place(place)
    is_number = seq.isascii() and seq.isdecimal() and len(seq) <= _DIGITS
    return (*found, int(seq)) if found is not None and is_number else None
