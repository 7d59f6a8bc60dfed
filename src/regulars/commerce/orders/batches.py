"""HTTP of many orders in one request."""

from functools import partial
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from msgspec import Meta, Struct

from regulars.commerce.contracts import OrderOutcome, PutOrder, ReturnOutcome
from regulars.commerce.errors import OrderIdImpossible
from regulars.commerce.orders.answers import OrderAnswer, order_answer
from regulars.commerce.orders.intake import apply
from regulars.commerce.orders.schemas import OrderBody, is_order_id, put_of
from regulars.commerce.orders.service import Commerce
from regulars.platform.commit.batches import ROWS_AT_MOST, Decided, Kind, asked_rows, batch_lane, problem_of
from regulars.platform.errors import DomainError
from regulars.platform.http.guards import requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.problems import Problem
from regulars.platform.services import Services

_FIELD: Final = "orders"
_ACTION: Final = "put_order_in_batch"

_encode = msgspec.json.Encoder().encode


class BatchedOrder(OrderBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: an order as it now stands, under your own id."""

    order_id: Annotated[str, Meta(min_length=1, max_length=64, examples=["2026-000123"])]


class OrderBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Orders of any members, decided row by row in this order."""

    orders: Annotated[list[BatchedOrder], Meta(min_length=1, max_length=ROWS_AT_MOST)]


class OrderRowAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one row: the status that it would have had alone, and the order or the problem document."""

    order_id: str
    status: int
    order: OrderAnswer | None = None
    problem: Problem | None = None


class OrderBatchAnswer(Struct, frozen=True, kw_only=True):
    """A row for each order, in order."""

    taken: int
    refused: int
    rows: list[OrderRowAnswer]


_Decided = Decided[PutOrder, OrderOutcome | ReturnOutcome]


def put_orders_route(services: Services, commerce: Commerce) -> HTTPRouteHandler:
    """Return the route of many orders, with its lane made."""
    kind: Kind[PutOrder] = Kind(_FIELD, _ACTION, lambda fact: (fact.order_id, fact.state))
    lane = batch_lane(
        services,
        "put_orders",
        kind,
        lambda tx, facts: apply(tx, commerce, facts),
        partial(_render, commerce),
    )

    @put(
        "/v1/orders",
        guards=[requires("orders:write")],
        operation_id="putOrders",
        tags=["orders"],
        summary="Send many orders as they now stand",
        responses={200: ResponseSpec(OrderBatchAnswer, description="For each row its order, or why it was refused.")},
    )
    async def put_orders(request: Request[Any, Any, Any], data: JSONBody[OrderBatchBody]) -> Response[Any]:
        """Take over up to 1,000 orders in one transaction, row by row: a refused row leaves the others as they are.

        Each is what `putOrder` would make of it; one order may come several times, in the order of its states.
        """
        batch = asked_rows(request, data.orders, _put, lambda row: row.order_id)
        return await carry_out(request, lane, batch, subject=f"{len(batch.rows)} orders")

    return put_orders


def _put(row: BatchedOrder) -> PutOrder:
    if not is_order_id(row.order_id):
        raise OrderIdImpossible(pointer="/order_id")
    return put_of(row.order_id, row)


def _render(commerce: Commerce, decided: _Decided) -> tuple[int, bytes]:
    rows = []
    for order_id, outcome in zip(decided.asked.names, decided.outcomes, strict=True):
        if isinstance(outcome, DomainError):
            problem = problem_of(decided.asked, outcome)
            rows.append(OrderRowAnswer(order_id=order_id, status=problem.status, problem=problem))
        elif isinstance(outcome, OrderOutcome):
            status = 201 if outcome.created else 200
            answer = order_answer(outcome, commerce.configuration)
            rows.append(OrderRowAnswer(order_id=order_id, status=status, order=answer))
    refused = sum([row.problem is not None for row in rows])
    return 200, _encode(OrderBatchAnswer(taken=len(rows) - refused, refused=refused, rows=rows))
