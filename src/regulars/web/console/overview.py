"""The programme's figures in a period against the period before; each opens to its rows. Currencies are never mixed."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from litestar import Request, Response, get

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.console.periods import Period, change, period_of, presets
from regulars.web.console.sight import scope_of
from regulars.web.console.words import CHANNELS, channel_name
from regulars.web.kit.charts import Chart, Series
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, viewer_of

OVERVIEW: Final = "/console"
READ: Final = "overview:read"

AnyRequest = Request[Any, Any, Any]
Tile = dict[str, Any]


def overview_pages(kit: Kit) -> Pages:
    """Return the first page of the console."""
    configuration = loyalty.Configuration()

    @get(OVERVIEW, guards=[kit.guards.staff(READ)])
    async def overview(request: AnyRequest) -> Response[bytes]:
        page, stores = kit.page(request), scope_of(viewer_of(request))
        async with kit.services.database.transaction() as tx:
            period = period_of(request, tx.now, page.formats)
            policy = await loyalty.policy_in_force(tx, configuration)
            sales = await commerce.sales_figures(
                tx,
                before_start=period.before_start,
                start=period.start,
                end=period.end,
                by=period.bucket,
                time_zone=str(page.formats.zone),
                stores=stores,
            )
            programme = None
            if stores is None and policy is not None:
                programme = await loyalty.programme_figures(
                    tx, configuration, before_start=period.before_start, start=period.start, end=period.end
                )
            usual = presets(tx.now, page.formats, OVERVIEW)
        return kit.render(
            request,
            "console/overview.html",
            page=page,
            period=period,
            presets=usual,
            is_narrowed=stores is not None,
            sales_tiles=sales_tiles(sales, period),
            members_tiles=[] if programme is None else _members(programme, period),
            points_tiles=[] if programme is None else _points(programme),
            charts=[revenue_chart(sales, currency, period, page) for currency in _currencies(sales)],
            tiers=None if programme is None else _tiers(programme, page.language),
            channels=_channels(sales, page.language),
        )

    entry = Entry(OVERVIEW, mark("Overview"), icon="chart-bar", permission=READ, alone=True)
    return Pages(ViewerKind.STAFF, [overview], navigation=[Group("", (entry,))])


def _currencies(sales: commerce.SalesFigures) -> list[str]:
    return sorted({one.currency for one in [*sales.sold, *sales.sold_before]})


def _tile(label: str, value: Any, path: str, now: int, before: int, *, good: str = "up") -> Tile:  # noqa: ANN401 - a number, or Money
    return {"label": label, "value": value, "path": path, "before": change(now, before), "good": good}


def sales_tiles(sales: commerce.SalesFigures, period: Period, query: str = "") -> list[Tile]:
    """Return the figures of what was sold, an own set for each currency."""
    orders_path = f"/console/orders?{period.query('ordered')}{query}"
    orders, before = (sum([one.orders for one in sold]) for sold in (sales.sold, sales.sold_before))
    tiles = [
        _tile(mark("Members who bought"), sales.active, orders_path, sales.active, sales.active_before),
        _tile(mark("Paid orders"), orders, orders_path, orders, before),
    ]
    for currency in _currencies(sales):
        now, then = (_revenue(sold, currency) for sold in (sales.sold, sales.sold_before))
        tiles.append(_tile(mark("Revenue"), Money(now, currency), orders_path, now, then))
        now, then = (_came_back(sales, currency, is_current=current) for current in (True, False))
        value = Money(now, currency)
        tiles.append(_tile(mark("Came back"), value, f"{orders_path}&back=some", now, then, good="down"))
    return tiles


def _revenue(sold: Iterable[Any], currency: str) -> int:
    return sum([one.revenue_minor for one in sold if one.currency == currency])


def _came_back(sales: commerce.SalesFigures, currency: str, *, is_current: bool) -> int:
    found = [one for one in sales.came_back if one.currency == currency and one.is_current is is_current]
    return sum([one.returned_minor for one in found])


def _members(figures: loyalty.ProgrammeFigures, period: Period) -> list[Tile]:
    everybody = f"/console/members?joined_to={period.last}"
    joined = f"/console/members?{period.query('joined')}"
    return [
        _tile(mark("Members"), figures.members, everybody, figures.members, figures.members_before),
        _tile(mark("New members"), figures.joined, joined, figures.joined, figures.joined_before),
    ]


def _points(figures: loyalty.ProgrammeFigures) -> list[Tile]:
    now, before = figures.points, figures.points_before
    return [
        _tile(mark("Points issued"), now.issued, "", now.issued, before.issued),
        _tile(mark("Points used"), now.used, "", now.used, before.used),
        _tile(mark("Points expired"), now.expired, "", now.expired, before.expired, good="down"),
        _tile(mark("Points taken back"), now.taken_back, "", now.taken_back, before.taken_back, good="down"),
        _tile(mark("Points given back"), now.given_back, "", now.given_back, before.given_back, good="down"),
        _tile(mark("Points outstanding"), now.outstanding, "", now.outstanding, before.outstanding, good="down"),
    ]


def revenue_chart(sales: commerce.SalesFigures, currency: str, period: Period, page: Page) -> Chart:
    """Draw what was sold in a currency, by channel."""
    by_bucket: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in sales.sold:
        if one.currency == currency:
            by_bucket[one.bucket][one.channel] += one.revenue_minor
    buckets = sorted(by_bucket)
    channels = [channel for channel in CHANNELS if any(channel in found for found in by_bucket.values())]
    best = max(buckets, key=lambda bucket: sum(by_bucket[bucket].values()), default=None)
    summary = say("Nothing was sold in these days.", page.language)
    if best is not None:
        summary = say(
            "Revenue in {currency}: {total} in all, the most ({most}) in what begins on {day}.",
            page.language,
            currency=currency,
            total=page.formats.money(Money(_revenue(sales.sold, currency), currency)),
            most=page.formats.money(Money(sum(by_bucket[best].values()), currency)),
            day=page.formats.day(best),
        )
    return Chart(
        kind="stack",
        label_heading=say("Begins on", page.language),
        labels=[period.label(bucket, page.formats) for bucket in buckets],
        series=[
            Series(channel_name(channel, page.language), [Money(by_bucket[one][channel], currency) for one in buckets])
            for channel in channels
        ],
        summary=summary,
    )


def _tiers(figures: loyalty.ProgrammeFigures, language: str) -> dict[str, Any]:
    everybody = sum([count for _, count in figures.tiers])
    named = [(loyalty.name_of_tier(code, language), count) for code, count in figures.tiers]
    most = max(named, key=lambda one: one[1])
    chart = Chart(
        kind="share",
        label_heading=say("Tier", language),
        labels=[name for name, _ in named],
        series=[Series(say("Members", language), [count for _, count in named])],
        summary=say("Most members ({count}) are {tier}.", language, count=f"{most[1]:,}", tier=most[0]),
    )
    rows = [
        (name, count, count / everybody if everybody else 0.0, f"/console/members?tier={code}")
        for (name, count), (code, _) in zip(named, figures.tiers, strict=True)
    ]
    return {"chart": chart, "rows": rows}


def _channels(sales: commerce.SalesFigures, language: str) -> list[tuple[str, str, str, int, Money]]:
    """Return orders and revenue by market and channel."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in sales.sold:
        sums = found[one.market, one.channel, one.currency]
        sums[0] += one.orders
        sums[1] += one.revenue_minor
    return [
        (market, channel_name(channel, language), channel, orders, Money(revenue, currency))
        for (market, channel, currency), (orders, revenue) in sorted(found.items())
    ]
