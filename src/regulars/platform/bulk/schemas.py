"""What callers get about jobs."""

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from regulars.platform.bulk.contracts import JOB_PREFIX, Failure, Job, State
from regulars.platform.commit.refusals import known_refusals
from regulars.platform.errors import DomainError
from regulars.platform.http.problems import Problem, problem_body
from regulars.platform.ids import public_id

# Where the results of each kind of jobs lie, by what they are; `{id}` is the job's.
RESULTS: Final = {
    "import": {"import": "/v1/imports/{id}", "errors": "/v1/imports/{id}/errors"},
    "export": {"export": "/v1/exports/{id}", "file": "/v1/exports/{id}/file"},
}

_problem = msgspec.json.Decoder(Problem).decode


class Progress(Struct, frozen=True):
    """How far a job has come: `done` of `total`, in a unit of its kind (bytes or rows of a file)."""

    done: int
    total: int


class JobAnswer(Struct, frozen=True, kw_only=True):
    """A job as it stands. `counts` is what it did so far, `problem` why it failed, `links` where its results lie."""

    job_id: str
    kind: str
    state: State
    asked_by: str
    asked_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    progress: Progress
    counts: dict[str, int]
    problem: Problem | None
    links: dict[str, str]


class JobsPage(Struct, frozen=True, kw_only=True):
    """Jobs, the last asked for first."""

    jobs: list[JobAnswer]
    has_more: bool
    next_cursor: str | None


def job_answer(job: Job, language: str) -> JobAnswer:
    """Write a job."""
    shown = public_id(JOB_PREFIX, job.job_id)
    links = {"job": "/v1/jobs/{id}"} | RESULTS.get(job.kind, {})
    return JobAnswer(
        job_id=shown,
        kind=job.kind,
        state=job.state,
        asked_by=job.asked_by,
        asked_at=job.asked_at,
        began_at=job.began_at,
        ended_at=job.ended_at,
        progress=Progress(job.done, job.all_of_it),
        counts=job.counts,
        problem=None if job.failure is None else _told(job.failure, language, shown),
        links={name: path.replace("{id}", shown) for name, path in links.items()},
    )


def refusal_of(code: str, data: dict[str, str | int | bool | None]) -> DomainError:
    """Return the refusal that was kept; of a release that knew others, the plainest one."""
    refusal = known_refusals().get(code, DomainError)()
    refusal.data = data
    return refusal


def _told(failure: Failure, language: str, job_id: str) -> Problem:
    return _problem(problem_body(refusal_of(failure.code, failure.data), language, job_id))
