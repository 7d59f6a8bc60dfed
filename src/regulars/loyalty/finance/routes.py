"""HTTP of finance: what members may still spend, by month and at an instant."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from regulars.loyalty.finance import closing, estimates, service
from regulars.loyalty.finance.closing import MonthClose, Proof
from regulars.loyalty.finance.contracts import Breakage, Span
from regulars.loyalty.finance.journals import By, Form, read_journal
from regulars.loyalty.finance.months import month_named
from regulars.loyalty.finance.schemas import CloseBody, ClosesAnswer, LiabilityAnswer, LiabilityAtAnswer
from regulars.loyalty.instants import past_instant
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.tasks import close_months
from regulars.platform.commit.lane import json_answer, one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.http.asked import asked
from regulars.platform.http.errors import WrongForm
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.openapi import ALSO_ANSWERS
from regulars.platform.services import Services

TAGS: Final = ["finance"]
READ: Final = "finance:read"
WRITE: Final = "finance:write"

AnyRequest = Request[Any, Any, Any]
MonthAsked = Annotated[str | None, QueryParameter(description="A calendar month, e.g. 2026-05.")]


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of finance."""
    configuration = Configuration()
    return [
        _liability(services, configuration),
        _liability_at(services, configuration),
        _breakage(services, configuration),
        _journal(services, configuration),
        _close(services),
        *_closes(services),
    ]


def _liability(services: Services, configuration: Configuration) -> HTTPRouteHandler:
    @get(
        "/v1/finance/liability",
        guards=[requires(READ)],
        operation_id="getLiability",
        tags=TAGS,
        summary="Read the liability by month",
        response_description="Each month of each wallet and market: opening, movements, closing.",
    )
    async def get_liability(
        first: MonthAsked = None,
        last: MonthAsked = None,
        market: FromQuery[str | None] = None,
        wallet: FromQuery[str | None] = None,
    ) -> LiabilityAnswer:
        """Return what members may still spend and how it moved, by calendar month of each market's time zone.

        Late facts stand in the month in which they were recorded. Without `first` and `last`: the last twelve months.
        """
        span = Span(first=month_asked("first", first), last=month_asked("last", last), market=market, wallet=wallet)
        async with services.database.transaction() as tx:
            months, standing = await service.liability(tx, configuration, span)
        return LiabilityAnswer(as_of=None if standing is None else standing.as_of, months=months)

    return get_liability


def _liability_at(services: Services, configuration: Configuration) -> HTTPRouteHandler:
    @get(
        "/v1/finance/liability/at",
        guards=[requires(READ)],
        operation_id="getLiabilityAt",
        tags=TAGS,
        summary="Read the liability at an instant",
        response_description="What members held as it was recorded by then.",
    )
    async def get_liability_at(
        as_of: Annotated[
            datetime | None, QueryParameter(description="A past instant (RFC 3339, with its time zone); else now.")
        ] = None,
        market: FromQuery[str | None] = None,
        wallet: FromQuery[str | None] = None,
        *,
        parts: Annotated[
            bool, QueryParameter(description="Also say what could be spent then; reads every open lot.")
        ] = False,
    ) -> LiabilityAtAnswer:
        """Return what members may still spend as the books knew it at any past instant."""
        async with services.database.transaction() as tx:
            at = tx.now if as_of is None else past_instant(as_of, tx.now)
            found = await service.liability_at(tx, configuration, at, market=market, wallet=wallet, parts=parts)
        return LiabilityAtAnswer(at=at, wallets=found)

    return get_liability_at


def _breakage(services: Services, configuration: Configuration) -> HTTPRouteHandler:
    @get(
        "/v1/finance/breakage",
        guards=[requires(READ)],
        operation_id="getBreakage",
        tags=TAGS,
        summary="Estimate breakage",
        response_description="The share that will expire unused, its interval, its method and what it stands on.",
    )
    async def get_breakage(request: AnyRequest, market: FromQuery[str], wallet: FromQuery[str] = "points") -> Breakage:
        """Return which share of outstanding units will probably expire unused, and the fair value of a point.

        It stands on closed months, and is refused while too few months of earning have run to their end.
        """
        async with services.database.transaction() as tx:
            return await estimates.read_breakage(
                tx, configuration, wallet=wallet, market=market, language=asked(request.scope).language
            )

    return get_breakage


