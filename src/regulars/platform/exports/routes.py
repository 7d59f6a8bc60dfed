"""HTTP of exports: begun, read, and their files, whole or part by part."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from regulars.platform.auth.contracts import Principal
from regulars.platform.bulk import service as jobs
from regulars.platform.bulk.contracts import Job
from regulars.platform.bulk.routes import job_id_in, owner_of
from regulars.platform.bulk.schemas import JobAnswer, job_answer
from regulars.platform.bulk.tasks import run_job
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotAllowed, NotFound
from regulars.platform.exports import service
from regulars.platform.exports.contracts import (
    PERSONAL_SCOPE,
    SCOPE,
    Chosen,
    Column,
    Export,
    ExportKind,
    ExportKinds,
    Format,
    PartRows,
    People,
)
from regulars.platform.exports.errors import ExportKindUnknown
from regulars.platform.exports.files import ExportFiles
from regulars.platform.exports.schemas import (
    ExportKindsAnswer,
    TableExportAnswer,
    TableExportBody,
    TableExportsPage,
    chosen_of,
    export_answer,
    kind_answer,
)
from regulars.platform.exports.writing import MEDIA
from regulars.platform.http.asked import asked
from regulars.platform.http.cursors import place_in
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.openapi import ALSO_ANSWERS, ALSO_REFUSES
from regulars.platform.http.purposes import require_purpose
from regulars.platform.places import write_place
from regulars.platform.services import Services

TAGS: Final = ["exports"]
EXPORTS: Final = "/v1/exports"
ONE: Final = EXPORTS + "/{export_id:str}"
ROWS_HEADER: Final = "Regulars-Rows"

AnyRequest = Request[Any, Any, Any]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]
PartNo = Annotated[
    int | None, QueryParameter(ge=1, description="This part alone, from 1: to go on where it broke off.")
]
SkipRows = Annotated[
    int,
    QueryParameter(ge=0, description="So many rows have arrived already: those behind them, without a line of names."),
]
Spreadsheet = Annotated[
    bool, QueryParameter(description="CSV for a spreadsheet: no text of it is taken for a formula.")
]

_encode = msgspec.json.Encoder().encode


class Beginning(NamedTuple):
    """A wish for an export."""

    kind: ExportKind
    columns: dict[str, Column]
    chosen: Chosen
    by: str
    language: str


class Deletion(NamedTuple):
    """A wish that a file be gone; `by` is None for who may reach everybody's."""

    job_id: UUID
    by: str | None


class Begun(NamedTuple):
    """The job of an export."""

    job: Job
    language: str


def export_routes(services: Services, kinds: ExportKinds, people: People) -> list[HTTPRouteHandler]:
    """Return the routes of exports."""
    files = ExportFiles(services.settings.home, services.vault.pepper)
    return [
        _begin(services, kinds, people),
        _delete(services, files),
        *_reads(services, kinds, people),
        _file(services, kinds, people, files),
    ]


def _begin(services: Services, kinds: ExportKinds, people: People) -> HTTPRouteHandler:
    async def begin(tx: Transaction, wish: Beginning) -> Begun:
        job_id = await service.begin(tx, run_job, wish.kind, wish.columns, wish.chosen, by=wish.by)
        return Begun(await jobs.read_job(tx, job_id, by=wish.by), wish.language)

    lane = services.lane("begin_export", one_by_one(begin), _begun)

    @post(
        EXPORTS,
        guards=[requires(SCOPE)],
        operation_id="beginExport",
        tags=TAGS,
        summary="Begin an export",
        status_code=202,
        responses={202: ResponseSpec(JobAnswer, description="The job, which waits for its turn.")},
    )
    async def begin_export(request: AnyRequest, data: JSONBody[TableExportBody]) -> Response[Any]:
        """Have rows of a kind written into a file, all of one instant. `GET /v1/export-kinds` names kinds and columns.

        Beside `exports:write` a key needs the kind's scope; for personal columns `members:personal`, and the header
        `Regulars-Purpose`.
        """
        kind = kinds.get(data.kind)
        if kind is None:
            raise ExportKindUnknown(pointer="/kind", kind=data.kind, kinds=", ".join(kinds))
        chosen, principal = chosen_of(kind, data), principal_of(request)
        columns = service.chosen_columns(kind, people, chosen.columns)
        purpose = _allowed(request, principal, kind, personal=any(one.is_personal for one in columns.values()))
        wish = Beginning(kind, columns, chosen, principal.client, asked(request.scope).language)
        return await carry_out(request, lane, wish, subject=f"export of {kind.name}", reason=purpose)

    return begin_export


def _delete(services: Services, files: ExportFiles) -> HTTPRouteHandler:
    async def remove(tx: Transaction, wish: Deletion) -> Export:
        await service.delete(tx, files, wish.job_id, by=wish.by)
        return await service.read_export(tx, wish.job_id, by=wish.by)

    lane = services.lane("delete_export", one_by_one(remove), _deleted)

    @delete(
        ONE,
        guards=[requires(SCOPE)],
        operation_id="deleteExport",
        tags=TAGS,
        summary="Delete the file of an export",
        status_code=200,
        responses={200: ResponseSpec(TableExportAnswer, description="The export, whose file is gone.")},
    )
    async def delete_export(request: AnyRequest, export_id: FromPath[str]) -> Response[Any]:
        """Delete a file before its time: as soon as you have it, best of all."""
        wish = Deletion(job_id_in(export_id), owner_of(principal_of(request)))
        return await carry_out(request, lane, wish, subject=export_id)

    return delete_export


