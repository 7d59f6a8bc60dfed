"""Finance: what members may still spend, now and at any instant, of what it is made, and how much of it will expire."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from babel.numbers import get_currency_precision
from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from regulars.loyalty import api as loyalty
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.markets.service import list_markets
from regulars.platform.money import Money
from regulars.platform.reports.contracts import Report
from regulars.platform.texts import say
from regulars.web.console.account import who
from regulars.web.console.finance_months import HOME, READ, finance_tabs, month_handlers, month_of
from regulars.web.console.reports import cancel_path
from regulars.web.console.words import wallet_name
from regulars.web.kit.charts import Chart, Series
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.pages import Page
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

BREAKAGE: Final = f"{HOME}/breakage"
COMPOSE: Final = f"{HOME}/composition"
_PARTS: Final = (
    ("spendable", mark("Can be spent")),
    ("held", mark("Held for a purpose")),
    ("pending", mark("Pending")),
    ("run_out", mark("Run out, not yet booked")),
)

AnyRequest = Request[Any, Any, Any]


def finance_pages(kit: Kit) -> Pages:
    """Return the pages of finance."""
    configuration = loyalty.Configuration()
    handlers = [*_liability(kit, configuration), *month_handlers(kit, configuration), _breakage(kit, configuration)]
    entry = Entry(HOME, mark("Finance"), icon="report-money", permission=READ)
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Points"), (entry,))])


# --- what is outstanding ----------------------------------------------------------------------------------------------


def _liability(kit: Kit, configuration: loyalty.Configuration) -> Sequence[ControllerRouterHandler]:
    @get(HOME, guards=[kit.guards.staff(READ)])
    async def liability(request: AnyRequest) -> Response[bytes]:
        page = kit.page(request)
        typed = request.query_params.get("at", "")
        at = instant_of(typed, page)
        async with kit.services.database.transaction() as tx:
            is_wrong = bool(typed) and (at is None or at > tx.now)
            when = tx.now if at is None or is_wrong else at
            asked_at = None if is_wrong else at
            found = await loyalty.liability_at(tx, configuration, when)
            report, composed = await loyalty.composition(tx, asked_at)
        waiting = report if report is not None and report.state != "done" else None
        return kit.render(
            request,
            "console/finance.html",
            page=page,
            status=422 if is_wrong else 200,
            tabs=finance_tabs(page.language),
            typed=typed if is_wrong or at is not None else "",
            is_wrong=is_wrong,
            when=when,
            wallets=[_wallet(one, page, when) for one in found if one.spendable or one.held.balance],
            waiting=waiting,
            stop=_stop(request, waiting),
            composed=None if composed is None else _composed(composed, page),
        )

    @post(COMPOSE, guards=[kit.guards.staff(READ)])
    async def compose(request: AnyRequest) -> Response[bytes]:
        actor, form = who(request).actor, await request.form()
        at = instant_of(str(form.get("at", "")), kit.page(request))
        async with kit.services.database.transaction(actor=actor) as tx:
            past = None if at is None or at > tx.now else at
            await loyalty.ask_composition(tx, past, by=actor)
        written = "" if past is None else f"?at={past.astimezone(kit.page(request).formats.zone):%Y-%m-%dT%H:%M}"
        return kit.see(f"{HOME}{written}")

    return [liability, compose]


def instant_of(typed: str, page: Page) -> datetime | None:
    """Return the instant that somebody typed (`2026-05-01T12:00`), in the page's time zone; None if it is none."""
    try:
        at = datetime.fromisoformat(typed)
        return at.replace(tzinfo=page.formats.zone) if at.tzinfo is None else at
    except (ValueError, OverflowError):
        return None


def _stop(request: AnyRequest, waiting: Report | None) -> str:
    return cancel_path(waiting) if waiting is not None and waiting.asked_by == who(request).actor else ""


def _wallet(one: loyalty.LiabilityAt, page: Page, when: datetime) -> dict[str, Any]:
    """Return the figures of a wallet in a market; each leads to its bookings."""
    rows = f"/console/bookings?wallet={one.wallet}&recorded_to={when.astimezone(page.formats.zone):%Y-%m-%d}"
    worth = one.worth
    return {
        "name": wallet_name(one.wallet, page.language),
        "market": one.market,
        "spendable": one.spendable,
        "held": one.held,
        "rows": rows,
        "at_most": None if worth is None else Money(worth.at_most_minor, one.currency),
        "fair": None if worth is None or worth.fair_minor is None else Money(worth.fair_minor, one.currency),
        "point": None if worth is None else Money(worth.point_value_minor, one.currency),
        "fair_point": None if worth is None else fair_point(worth, one.currency),
        "breakage": None if worth is None or worth.breakage is None else float(worth.breakage),
    }


def fair_point(worth: loyalty.Worth, currency: str) -> str | None:
    """Return what a point is worth fairly: fractions of a minor unit matter, so it is not written as an amount."""
    if worth.fair_per_point_minor is None:
        return None
    each = Decimal(worth.fair_per_point_minor).scaleb(-get_currency_precision(currency)).normalize()
    return f"{currency} {each:f}"


