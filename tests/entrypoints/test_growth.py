"""Everything that grows has its line in docs/growth.md, and what is to be forgotten is, some of it at a time."""

import re
from datetime import timedelta

import psycopg
import pytest

from regulars.entrypoints.wiring import declare_tasks
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.health.service import forget_ended_jobs, forget_schedule_runs
from regulars.platform.health.tasks import forget_ended_jobs as forgetting_jobs
from regulars.platform.jobs.registry import TASKS
from regulars.platform.settings import Settings
from tests.architecture.source import ROOT

pytestmark = pytest.mark.anyio

PAGE = (ROOT / "docs" / "growth.md").read_text(encoding="utf-8")
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


def listed() -> list[str]:
    """Return the tables that the page has lines for: the first cell of each row, but of files."""
    rows = re.findall(r"^\| (`[^|]*) \|", PAGE.partition("## Files")[0], re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([a-z_]+)`", row)]


def test_every_table_has_one_line_and_no_other_has(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        there = sorted(name for (name,) in connection.execute(TABLES))
        assert sorted(listed()) == there
        connection.execute("CREATE TABLE planted (n integer)")
        assert {name for (name,) in connection.execute(TABLES)} - set(listed()) == {"planted"}


def test_tasks_and_settings_that_the_page_names_are_there() -> None:
    declare_tasks()
    tasks = {name.rpartition(".")[2] for name in TASKS}
    named = set(re.findall(r"`(forget_[a-z_]+)`", PAGE))

    assert named - tasks == set()
    assert {name for name in tasks if name.startswith("forget_")} - named == set()


async def test_jobs_that_failed_long_ago_are_forgotten_some_at_a_time(database: Database) -> None:
    now = wall_now()
    async with database.transaction() as tx:
        for number, (state, days) in enumerate((("failed", 100), ("failed", 95), ("failed", 10), ("todo", 200)), 1):
            tx.write(
                "INSERT INTO procrastinate_jobs (task_name, queue_name, status) VALUES (%s, 'default', 'todo')",
                (f"t{number}",),
            )
            tx.write(
                "UPDATE procrastinate_jobs SET status = %s::procrastinate_job_status WHERE id = %s", (state, number)
            )
            tx.write("UPDATE procrastinate_events SET at = %s WHERE job_id = %s", (now - timedelta(days=days), number))
            seconds = (now - timedelta(days=days)).timestamp()
            tx.write(
                "INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp) VALUES ('t', %s)", (seconds,)
            )
    async with database.transaction() as tx:
        before = now - timedelta(days=Settings().keep_failed_jobs_days)
        assert [await forget_ended_jobs(tx, before, at_most=1) for _ in range(3)] == [True, True, False]
        assert await tx.rows("SELECT task_name FROM procrastinate_jobs ORDER BY id") == [("t3",), ("t4",)]
        assert await tx.rows("SELECT DISTINCT job_id FROM procrastinate_events ORDER BY 1") == [(3,), (4,)]
        assert [await forget_schedule_runs(tx, now - timedelta(days=50), at_most=2) for _ in range(2)] == [True, False]
        assert await tx.rows("SELECT count(*) FROM procrastinate_periodic_defers") == [(1,)]
        await forgetting_jobs.work(tx, Settings(keep_failed_jobs_days=5))
        assert await tx.rows("SELECT task_name FROM procrastinate_jobs") == [("t4",)]
