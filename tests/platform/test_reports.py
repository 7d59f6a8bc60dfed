"""Reports are computed slice by slice, once for who asks twice, can be stopped, and outlive what goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from psycopg.errors import DiskFull

from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import JsonValue, Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id
from regulars.platform.jobs.queue import run_jobs
from regulars.platform.reports import computing, service
from regulars.platform.reports.contracts import Done, Kind, More, Parameters, Report
from regulars.platform.reports.registry import report
from regulars.platform.reports.tasks import compute_report, end_abandoned_reports
from tests.platform.supplying import NOT_SCHEDULED, SUPPLIES

pytestmark = pytest.mark.anyio


@report("test.sum")
async def add_up(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
    """Add 1 + 2 + ... up to a number, one a slice."""
    up_to = parameters["up_to"]
    so_far = [0, 0] if carry is None else carry
    assert isinstance(up_to, int)
    assert isinstance(so_far, list)
    number, total = so_far
    assert isinstance(number, int)
    assert isinstance(total, int)
    number, total = number + 1, total + number + 1
    assert await tx.rows("SHOW transaction_isolation") == [("repeatable read",)]
    return Done(total) if number == up_to else More(number, up_to, [number, total])


@report("test.broken")
async def break_down(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
    del parameters
    if carry is None:
        return More(1, 2, "half")
    tx.write("SELECT 1 / 0")
    return Done("never")


@report("test.without-room")
async def find_no_room(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
    del parameters, carry
    if not await tx.rows("SELECT 1 FROM pg_class WHERE relname = 'room'"):
        raise DiskFull
    return Done("done")


async def asked(database: Database, kind: Kind, parameters: Parameters, by: str = "staff:a") -> Report:
    async with database.transaction() as tx:
        return await service.ask(tx, compute_report, kind, parameters, by=by)


async def seen(database: Database, kind: Kind, parameters: Parameters) -> Report:
    async with database.transaction() as tx:
        found = await service.latest(tx, kind, parameters)
    assert found is not None
    return found


async def slice_of(database: Database, found: Report) -> bool:
    async with database.transaction(set_based=True) as tx:
        return await computing.compute_slice(tx, found.report_id)


async def jobs(database: Database) -> int:
    async with database.transaction() as tx:
        return int((await tx.rows(f"SELECT count(*) FROM procrastinate_jobs WHERE {NOT_SCHEDULED}"))[0][0])


@asynccontextmanager
async def worker(database: Database, url: str) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(run_jobs(database, url, stop, given=SUPPLIES))
    try:
        yield
    finally:
        stop.set()
        await running


async def test_a_report_is_computed_in_the_background(database: Database, database_url: str) -> None:
    first = await asked(database, add_up, {"up_to": 4})
    async with worker(database, database_url):
        while (await seen(database, add_up, {"up_to": 4})).is_open or await jobs(database):
            await asyncio.sleep(0.01)
    done = await seen(database, add_up, {"up_to": 4})

    assert (first.state, first.done, first.all_of_it, first.result) == ("queued", 0, 0, None)
    assert (done.report_id, done.state, done.result, done.done, done.all_of_it) == (first.report_id, "done", 10, 4, 4)
    assert done.began_at is not None
    assert done.ended_at is not None
    assert first.asked_at <= done.began_at <= done.ended_at


async def test_progress_is_seen_between_slices(database: Database) -> None:
    found = await asked(database, add_up, {"up_to": 3})
    assert await slice_of(database, found)
    after_one = await seen(database, add_up, {"up_to": 3})
    assert await slice_of(database, found)
    assert not await slice_of(database, found)
    done = await seen(database, add_up, {"up_to": 3})

    assert (after_one.state, after_one.done, after_one.all_of_it) == ("running", 1, 3)
    assert (done.state, done.result) == ("done", 6)
    assert not await slice_of(database, found), "done is done, whoever comes again"
    assert await seen(database, add_up, {"up_to": 3}) == done


async def test_asked_twice_it_is_computed_once_and_anew_when_it_has_ended(database: Database) -> None:
    many = await asyncio.gather(*[asked(database, add_up, {"up_to": 1}, by=f"staff:{who}") for who in "abcd"])
    one = many[0]
    waiting = await jobs(database)
    other = await asked(database, add_up, {"up_to": 2})
    await slice_of(database, one)
    again = await asked(database, add_up, {"up_to": 1})
    async with database.transaction() as tx:
        kept = await service.latest_done(tx, add_up, {"up_to": 1})
        listed = await service.list_reports(tx, add_up)

    assert {each.report_id for each in many} == {one.report_id}
    assert waiting == 1
    assert other.report_id != one.report_id
    assert again.report_id != one.report_id
    assert kept is not None
    assert (kept.report_id, kept.result) == (one.report_id, 1)
    assert [each.report_id for each in listed] == [again.report_id, other.report_id, one.report_id]


async def test_a_report_can_be_stopped_at_any_time_and_asked_for_again(database: Database) -> None:
    found = await asked(database, add_up, {"up_to": 9})
    await slice_of(database, found)
    async with database.transaction() as tx:
        service.cancel(tx, found.report_id, by="staff:a")
        service.cancel(tx, found.report_id, by="staff:b")
    stopped = await seen(database, add_up, {"up_to": 9})
    again = await asked(database, add_up, {"up_to": 9})

    assert (stopped.state, stopped.is_open, stopped.ended_at is None) == ("cancelled", False, False)
    assert not await slice_of(database, found)
    assert (again.state, again.report_id == found.report_id) == ("queued", False)
    assert await slice_of(database, again)


async def test_a_slice_sees_that_it_was_stopped_meanwhile(database: Database) -> None:
    found = await asked(database, add_up, {"up_to": 9})
    async with database.transaction() as tx:
        service.cancel(tx, found.report_id, by="staff:a")
    assert not await slice_of(database, found)
    async with database.transaction() as tx:
        states = await tx.rows("SELECT state FROM reports")

    assert states == [("cancelled",)]


async def test_a_slice_that_keeps_failing_ends_the_report(database: Database) -> None:
    found = await asked(database, break_down, {})
    rounds = [await slice_of(database, found) for _ in range(5)]
    failed = await seen(database, break_down, {})

    assert rounds == [True, True, True, False, False], "one that goes well, then three tries"
    assert (failed.state, failed.done, failed.error, failed.result) == ("failed", 1, "DivisionByZero", None)


async def test_a_full_disk_ends_no_report(database: Database) -> None:
    found = await asked(database, find_no_room, {})
    for _ in range(computing.TRIES):
        with pytest.raises(DiskFull):
            await slice_of(database, found)
    async with database.transaction() as tx:
        tx.write("CREATE TABLE room ()")
    await slice_of(database, found)

    assert (await seen(database, find_no_room, {})).state == "done"


async def test_a_kind_that_this_release_does_not_know_fails(database: Database) -> None:
    found = await asked(database, Kind("test.gone", add_up.work), {})

    assert not await slice_of(database, found)
    async with database.transaction() as tx:
        assert (await service.read_report(tx, found.report_id)).error == computing.UNKNOWN_KIND
        with pytest.raises(NotFound):
            await service.read_report(tx, new_id())


async def test_old_reports_are_forgotten_but_not_those_under_way(database: Database) -> None:
    done, under_way = await asked(database, add_up, {"up_to": 1}), await asked(database, add_up, {"up_to": 2})
    await slice_of(database, done)
    async with database.transaction() as tx:
        assert not await service.forget_ended(tx, wall_now() + timedelta(days=1), at_most=10)
        assert [one.report_id for one in await service.list_reports(tx, add_up)] == [under_way.report_id]


def test_two_kinds_have_two_names() -> None:
    with pytest.raises(ValueError, match=r"test\.sum"):
        report("test.sum")(add_up.work)


async def test_a_report_whose_job_failed_for_good_is_not_waited_for_for_ever(database: Database) -> None:
    lost = await asked(database, add_up, {"up_to": 3})
    kept = await asked(database, add_up, {"up_to": 4})
    assert await slice_of(database, lost)
    async with database.transaction() as tx:
        tx.write("UPDATE reports SET asked_at = asked_at - interval '2 minutes'")
        tx.write(
            "UPDATE procrastinate_jobs SET status = 'failed' WHERE args ->> 'report_id' = %s", (str(lost.report_id),)
        )
    async with database.transaction() as tx:
        await end_abandoned_reports.work(tx)
    states = [(await seen(database, add_up, {"up_to": number})).state for number in (3, 4)]
    again = await asked(database, add_up, {"up_to": 3})

    assert states == ["failed", "queued"]
    assert (await seen(database, add_up, {"up_to": 4})).report_id == kept.report_id
    assert (again.state, again.report_id == lost.report_id) == ("queued", False)
    assert not await slice_of(database, lost), "whoever tries the job again finds nothing to do"
