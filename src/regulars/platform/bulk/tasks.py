"""Jobs are done step by step, some steps a turn, so that several come on side by side."""

from uuid import UUID

from regulars.platform.bulk import service
from regulars.platform.bulk.contracts import JobKinds
from regulars.platform.bulk.stepping import STEPS_AT_A_TURN, do_step
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task

_AT_MOST = 1_000


@task(given=("job_kinds",))
async def run_job(tx: Transaction, *, job_id: str, job_kinds: JobKinds) -> bool:
    """Do one step of a job; after some, leave the next one to an entry behind those that wait."""
    steps = await do_step(tx, job_kinds, UUID(job_id))
    if steps is None or steps % STEPS_AT_A_TURN:
        return steps is not None
    await tx.defer(run_job, job_id=job_id)
    return False


@task(cron="*/10 * * * *")
async def end_abandoned_jobs(tx: Transaction) -> None:
    """Let jobs fail that nobody goes on with any more."""
    service.end_abandoned(tx, run_job.name)


@task(cron="53 3 * * *")
async def forget_jobs(tx: Transaction) -> bool:
    """Delete jobs that ended a month ago."""
    return await service.forget_ended(tx, _AT_MOST)
