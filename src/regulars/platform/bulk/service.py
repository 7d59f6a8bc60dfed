"""Jobs are asked for, read, stopped, let go on, and forgotten."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from regulars.platform.auth.standing import is_shut_out
from regulars.platform.bulk import store
from regulars.platform.bulk.contracts import Counts, Failure, Job, ListWanted
from regulars.platform.bulk.errors import AskerShutOut, JobAbandoned, JobGoesOn, JobHasEnded
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Deferrable, Rows, Transaction
from regulars.platform.errors import NotFound

KEPT: Final = timedelta(days=30)
# A job's entry in the queue is written in its transaction; so much later it is certainly there.
_SURELY_QUEUED: Final = timedelta(minutes=1)

_encode = msgspec.json.Encoder().encode
_counts = msgspec.json.Decoder(Counts).decode
_failure = msgspec.json.Decoder(Failure).decode


async def ask(
    tx: Transaction, task: Deferrable, job_id: UUID, kind: str, *, by: str, all_of_it: int, carry: object = None
) -> None:
    """Have a job done in the background after the commit. `task` is `run_job` of `platform/bulk/tasks.py`.

    `carry` is what its first step is given.
    """
    store.insert(
        tx, job_id, kind, asked_by=by, at=wall_now(), all_of_it=all_of_it, carry=msgspec.json.encode(carry).decode()
    )
    await tx.defer(task, job_id=str(job_id))


async def ask_anew(tx: Transaction, task: Deferrable, job_id: UUID, kind: str, *, by: str, all_of_it: int) -> None:
    """Have a job that has ended done from its beginning; what it came to is forgotten. Raises JobGoesOn (409)."""
    await store.close_stopped(tx, job_id, wall_now())
    known = _as_jobs(await store.read(tx, job_id))
    if known and not await store.forget_ended(tx, job_id):
        raise JobGoesOn(state=known[0].state)
    await ask(tx, task, job_id, kind, by=by, all_of_it=all_of_it)


async def find_jobs(tx: Transaction, job_ids: Sequence[UUID]) -> dict[UUID, Job]:
    """Return those of some jobs that there are."""
    return {job.job_id: job for job in _as_jobs(await store.read_many(tx, job_ids))}


async def list_jobs(tx: Transaction, wanted: ListWanted) -> list[Job]:
    """Return jobs, the last asked for first."""
    return _as_jobs(await store.listed(tx, wanted))


async def read_job(tx: Transaction, job_id: UUID, *, by: str | None) -> Job:
    """Return one job. With `by` it must be that one's. Raises NotFound (404), whether or not it is another's."""
    found = next(iter(_as_jobs(await store.read(tx, job_id))), None)
    if found is None or by not in {None, found.asked_by}:
        raise NotFound
    return found


async def cancel(tx: Transaction, job_id: UUID, *, by: str | None, actor: str) -> Job:
    """Stop a job that is open: it counts as cancelled at once, and ends with the step under way.

    Cancelled again, it is answered as it is. Raises NotFound (404), JobHasEnded (409).
    """
    job = await read_job(tx, job_id, by=by)
    if job.state in {"done", "failed"}:
        raise JobHasEnded(state=job.state)
    store.cancel(tx, job_id, actor, wall_now())
    return await read_job(tx, job_id, by=by)


async def resume(tx: Transaction, task: Deferrable, job_id: UUID, *, by: str | None) -> Job:
    """Let a job that was cancelled or failed go on from where it stopped.

    Raises NotFound (404), JobGoesOn, AskerShutOut (409).
    """
    job = await read_job(tx, job_id, by=by)
    if await is_shut_out(tx, job.asked_by):
        raise AskerShutOut
    await store.close_stopped(tx, job_id, wall_now())
    if not await store.resume(tx, job_id):
        raise JobGoesOn(state=job.state)
    await tx.defer(task, job_id=str(job_id))
    return await read_job(tx, job_id, by=by)


def end_abandoned(tx: Transaction, task: str) -> None:
    """Let jobs fail whose entries in the queue of this task failed for good, so that they can be resumed."""
    failure = _encode(Failure(JobAbandoned.code)).decode()
    store.end_abandoned(tx, task, failure, asked_before=wall_now() - _SURELY_QUEUED, at=wall_now())


async def forget_ended(tx: Transaction, at_most: int) -> bool:
    """Delete jobs that ended a month ago; returns whether there may be more."""
    return await store.forget(tx, wall_now() - KEPT, at_most)


def _as_jobs(rows: Rows) -> list[Job]:
    return [
        Job(
            job_id=job_id,
            kind=kind,
            asked_by=asked_by,
            asked_at=asked_at,
            state=state,
            done=done,
            all_of_it=all_of_it,
            counts=_counts(counts),
            failure=None if failure is None else _failure(failure),
            began_at=began_at,
            ended_at=ended_at,
        )
        for job_id, kind, asked_by, asked_at, state, done, all_of_it, counts, failure, began_at, ended_at in rows
    ]
