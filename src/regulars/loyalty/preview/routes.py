"""HTTP of previews: asked for with a 202, looked at until they are done, listed member by member, stopped."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from regulars.loyalty.drafts.schemas import draft_id_in
from regulars.loyalty.preview import service
from regulars.loyalty.preview.contracts import AskPreview, Touch
from regulars.loyalty.preview.reports import PREVIEW
from regulars.loyalty.preview.schemas import (
    PreviewAnswer,
    PreviewBody,
    TouchedPage,
    preview_answer,
    preview_id_in,
    touched_page,
)
from regulars.loyalty.public_ids import member_id_in
from regulars.platform.commit.lane import json_answer, one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.openapi import ALSO_REFUSES
from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import Report
from regulars.platform.services import Services

TAGS: Final = ["policies"]
READ: Final = "policies:read"
WRITE: Final = "policies:write"
PREVIEWS: Final = "/v1/policy-previews"
PAGE_AT_MOST: Final = 1_000

AnyRequest = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of previews, with their lane made."""
    return [_ask(services), _stop(services), *_reading(services)]


def _ask(services: Services) -> HTTPRouteHandler:
    async def apply(tx: Transaction, command: AskPreview) -> Report:
        return await service.ask(tx, PREVIEW, command)

    lane = services.lane(
        "preview_policy", one_by_one(apply), json_answer(202, lambda found: _encode(preview_answer(found)))
    )

    @post(
        PREVIEWS,
        guards=[requires(WRITE)],
        operation_id="previewPolicy",
        tags=TAGS,
        summary="Try a policy out",
        status_code=202,
        opt={ALSO_REFUSES: frozenset({404})},
        responses={202: ResponseSpec(PreviewAnswer, description="It is being counted: `getPolicyPreview` tells.")},
    )
    async def preview(request: AnyRequest, data: JSONBody[PreviewBody]) -> Response[Any]:
        """Count in the background who is touched when a draft or a scheduled version comes, and what orders would earn.

        The list of members who rise is what happens when the version comes, as the books stand now.
        """
        command = AskPreview(
            actor=principal_of(request).client,
            draft_id=None if data.draft_id is None else draft_id_in(data.draft_id),
            version=data.version,
            active_from=data.active_from,
            first=data.first,
            last=data.last,
        )
        return await carry_out(request, lane, command, subject=data.draft_id or f"policy version {data.version}")

    return preview


def _stop(services: Services) -> HTTPRouteHandler:
    async def apply(tx: Transaction, asked: tuple[str, str]) -> Report:
        found = await service.read(tx, preview_id_in(asked[0]))
        reports.cancel(tx, found.report_id, by=asked[1])
        await tx.flush()
        return await service.read(tx, found.report_id)

    lane = services.lane(
        "stop_policy_preview", one_by_one(apply), json_answer(200, lambda found: _encode(preview_answer(found)))
    )

    @post(
        f"{PREVIEWS}/{{preview_id:str}}/cancel",
        guards=[requires(WRITE)],
        operation_id="cancelPolicyPreview",
        tags=TAGS,
        summary="Stop a preview",
        status_code=200,
        responses={200: ResponseSpec(PreviewAnswer, description="The preview; one that was done stays done.")},
    )
    async def cancel(request: AnyRequest, preview_id: FromPath[str]) -> Response[Any]:
        """Stop counting."""
        return await carry_out(request, lane, (preview_id, principal_of(request).client), subject=preview_id)

    return cancel


def _reading(services: Services) -> list[HTTPRouteHandler]:
    @get(
        f"{PREVIEWS}/{{preview_id:str}}",
        guards=[requires(READ)],
        operation_id="getPolicyPreview",
        tags=TAGS,
        summary="Read a preview",
        response_description="How far it has come, and what it found.",
    )
    async def get_preview(preview_id: FromPath[str]) -> PreviewAnswer:
        """Return a preview: members who rise, fall later, stay or are reviewed otherwise; orders settled anew."""
        async with services.database.transaction() as tx:
            return preview_answer(await service.read(tx, preview_id_in(preview_id)))

    @get(
        f"{PREVIEWS}/{{preview_id:str}}/members",
        guards=[requires(READ)],
        operation_id="listPreviewMembers",
        tags=TAGS,
        summary="List the members whom a policy touches",
        response_description="A page of members, by id.",
    )
    async def list_members(
        *,
        preview_id: FromPath[str],
        kind: FromQuery[Touch | None] = None,
        to_tier: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_AT_MOST)] = 100,
    ) -> TouchedPage:
        """Return who is touched and how; what a preview that still counts has found so far."""
        after = None if cursor is None else member_id_in(cursor)
        async with services.database.transaction() as tx:
            found = await service.members(
                tx,
                await service.read(tx, preview_id_in(preview_id)),
                kind=kind,
                to_tier=to_tier,
                after=after,
                limit=limit + 1,
            )
        return touched_page(found[:limit], has_more=len(found) > limit)

    return [get_preview, list_members]
