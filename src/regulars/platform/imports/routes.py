"""HTTP of imports: begun, given a file part by part, started, and what was refused."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody, PathParameter
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
from regulars.platform.http.asked import asked
from regulars.platform.http.guards import principal_of, requires_key
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.openapi import TAKES_BYTES
from regulars.platform.imports import service
from regulars.platform.imports.contracts import Import, ImportKinds
from regulars.platform.imports.errors import ImportKindUnknown
from regulars.platform.imports.files import ImportFiles
from regulars.platform.imports.schemas import ImportAnswer, ImportBody, import_answer, masked, problems_as_csv
from regulars.platform.services import Services

TAGS: Final = ["imports"]
IMPORTS: Final = "/v1/imports"
ONE: Final = IMPORTS + "/{import_id:str}"
ERRORS_A_PIECE: Final = 1000

AnyRequest = Request[Any, Any, Any]
PartNo = Annotated[str, PathParameter(description="The part's number, from 1 to 99999.")]

_NUMBER: Final = re.compile("[1-9][0-9]{0,4}")
_encode = msgspec.json.Encoder().encode


class Beginning(NamedTuple):
    """A wish for an import."""

    body: ImportBody
    by: str
    language: str


class Arrival(NamedTuple):
    """A part of a file, and who sends it."""

    job_id: UUID
    part_no: int
    content: bytes
    principal: Principal


class Start(NamedTuple):
    """A wish to start an import."""

    job_id: UUID
    principal: Principal
    language: str


class Begun(NamedTuple):
    """An import, and its job if it was started at once."""

    one: Import
    job: Job | None
    language: str


def import_routes(services: Services, kinds: ImportKinds) -> list[HTTPRouteHandler]:
    """Return the routes of imports."""
    files = ImportFiles(services.settings.home, services.vault.pepper)
    return [
        _begin(services, kinds, files),
        _part(services, kinds, files),
        _start(services, kinds),
        *_reads(services, kinds),
    ]


def _begin(services: Services, kinds: ImportKinds, files: ImportFiles) -> HTTPRouteHandler:
    async def begin(tx: Transaction, wish: Beginning) -> Begun:
        body = wish.body
        one = await service.begin(
            tx,
            kinds[body.kind],
            form=body.format,
            mapping=body.mapping,
            mode=body.mode,
            dry_run=body.dry_run,
            name=body.name,
            by=wish.by,
        )
        if body.content is None:
            return Begun(one, None, wish.language)
        await service.put_part(tx, files, one.job_id, 1, body.content.encode(), by=wish.by)
        await service.start(tx, run_job, one.job_id, by=wish.by)
        return Begun(one, await jobs.read_job(tx, one.job_id, by=wish.by), wish.language)

    lane = services.lane("begin_import", one_by_one(begin), _begun)

    @post(
        IMPORTS,
        guards=[requires_key()],
        operation_id="beginImport",
        tags=TAGS,
        summary="Begin an import",
        status_code=201,
        responses={
            201: ResponseSpec(ImportAnswer, description="The import: send its file part by part, then start it."),
            202: ResponseSpec(JobAnswer, description="With `content`: the job, which waits for its turn."),
        },
    )
    async def begin_import(request: AnyRequest, data: JSONBody[ImportBody]) -> Response[Any]:
        """Begin an import of members, consents, orders, accruals. A key needs the scope for sending them one by one.

        With `content` the whole file comes along, and the answer is 202 with the job.
        """
        kind = kinds.get(data.kind)
        if kind is None:
            raise ImportKindUnknown(pointer="/kind", kind=data.kind, kinds=", ".join(kinds))
        principal = principal_of(request)
        if not principal.may(kind.scope):
            raise NotAllowed(scope=kind.scope)
        wish = Beginning(data, principal.client, asked(request.scope).language)
        return await carry_out(request, lane, wish, subject=f"import of {kind.name}")

    return begin_import


def _part(services: Services, kinds: ImportKinds, files: ImportFiles) -> HTTPRouteHandler:
    async def arrive(tx: Transaction, wish: Arrival) -> Import:
        by = await _checked(tx, kinds, wish.job_id, wish.principal)
        return await service.put_part(tx, files, wish.job_id, wish.part_no, wish.content, by=by)

    lane = services.lane("put_import_part", one_by_one(arrive), _shown)

    @put(
        ONE + "/parts/{part_no:str}",
        guards=[requires_key()],
        operation_id="putImportPart",
        tags=TAGS,
        summary="Send a part of a file",
        opt={TAKES_BYTES: "application/octet-stream"},
        responses={200: ResponseSpec(ImportAnswer, description="The import, with what has arrived of its file.")},
    )
    async def put_import_part(request: AnyRequest, import_id: FromPath[str], part_no: PartNo) -> Response[Any]:
        """Send the bytes of a part, up to 1,000,000, as they are (`application/octet-stream`); cut anywhere.

        A part that is sent again replaces the one before, so whatever broke off is sent anew.
        """
        content = asked(request.scope).body
        wish = Arrival(job_id_in(import_id), number_in(part_no), content, principal_of(request))
        return await carry_out(request, lane, wish, subject=import_id)

    return put_import_part


async def _checked(tx: Transaction, kinds: ImportKinds, job_id: UUID, principal: Principal) -> str | None:
    """Return as whose an import is reached. Raises NotFound, and NotAllowed: a token may do less than its key."""
    by = owner_of(principal)
    kind = kinds.get((await service.read_import(tx, job_id, by=by)).kind)
    if kind is not None and not principal.may(kind.scope):
        raise NotAllowed(scope=kind.scope)
    return by


def _start(services: Services, kinds: ImportKinds) -> HTTPRouteHandler:
    async def start(tx: Transaction, wish: Start) -> Begun:
        by = await _checked(tx, kinds, wish.job_id, wish.principal)
        await service.start(tx, run_job, wish.job_id, by=by)
        one = await service.read_import(tx, wish.job_id, by=by)
        return Begun(one, await jobs.read_job(tx, wish.job_id, by=by), wish.language)

    lane = services.lane("start_import", one_by_one(start), _begun)

    @post(
        ONE + "/start",
        guards=[requires_key()],
        operation_id="startImport",
        tags=TAGS,
        summary="Start an import",
        status_code=202,
        responses={202: ResponseSpec(JobAnswer, description="The job, which waits for its turn.")},
    )
    async def start_import(request: AnyRequest, import_id: FromPath[str]) -> Response[Any]:
        """Have the file imported once all its parts are there; its job has the import's id."""
        wish = Start(job_id_in(import_id), principal_of(request), asked(request.scope).language)
        return await carry_out(request, lane, wish, subject=import_id)

    return start_import