def _composed(found: loyalty.Composition, page: Page) -> dict[str, Any]:
    """Return what is outstanding in spendable wallets, told apart four ways: a chart and a table each."""
    rows = [one for one in found.rows if one.outstanding or one.held]
    language = page.language
    return {
        "at": found.at,
        "is_empty": not rows,
        "parts": [(in_language(label, language), sum([getattr(one, part) for one in rows])) for part, label in _PARTS],
        "by": []
        if not rows
        else [
            ("until", say("By the month in which they run out", language), _by_month(rows, "until", page)),
            ("tier", say("By tier", language), _by_tier(rows, page)),
            ("earned", say("By the month in which they were earned", language), _by_month(rows, "earned", page)),
        ],
    }


def _by_month(rows: Sequence[loyalty.Composed], field: str, page: Page) -> Chart:
    language = page.language
    sums = _sums(rows, lambda one: getattr(one, field))
    named = {key: page.formats.month(month_of(key)) for key in sums}
    most = max(sums, key=lambda key: sum(sums[key].values()))
    told = {"units": page.formats.number(sum(sums[most].values())), "month": named[most]}
    if field == "until":
        summary = say("The most units, {units}, run out in {month} unless they are used.", language, **told)
    else:
        summary = say("The most units, {units}, were earned in {month}.", language, **told)
    return Chart(
        kind="stack",
        label_heading=say("Month", language),
        labels=[named[key] for key in sorted(sums)],
        series=[
            Series(in_language(label, language), [sums[key][part] for key in sorted(sums)])
            for part, label in _PARTS
            if any(of[part] for of in sums.values())
        ],
        summary=summary,
    )


def _by_tier(rows: Sequence[loyalty.Composed], page: Page) -> Chart:
    language = page.language
    sums = {tier: sum(of.values()) for tier, of in _sums(rows, lambda one: one.tier).items()}
    tiers = sorted(sums, key=lambda tier: -sums[tier])
    share = page.formats.share(sums[tiers[0]] / max(sum(sums.values()), 1))
    return Chart(
        kind="share",
        label_heading=say("Tier", language),
        labels=[loyalty.name_of_tier(tier, language) for tier in tiers],
        series=[Series(say("Units", language), [sums[tier] for tier in tiers])],
        summary=say(
            "Members who are {tier} hold the most: {share}.",
            language,
            tier=loyalty.name_of_tier(tiers[0], language),
            share=share,
        ),
    )


def _sums(rows: Sequence[loyalty.Composed], key: Callable[[loyalty.Composed], str]) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in rows:
        for part, _ in _PARTS:
            sums[key(one)][part] += getattr(one, part)
    return sums


# --- breakage ---------------------------------------------------------------------------------------------------------


def _breakage(kit: Kit, configuration: loyalty.Configuration) -> ControllerRouterHandler:
    @get(BREAKAGE, guards=[kit.guards.staff(READ)])
    async def breakage(request: AnyRequest) -> Response[bytes]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            markets = sorted([one.code for one in await list_markets(tx)])
            market = request.query_params.get("market", "")
            market = market if market in markets else next(iter(markets), "")
            found, refused = await _estimate(tx, configuration, market, page.language)
        return kit.render(
            request,
            "console/finance_breakage.html",
            page=page,
            tabs=finance_tabs(page.language),
            markets=markets,
            market=market,
            refused=refused,
            **({} if found is None else _estimated(found, page)),
            found=found,
        )

    return breakage


async def _estimate(
    tx: Transaction, configuration: loyalty.Configuration, market: str, language: str
) -> tuple[loyalty.Breakage | None, str]:
    """Return the estimate of a market's spending wallet, or why there is none."""
    policy = await loyalty.policy_in_force(tx, configuration)
    if policy is None or not market:
        return None, say("No policy is in force yet.", language)
    try:
        found = await loyalty.read_breakage(
            tx, configuration, wallet=policy.spending_wallet, market=market, language=language
        )
    except DomainError as refusal:
        return None, told(refusal, language)
    return found, ""


def _estimated(found: loyalty.Breakage, page: Page) -> dict[str, Any]:
    language, worth = page.language, found.worth
    low, high = page.formats.share(float(found.low)), page.formats.share(float(found.high))
    chart = Chart(
        kind="stack",
        label_heading=say("Months since earning", language),
        labels=[page.formats.number(one.age) for one in found.ages],
        series=[
            Series(say("Used", language), [one.used for one in found.ages]),
            Series(say("Expired", language), [one.expired for one in found.ages]),
            Series(say("Taken back or corrected", language), [one.other for one in found.ages]),
        ],
        summary=say(
            "Of the units that are outstanding at the end of {month}, {share} will probably expire unused.",
            language,
            month=page.formats.month(month_of(found.until)),
            share=page.formats.share(float(found.of_outstanding)),
        ),
    )
    return {
        "chart": chart,
        "interval": say("{low} to {high}, in 95 of 100 cases", language, low=low, high=high),
        "at_most": None if worth is None else Money(worth.at_most_minor, found.currency),
        "fair": None if worth is None or worth.fair_minor is None else Money(worth.fair_minor, found.currency),
        "fair_point": None if worth is None else fair_point(worth, found.currency),
        "until": page.formats.month(month_of(found.until)),
        "cohorts": [(page.formats.month(month_of(one.earned)), one) for one in reversed(found.cohorts)],
    }
