"""HTTP of orders, returns and claims: one lane, so that an order and its return keep their order of arrival."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from litestar import Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from regulars.commerce import cursors
from regulars.commerce.contracts import OrderFact, OrderOutcome, ReturnOutcome
from regulars.commerce.orders import reading
from regulars.commerce.orders.answers import (
    LineageAnswer,
    OrderAnswer,
    OrderShown,
    OrdersPage,
    ReturnAnswer,
    lineage_answer,
    order_answer,
    order_shown,
    return_answer,
)
from regulars.commerce.orders.explain import NOWHERE, Verdict, verdicts_of_order, verdicts_of_return
from regulars.commerce.orders.intake import apply
from regulars.commerce.orders.schemas import (
    MEMBER_PREFIX,
    ClaimBody,
    OrderBody,
    ReturnBody,
    claim_of,
    existing_order_id,
    put_of,
    return_of,
)
from regulars.commerce.orders.service import Commerce
from regulars.commerce.orders.witness import Seen, Witness
from regulars.platform.commit.lane import Lane
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.http.asked import asked
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.hot import HotMutation
from regulars.platform.http.mutations import carry_out, idempotency_key
from regulars.platform.ids import parse_public_id
from regulars.platform.markets.service import find_market
from regulars.platform.services import Services

TAGS: Final = ["orders"]
ORDER: Final = "/v1/orders/{order_id:str}"
DRY_RUN_KEY: Final = "dry-run"

AnyRequest = Request[Any, Any, Any]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]
LineageSize = Annotated[int, QueryParameter(ge=1, le=100)]

_encode = msgspec.json.Encoder().encode


class OrderRequest(NamedTuple):
    """A fact at the edge; explained in `language` if so asked."""

    fact: OrderFact
    explain: bool = False
    language: str = "en"


class Explained(NamedTuple):
    """What a fact did, and why, if that was asked for."""

    result: OrderOutcome | ReturnOutcome
    explanation: list[Verdict] | None


OrderLane = Lane[OrderRequest, Explained]


def routes(services: Services, commerce: Commerce) -> tuple[list[HTTPRouteHandler], list[HotMutation]]:
    """Return the routes of orders, and the hot twin of the put."""
    lane = services.lane("record_order", partial(_apply_all, commerce), partial(_render, commerce), assume_new=True)
    hot = HotMutation(
        method="PUT",
        path="/v1/orders/{order_id}",
        scope="orders:write",
        body=OrderBody,
        lane=lane,
        command=_put_request,
    )
    return [_put_order(services, commerce, lane), *_returns(services, commerce, lane), *_reads(services, commerce)], [
        hot
    ]


def _put_order(services: Services, commerce: Commerce, lane: OrderLane) -> HTTPRouteHandler:
    @put(
        ORDER,
        guards=[requires("orders:write")],
        operation_id="putOrder",
        tags=TAGS,
        summary="Send an order as it now stands",
        responses={
            200: ResponseSpec(OrderAnswer, description="The order, known before."),
            201: ResponseSpec(OrderAnswer, description="The order, new."),
        },
    )
    async def put_order(
        request: AnyRequest,
        order_id: FromPath[str],
        data: JSONBody[OrderBody],
        *,
        dry_run: FromQuery[bool] = False,
        explain: FromQuery[bool] = False,
    ) -> Response[Any]:
        """Take over the state of an order under your own id; sending it again changes nothing.

        It is settled when it becomes `paid`: points pay and are earned, growth counts, the tier rises. From then on its
        lines stand; `cancelled` after that is a full return. With `dry_run` nothing changes and the answer is the
        same; with `explain` it carries every rule's verdict.
        """
        wish = OrderRequest(put_of(order_id, data), explain, asked(request.scope).language)
        if dry_run:
            return await _try(services, commerce, wish)
        return await carry_out(request, lane, wish, subject=order_id)

    return put_order


def _returns(services: Services, commerce: Commerce, lane: OrderLane) -> list[HTTPRouteHandler]:
    @post(
        ORDER + "/returns",
        guards=[requires("orders:write")],
        operation_id="returnOrder",
        tags=TAGS,
        summary="Take back an order, or part of it",
        responses={201: ResponseSpec(ReturnAnswer, description="What the return did, and what is left.")},
    )
    async def return_order(
        request: AnyRequest,
        order_id: FromPath[str],
        data: JSONBody[ReturnBody],
        *,
        dry_run: FromQuery[bool] = False,
        explain: FromQuery[bool] = False,
    ) -> Response[Any]:
        """Take back lines or parts of them, in any store of the order's market; without lines everything left.

        The order is settled for what remains, by the policy under which it was paid. A part of a line is worth its
        share, rounded down over all parts returned so far, so that parts sum to the whole.
        """
        asking = asked(request.scope)
        key = DRY_RUN_KEY if dry_run else idempotency_key(asking, "POST")
        fact = return_of(order_id, data, principal_of(request).client, key)
        wish = OrderRequest(fact, explain, asking.language)
        if dry_run:
            return await _try(services, commerce, wish)
        return await carry_out(request, lane, wish, subject=order_id)

    @post(
        ORDER + "/claim",
        guards=[requires("orders:write")],
        operation_id="claimOrder",
        tags=TAGS,
        summary="Give an order without a member to a member",
        status_code=200,
        responses={200: ResponseSpec(OrderAnswer, description="The order, now the member's.")},
    )
    async def claim_order(
        request: AnyRequest,
        order_id: FromPath[str],
        data: JSONBody[ClaimBody],
        *,
        explain: FromQuery[bool] = False,
    ) -> Response[Any]:
        """Settle a guest order for a member, within 30 days of its time, as a late order; then its returns.

        It earns at the tier held now; its growth counts at its own time. Claiming it again changes nothing.
        """
        wish = OrderRequest(claim_of(order_id, data), explain, asked(request.scope).language)
        return await carry_out(request, lane, wish, subject=order_id)

    return [return_order, claim_order]


def _reads(services: Services, commerce: Commerce) -> list[HTTPRouteHandler]:
    @get(ORDER, guards=[requires("orders:read")], operation_id="getOrder", tags=TAGS, summary="Read an order")
    async def get_order(
        request: AnyRequest, order_id: FromPath[str], *, explain: FromQuery[bool] = False
    ) -> OrderShown:
        """Return an order with its lines, what came back of each, its returns and all effects."""
        async with services.database.transaction() as tx:
            order = await reading.read_order(tx, existing_order_id(order_id))
            await reading.follow(tx, commerce)
            explanation = None
            if explain:
                seen = await reading.standing_now(tx, commerce, order.outcome.member_id)
                zone, language = await _time_zone(tx, order.outcome.market), asked(request.scope).language
                explanation = verdicts_of_order(order.outcome, seen, commerce.configuration, language, zone)
        return order_shown(order, commerce.configuration, explanation)

    @get(
        "/v1/members/{member_id:str}/orders",
        guards=[requires("orders:read")],
        operation_id="listOrdersOfMember",
        tags=TAGS,
        summary="List a member's orders",
    )
    async def list_orders(
        member_id: FromPath[str], cursor: FromQuery[str | None] = None, limit: PageSize = 50
    ) -> OrdersPage:
        """Return a member's orders, the latest first, page by page."""
        found = parse_public_id(MEMBER_PREFIX, member_id)
        if found is None:
            raise NotFound
        async with services.database.transaction() as tx:
            orders, following = await reading.page(tx, found, cursor, limit)
            await reading.follow(tx, commerce)
        return OrdersPage(
            orders=[order_answer(order, commerce.configuration) for order in orders],
            has_more=following is not None,
            next_cursor=following,
        )

    @get(
        ORDER + "/lineage",
        guards=[requires("orders:read")],
        operation_id="getOrderLineage",
        tags=TAGS,
        summary="List everything that an order caused",
    )
    async def get_lineage(
        request: AnyRequest, order_id: FromPath[str], cursor: FromQuery[str | None] = None, limit: LineageSize = 100
    ) -> LineageAnswer:
        """Return the transfers, points and tier changes of an order and its returns, and what became of the points.

        Of each lot the first 100 movements are told; the lot's own lineage has all of them. Into the books that a merge
        brought points to they are followed for a key that has `ledger:read` as well.
        """
        follows = principal_of(request).may("ledger:read")
        (after,) = (0,) if cursor is None else cursors.read(cursor, tuple[int])
        async with services.database.transaction() as tx:
            found = await reading.lineage(
                tx, commerce, existing_order_id(order_id), after=after, limit=limit, follows=follows
            )
        return lineage_answer(*found)

    return [get_order, list_orders, get_lineage]


