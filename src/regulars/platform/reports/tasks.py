"""Reports are computed slice by slice, each a job of its own, so that several come on side by side."""

from uuid import UUID

from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task
from regulars.platform.reports import computing, service

_AT_MOST = 1_000


@task()
async def compute_report(tx: Transaction, *, report_id: str) -> None:
    """Compute one slice of a report, and leave the next one to a job behind those that wait."""
    if await computing.compute_slice(tx, UUID(report_id)):
        await tx.defer(compute_report, report_id=report_id)


@task(cron="*/10 * * * *")
async def end_abandoned_reports(tx: Transaction) -> None:
    """Let reports fail that nobody is going to compute any more."""
    service.end_abandoned(tx, compute_report.name)


@task(cron="47 3 * * *")
async def forget_reports(tx: Transaction) -> bool:
    """Delete reports that ended a month ago."""
    return await service.forget_ended(tx, wall_now() - service.KEPT, at_most=_AT_MOST)
