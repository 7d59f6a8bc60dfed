"""HTTP of deliveries: the log, and sending anew."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from regulars.platform.audit.contracts import Deed
from regulars.platform.commit.lane import json_answer, one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.http.guards import requires
from regulars.platform.http.member_filter import member_filter
from regulars.platform.http.mutations import carry_out
from regulars.platform.ids import parse_public_id
from regulars.platform.public_events.telling import source_of
from regulars.platform.services import Services
from regulars.platform.webhooks import service
from regulars.platform.webhooks.contracts import DELIVERY_PREFIX, Chosen
from regulars.platform.webhooks.endpoint_routes import TAGS, endpoint_id_in
from regulars.platform.webhooks.errors import DeliveryCursorUnreadable
from regulars.platform.webhooks.schemas import (
    DeliveriesAnswer,
    DeliveryAnswer,
    DeliveryInFull,
    ReplayBody,
    ReplayedAnswer,
    delivery_answer,
    delivery_in_full,
)
from regulars.platform.webhooks.telling import body_of

AnyRequest = Request[Any, Any, Any]
PageSize = Annotated[int, QueryParameter(ge=1, le=500)]
_DIGITS: Final = 18
_encode = msgspec.json.Encoder().encode


class OneDelivery(NamedTuple):
    """A delivery of an endpoint."""

    endpoint_id: UUID
    delivery_id: UUID


class Replay(NamedTuple):
    """A wish to send deliveries of an endpoint anew."""

    endpoint_id: UUID
    chosen: Chosen
    dry_run: bool


def delivery_routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of deliveries."""
    return [*_reads(services), _test(services), _replay_one(services), _replay_range(services)]


