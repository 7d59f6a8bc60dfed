"""HTTP of finance: what members may still spend, by month and at an instant."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from regulars.loyalty.finance import service
from regulars.loyalty.finance.contracts import Span
from regulars.loyalty.finance.months import month_named
from regulars.loyalty.finance.schemas import LiabilityAnswer, LiabilityAtAnswer
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.statement.errors import AsOfAhead
from regulars.platform.http.errors import WrongForm
from regulars.platform.http.guards import requires
from regulars.platform.services import Services

TAGS: Final = ["finance"]
READ: Final = "finance:read"

AnyRequest = Request[Any, Any, Any]
MonthAsked = Annotated[str | None, QueryParameter(description="A calendar month, e.g. 2026-05.")]


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of finance."""
    configuration = Configuration()
    return [_liability(services, configuration), _liability_at(services, configuration)]


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
        asked = Span(first=month_asked("first", first), last=month_asked("last", last), market=market, wallet=wallet)
        async with services.database.transaction() as tx:
            months, standing = await service.liability(tx, configuration, asked)
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
            at = _instant(as_of, tx.now)
            found = await service.liability_at(tx, configuration, at, market=market, wallet=wallet, parts=parts)
        return LiabilityAtAnswer(at=at, wallets=found)

    return get_liability_at


def month_asked(name: str, text: str | None) -> date | None:
    """Return the first day of a month in a query. Raises WrongForm."""
    if text is None:
        return None
    found = month_named(text)
    if found is None:
        raise WrongForm(pointer=f"/query/{name}", field=name, example="2026-05")
    return found


def _instant(as_of: datetime | None, now: datetime) -> datetime:
    """Return the instant in UTC. Raises WrongForm without a time zone, AsOfAhead in the future."""
    if as_of is None:
        return now
    try:
        at = as_of.astimezone(UTC) if as_of.tzinfo is not None else None
    except OverflowError:
        at = None
    if at is None:
        raise WrongForm(pointer="/query/as_of", field="as_of", example="2026-05-01T12:00:00Z")
    if at > now:
        raise AsOfAhead(pointer="/query/as_of", as_of=at.isoformat(), now=now.isoformat())
    return at
