"""HTTP of endpoints: made, changed, their secrets changed for others."""

from base64 import b64decode, b64encode
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from regulars.platform.audit.contracts import Deed
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.http.guards import requires
from regulars.platform.http.mutations import FIRST_REFUSAL, carry_out
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.services import Services
from regulars.platform.vault.contracts import Vault
from regulars.platform.webhooks import service
from regulars.platform.webhooks.addresses import Guard
from regulars.platform.webhooks.contracts import ENDPOINT_PREFIX, Endpoint, EndpointState
from regulars.platform.webhooks.rules import change_in_words, endpoint_in_words, rotation_in_words
from regulars.platform.webhooks.schemas import (
    RotateBody,
    WebhookAnswer,
    WebhookBody,
    WebhookChanges,
    WebhooksAnswer,
    WebhookWithSecret,
    webhook_answer,
    webhook_fields,
)
from regulars.platform.webhooks.service import Changed, Changes, Made
from regulars.platform.webhooks.signing import open_secret, shown

TAGS: Final = ["webhooks"]
SEALED: Final = "sealed:"  # how a secret stands in an answer that is kept: opened where it leaves
AnyRequest = Request[Any, Any, Any]
_encode = msgspec.json.Encoder().encode


class Creation(NamedTuple):
    """A wish for an endpoint, and with what its address was refused: a repeated request is answered before that."""

    body: WebhookBody
    refusal: DomainError | None


class Change(NamedTuple):
    """A wish to change an endpoint, and with what its new address was refused."""

    endpoint_id: UUID
    changes: Changes
    refusal: DomainError | None


class Rotation(NamedTuple):
    """A wish for another secret."""

    endpoint_id: UUID
    overlap: timedelta


def endpoint_routes(services: Services, guard: Guard) -> list[HTTPRouteHandler]:
    """Return the routes of endpoints."""
    return [_create(services, guard), _change(services, guard), _delete(services), _rotate(services), *_reads(services)]