def _reads(services: Services, kinds: ImportKinds) -> list[HTTPRouteHandler]:
    @get(ONE, guards=[requires_key()], operation_id="getImport", tags=TAGS, summary="Read an import")
    async def get_import(request: AnyRequest, import_id: FromPath[str]) -> ImportAnswer:
        """Return an import that this key began; another's is answered as one that does not exist."""
        async with services.database.transaction() as tx:
            found = await service.read_import(tx, job_id_in(import_id), by=owner_of(principal_of(request)))
        return import_answer(found)

    @get(
        ONE + "/errors",
        guards=[requires_key()],
        operation_id="listImportErrors",
        tags=TAGS,
        summary="Download why rows were refused",
        media_type="text/csv",
    )
    async def list_errors(request: AnyRequest, import_id: FromPath[str]) -> Stream:
        """Return a CSV file: line of the file, column, value (`***` where it is personal), code and a sentence.

        A key needs the scope for sending such rows one by one.
        """
        job_id = job_id_in(import_id)
        async with services.database.transaction() as tx:
            await _checked(tx, kinds, job_id, principal_of(request))
        return Stream(
            errors_as_csv(services, job_id, asked(request.scope).language),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{import_id}-errors.csv"'},
        )

    return [get_import, list_errors]


async def errors_as_csv(services: Services, job_id: UUID, language: str, *, clear: bool = True) -> AsyncIterator[str]:
    """Write why rows were refused, piece by piece, each read for itself: a slow reader holds no connection.

    Unless it is to be `clear`, without anything that stood in the rows.
    """
    files = ImportFiles(services.settings.home, services.vault.pepper)
    after, more = 0, True
    while more:
        async with services.database.transaction() as tx:
            found = await service.problems(tx, files, job_id, after=after, limit=ERRORS_A_PIECE)
        shown = found if clear else [masked(one) for one in found]
        yield problems_as_csv(shown, language, with_head=not after)
        more = len(found) == ERRORS_A_PIECE
        after = found[-1].line if found else 1


def number_in(text: str) -> int:
    """Read the number of a part. Raises NotFound for what is none."""
    if _NUMBER.fullmatch(text) is None:
        raise NotFound
    return int(text)


def _begun(begun: Begun) -> tuple[int, bytes]:
    if begun.job is None:
        return 201, _encode(import_answer(begun.one))
    return 202, _encode(job_answer(begun.job, begun.language))


def _shown(one: Import) -> tuple[int, bytes]:
    return 200, _encode(import_answer(one))
