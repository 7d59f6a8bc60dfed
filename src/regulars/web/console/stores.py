"""Stores, and what each sold in a period."""

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Store
from regulars.platform.errors import NotFound
from regulars.platform.money import Money
from regulars.web.console.figures import buyers_tile, revenue_charts, sales_tiles
from regulars.web.console.periods import period_of, presets, usual_days
from regulars.web.console.reports import cancel_path
from regulars.web.console.sight import scope_of
from regulars.web.kit.cells import Cell, Link
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import Viewer, ViewerKind, viewer_of

STORES: Final = "/console/stores"
READ: Final = "stores:read"

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A store with its figures, where it sold something, and how many members bought, where that is counted."""

    store: Store
    figures: commerce.StoreFigures | None
    members: int | None


COLUMNS: Final = (
    Column("store", mark("Store"), lambda row: Link(row.store.name, f"{STORES}/{row.store.store_id}")),
    Column("id", mark("Id"), lambda row: row.store.store_id, minor=True),
    Column("market", mark("Market"), lambda row: row.store.market, minor=True),
    Column("orders", mark("Paid orders"), lambda row: row.figures.orders if row.figures else 0, sortable=True),
    Column("members", mark("Members who bought"), lambda row: row.members, sortable=True, minor=True),
    Column("revenue", mark("Revenue"), lambda row: _money(row, "revenue_minor"), sortable=True),
    Column("back", mark("Of it came back"), lambda row: _money(row, "returned_minor"), minor=True),
)
LISTING: Final = Listing(
    name="stores",
    columns=COLUMNS,
    search=mark("Name or id"),
    sort="-revenue",
    empty=mark("No stores yet. Your shop system defines them through the API."),
)


def _money(row: Row, which: str) -> Cell:
    return None if row.figures is None else Money(getattr(row.figures, which), row.figures.currency)


def store_pages(kit: Kit) -> Pages:
    """Return the pages of stores."""
    clock = kit.services.database.clock

    @get(STORES, guards=[kit.guards.staff(READ)])
    async def stores(request: AnyRequest) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        actor = viewer.session.actor
        async with kit.services.database.transaction(actor=actor) as tx:
            standing = await commerce.sales_standing(tx)
            usual = usual_days(tx.now, page.formats, standing, is_replayed=clock.setting is not None)
            period = period_of(request, usual)
            seen = [one for one in await commerce.every_store(tx) if viewer.sees_store(one.store_id)]
            figures = await commerce.store_figures(tx, period.with_before, scope_of(viewer))
            ids = [one.store_id for one in seen]
            buyers = None
            if ids:
                buyers = await commerce.buyers_at(tx, period.with_before, ids, each=True, by=actor)
        by_store = {one.store_id: one for one in figures}
        rows = [Row(one, by_store.get(one.store_id), _bought(buyers, one)) for one in seen]

        async def fetch(wanted: Wanted) -> Slice:
            text = wanted.search.casefold()
            found = [row for row in rows if text in row.store.name.casefold() or text in row.store.store_id.casefold()]
            found.sort(key=lambda row: (_sorted_by(row, wanted.sort), row.store.store_id), reverse=wanted.descending)
            return Slice(found[wanted.offset : wanted.offset + wanted.limit], total=len(found))

        return await kit.listing(
            request,
            "console/stores.html",
            LISTING,
            fetch,
            period=period,
            presets=presets(usual, page.formats, STORES),
            as_of=None if standing is None else standing.as_of,
            buyers=buyers,
            stop=_stop(buyers, viewer),
        )

    @get(f"{STORES}/{{store_id:str}}", guards=[kit.guards.staff(READ)])
    async def store(request: AnyRequest, store_id: FromPath[str]) -> Response[bytes]:
        page, viewer = kit.page(request), viewer_of(request)
        actor = viewer.session.actor
        async with kit.services.database.transaction(actor=actor) as tx:
            shop = next((one for one in await commerce.every_store(tx) if one.store_id == store_id), None)
            if shop is None or not viewer.sees_store(store_id):
                raise NotFound
            standing = await commerce.sales_standing(tx)
            usual = usual_days(tx.now, page.formats, standing, is_replayed=clock.setting is not None)
            period = period_of(request, usual)
            sales = await commerce.sales_figures(tx, period.with_before, by=period.bucket, stores=[store_id])
            buyers = await commerce.buyers_at(tx, period.with_before, [store_id], each=False, by=actor)
        query = f"&store={store_id}"
        return kit.render(
            request,
            "console/store.html",
            page=page,
            shop=shop,
            period=period,
            presets=presets(usual, page.formats, f"{STORES}/{store_id}"),
            as_of=None if standing is None else standing.as_of,
            buyers=buyers,
            stop=_stop(buyers, viewer),
            tiles=[buyers_tile(buyers, period, viewer, page, query), *sales_tiles(sales, period, viewer, query)],
            charts=revenue_charts(sales, period, page),
        )

    entry = Entry(STORES, mark("Stores"), icon="building-store", permission=READ)
    return Pages(ViewerKind.STAFF, [stores, store], navigation=[Group("", (entry,))])


def _bought(buyers: commerce.Buyers | None, store: Store) -> int | None:
    return None if buyers is None or buyers.counts is None else buyers.counts.get(store.store_id, (0, 0))[0]


def _stop(buyers: commerce.Buyers | None, viewer: Viewer) -> str:
    """Return where the count under way is stopped, if it is one's own."""
    report = None if buyers is None else buyers.report
    return cancel_path(report) if report is not None and report.asked_by == viewer.session.actor else ""


def _sorted_by(row: Row, column: str) -> int:
    if row.figures is None:
        return 0
    return {"orders": row.figures.orders, "members": row.members or 0}.get(column, row.figures.revenue_minor)
