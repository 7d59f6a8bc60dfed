"""HTTP of explanations: why a balance, a lot, a transfer, a tier, an order, a hold, a correction, a refusal."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from regulars.commerce import cursors
from regulars.commerce.explaining import service
from regulars.commerce.explaining.schemas import (
    ExplanationAnswer,
    OrderExplanationAnswer,
    UnitsAnswer,
    explanation_answer,
    order_explanation,
    units_answer,
)
from regulars.commerce.orders.schemas import existing_order_id
from regulars.commerce.orders.service import Commerce
from regulars.loyalty import api as loyalty
from regulars.platform.commit import refusals
from regulars.platform.errors import NotFound
from regulars.platform.explaining.contracts import Explanation
from regulars.platform.http.asked import asked
from regulars.platform.http.guards import principal_of, requires, requires_key
from regulars.platform.http.openapi import ALSO_REFUSES
from regulars.platform.ids import parse_public_id
from regulars.platform.services import Services

TAGS: Final = ["explanations"]
MEMBER: Final = "/v1/members/{member_id:str}"
LEDGER: Final = "ledger:read"
SEES_EVERYBODYS: Final = "audit:read"

AnyRequest = Request[Any, Any, Any]
AsOf = Annotated[
    datetime | None, QueryParameter(description="A past instant (RFC 3339, with its time zone); now if left out.")
]
PageSize = Annotated[int, QueryParameter(ge=1, le=100)]
Row = Annotated[int | None, QueryParameter(ge=0, lt=1_000, description="A row of a batch, from 0.")]
Languages = Annotated[
    Literal["one", "all"],
    QueryParameter(description="`all`: each reason's sentence in every language, beside the one asked for."),
]


def routes(services: Services, commerce: Commerce) -> list[HTTPRouteHandler]:
    """Return the routes of explanations."""
    return [
        *_standing(services, commerce.configuration),
        *_entries(services, commerce.configuration),
        *_decisions(services, commerce.configuration),
        _order(services, commerce),
        *_refusals(services),
        *_lineage(services),
    ]


def _told(request: AnyRequest, found: Explanation, languages: str) -> ExplanationAnswer:
    return explanation_answer(found, asked(request.scope).language, every=languages == "all")


def _standing(services: Services, configuration: loyalty.Configuration) -> list[HTTPRouteHandler]:
    @get(
        MEMBER + "/wallets/{wallet:str}/explain",
        guards=[requires(LEDGER)],
        operation_id="explainBalance",
        tags=TAGS,
        summary="Why is a balance what it is?",
    )
    async def explain_balance(
        request: AnyRequest,
        member_id: FromPath[str],
        wallet: FromPath[str],
        as_of: AsOf = None,
        languages: Languages = "one",
    ) -> ExplanationAnswer:
        """Return what a wallet's balance is made of, now or as it was known at an earlier moment."""
        found = loyalty.member_id_in(member_id)
        async with services.database.transaction() as tx:
            at = None if as_of is None else loyalty.past_instant(as_of, tx.now)
            why = await loyalty.explain_balance(tx, configuration, found, wallet, at)
        return _told(request, why, languages)

    @get(
        MEMBER + "/tier/explain",
        guards=[requires(LEDGER)],
        operation_id="explainTier",
        tags=TAGS,
        summary="Why does a member hold this tier?",
    )
    async def explain_tier(
        request: AnyRequest, member_id: FromPath[str], as_of: AsOf = None, languages: Languages = "one"
    ) -> ExplanationAnswer:
        """Return what led to a member's tier, now or at an earlier moment, and how far the next one is."""
        found = loyalty.member_id_in(member_id)
        async with services.database.transaction() as tx:
            at = None if as_of is None else loyalty.past_instant(as_of, tx.now)
            why = await loyalty.explain_tier(tx, configuration, found, at)
        return _told(request, why, languages)

    return [explain_balance, explain_tier]


