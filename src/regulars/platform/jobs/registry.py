"""Background tasks: a domain's tasks.py declares them with `@task`, a transaction defers them, the worker runs them.

procrastinate keeps the queue. It is imported only where jobs are deferred or run, so that declaring a task costs
a start nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from regulars.platform.db.transaction import JsonValue

Work = Callable[..., Awaitable[bool | None]]

MAX_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Task:
    """Work to be done in a transaction of its own. `tx.defer(task, **arguments)` enqueues it.

    `cron` is its schedule in UTC, by the wall clock. `not_before` delays a deferred job (wall clock). `by_settings`:
    its work is given the settings after the transaction. `given` names what the worker adds to its arguments.
    """

    name: str
    work: Work = field(repr=False)
    cron: str | None = None
    max_attempts: int = MAX_ATTEMPTS
    not_before: datetime | None = None
    by_settings: bool = False
    given: tuple[str, ...] = ()

    def at(self, instant: datetime) -> "Task":
        """Return the task as one that is not run before this instant of the wall clock."""
        return replace(self, not_before=instant)

    async def defer_on(self, connection: AsyncConnection[Any], arguments: dict[str, JsonValue]) -> None:
        """Enqueue one job in the connection's transaction."""
        from regulars.platform.jobs.queue import enqueue  # noqa: PLC0415 - costs 140 ms, needed by few processes

        await enqueue(self, connection, arguments)


TASKS: dict[str, Task] = {}


def task(
    *,
    cron: str | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    by_settings: bool = False,
    given: tuple[str, ...] = (),
) -> Callable[[Work], Task]:
    """Declare `async def work(tx, **arguments)` a task; arguments are JSON values, never personal data.

    It is run in one transaction; when it returns True there is more to do, and it is run again at once in the next.
    A job that fails is tried again after 5 s, 25 s, 2 min, 10 min and 52 min, then it stays in the queue as failed.
    A job may run twice (a worker may die after the commit), so it derives its references from facts, like a handler.
    With `by_settings` it is `work(tx, settings, **arguments)`. What it names as `given` the worker adds to them
    (`run_jobs`): what is not in the database, such as the folder of imports.
    With `cron` ("minute hour day month weekday", UTC) it is also run by schedule, without arguments, one at a time.
    """

    def declare(work: Work) -> Task:
        name = f"{work.__module__.removeprefix('regulars.')}.{work.__name__}"
        if name in TASKS:
            raise ValueError(f"two tasks are called {name}")
        TASKS[name] = Task(name, work, cron, max_attempts, by_settings=by_settings, given=given)
        return TASKS[name]

    return declare
