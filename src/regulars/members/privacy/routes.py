"""HTTP of erasing."""

from datetime import timedelta
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from regulars.members.contracts.privacy import AskErasure, Erasure, Parts, WithdrawErasure
from regulars.members.privacy import service
from regulars.members.privacy.schemas import (
    ErasureAnswer,
    ErasureBody,
    ErasureStandingAnswer,
    erasure_answer,
    standing_answer,
)
from regulars.members.public_ids import member_id_in
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.services import Services

ERASURE: Final = "/v1/members/{member_id:str}/erasure"
SCOPE: Final = "members:erase"
TAGS: Final = ["privacy"]

AnyRequest = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


def routes(services: Services, parts: Parts) -> list[HTTPRouteHandler]:
    """Return the routes of erasing."""
    wait = timedelta(hours=services.settings.erasure_wait_hours)

    async def ask(tx: Transaction, wish: AskErasure) -> Erasure:
        return await service.ask_erasure(tx, parts, wait, wish)

    asking = services.lane("ask_erasure", one_by_one(ask), _asked)
    withdrawing = services.lane("withdraw_erasure", one_by_one(service.withdraw_erasure), _withdrawn)

    @get(
        ERASURE,
        guards=[requires("members:read")],
        operation_id="getErasure",
        tags=TAGS,
        summary="Read what erasing a member would mean, and whether it was asked for",
        response_description="What would be lost, and the erasure that was asked for last.",
    )
    async def get_erasure(member_id: FromPath[str]) -> ErasureStandingAnswer:
        """Return how it stands, also of a member who is erased."""
        async with services.database.transaction() as tx:
            return standing_answer(await service.erasure_standing(tx, parts, wait, member_id_in(member_id)))

    @post(
        ERASURE,
        guards=[requires(SCOPE)],
        operation_id="askErasure",
        tags=TAGS,
        summary="Ask for a member to be erased",
        status_code=202,
        response_description="The erasure, when it is due, and what will be lost.",
    )
    async def ask_erasure(
        request: AnyRequest, member_id: FromPath[str], data: JSONBody[ErasureBody]
    ) -> Response[ErasureAnswer]:
        """Have a member erased once the waiting time is over; asking again while it waits changes nothing.

        The member's key is destroyed: nothing personal can be read any more, in no copy of the database. Copies that
        were delivered before (files, messages, webhooks) cannot be called back. The books stay, under the number.
        """
        wish = AskErasure(
            member_id=member_id_in(member_id), actor=principal_of(request).client, reason=data.reason.strip()
        )
        return await carry_out(request, asking, wish, subject=member_id, reason=wish.reason)

    @delete(
        ERASURE,
        guards=[requires(SCOPE)],
        operation_id="withdrawErasure",
        tags=TAGS,
        summary="Withdraw an erasure that waits",
        status_code=200,
        response_description="The erasure as it ended.",
    )
    async def withdraw_erasure(request: AnyRequest, member_id: FromPath[str]) -> Response[ErasureAnswer]:
        """Let a member stay; 409 `no_erasure_asked` if none waits, or its time has come."""
        wish = WithdrawErasure(member_id=member_id_in(member_id), actor=principal_of(request).client)
        return await carry_out(request, withdrawing, wish, subject=member_id)

    return [get_erasure, ask_erasure, withdraw_erasure]


def _asked(erasure: Erasure) -> tuple[int, bytes]:
    return 202, _encode(erasure_answer(erasure))


def _withdrawn(erasure: Erasure) -> tuple[int, bytes]:
    return 200, _encode(erasure_answer(erasure))