def _entries(services: Services, configuration: loyalty.Configuration) -> list[HTTPRouteHandler]:
    @get(
        MEMBER + "/lots/{lot_id:str}/explain",
        guards=[requires(LEDGER)],
        operation_id="explainLot",
        tags=TAGS,
        summary="Why are these units there, and until when?",
    )
    async def explain_lot(
        request: AnyRequest, member_id: FromPath[str], lot_id: FromPath[str], languages: Languages = "one"
    ) -> ExplanationAnswer:
        """Return what is left of a lot, and why it is there: by the transfer that brought it."""
        found = loyalty.member_id_in(member_id)
        async with services.database.transaction() as tx:
            why = await service.explain_lot(tx, configuration, found, seq_of(found, lot_id))
        return _told(request, why, languages)

    @get(
        MEMBER + "/transfers/{transfer_id:str}/explain",
        guards=[requires(LEDGER)],
        operation_id="explainTransfer",
        tags=TAGS,
        summary="Why is this line on the statement?",
    )
    async def explain_transfer(
        request: AnyRequest, member_id: FromPath[str], transfer_id: FromPath[str], languages: Languages = "one"
    ) -> ExplanationAnswer:
        """Return by which rule and from which values a transfer was posted; it never changes."""
        found = loyalty.member_id_in(member_id)
        async with services.database.transaction() as tx:
            why = await service.explain_transfer(tx, configuration, found, seq_of(found, transfer_id))
        return _told(request, why, languages)

    return [explain_lot, explain_transfer]


def _decisions(services: Services, configuration: loyalty.Configuration) -> list[HTTPRouteHandler]:
    @get(
        MEMBER + "/holds/{hold_id:str}/explain",
        guards=[requires(LEDGER)],
        operation_id="explainHold",
        tags=TAGS,
        summary="Why are these units held, or how did that end?",
    )
    async def explain_hold(
        request: AnyRequest, member_id: FromPath[str], hold_id: FromPath[str], languages: Languages = "one"
    ) -> ExplanationAnswer:
        """Return for what units are held and until when, or how the hold ended."""
        found, wanted = loyalty.member_id_in(member_id), id_of("hld", hold_id)
        async with services.database.transaction() as tx:
            why = await loyalty.explain_hold(tx, configuration, found, wanted)
        return _told(request, why, languages)

    @get(
        MEMBER + "/adjustment-requests/{request_id:str}/explain",
        guards=[requires(LEDGER)],
        operation_id="explainAdjustmentRequest",
        tags=TAGS,
        summary="Why does a correction wait, and who answered it?",
    )
    async def explain_adjustment(
        request: AnyRequest, member_id: FromPath[str], request_id: FromPath[str], languages: Languages = "one"
    ) -> ExplanationAnswer:
        """Return why a correction needed a second person, and what that person answered."""
        found, wanted = loyalty.member_id_in(member_id), id_of("adj", request_id)
        async with services.database.transaction() as tx:
            why = await loyalty.explain_request(tx, configuration, found, wanted)
        return _told(request, why, languages)

    return [explain_hold, explain_adjustment]


def _order(services: Services, commerce: Commerce) -> HTTPRouteHandler:
    @get(
        "/v1/orders/{order_id:str}/explain",
        guards=[requires("orders:read")],
        operation_id="explainOrder",
        tags=TAGS,
        summary="Why did an order do what it did?",
    )
    async def explain_order(
        request: AnyRequest, order_id: FromPath[str], languages: Languages = "one"
    ) -> OrderExplanationAnswer:
        """Return why an order earned, paid with points and lifted the tier as it did, and the same of its returns."""
        async with services.database.transaction() as tx:
            found = await service.explain_order(tx, commerce, existing_order_id(order_id))
        return order_explanation(found, asked(request.scope).language, every=languages == "all")

    return explain_order


