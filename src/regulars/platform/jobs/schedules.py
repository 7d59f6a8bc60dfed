"""When the tasks that run by schedule are due next."""

from datetime import UTC, datetime

from msgspec import Struct

from regulars.platform.jobs.registry import TASKS


class Schedule(Struct, frozen=True, kw_only=True):
    """A task that runs by schedule, and when it does next (wall clock)."""

    task: str
    cron: str
    next_at: datetime


def schedules(at: datetime) -> list[Schedule]:
    """Return every schedule with its next run after `at`, the soonest first."""
    # What procrastinate reads schedules with; it carries no types.
    from croniter import croniter  # type: ignore[import-untyped]  # noqa: PLC0415 - needed by one page

    found = [
        Schedule(
            task=task.name,
            cron=task.cron,
            next_at=datetime.fromtimestamp(croniter(task.cron, at.timestamp()).get_next(float), UTC),
        )
        for task in TASKS.values()
        if task.cron
    ]
    return sorted(found, key=lambda one: (one.next_at, one.task))