def _journal(services: Services, configuration: Configuration) -> HTTPRouteHandler:
    @get(
        "/v1/finance/journals/{month:str}",
        guards=[requires(READ)],
        operation_id="getJournal",
        tags=TAGS,
        summary="Export a month's journal",
        response_description="The journal as text, streamed.",
        opt={ALSO_ANSWERS: ("text/plain", "text/csv")},
    )
    async def get_journal(
        month: FromPath[str],
        form: FromQuery[Form] = "beancount",
        by: FromQuery[By] = "day",
        market: FromQuery[str | None] = None,
    ) -> Stream:
        """Return a month's bookings as CSV or for beancount, added up by account and day, or transfer by transfer.

        It holds the spendable wallets. A closed month's journal asserts what was left when it was closed.
        """
        found = _in_path(month)

        async def pieces() -> AsyncGenerator[str, None]:
            async with services.database.transaction() as tx:
                async for piece in read_journal(tx, configuration, found, form=form, by=by, market=market):
                    yield piece

        journal = pieces()
        first = await anext(journal)

        async def whole() -> AsyncGenerator[str, None]:
            try:
                yield first
                async for piece in journal:
                    yield piece
            finally:
                await journal.aclose()

        name = f"journal-{month}.{'csv' if form == 'csv' else 'beancount'}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Stream(whole(), headers=headers, media_type="text/csv" if form == "csv" else "text/plain")

    return get_journal


class AskedClose(NamedTuple):
    """A month to close, and for whom."""

    month: date
    reason: str
    by: str


def _close(services: Services) -> HTTPRouteHandler:
    async def apply(tx: Transaction, asked: AskedClose) -> MonthClose:
        found = await closing.begin_close(tx, asked.month, by=asked.by, reason=asked.reason)
        await tx.defer(close_months)
        return found

    lane = services.lane("ask_to_close_month", one_by_one(apply), json_answer(202, msgspec.json.Encoder().encode))

    @post(
        "/v1/finance/closes",
        guards=[requires(WRITE)],
        operation_id="closeMonth",
        tags=TAGS,
        summary="Close a month",
        status_code=202,
        responses={202: ResponseSpec(MonthClose, description="Nothing is booked into the month any more.")},
    )
    async def close_month(request: AnyRequest, data: JSONBody[CloseBody]) -> Response[Any]:
        """Close a month for good: the next in order, once it is over in every market.

        From the answer on nothing is booked into it. Its figures are frozen in the background, once every transaction
        that began before has ended: `getClose` tells. A closed month is never opened again.
        """
        month = month_named(data.month)
        if month is None:
            raise WrongForm(pointer="/month", field="month", example="2026-05")
        wish = AskedClose(month, data.reason, principal_of(request).client)
        return await carry_out(request, lane, wish, subject=data.month, reason=data.reason)

    return close_month


def _closes(services: Services) -> list[HTTPRouteHandler]:
    @get(
        "/v1/finance/closes",
        guards=[requires(READ)],
        operation_id="listCloses",
        tags=TAGS,
        summary="List the closed months",
        response_description="Every month that is closed or being closed.",
    )
    async def list_closes() -> ClosesAnswer:
        """Return which months are closed, by whom, when, and the digests of their transfers."""
        async with services.database.transaction() as tx:
            return ClosesAnswer(closes=await closing.list_closes(tx))

    @get(
        "/v1/finance/closes/{month:str}",
        guards=[requires(READ)],
        operation_id="getClose",
        tags=TAGS,
        summary="Read a closed month",
        response_description="How the month stands.",
    )
    async def get_close(month: FromPath[str]) -> MonthClose:
        """Return one month that is closed or being closed."""
        async with services.database.transaction() as tx:
            return await closing.read_close(tx, _in_path(month))

    @get(
        "/v1/finance/closes/{month:str}/proof",
        guards=[requires(READ)],
        operation_id="proveMonth",
        tags=TAGS,
        summary="Prove a closed month",
        response_description="What recomputing the month from its transfers found.",
    )
    async def prove_month(month: FromPath[str]) -> Proof:
        """Recompute a closed month from every transfer in it, and compare it with what was kept."""
        async with services.database.transaction() as tx:
            return await closing.prove(tx, _in_path(month))

    return [list_closes, get_close, prove_month]


def _in_path(text: str) -> date:
    """Return the month that an address names. Raises NotFound."""
    found = month_named(text)
    if found is None:
        raise NotFound
    return found


def month_asked(name: str, text: str | None) -> date | None:
    """Return the first day of a month in a query. Raises WrongForm."""
    if text is None:
        return None
    found = month_named(text)
    if found is None:
        raise WrongForm(pointer=f"/query/{name}", field=name, example="2026-05")
    return found
