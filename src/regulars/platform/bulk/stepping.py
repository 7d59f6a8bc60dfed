"""A step of a job: one transaction that does a bounded piece, and remembers in itself how far the job has come.

So a process may die at any moment: what was committed is known, and what was not has left nothing.
"""

import logging
from typing import Final
from uuid import UUID

import msgspec
from psycopg import errors as database_errors

from regulars.platform.auth.standing import is_shut_out
from regulars.platform.bulk import store
from regulars.platform.bulk.contracts import Counts, Failure, JobKinds, Step, Taken
from regulars.platform.bulk.errors import AskerShutOut, KindUnknown, StepFailed
from regulars.platform.clock import wall_now
from regulars.platform.db.failures import describe, is_nobodys_fault
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError

logger = logging.getLogger(__name__)

TRIES: Final = 3
STEPS_AT_A_TURN: Final = 16  # then the next job of the queue has its turn
# What another try may mend: it is the queue that tries again, each time later.
_LATER: Final = (
    database_errors.LockNotAvailable,
    database_errors.DeadlockDetected,
    database_errors.SerializationFailure,
)

_encode = msgspec.json.Encoder().encode
_counts = msgspec.json.Decoder(Counts).decode


async def do_step(tx: Transaction, kinds: JobKinds, job_id: UUID) -> int | None:
    """Do a job's next step, first in its transaction; returns how many there were, None where there is no more.

    Raises what may go better later, such as a lock that was waited for in vain.
    """
    locked = await store.take_up(tx, job_id)
    if locked is None:
        return None
    if locked.is_stopped:
        store.end(tx, job_id, "cancelled", None, wall_now())
        return None
    began = wall_now()
    try:
        async with tx.savepoint():
            step = await _step(tx, kinds, job_id, locked)
    except DomainError as refusal:
        _fail(tx, job_id, refusal)
        return None
    except Exception as error:
        if is_nobodys_fault(error) or isinstance(error, _LATER):
            raise
        logger.warning("a step of a job (%s) failed: %s", locked.kind, describe(error))
        return _after_fault(tx, job_id, locked)
    progress = (step.done, step.all_of_it)
    counts, carry = _encode(step.counts).decode(), _encode(step.carry).decode()
    store.go_on(tx, job_id, progress, counts=counts, carry=carry, at=began)
    return _after(tx, job_id, step, locked.steps + 1)


async def _step(tx: Transaction, kinds: JobKinds, job_id: UUID, locked: store.Locked) -> Step:
    kind = kinds.get(locked.kind)
    if kind is None:
        raise KindUnknown
    if await is_shut_out(tx, locked.asked_by):
        raise AskerShutOut
    taken = Taken(
        job_id=job_id,
        kind=locked.kind,
        asked_by=locked.asked_by,
        carry=msgspec.json.decode(locked.carry),
        counts=_counts(locked.counts),
        all_of_it=locked.all_of_it,
    )
    return await kind.step(tx, taken)


def _after_fault(tx: Transaction, job_id: UUID, locked: store.Locked) -> int | None:
    if locked.failures + 1 < TRIES:
        store.count_failure(tx, job_id)
        return locked.steps
    _fail(tx, job_id, StepFailed())
    return None


def _after(tx: Transaction, job_id: UUID, step: Step, steps: int) -> int | None:
    if step.failure is not None:
        _fail(tx, job_id, step.failure)
    elif step.ended:
        store.end(tx, job_id, "done", None, wall_now())
    else:
        return steps
    return None


def _fail(tx: Transaction, job_id: UUID, refusal: DomainError) -> None:
    store.end(tx, job_id, "failed", _encode(Failure(refusal.code, refusal.data)).decode(), wall_now())
