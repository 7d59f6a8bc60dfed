"""Tiles and charts of figures, as the overview and the pages of stores show them; every one opens to its rows."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from regulars.commerce import api as commerce
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.console.periods import Period, change
from regulars.web.console.words import CHANNELS, channel_name
from regulars.web.kit.charts import Chart, Series
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import Viewer

BUYERS_LABEL: Final = mark("Members who bought")
_HEADINGS: Final = {"day": mark("On the day"), "week": mark("Week from"), "month": mark("Month")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure: its marked label, its value (a number, or Money), where its rows are, and the change as a share.

    `note` says (in the viewer's language) what stands in the place of the change.
    """

    label: str
    value: Any
    path: str = ""
    before: float | None = None
    good: str = "up"
    note: str = ""


def tile(label: str, now: int, before: int | None, path: str, *, currency: str = "", good: str = "up") -> Tile:
    """Return a tile for a number, or an amount in minor units, against the one before."""
    value = Money(now, currency) if currency else now
    return Tile(label=label, value=value, path=path, before=change(now, before or 0), good=good)


def opening(viewer: Viewer, permission: str, path: str) -> str:
    """Return the address of a figure's rows for those who may see them."""
    return path if viewer.may(permission) else ""


def currencies_of(sales: commerce.SalesFigures) -> list[str]:
    """Return the currencies in which something was sold or came back; amounts of two never add up."""
    found = {one.currency for one in [*sales.sold, *sales.sold_before]}
    return sorted(found | {one.currency for one in sales.came_back})


def sales_tiles(sales: commerce.SalesFigures, period: Period, viewer: Viewer, query: str = "") -> list[Tile]:
    """Return the figures of what was sold, an own set for each currency."""
    orders_path = opening(viewer, "orders:read", f"/console/orders?paid=yes&{period.query('ordered')}{query}")
    returns_path = opening(viewer, "orders:read", f"/console/returns?{period.query('returned')}{query}")
    orders, before = (sum([one.orders for one in sold]) for sold in (sales.sold, sales.sold_before))
    tiles = [tile(mark("Paid orders"), orders, before, orders_path)]
    found = currencies_of(sales)
    for currency in found:
        more = f"&currency={currency}" if len(found) > 1 else ""
        now, then = (revenue_of(sold, currency) for sold in (sales.sold, sales.sold_before))
        tiles.append(tile(mark("Revenue"), now, then, orders_path and orders_path + more, currency=currency))
        now, then = (_came_back(sales, currency, is_current=current) for current in (True, False))
        path = returns_path and returns_path + more
        tiles.append(tile(mark("Came back"), now, then, path, currency=currency, good="down"))
    return tiles


def buyers_tile(buyers: commerce.Buyers, period: Period, viewer: Viewer, page: Page, query: str = "") -> Tile:
    """Return the tile of members who bought at chosen stores, as far as they have been counted."""
    path = opening(viewer, "members:read", f"/console/members?{period.query('bought')}{query}")
    if buyers.counts is None:
        return Tile(label=BUYERS_LABEL, value=None, note=say("not counted yet", page.language))
    now, before = buyers.counts.get("", (0, 0))
    return tile(BUYERS_LABEL, now, before, path)


def revenue_of(sold: Iterable[commerce.Sold], currency: str) -> int:
    """Return what was sold in a currency, in minor units."""
    return sum([one.revenue_minor for one in sold if one.currency == currency])


def _came_back(sales: commerce.SalesFigures, currency: str, *, is_current: bool) -> int:
    found = [one for one in sales.came_back if one.currency == currency and one.is_current is is_current]
    return sum([one.returned_minor for one in found])


def revenue_charts(sales: commerce.SalesFigures, period: Period, page: Page) -> list[Chart]:
    """Draw what was sold by channel, a chart for each currency."""
    return [_revenue_chart(sales, one, period, page) for one in sorted({each.currency for each in sales.sold})]


def _revenue_chart(sales: commerce.SalesFigures, currency: str, period: Period, page: Page) -> Chart:
    by_bucket: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in sales.sold:
        if one.currency == currency and one.bucket is not None:
            by_bucket[one.bucket][one.channel] += one.revenue_minor
    buckets = sorted(by_bucket)
    channels = [channel for channel in CHANNELS if any(channel in found for found in by_bucket.values())]
    best = max(buckets, key=lambda bucket: sum(by_bucket[bucket].values()))
    sentence: dict[str, Callable[..., str]] = {"day": _best_day, "week": _best_week, "month": _best_month}
    summary = sentence[period.bucket](
        page.language,
        currency=currency,
        total=page.formats.money(Money(revenue_of(sales.sold, currency), currency)),
        most=page.formats.money(Money(sum(by_bucket[best].values()), currency)),
        when=period.label(best, page.formats),
    )
    return Chart(
        kind="stack",
        label_heading=in_language(_HEADINGS[period.bucket], page.language),
        labels=[period.label(bucket, page.formats) for bucket in buckets],
        series=[
            Series(channel_name(channel, page.language), [Money(by_bucket[one][channel], currency) for one in buckets])
            for channel in channels
        ],
        summary=summary,
    )


def _best_day(language: str, **told: str) -> str:
    return say("{total} in {currency}; the most on one day were {most}, on {when}.", language, **told)


def _best_week(language: str, **told: str) -> str:
    return say("{total} in {currency}; the most in one week were {most}, from {when} on.", language, **told)


def _best_month(language: str, **told: str) -> str:
    return say("{total} in {currency}; the most in one month were {most}, in {when}.", language, **told)


ChannelRow = tuple[str, str, str, int, Money]


def by_channel(sales: commerce.SalesFigures, viewer: Viewer, period: Period, page: Page) -> Sequence[ChannelRow]:
    """Return (market, channel, address of the orders, orders, revenue) of a period."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in sales.sold:
        sums = found[one.market, one.channel, one.currency]
        sums[0] += one.orders
        sums[1] += one.revenue_minor
    rows = []
    for (market, channel, currency), (orders, revenue) in sorted(found.items()):
        path = f"/console/orders?paid=yes&market={market}&channel={channel}&{period.query('ordered')}"
        name = channel_name(channel, page.language)
        rows.append((market, name, opening(viewer, "orders:read", path), orders, Money(revenue, currency)))
    return rows
