"""HTTP of exports."""

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from regulars.members.contracts.privacy import EXPORT_PREFIX, AskExport, Document, MemberExport, Parts
from regulars.members.privacy import exporting, page
from regulars.members.privacy.schemas import ExportAnswer, ExportsAnswer, export_answer
from regulars.members.public_ids import member_id_in
from regulars.platform.audit.contracts import AuditEntry, asked_as
from regulars.platform.commit.lane import one_by_one
from regulars.platform.errors import NotFound
from regulars.platform.http.asked import asked
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.openapi import ALSO_ANSWERS
from regulars.platform.http.purposes import require_purpose
from regulars.platform.ids import parse_public_id
from regulars.platform.services import Services

EXPORTS: Final = "/v1/members/{member_id:str}/exports"
SCOPE: Final = "members:personal"
TAGS: Final = ["privacy"]

AnyRequest = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


def export_routes(services: Services, parts: Parts) -> list[HTTPRouteHandler]:
    """Return the routes of exports."""
    lane = services.lane("ask_export", one_by_one(exporting.ask_export), _asked)

    @post(
        EXPORTS,
        guards=[requires(SCOPE)],
        operation_id="askExport",
        tags=TAGS,
        summary="Have everything about a member gathered",
        status_code=202,
        response_description="The export, which is being gathered.",
    )
    async def ask_export(request: AnyRequest, member_id: FromPath[str]) -> Response[ExportAnswer]:
        """Gather everything from every room, sealed under the member's key, for a week."""
        wish = AskExport(member_id=member_id_in(member_id), actor=principal_of(request).client)
        return await carry_out(request, lane, wish, subject=member_id)

    @get(
        EXPORTS,
        guards=[requires("members:read")],
        operation_id="listExports",
        tags=TAGS,
        summary="List the exports of a member",
        response_description="The exports of the last week.",
    )
    async def list_exports(member_id: FromPath[str]) -> ExportsAnswer:
        """Return the exports that have not expired, ready or not."""
        async with services.database.transaction() as tx:
            found = await exporting.list_exports(tx, member_id_in(member_id))
        return ExportsAnswer([export_answer(one) for one in found])

    return [ask_export, list_exports, _read(services, parts)]


def _read(services: Services, parts: Parts) -> HTTPRouteHandler:
    @get(
        EXPORTS + "/{export_id:str}",
        guards=[requires(SCOPE)],
        operation_id="readExport",
        tags=TAGS,
        summary="Read everything about a member",
        response_description="Everything, table by table; as a page with `format=html`.",
        opt={ALSO_ANSWERS: ("text/html",)},
    )
    async def read_export(
        request: AnyRequest,
        member_id: FromPath[str],
        export_id: FromPath[str],
        form: Annotated[Literal["json", "html"], QueryParameter(name="format")] = "json",
    ) -> Response[Document]:
        """Return what was gathered, in the clear; the header `Regulars-Purpose` says why, for the audit log.

        409 `export_not_ready` while it is being gathered.
        """
        purpose, found = require_purpose(request), parse_public_id(EXPORT_PREFIX, export_id)
        if found is None:
            raise NotFound
        async with services.database.transaction() as tx:
            document = await exporting.open_export(tx, services.vault, member_id_in(member_id), found)
            formats = await page.formats_for(tx, document, asked(request.scope).language)
            tx.audit(
                AuditEntry(
                    actor=principal_of(request).client,
                    action="read_export",
                    subject=document.member_id,
                    reason=purpose,
                    request_id=asked(request.scope).request_id,
                    detail=f"{export_id}, {form}{asked_as(member_id, document.member_id, ', ')}",
                )
            )
        if form == "json":
            return _file(_encode(document), "application/json", f"{member_id}.json")
        shown = await asyncio.to_thread(page.export_page, document, parts, formats)
        return _file(shown.encode(), "text/html; charset=utf-8", f"{member_id}.html")

    return read_export


def _file(content: bytes, media_type: str, name: str) -> Response[Any]:
    """Return a file to keep; no browser opens it as a page of ours."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=media_type, headers=headers)


def _asked(export: MemberExport) -> tuple[int, bytes]:
    return 202, _encode(export_answer(export))
