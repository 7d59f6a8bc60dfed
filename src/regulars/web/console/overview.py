"""The programme's figures in a period against the period before; each opens to its rows. Currencies are never mixed."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from litestar import Request, Response, get, post

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import MemberFigures
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.markets.service import market
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.platform.webhooks import service as webhooks
from regulars.web.console.figures import (
    BUYERS_LABEL,
    Tile,
    buyers_tile,
    by_channel,
    opening,
    revenue_charts,
    sales_tiles,
    tile,
)
from regulars.web.console.periods import Period, period_of, presets, usual_days
from regulars.web.console.reports import cancel_path
from regulars.web.console.sight import scope_of
from regulars.web.kit.charts import Chart, Series
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import Viewer, ViewerKind, local_path, viewer_of

OVERVIEW: Final = "/console"
COUNT: Final = "/console/buyers"
READ: Final = "overview:read"

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Programme:
    """What only those see who are bound to no store."""

    members: MemberFigures
    books: loyalty.ProgrammeFigures | None
    worth: list[tuple[loyalty.Liability, Money, Money]]


def overview_pages(kit: Kit) -> Pages:
    """Return the first page of the console."""
    configuration = loyalty.Configuration()
    clock = kit.services.database.clock

    @get(OVERVIEW, guards=[kit.guards.staff(READ)])
    async def overview(request: AnyRequest) -> Response[bytes]:
        page, viewer = kit.page(request), viewer_of(request)
        stores, programme, buyers = scope_of(viewer), None, None
        async with kit.services.database.transaction(actor=viewer.session.actor) as tx:
            disabled = await webhooks.disabled_as_failing(tx) if viewer.may("webhooks:write") else 0
            standing = await commerce.sales_standing(tx)
            usual = usual_days(tx.now, page.formats, standing, is_replayed=clock.setting is not None)
            period = period_of(request, usual)
            sales = await commerce.sales_figures(tx, period.with_before, by=period.bucket, stores=stores)
            if stores is None:
                programme = await _programme(tx, configuration, period)
            else:
                buyers = await commerce.buyers_at(tx, period.with_before, stores, each=False, by=viewer.session.actor)
        shown = _shown(sales, programme, buyers, period=period, viewer=viewer, page=page)
        return kit.render(
            request,
            "console/overview.html",
            page=page,
            period=period,
            presets=presets(usual, page.formats, OVERVIEW),
            is_narrowed=stores is not None,
            is_empty=programme is not None and not programme.members.members and not sales.sold,
            stop=cancel_path(buyers.report) if buyers and buyers.report and _asked(buyers, viewer) else "",
            buyers=buyers,
            disabled_webhooks=disabled,
            **shown,
        )

    @post(COUNT, guards=[kit.guards.staff(READ)])
    async def count_again(request: AnyRequest) -> Response[bytes]:
        viewer, form = viewer_of(request), await request.form()
        given = {name: str(form.get(name, "")) for name in ("from", "to", "store", "next")}
        try:
            period = Period(date.fromisoformat(given["from"]), date.fromisoformat(given["to"]))
            days = period.with_before
        except (ValueError, OverflowError):
            raise NotFound from None
        async with kit.services.database.transaction(actor=viewer.session.actor) as tx:
            each, stores = form.get("each") == "yes", scope_of(viewer, given["store"] or None)
            if each or stores is None:
                seen = [one for one in await commerce.every_store(tx) if viewer.sees_store(one.store_id)]
                stores = [one.store_id for one in seen]
            await commerce.count_buyers_again(tx, days, stores, each=each, by=viewer.session.actor)
        return kit.see(local_path(given["next"], OVERVIEW))

    entry = Entry(OVERVIEW, mark("Overview"), icon="chart-bar", permission=READ)
    return Pages(ViewerKind.STAFF, [overview, count_again], navigation=[Group("", (entry,))])


def _asked(buyers: commerce.Buyers, viewer: Viewer) -> bool:
    """Whether a report is one's own to stop."""
    return buyers.report is not None and buyers.report.asked_by == viewer.session.actor


async def _programme(tx: Transaction, configuration: loyalty.Configuration, period: Period) -> Programme:
    days = {"before_first": period.before_first, "first": period.first, "last": period.last}
    policy = await loyalty.policy_in_force(tx, configuration)
    everybody = await members.member_figures(tx, **days)
    if policy is None:
        return Programme(everybody, None, [])
    books = await loyalty.programme_figures(tx, policy, **days)
    worth = []
    for one in books.liability:
        currency = (await market(tx, one.market)).currency
        worth.append((one, Money(one.worth_minor, currency), Money(one.worth_before_minor, currency)))
    return Programme(everybody, books, worth)