def _delivery_id_in(text: str) -> UUID:
    found = parse_public_id(DELIVERY_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def _reads(services: Services) -> list[HTTPRouteHandler]:
    source = source_of(services.settings.public_url)

    @get(
        "/v1/webhooks/{webhook_id:str}/deliveries",
        guards=[requires("webhooks:read")],
        operation_id="listDeliveries",
        tags=TAGS,
        summary="Read what was delivered, and what was not",
        response_description="A page of deliveries, the latest first.",
    )
    async def list_deliveries(
        webhook_id: FromPath[str],
        *,
        state_: Annotated[Literal["pending", "delivered", "failed"] | None, QueryParameter(name="state")] = None,
        type_: Annotated[str | None, QueryParameter(name="type")] = None,
        member_id: FromQuery[str | None] = None,
        queued_from: FromQuery[datetime | None] = None,
        queued_until: FromQuery[datetime | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: PageSize = 100,
    ) -> DeliveriesAnswer:
        """Return deliveries of a webhook of the last 30 days: by state, type, member, or when they were queued."""
        chosen = Chosen(
            states=() if state_ is None else (state_,),
            type=type_,
            member_id=member_filter(member_id),
            since=queued_from,
            until=queued_until,
            last=_before(cursor),
        )
        async with services.database.transaction() as tx:
            found = await service.list_deliveries(tx, endpoint_id_in(webhook_id), chosen, limit + 1)
        more = len(found) > limit
        return DeliveriesAnswer(
            deliveries=[delivery_answer(one) for one in found[:limit]],
            has_more=more,
            next_cursor=str(found[limit - 1].position) if more else None,
        )

    @get(
        "/v1/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}",
        guards=[requires("webhooks:read")],
        operation_id="getDelivery",
        tags=TAGS,
        summary="Read a delivery with every attempt",
        response_description="The delivery, what is sent, and what was answered.",
    )
    async def get_delivery(webhook_id: FromPath[str], delivery_id: FromPath[str]) -> DeliveryInFull:
        """Return a delivery: the event as it is sent, and each attempt with the beginning of the answer."""
        async with services.database.transaction() as tx:
            found, told = await service.find_delivery(tx, endpoint_id_in(webhook_id), _delivery_id_in(delivery_id))
            attempts = await service.attempts_of(tx, [found])
        return delivery_in_full(found, body_of(told, source), attempts.get(found.delivery_id, []))

    return [list_deliveries, get_delivery]


def _test(services: Services) -> HTTPRouteHandler:
    async def test(tx: Transaction, endpoint_id: UUID) -> DeliveryAnswer:
        return delivery_answer(await service.send_ping(tx, endpoint_id))

    lane = services.lane("test_webhook", one_by_one(test), json_answer(201, _encode))

    @post(
        "/v1/webhooks/{webhook_id:str}/test",
        guards=[requires("webhooks:write")],
        operation_id="testWebhook",
        tags=TAGS,
        summary="Send a webhook an event that means nothing",
        responses={201: ResponseSpec(DeliveryAnswer, description="The delivery; read it again to see how it went.")},
    )
    async def test_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> Response[Any]:
        """Queue an event of type `webhook.ping`, signed and retried as all others are."""
        return await carry_out(request, lane, endpoint_id_in(webhook_id), subject=webhook_id)

    return test_webhook


def _replay_one(services: Services) -> HTTPRouteHandler:
    async def replay(tx: Transaction, wish: OneDelivery) -> DeliveryAnswer:
        return delivery_answer(await service.replay_one(tx, wish.endpoint_id, wish.delivery_id))

    lane = services.lane("replay_delivery", one_by_one(replay), json_answer(200, _encode))

    @post(
        "/v1/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}/replay",
        guards=[requires("webhooks:write")],
        operation_id="replayDelivery",
        tags=TAGS,
        summary="Send an event anew",
        status_code=200,
        responses={200: ResponseSpec(DeliveryAnswer, description="The delivery, pending again.")},
    )
    async def replay_delivery(
        request: AnyRequest, webhook_id: FromPath[str], delivery_id: FromPath[str]
    ) -> Response[Any]:
        """Send an event anew that was delivered or given up, with the id it had: a receiver can tell."""
        wish = OneDelivery(endpoint_id_in(webhook_id), _delivery_id_in(delivery_id))
        return await carry_out(request, lane, wish, subject=delivery_id)

    return replay_delivery


def _replay_range(services: Services) -> HTTPRouteHandler:
    async def replay(tx: Transaction, wish: Replay) -> ReplayedAnswer:
        verb = service.count_to_replay if wish.dry_run else service.replay_range
        return ReplayedAnswer(replayed=await verb(tx, wish.endpoint_id, wish.chosen), dry_run=wish.dry_run)

    def tell(answer: ReplayedAnswer) -> Deed:
        return Deed(detail=f"{answer.replayed}{', only counted' if answer.dry_run else ''}")

    lane = services.lane("replay_deliveries", one_by_one(replay), json_answer(200, _encode), tell=tell)

    @post(
        "/v1/webhooks/{webhook_id:str}/replay",
        guards=[requires("webhooks:write")],
        operation_id="replayDeliveries",
        tags=TAGS,
        summary="Send a range of events anew",
        status_code=200,
        responses={200: ResponseSpec(ReplayedAnswer, description="How many.")},
    )
    async def replay_deliveries(
        request: AnyRequest, webhook_id: FromPath[str], data: JSONBody[ReplayBody]
    ) -> Response[Any]:
        """Send anew what was given up (or delivered, too) in a stretch of time or of positions; 100,000 at a time."""
        chosen = Chosen(
            states=tuple(data.states),
            type=data.type,
            since=data.queued_from,
            until=data.queued_until,
            first=data.first_position,
            last=data.last_position,
        )
        wish = Replay(endpoint_id_in(webhook_id), chosen, data.dry_run)
        return await carry_out(request, lane, wish, subject=webhook_id)

    return replay_deliveries


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= _DIGITS):
        raise DeliveryCursorUnreadable(pointer="/query/cursor")
    return int(cursor) - 1
