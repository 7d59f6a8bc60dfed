"""Finance by month: how what is outstanding moved, closing months, checking closed ones, journals."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, InvalidInput, NotFound
from regulars.platform.markets.service import list_markets
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.console.account import who
from regulars.web.console.actors import names_of
from regulars.web.console.member_words import kind_name
from regulars.web.console.reports import cancel_path
from regulars.web.console.words import member_link, wallet_name
from regulars.web.kit.cells import Badge, Cell, Code, Link, Quiet
from regulars.web.kit.charts import Chart, Series
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit
from regulars.web.kit.notices import Notice
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import Viewer, viewer_of

HOME: Final = "/console/finance"
MONTHS: Final = f"{HOME}/months"
MONTH: Final = f"{MONTHS}/{{month:str}}"
READ: Final = "finance:read"
WRITE: Final = "finance:write"
EXPORT: Final = "exports:write"
_DAY: Final = timedelta(days=1)
# What a movement is called, and by which name the list of bookings knows its rows.
MOVEMENTS: Final[dict[str, tuple[str, str]]] = {
    "issued": (mark("Issued"), "issued"),
    "redeemed": (mark("Redeemed"), "redeem"),
    "given_back": (mark("Given back"), "give_back"),
    "expired": (mark("Expired"), "expire"),
    "reversed": (mark("Reversed by returns"), "claw_back"),
    "adjusted": (mark("Adjusted"), "adjust"),
}
# Neutral within the programme: listed on a month's page.
NEUTRAL: Final[dict[str, str]] = {"moved": mark("Moved between members"), "extended": mark("Extended")}

AnyRequest = Request[Any, Any, Any]
Show = Callable[[AnyRequest, str, Form[Any], int], Awaitable[Response[bytes]]]  # of a month, its form, a status
JournalForm = Literal["csv", "beancount"]
JournalBy = Literal["day", "transfer"]
FORMS: Final[dict[str, JournalForm]] = {"csv": "csv", "beancount": "beancount"}
BY: Final[dict[str, JournalBy]] = {"day": "day", "transfer": "transfer"}


class CloseMonth(msgspec.Struct):
    """Why a month is closed, and its name typed."""

    reason: Annotated[str, Meta(min_length=3, max_length=500)]
    confirmation: str


def finance_tabs(language: str) -> list[tuple[str, str, None]]:
    """Return the parts of finance."""
    named = (
        (mark("Outstanding"), HOME),
        (mark("Months"), MONTHS),
        (mark("Breakage"), f"{HOME}/breakage"),
    )
    return [(in_language(label, language), path, None) for label, path in named]


def month_of(name: str) -> date:
    """Return the first day of a month written as `2017-03`. Raises NotFound."""
    found = loyalty.month_named(name)
    if found is None:
        raise NotFound
    return found


def month_handlers(kit: Kit, configuration: loyalty.Configuration) -> Sequence[ControllerRouterHandler]:
    """Return the pages of months."""
    return [_list(kit, configuration), *_one(kit, configuration), _journal(kit, configuration)]


# --- the list of months -----------------------------------------------------------------------------------------------


def _list(kit: Kit, configuration: loyalty.Configuration) -> ControllerRouterHandler:
    @get(MONTHS, guards=[kit.guards.staff(READ)])
    async def listed(request: AnyRequest) -> Response[bytes]:
        page, asked = kit.page(request), request.query_params
        async with kit.services.database.transaction() as tx:
            wallets = [one.code for one in await loyalty.list_wallets(tx)]
            markets = sorted([one.code for one in await list_markets(tx)])
            wallet = _chosen(asked.get("wallet"), wallets, "points")
            market = _chosen(asked.get("market"), markets)
            last = loyalty.month_named(asked.get("last", ""))
            months, standing = await _read(tx, configuration, loyalty.Span(last=last, market=market, wallet=wallet))
            closes = {one.month: one for one in await loyalty.list_closes(tx)}
            following = await loyalty.next_close(tx)
            is_ready = following is not None and following.over_at <= tx.now
        spendable = bool(months) and months[0].spendable
        return kit.render(
            request,
            "console/finance_months.html",
            page=page,
            tabs=finance_tabs(page.language),
            wallets=[(code, wallet_name(code, page.language)) for code in wallets],
            markets=markets,
            wallet=wallet,
            market=market,
            rows=[_row(one, closes, following, page) for one in reversed(months)],
            heads=[in_language(label, page.language) for label, _ in MOVEMENTS.values()],
            spendable=spendable,
            chart=_chart(months, page) if len(months) > 1 else None,
            earlier=_earlier(months, wallet, market),
            is_latest=last is None,
            as_of=None if standing is None else standing.as_of,
            ready=following if is_ready else None,
            ready_name="" if following is None else page.formats.month(following.month),
            may_close=page.viewer.may(WRITE),
        )

    return listed


async def _read(
    tx: Transaction, configuration: loyalty.Configuration, span: loyalty.Span
) -> tuple[list[loyalty.LiabilityMonth], Any]:
    """Return the months asked for; none where there are no such months."""
    try:
        return await loyalty.liability(tx, configuration, span)
    except InvalidInput:
        return [], None


def _chosen(given: str | None, known: Sequence[str], first: str = "") -> str | None:
    """Return what an address chose of what there is, else the first."""
    if given in known:
        return given
    return first if first in known else next(iter(known), None)


def _row(
    one: loyalty.LiabilityMonth,
    closes: dict[str, loyalty.MonthClose],
    following: loyalty.NextClose | None,
    page: Page,
) -> dict[str, Any]:
    moves = {move.movement: move for move in one.movements}
    name = page.formats.month(month_of(one.month))
    return {
        "link": Link(name, f"{MONTHS}/{one.month}?wallet={one.wallet}&market={one.market}"),
        "opening": one.opening.outstanding,
        "moves": [
            (moves[movement].units + moves[movement].debt_change, rows_path(one, kind))
            for movement, (_, kind) in MOVEMENTS.items()
        ],
        "other": sum([each.units + each.debt_change for each in one.movements if each.movement not in MOVEMENTS]),
        "closing": one.closing.outstanding,
        "worth": None if one.closing_worth is None else Money(one.closing_worth.at_most_minor, one.currency),
        "state": state_of(one.month, closes, following),
    }


def state_of(month: str, closes: dict[str, loyalty.MonthClose], following: loyalty.NextClose | None) -> Badge:
    """Return how a month stands."""
    close = closes.get(month)
    if close is not None:
        return Badge(mark("Closed"), "success") if close.state == "closed" else Badge(mark("Being closed"), "info")
    if following is not None and loyalty.name_of(following.month) == month:
        return Badge(mark("Next to close"), "warning")
    return Badge(mark("Not closed"))


def rows_path(one: loyalty.LiabilityMonth, kind: str = "") -> str:
    """Return where the bookings of a month are, of one kind or all."""
    first = month_of(one.month)
    last = loyalty.next_month(first) - _DAY
    chosen = f"&kind={kind}" if kind else ""
    return f"/console/bookings?wallet={one.wallet}{chosen}&market={one.market}&recorded_from={first}&recorded_to={last}"


def _chart(months: Sequence[loyalty.LiabilityMonth], page: Page) -> Chart:
    language, first, last = page.language, months[0], months[-1]
    return Chart(
        kind="line",
        label_heading=say("Month", language),
        labels=[page.formats.month(month_of(one.month)) for one in months],
        series=[Series(say("Outstanding at the end", language), [one.closing.outstanding for one in months])],
        summary=say(
            "Outstanding went from {first} at the end of {from_month} to {last} at the end of {to_month}.",
            language,
            first=page.formats.number(first.closing.outstanding),
            from_month=page.formats.month(month_of(first.month)),
            last=page.formats.number(last.closing.outstanding),
            to_month=page.formats.month(month_of(last.month)),
        ),
    )


def _earlier(months: Sequence[loyalty.LiabilityMonth], wallet: str | None, market: str | None) -> str:
    """Return where the twelve months before are, if there is anything before."""
    if not months or not (months[0].opening.outstanding or months[0].opening.debt):
        return ""
    before = month_of(months[0].month) - _DAY
    return f"{MONTHS}?wallet={wallet}&market={market}&last={before:%Y-%m}"


# --- one month --------------------------------------------------------------------------------------------------------


def _one(kit: Kit, configuration: loyalty.Configuration) -> Sequence[ControllerRouterHandler]:
    async def show(request: AnyRequest, name: str, form: Form[Any], status: int) -> Response[bytes]:
        page, month = kit.page(request), month_of(name)
        async with kit.services.database.transaction() as tx:
            months, _ = await _read(tx, configuration, loyalty.Span(first=month, last=month))
            if not months:
                raise NotFound
            close = next((one for one in await loyalty.list_closes(tx) if one.month == name), None)
            names = {} if close is None else await names_of(tx, [close.asked_by], page.language)
            following = None if close is not None else await loyalty.next_close(tx)
            report, done = await loyalty.month_check(tx, month)
            now = tx.now
        waiting = report if report is not None and report.state != "done" else None
        is_next = following is not None and following.month == month
        return kit.render(
            request,
            "console/finance_month.html",
            page=page,
            status=status,
            form=form,
            name=name,
            title=page.formats.month(month),
            tabs=finance_tabs(page.language),
            statements=[_statement(one, page) for one in months],
            close=close,
            close_facts=[] if close is None else _close_facts(close, names, page.language),
            following=following,
            following_name="" if following is None else page.formats.month(following.month),
            is_next=is_next,
            can_close=is_next and following is not None and following.over_at <= now and page.viewer.may(WRITE),
            is_over=following is not None and following.over_at <= now,
            until=max([one.until for one in months]),
            lasts=max([one.until for one in months]) > now,
            waiting=waiting,
            stop=cancel_path(waiting) if waiting and waiting.asked_by == who(request).actor else "",
            check=None if done is None else _checked(loyalty.checked_by(done), page),
            checked_at=None if done is None else done.as_of,
            may_export=page.viewer.may(EXPORT),
        )

    @get(MONTH, guards=[kit.guards.staff(READ)])
    async def one(request: AnyRequest, month: FromPath[str]) -> Response[bytes]:
        return await show(request, month, blank_form(kit.page(request).language), 200)

    return [one, *_acts(kit, show)]


def _acts(kit: Kit, show: Show) -> Sequence[ControllerRouterHandler]:
    @post(f"{MONTH}/close", guards=[kit.guards.staff(READ, WRITE)])
    async def close(request: AnyRequest, month: FromPath[str]) -> Response[bytes]:
        found, actor = month_of(month), who(request).actor
        form = read_form(request, CloseMonth, kit.page(request).language)
        if form.value is None:
            return await show(request, month, form, 422)
        if form.value.confirmation.strip() != month:
            said = say("Type {word} to confirm", form.language, word=month)
            return await show(request, month, Form(form.language, form.values, {"confirmation": said}), 422)
        try:
            async with kit.services.database.transaction(actor=actor) as tx:
                await loyalty.begin_close(tx, found, by=actor, reason=form.value.reason)
                tx.audit(AuditEntry(actor=actor, action="ask_to_close_month", subject=month, reason=form.value.reason))
        except DomainError as refusal:
            return await show(request, month, form.refused(refusal), refusal.status)
        notice = Notice(
            mark("Nothing is booked into {month} any more. It is added up within a minute, once all before has ended."),
            "info",
            {"month": month},
        )
        return kit.see(f"{MONTHS}/{month}", notice)

    @post(f"{MONTH}/check", guards=[kit.guards.staff(READ)])
    async def check(request: AnyRequest, month: FromPath[str]) -> Response[bytes]:
        found, actor = month_of(month), who(request).actor
        async with kit.services.database.transaction(actor=actor) as tx:
            await loyalty.ask_month_check(tx, found, by=actor)
        return kit.see(f"{MONTHS}/{loyalty.name_of(found)}#check")

    return [close, check]


def _statement(one: loyalty.LiabilityMonth, page: Page) -> dict[str, Any]:
    """Return a month of a wallet in a market as a statement: opening, movements, closing; each opens to its rows."""
    language, currency = page.language, one.currency

    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, currency)

    rows = []
    for move in one.movements:
        label, kind = MOVEMENTS.get(move.movement, (NEUTRAL.get(move.movement, ""), ""))
        text = in_language(label, language) if label else ", ".join([kind_name(each, language) for each in move.kinds])
        cell: Cell = Link(text, rows_path(one, kind)) if kind else text
        rows.append(
            (cell, move.transfers, move.units, move.debt_change, move.units + move.debt_change, money(move.worth_minor))
        )
    opening, closing = one.opening_worth, one.closing_worth
    return {
        "title": f"{wallet_name(one.wallet, language)} · {one.market}",
        "id": f"{one.wallet}-{one.market}",
        "one": one,
        "rows": rows,
        "rows_path": rows_path(one),
        "opening": None if opening is None else money(opening.at_most_minor),
        "closing": None if closing is None else money(closing.at_most_minor),
        "revaluation": money(one.revaluation_minor) if one.revaluation_minor else None,
        "fair": None if closing is None else money(closing.fair_minor),
        "breakage": None if closing is None or closing.breakage is None else float(closing.breakage),
        "point": None if closing is None else money(closing.point_value_minor),
    }


def _close_facts(close: loyalty.MonthClose, names: Mapping[str, str], language: str) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("Asked by"), names.get(close.asked_by, close.asked_by)),
        (mark("Why"), close.reason),
        (mark("Asked at"), close.asked_at),
        (mark("Closed at"), close.closed_at),
        (mark("Transfers"), close.transfers),
        (mark("Members who have some"), close.members),
        (mark("Digest"), None if close.digest is None else Code(close.digest)),
    ]
    return [(in_language(label, language), value) for label, value in told if value is not None]


def _checked(found: loyalty.MonthCheck, page: Page) -> dict[str, Any]:
    language = page.language
    return {
        "found": found,
        "holds": found.is_closed and not found.faults,
        "problems": [one.in_language(language) for one in found.faults],
        "late": [
            [
                Quiet(kind_name(one.kind, language), f"{wallet_name(one.wallet, language)} · {one.market}"),
                one.earliest,
                one.transfers,
                one.units,
            ]
            for one in found.late
        ],
        "late_rows": [
            [member_link(one.member_id), kind_name(one.kind, language), one.effective_at, one.recorded_at, one.units]
            for one in found.late_rows
        ],
    }


# --- journals ---------------------------------------------------------------------------------------------------------


def _journal(kit: Kit, configuration: loyalty.Configuration) -> ControllerRouterHandler:
    @get(f"{MONTH}/journal", guards=[kit.guards.staff(READ, EXPORT)])
    async def journal(request: AnyRequest, month: FromPath[str]) -> Stream:
        found, viewer, asked = month_of(month), viewer_of(request), request.query_params
        form, by = FORMS.get(asked.get("form", "beancount")), BY.get(asked.get("by", "day"))
        if form is None or by is None:
            raise NotFound
        await _log(kit, viewer, month, form, by)
        text = await _begun(kit, configuration, found, form, by)
        name = f"journal-{month}.{'csv' if form == 'csv' else 'beancount'}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Stream(text, headers=headers, media_type="text/csv" if form == "csv" else "text/plain")

    return journal


async def _begun(
    kit: Kit,
    configuration: loyalty.Configuration,
    month: date,
    form: JournalForm,
    by: JournalBy,
) -> AsyncGenerator[str, None]:
    """Return a journal whose first piece has been read: what is refused is refused before anything is sent."""

    async def pieces() -> AsyncGenerator[str, None]:
        async with kit.services.database.transaction() as tx:
            try:
                async for piece in loyalty.read_journal(tx, configuration, month, form=form, by=by):
                    yield piece
            except InvalidInput:
                raise NotFound from None

    journal = pieces()
    first = await anext(journal)

    async def whole() -> AsyncGenerator[str, None]:
        try:
            yield first
            async for piece in journal:
                yield piece
        finally:
            await journal.aclose()

    return whole()


async def _log(kit: Kit, viewer: Viewer, month: str, form: str, by: str) -> None:
    actor = viewer.session.actor
    async with kit.services.database.transaction(actor=actor) as tx:
        tx.audit(AuditEntry(actor=actor, action="export_journal", subject=month, detail=f"{form} by {by}"))
