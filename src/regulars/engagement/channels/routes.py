"""HTTP of messages."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from regulars.engagement.channels import service, stopping
from regulars.engagement.channels.layout import brand_of
from regulars.engagement.channels.schemas import MessagesAnswer, ReadAnswer, ReadBody, message_answer
from regulars.engagement.contracts import MESSAGE_PREFIX
from regulars.engagement.errors import MessageCursorUnreadable
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.audit.contracts import AuditEntry, asked_as
from regulars.platform.commit.lane import json_answer, one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.http.asked import asked
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.purposes import require_purpose
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.services import Services

TAGS: Final = ["messages"]
AnyRequest = Request[Any, Any, Any]
PageSize = Annotated[int, QueryParameter(ge=1, le=service.PAGE_AT_MOST)]
_encode = msgspec.json.Encoder().encode


class MarkRead(Struct, frozen=True, kw_only=True):
    """A wish to mark messages of a member's inbox as read."""

    member_id: UUID
    message_ids: tuple[UUID, ...]
    up_to: UUID | None


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of messages, with their lane made."""
    return [_list(services), _mark_read(services), _stop(services)]


def _list(services: Services) -> HTTPRouteHandler:
    brand = brand_of(services.settings)

    @get(
        "/v1/members/{member_id:str}/messages",
        guards=[requires("members:personal")],
        operation_id="listMessages",
        tags=TAGS,
        summary="Read what a member was told",
        response_description="A page of messages, the latest first.",
    )
    async def list_messages(
        request: AnyRequest, member_id: FromPath[str], cursor: FromQuery[str | None] = None, limit: PageSize = 50
    ) -> MessagesAnswer:
        """Return messages of every channel with what they say.

        The header `Regulars-Purpose` says why (5 to 200 characters); it is in the audit log, with who read whom.
        """
        purpose = require_purpose(request)
        found = _id_in(MEMBER_PREFIX, member_id)
        before = None if cursor is None else parse_public_id(MESSAGE_PREFIX, cursor)
        if cursor is not None and before is None:
            raise MessageCursorUnreadable(pointer="/query/cursor")
        async with services.database.transaction() as tx:
            await service.require_active(tx, found)
            whom = public_id(MEMBER_PREFIX, await members.who_is(tx, found))
            page = await service.list_of_member(tx, services.vault, brand, found, before=before, limit=limit)
            unread = await service.unread_count(tx, found)
            tx.audit(
                AuditEntry(
                    actor=principal_of(request).client,
                    action="read_messages",
                    subject=whom,
                    reason=purpose,
                    request_id=asked(request.scope).request_id,
                    detail=asked_as(member_id, whom),
                )
            )
        return MessagesAnswer(
            messages=[message_answer(message) for message in page.messages],
            unread=unread,
            has_more=page.next_before is not None,
            next_cursor=None if page.next_before is None else public_id(MESSAGE_PREFIX, page.next_before),
        )

    return list_messages


def _mark_read(services: Services) -> HTTPRouteHandler:
    async def mark(tx: Transaction, wish: MarkRead) -> ReadAnswer:
        marked = await service.mark_read(tx, wish.member_id, wish.message_ids, wish.up_to)
        return ReadAnswer(marked=marked, unread=await service.unread_count(tx, wish.member_id))

    lane = services.lane("mark_messages_read", one_by_one(mark), json_answer(200, _encode))

    @post(
        "/v1/members/{member_id:str}/messages/read",
        guards=[requires("members:write")],
        operation_id="markMessagesRead",
        tags=TAGS,
        summary="Mark messages of a member's inbox as read",
        status_code=200,
        response_description="How many were unread before, and how many still are.",
    )
    async def mark_read(
        request: AnyRequest, member_id: FromPath[str], data: JSONBody[ReadBody]
    ) -> Response[ReadAnswer]:
        """Mark messages as read. What is read stays read; messages of others are left alone."""
        wish = MarkRead(
            member_id=_id_in(MEMBER_PREFIX, member_id),
            message_ids=_ids_in(data.message_ids),
            up_to=None if data.up_to is None else _id_in(MESSAGE_PREFIX, data.up_to),
        )
        return await carry_out(request, lane, wish, subject=member_id)

    return mark_read


def _stop(services: Services) -> HTTPRouteHandler:
    @post(stopping.STOP_PATH + "/{token:str}", include_in_schema=False, status_code=200)
    async def stop(token: FromPath[str]) -> Response[str]:
        """End notices by e-mail with one click (RFC 8058): mail programs send it, without keys and sessions."""
        async with services.database.transaction(actor="member") as tx:
            await stopping.stop_notices(tx, services.vault, token)
        return Response("Stopped. 已停止。", media_type="text/plain; charset=utf-8")

    return stop


def _id_in(prefix: str, text: str) -> UUID:
    found = parse_public_id(prefix, text)
    if found is None:
        raise NotFound
    return found


def _ids_in(texts: Sequence[str]) -> tuple[UUID, ...]:
    return tuple(_id_in(MESSAGE_PREFIX, text) for text in texts)
