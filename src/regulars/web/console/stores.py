"""Stores, and what each sold in a period."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Store
from regulars.platform.errors import NotFound
from regulars.platform.money import Money
from regulars.web.console.overview import revenue_chart, sales_tiles
from regulars.web.console.periods import period_of, presets
from regulars.web.console.sight import scope_of
from regulars.web.kit.cells import Cell, Link
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, viewer_of

STORES: Final = "/console/stores"
READ: Final = "stores:read"

AnyRequest = Request[Any, Any, Any]
Row = tuple[Store, commerce.StoreFigures | None]

COLUMNS: Final = (
    Column("store", mark("Store"), lambda row: Link(row[0].name, f"{STORES}/{row[0].store_id}")),
    Column("id", mark("Id"), lambda row: row[0].store_id, minor=True),
    Column("market", mark("Market"), lambda row: row[0].market, minor=True),
    Column("orders", mark("Paid orders"), lambda row: row[1].orders if row[1] else 0, sortable=True),
    Column(
        "members", mark("Members who bought"), lambda row: row[1].members if row[1] else 0, sortable=True, minor=True
    ),
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
    return None if row[1] is None else Money(getattr(row[1], which), row[1].currency)


def store_pages(kit: Kit) -> Pages:
    """Return the pages of stores."""

    @get(STORES, guards=[kit.guards.staff(READ)])
    async def stores(request: AnyRequest) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            period = period_of(request, tx.now, page.formats)
            figures = await commerce.store_figures(tx, period.start, period.end, scope_of(viewer))
            seen = [one for one in await commerce.every_store(tx) if viewer.sees_store(one.store_id)]
            usual = presets(tx.now, page.formats, STORES)
        by_store = {one.store_id: one for one in figures}
        rows: list[Row] = [(one, by_store.get(one.store_id)) for one in seen]

        async def fetch(wanted: Wanted) -> Slice:
            text = wanted.search.casefold()
            found = [row for row in rows if text in row[0].name.casefold() or text in row[0].store_id.casefold()]
            found.sort(key=lambda row: (_sorted_by(row, wanted.sort), row[0].store_id), reverse=wanted.descending)
            return Slice(found[wanted.offset : wanted.offset + wanted.limit], total=len(found))

        return await kit.listing(request, "console/stores.html", LISTING, fetch, period=period, presets=usual)

    @get(f"{STORES}/{{store_id:str}}", guards=[kit.guards.staff(READ)])
    async def store(request: AnyRequest, store_id: FromPath[str]) -> Response[bytes]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            shop = next((one for one in await commerce.every_store(tx) if one.store_id == store_id), None)
            if shop is None or not viewer.sees_store(store_id):
                raise NotFound
            period = period_of(request, tx.now, page.formats)
            sales = await commerce.sales_figures(
                tx,
                before_start=period.before_start,
                start=period.start,
                end=period.end,
                by=period.bucket,
                time_zone=str(page.formats.zone),
                stores=[store_id],
            )
            usual = presets(tx.now, page.formats, f"{STORES}/{store_id}")
        currencies = sorted({one.currency for one in sales.sold})
        return kit.render(
            request,
            "console/store.html",
            page=page,
            shop=shop,
            period=period,
            presets=usual,
            tiles=sales_tiles(sales, period, f"&store={store_id}"),
            charts=[revenue_chart(sales, currency, period, page) for currency in currencies],
        )

    entry = Entry(STORES, mark("Stores"), icon="building-store", permission=READ)
    return Pages(ViewerKind.STAFF, [stores, store], navigation=[Group("", (entry,))])


def _sorted_by(row: Row, column: str) -> int:
    figures = row[1]
    if figures is None:
        return 0
    return {"orders": figures.orders, "members": figures.members}.get(column, figures.revenue_minor)