def endpoint_id_in(text: str) -> UUID:
    """Read the id of an endpoint. Raises NotFound."""
    found = parse_public_id(ENDPOINT_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def _create(services: Services, guard: Guard) -> HTTPRouteHandler:
    async def create(tx: Transaction, wish: Creation) -> Made:
        if wish.refusal is not None:
            raise wish.refusal
        return await service.create(tx, services.vault, wish.body.url, wish.body.description, wish.body.types)

    lane = services.lane("create_webhook", one_by_one(create), _with_secret(201), tell=_made)

    @post(
        "/v1/webhooks",
        guards=[requires("webhooks:write")],
        operation_id="createWebhook",
        tags=TAGS,
        summary="Have events delivered to an address",
        responses={201: ResponseSpec(WebhookWithSecret, description="The webhook, with its secret: keep it.")},
    )
    async def create_webhook(request: AnyRequest, data: JSONBody[WebhookBody]) -> Response[Any]:
        """Make a webhook. What is recorded from now on is delivered, signed by the secret that is shown this once.

        The address must lead to the public internet by https, unless the operator allows a network.
        """
        wish = Creation(data, await guard.judge(data.url))
        return _opened(services.vault, await carry_out(request, lane, wish, subject="webhooks"))

    return create_webhook


def _change(services: Services, guard: Guard) -> HTTPRouteHandler:
    async def change(tx: Transaction, wish: Change) -> Changed:
        if wish.refusal is not None:
            raise wish.refusal
        return await service.change(tx, wish.endpoint_id, wish.changes)

    def render(changed: Changed) -> tuple[int, bytes]:
        return 200, _encode(webhook_answer(changed.after))

    def tell(changed: Changed) -> Deed:
        return Deed(_public(changed.after), change_in_words(changed.before, changed.after))

    lane = services.lane("change_webhook", one_by_one(change), render, tell=tell)

    @patch(
        "/v1/webhooks/{webhook_id:str}",
        guards=[requires("webhooks:write")],
        operation_id="changeWebhook",
        tags=TAGS,
        summary="Change, disable or enable a webhook",
        responses={200: ResponseSpec(WebhookAnswer, description="The webhook as it is now.")},
    )
    async def change_webhook(
        request: AnyRequest, webhook_id: FromPath[str], data: JSONBody[WebhookChanges]
    ) -> Response[Any]:
        """Change a webhook. What waits goes to the new address; while it is disabled nothing is written for it."""
        refusal = None if data.url is UNSET else await guard.judge(data.url)
        changes = Changes(
            url=None if data.url is UNSET else data.url,
            description=None if data.description is UNSET else data.description,
            types=None if data.types is UNSET else tuple(data.types),
            state=None if data.state is UNSET else EndpointState(data.state),
        )
        wish = Change(endpoint_id_in(webhook_id), changes, refusal)
        return await carry_out(request, lane, wish, subject=webhook_id)

    return change_webhook


def _delete(services: Services) -> HTTPRouteHandler:
    async def remove(tx: Transaction, endpoint_id: UUID) -> Endpoint:
        return await service.delete(tx, endpoint_id)

    def render(was: Endpoint) -> tuple[int, bytes]:
        return 200, _encode(webhook_answer(was))

    def tell(was: Endpoint) -> Deed:
        return Deed(_public(was), endpoint_in_words(was))

    lane = services.lane("delete_webhook", one_by_one(remove), render, tell=tell)

    @delete(
        "/v1/webhooks/{webhook_id:str}",
        guards=[requires("webhooks:write")],
        operation_id="deleteWebhook",
        tags=TAGS,
        summary="Delete a webhook",
        status_code=200,
        responses={200: ResponseSpec(WebhookAnswer, description="The webhook as it was.")},
    )
    async def delete_webhook(request: AnyRequest, webhook_id: FromPath[str]) -> Response[Any]:
        """Delete a webhook with its secrets and its log. What waits is not delivered any more."""
        return await carry_out(request, lane, endpoint_id_in(webhook_id), subject=webhook_id)

    return delete_webhook


def _rotate(services: Services) -> HTTPRouteHandler:
    async def rotate(tx: Transaction, wish: Rotation) -> Made:
        return await service.rotate(tx, services.vault, wish.endpoint_id, wish.overlap)

    lane = services.lane("rotate_webhook_secret", one_by_one(rotate), _with_secret(200), tell=_rotated)

    @post(
        "/v1/webhooks/{webhook_id:str}/rotate",
        guards=[requires("webhooks:write")],
        operation_id="rotateWebhookSecret",
        tags=TAGS,
        summary="Change the secret of a webhook for another",
        status_code=200,
        responses={200: ResponseSpec(WebhookWithSecret, description="The webhook, with its new secret: keep it.")},
    )
    async def rotate_secret(
        request: AnyRequest, webhook_id: FromPath[str], data: JSONBody[RotateBody]
    ) -> Response[Any]:
        """Draw a new secret, shown this once. For `overlap_hours` deliveries are signed by both; 0 ends the old one."""
        wish = Rotation(endpoint_id_in(webhook_id), timedelta(hours=data.overlap_hours))
        return _opened(services.vault, await carry_out(request, lane, wish, subject=webhook_id))

    return rotate_secret


def _reads(services: Services) -> list[HTTPRouteHandler]:
    @get(
        "/v1/webhooks",
        guards=[requires("webhooks:read")],
        operation_id="listWebhooks",
        tags=TAGS,
        summary="List the webhooks",
        response_description="Every webhook.",
    )
    async def list_webhooks() -> WebhooksAnswer:
        """Return every webhook, the oldest first: 48 at most."""
        async with services.database.transaction() as tx:
            return WebhooksAnswer(webhooks=[webhook_answer(one) for one in await service.every(tx)])

    @get(
        "/v1/webhooks/{webhook_id:str}",
        guards=[requires("webhooks:read")],
        operation_id="getWebhook",
        tags=TAGS,
        summary="Read a webhook",
        response_description="The webhook.",
    )
    async def get_webhook(webhook_id: FromPath[str]) -> WebhookAnswer:
        """Return a webhook, without its secret."""
        async with services.database.transaction() as tx:
            return webhook_answer(await service.find(tx, endpoint_id_in(webhook_id)))

    return [list_webhooks, get_webhook]


def _public(endpoint: Endpoint) -> str:
    return public_id(ENDPOINT_PREFIX, endpoint.endpoint_id)


def _made(made: Made) -> Deed:
    return Deed(_public(made.endpoint), endpoint_in_words(made.endpoint))


def _rotated(made: Made) -> Deed:
    return Deed(_public(made.endpoint), rotation_in_words(made.endpoint))


def _with_secret(status: int) -> Any:  # noqa: ANN401 - what a lane renders by
    def render(made: Made) -> tuple[int, bytes]:
        told = WebhookWithSecret(**webhook_fields(made.endpoint), secret=SEALED + b64encode(made.sealed).decode())
        return status, _encode(told)

    return render


def _opened(vault: Vault, answer: Response[Any]) -> Response[Any]:
    """Open the secret in an answer: what is kept of it for a repeated request stays sealed."""
    if (answer.status_code or 0) >= FIRST_REFUSAL:
        return answer
    told = msgspec.json.decode(answer.content, type=WebhookWithSecret)
    sealed = b64decode(told.secret.removeprefix(SEALED))
    secret = shown(open_secret(vault, endpoint_id_in(told.webhook_id), sealed))
    answer.content = _encode(msgspec.structs.replace(told, secret=secret))
    return answer
