"""HTTP of adjustment requests: one key asks, another, with a scope of its own, approves or refuses."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from regulars.loyalty.adjustments import service
from regulars.loyalty.adjustments.schemas import (
    AnswerBody,
    RequestAnswer,
    RequestsAnswer,
    answer_of,
    ask_of,
    request_answer,
    request_id_in,
    requests_answer,
)
from regulars.loyalty.contracts import AdjustmentRequest, RequestsWanted
from regulars.loyalty.ledger.schemas import AdjustmentBody
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.public_ids import member_id_in
from regulars.platform.commit.lane import Lane, json_answer
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.asked import asked
from regulars.platform.http.cursors import place_in
from regulars.platform.http.guards import requires
from regulars.platform.http.member_filter import member_filter
from regulars.platform.http.mutations import carry_out, idempotency_key
from regulars.platform.services import Services

TAGS: Final = ["ledger"]
ASKS: Final = "ledger:write"
APPROVES: Final = "ledger:approve"
PAGE_AT_MOST: Final = 200

AnyRequest = Request[Any, Any, Any]
RequestLane = Lane[service.Command, AdjustmentRequest]

_encode = msgspec.json.Encoder().encode


def routes(services: Services, configuration: Configuration) -> list[HTTPRouteHandler]:
    """Return the routes of adjustment requests, with their lane made."""

    async def apply(tx: Transaction, commands: Sequence[service.Command]) -> list[AdjustmentRequest | DomainError]:
        return await service.decide(tx, configuration, commands)

    lane: RequestLane = Lane(
        "adjustment_request",
        services.database,
        apply,
        json_answer(200, lambda found: _encode(request_answer(found))),
        recover=services.recover,
    )
    services.lanes.append(lane)
    return [_ask(lane), *_answers(lane), _list(services)]


def _ask(lane: RequestLane) -> HTTPRouteHandler:
    @post(
        "/v1/members/{member_id:str}/adjustment-requests",
        guards=[requires(ASKS)],
        operation_id="askAdjustment",
        tags=TAGS,
        summary="Ask for a correction",
        status_code=200,
        responses={200: ResponseSpec(RequestAnswer, description="The request, open until somebody else answers it.")},
    )
    async def ask(request: AnyRequest, member_id: FromPath[str], data: JSONBody[AdjustmentBody]) -> Response[Any]:
        """Ask for a correction that a second person approves; nothing is posted until then."""
        asking = asked(request.scope)
        key = idempotency_key(asking, "POST")
        command = ask_of(member_id_in(member_id), data, asking.client.client, key)
        return await carry_out(request, lane, command, subject=member_id, reason=data.reason)

    return ask


def _answers(lane: RequestLane) -> list[HTTPRouteHandler]:
    done = {200: ResponseSpec(RequestAnswer, description="The request as it was answered.")}

    @post(
        "/v1/members/{member_id:str}/adjustment-requests/{request_id:str}/approve",
        guards=[requires(APPROVES)],
        operation_id="approveAdjustment",
        tags=TAGS,
        summary="Approve a correction",
        status_code=200,
        responses=done,
    )
    async def approve(
        request: AnyRequest, member_id: FromPath[str], request_id: FromPath[str], data: JSONBody[AnswerBody]
    ) -> Response[Any]:
        """Approve what somebody else asked for: it is posted now, once."""
        actor = asked(request.scope).client.client
        command = answer_of(member_id_in(member_id), request_id_in(request_id), data, actor, approve=True)
        return await carry_out(request, lane, command, subject=member_id, reason=data.note)

    @post(
        "/v1/members/{member_id:str}/adjustment-requests/{request_id:str}/refuse",
        guards=[requires(APPROVES)],
        operation_id="refuseAdjustment",
        tags=TAGS,
        summary="Refuse a correction",
        status_code=200,
        responses=done,
    )
    async def refuse(
        request: AnyRequest, member_id: FromPath[str], request_id: FromPath[str], data: JSONBody[AnswerBody]
    ) -> Response[Any]:
        """Refuse what somebody else asked for; nothing is posted."""
        actor = asked(request.scope).client.client
        command = answer_of(member_id_in(member_id), request_id_in(request_id), data, actor, approve=False)
        return await carry_out(request, lane, command, subject=member_id, reason=data.note)

    return [approve, refuse]


def _list(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/adjustment-requests",
        guards=[requires("ledger:read")],
        operation_id="listAdjustmentRequests",
        tags=TAGS,
        summary="List adjustment requests",
        response_description="A page of requests, the latest first.",
    )
    async def list_requests(
        *,
        member_id: FromQuery[str | None] = None,
        ended: FromQuery[bool] = False,
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_AT_MOST)] = 50,
    ) -> RequestsAnswer:
        """Return what waits for a second person; `ended` includes what was answered, and what nobody answered."""
        of = member_filter(member_id)
        after = place_in(cursor)
        wanted = RequestsWanted(member_id=of, state=None if ended else "open", after=after, limit=limit + 1)
        async with services.database.transaction() as tx:
            found = await service.adjustment_requests(tx, wanted)
        return requests_answer(found[:limit], has_more=len(found) > limit)

    return list_requests