def _shown(
    sales: commerce.SalesFigures,
    programme: Programme | None,
    buyers: commerce.Buyers | None,
    *,
    period: Period,
    viewer: Viewer,
    page: Page,
) -> dict[str, Any]:
    """Return what the template shows of the figures."""
    books = programme.books if programme is not None else None
    tiles = [] if programme is None else _members(programme.members, period, viewer)
    if buyers is not None:
        tiles.append(buyers_tile(buyers, period, viewer, page))
    else:
        path = opening(viewer, "members:read", f"/console/members?{period.query('bought')}")
        tiles.append(tile(BUYERS_LABEL, sales.active or 0, sales.active_before, path))
    return {
        "as_of": _as_of(sales, programme),
        "member_tiles": tiles,
        "sales_tiles": sales_tiles(sales, period, viewer),
        "points_tiles": [] if books is None else _points(books, period),
        "worth": [] if programme is None else programme.worth,
        "outstanding_path": f"/console/bookings?wallet=points&recorded_to={period.last}",
        "charts": revenue_charts(sales, period, page),
        "channels": by_channel(sales, viewer, period, page),
        "tiers": None if programme is None or books is None else _tiers(programme, books, period, viewer, page),
    }


def _as_of(sales: commerce.SalesFigures, programme: Programme | None) -> datetime | None:
    """Return up to when all figures of the page hold; None while some are computed for the first time."""
    standings = [sales.standing]
    if programme is not None:
        standings.append(programme.members.standing)
        standings += [programme.books.standing] if programme.books is not None else []
    instants = [one.as_of for one in standings if one is not None]
    return min(instants) if len(instants) == len(standings) else None


def _members(figures: MemberFigures, period: Period, viewer: Viewer) -> list[Tile]:
    everybody = opening(viewer, "members:read", f"/console/members?joined_to={period.last}")
    joined = opening(viewer, "members:read", f"/console/members?{period.query('joined')}")
    return [
        tile(mark("Members"), figures.members, figures.members_before, everybody),
        tile(mark("New members"), figures.joined, figures.joined_before, joined),
    ]


def _points(figures: loyalty.ProgrammeFigures, period: Period) -> list[Tile]:
    now, before = figures.points, figures.points_before

    def rows(kind: str) -> str:
        return f"/console/bookings?wallet=points&kind={kind}&{period.query('recorded')}"

    return [
        tile(mark("Points issued"), now.issued, before.issued, rows("issued")),
        tile(mark("Points used"), now.used, before.used, rows("redeem")),
        tile(mark("Points expired"), now.expired, before.expired, rows("expire"), good="down"),
        tile(mark("Points taken back"), now.taken_back, before.taken_back, rows("claw_back"), good="down"),
        tile(mark("Points given back"), now.given_back, before.given_back, rows("give_back"), good="down"),
        tile(mark("Points corrected"), now.corrected, before.corrected, rows("adjust")),
    ]


def _tiers(
    programme: Programme, books: loyalty.ProgrammeFigures, period: Period, viewer: Viewer, page: Page
) -> dict[str, Any]:
    """Return members by tier at the period's end against its beginning. Everybody begins in the lowest tier."""
    language = page.language
    joined, joined_before = programme.members.members, programme.members.members_before
    rows = []
    for place, (code, at_end, at_start) in enumerate(books.tier_moves):
        now, before = (at_end + joined, at_start + joined_before) if place == 0 else (at_end, at_start)
        path = f"/console/members?tier={code}&tier_on={period.last}&joined_to={period.last}"
        name = loyalty.name_of_tier(code, language)
        rows.append((name, before, now, now / joined if joined else 0.0, opening(viewer, "members:read", path)))
    most = max(rows, key=lambda row: row[2])
    chart = Chart(
        kind="share",
        label_heading=say("Tier", language),
        labels=[row[0] for row in rows],
        series=[Series(say("Members", language), [row[2] for row in rows])],
        summary=say(
            "On {day} most members ({count}) are {tier}.",
            language,
            day=page.formats.day(period.last),
            count=page.formats.number(most[2]),
            tier=most[0],
        ),
    )
    return {"chart": chart, "rows": rows}