async def _try(services: Services, commerce: Commerce, wish: OrderRequest) -> Response[bytes]:
    """Answer what would happen."""
    async with services.database.transaction(by_keys=True) as tx:
        (outcome,) = await _apply_all(commerce, tx, [wish], dry_run=True)
    if isinstance(outcome, DomainError):
        raise outcome
    status, body = _render(commerce, outcome)
    return Response(body, status_code=status, media_type="application/json")


async def _apply_all(
    commerce: Commerce, tx: Transaction, wishes: Sequence[OrderRequest], *, dry_run: bool = False
) -> list[Explained | DomainError]:
    explained = frozenset([position for position, wish in enumerate(wishes) if wish.explain])
    witness = Witness(explained) if explained else None
    outcomes = await apply(tx, commerce, [wish.fact for wish in wishes], dry_run=dry_run, witness=witness)
    if witness is None:
        return [outcome if isinstance(outcome, DomainError) else Explained(outcome, None) for outcome in outcomes]
    return [
        outcome
        if isinstance(outcome, DomainError)
        else Explained(
            outcome, await _explanation(tx, outcome, witness.seen[n], commerce, wish) if wish.explain else None
        )
        for n, (outcome, wish) in enumerate(zip(outcomes, wishes, strict=True))
    ]


async def _explanation(
    tx: Transaction, outcome: OrderOutcome | ReturnOutcome, seen: Seen, commerce: Commerce, wish: OrderRequest
) -> list[Verdict]:
    if isinstance(outcome, OrderOutcome):
        zone = await _time_zone(tx, outcome.market)
        return verdicts_of_order(outcome, seen, commerce.configuration, wish.language, zone)
    return verdicts_of_return(outcome, seen, wish.language)


async def _time_zone(tx: Transaction, market: str) -> str:
    found = await find_market(tx, market)
    return NOWHERE if found is None else found.time_zone


def _render(commerce: Commerce, explained: Explained) -> tuple[int, bytes]:
    result, explanation = explained
    if isinstance(result, OrderOutcome):
        answer = order_answer(result, commerce.configuration, explanation)
        return (201 if result.created else 200), _encode(answer)
    return 201, _encode(return_answer(result, explanation))


def _put_request(order_id: str, body: OrderBody) -> OrderRequest:
    return OrderRequest(put_of(order_id, body))
