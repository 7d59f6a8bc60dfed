"""HTTP of holds. Mutations share the lane of direct postings: all that spends keeps its order of arrival."""

from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from regulars.loyalty.errors import UnknownHold
from regulars.loyalty.holds import service
from regulars.loyalty.holds.schemas import (
    HoldAnswer,
    HoldBody,
    HoldPostingBody,
    HoldsAnswer,
    HoldVoidingBody,
    hold_answer,
    hold_id_in,
    holds_answer,
    place_of,
    post_of,
    void_of,
)
from regulars.loyalty.ledger.routes import PostingLane
from regulars.loyalty.public_ids import member_id_in
from regulars.members import api as members
from regulars.platform.http.guards import requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.services import Services

TAGS: Final = ["ledger"]
READS: Final = "ledger:read"
WRITES: Final = "ledger:write"
PAGE_AT_MOST: Final = 200

AnyRequest = Request[Any, Any, Any]


def routes(services: Services, lane: PostingLane) -> list[HTTPRouteHandler]:
    """Return the routes of holds."""
    return [*_changes(services, lane), *_reads(services)]


def _changes(services: Services, lane: PostingLane) -> list[HTTPRouteHandler]:
    @post(
        "/v1/members/{member_id:str}/holds",
        guards=[requires(WRITES)],
        operation_id="placeHold",
        tags=TAGS,
        summary="Keep units for a purpose",
        responses={201: ResponseSpec(HoldAnswer, description="The hold, and of which lots it keeps something.")},
    )
    async def place(request: AnyRequest, member_id: FromPath[str], data: JSONBody[HoldBody]) -> Response[Any]:
        """Keep spendable units until a deadline: they cannot be spent otherwise, and do not expire meanwhile."""
        command = place_of(member_id_in(member_id), data, services.database.clock.now())
        return await carry_out(request, lane, command, subject=member_id, reason=data.purpose)

    @post(
        "/v1/members/{member_id:str}/holds/{hold_id:str}/post",
        guards=[requires(WRITES)],
        operation_id="postHold",
        tags=TAGS,
        summary="Use what a hold keeps",
        status_code=200,
        responses={200: ResponseSpec(HoldAnswer, description="The hold as it ended, and the transfer that used it.")},
    )
    async def post_hold(
        request: AnyRequest, member_id: FromPath[str], hold_id: FromPath[str], data: JSONBody[HoldPostingBody]
    ) -> Response[Any]:
        """Redeem held units, all or a part; the rest is free again. A hold ends once (409 `hold_over`)."""
        command = post_of(member_id_in(member_id), hold_id_in(hold_id), data)
        return await carry_out(request, lane, command, subject=member_id, reason=hold_id)

    @post(
        "/v1/members/{member_id:str}/holds/{hold_id:str}/void",
        guards=[requires(WRITES)],
        operation_id="voidHold",
        tags=TAGS,
        summary="Let go of what a hold keeps",
        status_code=200,
        responses={200: ResponseSpec(HoldAnswer, description="The hold as it ended.")},
    )
    async def void(
        request: AnyRequest, member_id: FromPath[str], hold_id: FromPath[str], data: JSONBody[HoldVoidingBody]
    ) -> Response[Any]:
        """End a hold without using anything of it."""
        command = void_of(member_id_in(member_id), hold_id_in(hold_id), data)
        return await carry_out(request, lane, command, subject=member_id, reason=data.reason)

    return [place, post_hold, void]


def _reads(services: Services) -> list[HTTPRouteHandler]:
    @get(
        "/v1/members/{member_id:str}/holds",
        guards=[requires(READS)],
        operation_id="listHolds",
        tags=TAGS,
        summary="List a member's holds",
        response_description="A page of holds, the latest first.",
    )
    async def list_holds(
        member_id: FromPath[str],
        *,
        ended: FromQuery[bool] = True,
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_AT_MOST)] = 50,
    ) -> HoldsAnswer:
        """Return what is kept of a member's units, for what and until when; `ended` includes holds that are over."""
        after = None if cursor is None else hold_id_in(cursor)
        async with services.database.transaction() as tx:
            found = await members.who_is(tx, member_id_in(member_id))
            page = await service.holds(tx, found, is_open=not ended, after=after, limit=limit + 1)
        return holds_answer(found, page[:limit], has_more=len(page) > limit)

    @get(
        "/v1/members/{member_id:str}/holds/{hold_id:str}",
        guards=[requires(READS)],
        operation_id="getHold",
        tags=TAGS,
        summary="Read a hold",
        response_description="The hold as it stands.",
    )
    async def get_hold(member_id: FromPath[str], hold_id: FromPath[str]) -> HoldAnswer:
        """Return one hold of a member. It is over at its deadline, whether that is booked or not."""
        found, wanted = member_id_in(member_id), hold_id_in(hold_id)
        async with services.database.transaction() as tx:
            try:
                return hold_answer(await service.hold(tx, found, wanted))
            except UnknownHold:
                return hold_answer(await service.hold(tx, await members.who_is(tx, found), wanted))

    return [list_holds, get_hold]