def _refusals(services: Services) -> list[HTTPRouteHandler]:
    @get(
        "/v1/explain/refusals/{request_id:str}",
        guards=[requires_key()],
        operation_id="explainRefusal",
        tags=TAGS,
        summary="Why was a request refused?",
    )
    async def explain_refusal(
        request: AnyRequest,
        request_id: FromPath[str],
        client: FromQuery[str | None] = None,
        row: Row = None,
        languages: Languages = "one",
    ) -> ExplanationAnswer:
        """Return why a change was refused (409, 422), by the request's id: your own requests, for 90 days.

        Of a batch `row` names which (from 0, as its answer lists them; without it the last that was refused). A key
        with `audit:read` sees everybody's; callers choose ids, so of several under one id `client` names one (409).
        """
        who = principal_of(request)
        client = client if who.may(SEES_EVERYBODYS) else who.client
        async with services.database.transaction() as tx:
            why = await refusals.explain_request(tx, request_id, client, row)
        return _told(request, why, languages)

    @get(
        "/v1/explain/refusals",
        guards=[requires_key()],
        operation_id="explainRefusalOfKey",
        tags=TAGS,
        summary="Why was the request with this idempotency key refused?",
        opt={ALSO_REFUSES: frozenset({404})},
    )
    async def explain_refusal_of_key(
        request: AnyRequest, idempotency_key: FromQuery[str], row: Row = None, languages: Languages = "one"
    ) -> ExplanationAnswer:
        """Return why the last of your changes under an idempotency key was refused, or a `row` (from 0) of a batch."""
        async with services.database.transaction() as tx:
            why = await refusals.explain_key(tx, principal_of(request).client, idempotency_key, row)
        return _told(request, why, languages)

    return [explain_refusal, explain_refusal_of_key]


def _lineage(services: Services) -> list[HTTPRouteHandler]:
    @get(
        MEMBER + "/lots/{lot_id:str}/lineage",
        guards=[requires(LEDGER)],
        operation_id="getLotLineage",
        tags=TAGS,
        summary="Where do these units come from, and where did they go?",
    )
    async def get_lot_lineage(
        member_id: FromPath[str], lot_id: FromPath[str], cursor: FromQuery[str | None] = None, limit: PageSize = 50
    ) -> UnitsAnswer:
        """Return the transfer that brought a lot, and page by page what used it: orders, redemptions, expiry."""
        found = loyalty.member_id_in(member_id)
        (after,) = (0,) if cursor is None else cursors.read(cursor, tuple[int])
        async with services.database.transaction() as tx:
            units = await loyalty.lot_lineage(tx, found, seq_of(found, lot_id), after=after, limit=limit)
        return units_answer(found, units)

    @get(
        MEMBER + "/transfers/{transfer_id:str}/lineage",
        guards=[requires(LEDGER)],
        operation_id="getTransferLineage",
        tags=TAGS,
        summary="Of which lots did these units come?",
    )
    async def get_transfer_lineage(
        member_id: FromPath[str], transfer_id: FromPath[str], cursor: FromQuery[str | None] = None, limit: PageSize = 50
    ) -> UnitsAnswer:
        """Return a transfer, and page by page the lots that it used, each with the order that had brought it."""
        found = loyalty.member_id_in(member_id)
        (after,) = (-1,) if cursor is None else cursors.read(cursor, tuple[int])
        async with services.database.transaction() as tx:
            units = await loyalty.transfer_lineage(tx, found, seq_of(found, transfer_id), after=after, limit=limit)
        return units_answer(found, units)

    return [get_lot_lineage, get_transfer_lineage]


def seq_of(member_id: UUID, text: str) -> int:
    """Read the id of a transfer or a lot of a member. Raises NotFound."""
    found = loyalty.seq_in(member_id, text)
    if found is None:
        raise NotFound
    return found


def id_of(prefix: str, text: str) -> UUID:
    """Read a public id. Raises NotFound."""
    found = parse_public_id(prefix, text)
    if found is None:
        raise NotFound
    return found
