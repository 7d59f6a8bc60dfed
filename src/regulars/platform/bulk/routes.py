"""HTTP of jobs: their owner's, and everybody's for who may everything."""

from functools import partial
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, QueryParameter

from regulars.platform.auth.contracts import ADMIN, Principal
from regulars.platform.bulk import service
from regulars.platform.bulk.contracts import JOB_PREFIX, Job, JobScopes, ListWanted, State
from regulars.platform.bulk.errors import KindUnknown
from regulars.platform.bulk.schemas import JobAnswer, JobsPage, job_answer
from regulars.platform.bulk.tasks import run_job
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotAllowed, NotFound
from regulars.platform.http.asked import asked
from regulars.platform.http.cursors import place_in
from regulars.platform.http.guards import principal_of, requires_key
from regulars.platform.http.mutations import carry_out
from regulars.platform.ids import parse_public_id
from regulars.platform.places import write_place
from regulars.platform.services import Services

TAGS: Final = ["jobs"]
JOB: Final = "/v1/jobs/{job_id:str}"

AnyRequest = Request[Any, Any, Any]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]

_encode = msgspec.json.Encoder().encode


class JobWish(NamedTuple):
    """A job that something is to be done with, and who wants that."""

    job_id: UUID
    principal: Principal
    language: str


class Told(NamedTuple):
    """A job, and the language in which it is told of."""

    job: Job
    language: str


def job_routes(services: Services, scopes: JobScopes) -> list[HTTPRouteHandler]:
    """Return the routes of jobs."""
    return [*_reads(services), *_changes(services, scopes)]


def job_id_in(text: str) -> UUID:
    """Read the id of a job. Raises NotFound."""
    found = parse_public_id(JOB_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def owner_of(principal: Principal) -> str | None:
    """Return whose jobs a caller reaches: its own, or everybody's (None) if it may everything."""
    return None if principal.may(ADMIN) else principal.client


def _reads(services: Services) -> list[HTTPRouteHandler]:
    @get("/v1/jobs", guards=[requires_key()], operation_id="listJobs", tags=TAGS, summary="List jobs")
    async def list_jobs(
        request: AnyRequest,
        kind: FromQuery[str | None] = None,
        in_state: Annotated[State | None, QueryParameter(name="state")] = None,
        cursor: FromQuery[str | None] = None,
        limit: PageSize = 50,
    ) -> JobsPage:
        """Return the jobs that this key asked for, the last first; with the scope `admin` everybody's."""
        wanted = ListWanted(
            asked_by=owner_of(principal_of(request)),
            kind=kind,
            state=in_state,
            before=place_in(cursor),
            limit=limit + 1,
        )
        async with services.database.transaction() as tx:
            found = await service.list_jobs(tx, wanted)
        has_more = len(found) > limit
        page = found[:limit]
        language = asked(request.scope).language
        return JobsPage(
            jobs=[job_answer(job, language) for job in page],
            has_more=has_more,
            next_cursor=write_place(page[-1].asked_at, page[-1].job_id) if has_more else None,
        )

    @get(JOB, guards=[requires_key()], operation_id="getJob", tags=TAGS, summary="See how far a job has come")
    async def get_job(request: AnyRequest, job_id: FromPath[str]) -> JobAnswer:
        """Return a job that this key asked for; another's is answered as one that does not exist."""
        async with services.database.transaction() as tx:
            job = await service.read_job(tx, job_id_in(job_id), by=owner_of(principal_of(request)))
        return job_answer(job, asked(request.scope).language)

    return [list_jobs, get_job]


def _changes(services: Services, scopes: JobScopes) -> list[HTTPRouteHandler]:
    async def stop(tx: Transaction, wish: JobWish) -> Told:
        by = await _checked(tx, scopes, wish)
        job = await service.cancel(tx, wish.job_id, by=by, actor=wish.principal.client)
        return Told(job, wish.language)

    async def go_on(tx: Transaction, wish: JobWish) -> Told:
        by = await _checked(tx, scopes, wish)
        return Told(await service.resume(tx, run_job, wish.job_id, by=by), wish.language)

    cancelling = services.lane("cancel_job", one_by_one(stop), partial(_told, 200))
    resuming = services.lane("resume_job", one_by_one(go_on), partial(_told, 202))

    @post(
        JOB + "/cancel",
        guards=[requires_key()],
        operation_id="cancelJob",
        tags=TAGS,
        summary="Stop a job",
        status_code=200,
        responses={200: ResponseSpec(JobAnswer, description="The job: what it did stands, nothing more is done.")},
    )
    async def cancel_job(request: AnyRequest, job_id: FromPath[str]) -> Response[Any]:
        """Stop a job that waits or runs; the step under way ends first. What it did stands.

        A key needs the scopes with which such a job is begun.
        """
        return await carry_out(request, cancelling, _wish(request, job_id), subject=job_id)

    @post(
        JOB + "/resume",
        guards=[requires_key()],
        operation_id="resumeJob",
        tags=TAGS,
        summary="Let a job go on",
        status_code=202,
        responses={202: ResponseSpec(JobAnswer, description="The job, which waits for its turn.")},
    )
    async def resume_job(request: AnyRequest, job_id: FromPath[str]) -> Response[Any]:
        """Let a job that was cancelled or failed go on from where it stopped: nothing is done twice.

        A key needs the scopes with which such a job is begun.
        """
        return await carry_out(request, resuming, _wish(request, job_id), subject=job_id)

    return [cancel_job, resume_job]


async def _checked(tx: Transaction, scopes: JobScopes, wish: JobWish) -> str | None:
    """Return as whose a job is reached. Raises NotFound, KindUnknown, NotAllowed: a token may do less than its key."""
    by = owner_of(wish.principal)
    job = await service.read_job(tx, wish.job_id, by=by)
    if by is None:
        return by
    needed = scopes.get(job.kind)
    if needed is None:
        raise KindUnknown
    for scope in await needed(tx, wish.job_id):
        if not wish.principal.may(scope):
            raise NotAllowed(scope=scope)
    return by


def _wish(request: AnyRequest, job_id: str) -> JobWish:
    return JobWish(job_id_in(job_id), principal_of(request), asked(request.scope).language)


def _told(status: int, told: Told) -> tuple[int, bytes]:
    return status, _encode(job_answer(told.job, told.language))