def _reads(services: Services, kinds: ExportKinds, people: People) -> list[HTTPRouteHandler]:
    @get(
        "/v1/export-kinds",
        guards=[requires(SCOPE)],
        operation_id="listExportKinds",
        tags=TAGS,
        summary="List what can be exported",
    )
    async def list_export_kinds(request: AnyRequest) -> ExportKindsAnswer:
        """Return the kinds of rows, and what each column says. Columns are added, never taken away."""
        language = asked(request.scope).language
        return ExportKindsAnswer([kind_answer(kind, people, language) for kind in kinds.values()])

    @get(EXPORTS, guards=[requires(SCOPE)], operation_id="listTableExports", tags=TAGS, summary="List exports")
    async def list_table_exports(
        request: AnyRequest, cursor: FromQuery[str | None] = None, limit: PageSize = 50
    ) -> TableExportsPage:
        """Return the exports that this key began, the last first; with the scope `admin` everybody's."""
        by, before = owner_of(principal_of(request)), place_in(cursor)
        async with services.database.transaction() as tx:
            found = await service.list_exports(tx, by=by, before=before, limit=limit + 1)
        page = found[:limit]
        has_more = len(found) > limit
        return TableExportsPage(
            exports=[export_answer(one) for one in page],
            has_more=has_more,
            next_cursor=write_place(page[-1].begun_at, page[-1].job_id) if has_more else None,
        )

    @get(ONE, guards=[requires(SCOPE)], operation_id="getExport", tags=TAGS, summary="Read an export")
    async def get_export(request: AnyRequest, export_id: FromPath[str]) -> TableExportAnswer:
        """Return an export that this key began; another's is answered as one that does not exist."""
        async with services.database.transaction() as tx:
            found = await service.read_export(tx, job_id_in(export_id), by=owner_of(principal_of(request)))
        return export_answer(found)

    return [list_export_kinds, list_table_exports, get_export]


def _file(services: Services, kinds: ExportKinds, people: People, files: ExportFiles) -> HTTPRouteHandler:
    @get(
        ONE + "/file",
        guards=[requires(SCOPE)],
        operation_id="downloadExport",
        tags=TAGS,
        summary="Download the file of an export",
        media_type="application/x-ndjson",
        response_description="The rows, as CSV, JSON Lines or Parquet.",
        opt={ALSO_ANSWERS: (MEDIA["csv"], MEDIA["parquet"]), ALSO_REFUSES: frozenset({410})},
    )
    async def download_export(
        request: AnyRequest,
        export_id: FromPath[str],
        *,
        form: Annotated[Format, QueryParameter(name="format")] = "jsonl",
        part_no: PartNo = None,
        skip_rows: SkipRows = 0,
        spreadsheet: Spreadsheet = False,
    ) -> Stream:
        """Return the rows as a stream, in any format; `Regulars-Rows` says how many come.

        What breaks off in the middle ends without the last chunk (HTTP/1.1), so that no program takes it for the whole.
        Take the rest by `skip_rows`, which says how many rows have arrived whole, or part by part by `part_no`: pieces
        of CSV and JSON Lines make the file when they are put one behind the other; of Parquet each is a file.
        """
        principal, by = principal_of(request), owner_of(principal_of(request))
        async with services.database.transaction() as tx:
            one = await service.read_export(tx, job_id_in(export_id), by=by)
            if one.kind not in kinds:
                raise NotFound
            taking = service.Taking(
                actor=principal.client,
                request_id=asked(request.scope).request_id,
                purpose=_allowed(request, principal, kinds[one.kind], personal=one.personal),
                form=form,
                part=part_no,
                skip_rows=skip_rows,
                spreadsheet=spreadsheet,
            )
            one, parts, writer = await service.take(tx, kinds, people, one.job_id, taking, by=by)
        return streamed(
            service.file_of(service.Source(files, services.vault, people), one, parts, writer), export_id, form, parts
        )

    return download_export


def streamed(content: AsyncIterator[bytes], export_id: str, form: Format, parts: list[PartRows]) -> Stream:
    """Return the answer with a file."""
    headers = {
        "Content-Disposition": f'attachment; filename="{export_id}.{form}"',
        "Cache-Control": "no-store",
        ROWS_HEADER: str(sum([each.rows for each in parts])),
    }
    return Stream(content, media_type=MEDIA[form], headers=headers)


def _allowed(request: AnyRequest, principal: Principal, kind: ExportKind, *, personal: bool) -> str:
    """Return why personal data is wanted, "" where none is. Raises NotAllowed (403), PurposeMissing (400)."""
    for scope in (kind.scope, *((PERSONAL_SCOPE,) if personal else ())):
        if not principal.may(scope):
            raise NotAllowed(scope=scope)
    return require_purpose(request) if personal else ""


def _begun(begun: Begun) -> tuple[int, bytes]:
    return 202, _encode(job_answer(begun.job, begun.language))


def _deleted(one: Export) -> tuple[int, bytes]:
    return 200, _encode(export_answer(one))
