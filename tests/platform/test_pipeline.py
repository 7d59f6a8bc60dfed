"""Statements that leave together: in order, in one transaction, and the first failure is the one that is told."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors as database_errors
from psycopg.pq import TransactionStatus

from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.pipeline import sent_together
from regulars.platform.db.transaction import JsonValue, Statement, Transaction

pytestmark = pytest.mark.anyio

INSERT = "INSERT INTO numbers VALUES (%s, %s)"


@pytest.fixture
def numbers(database_url: str) -> str:
    """Make a table of numbers, and return where."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE numbers (number integer PRIMARY KEY, padding text)")
    return database_url


async def insert(database: Database, *rows: tuple[int, str]) -> None:
    async with database.transaction() as tx:
        for row in rows:
            tx.write(INSERT, row)


@pytest.mark.parametrize("padding", [1, 200_000])
@pytest.mark.parametrize("position", [0, 3, 7])
async def test_the_first_failure_is_told_and_nothing_is_left(
    numbers: str, database: Database, position: int, padding: int
) -> None:
    del numbers
    rows = [(100 if number == position else number, "x" * padding) for number in range(8)]
    await insert(database, (100, ""))
    with pytest.raises(database_errors.UniqueViolation):
        await insert(database, *rows)

    async with database.transaction() as tx:  # by the same connection, which is in order again
        assert await tx.rows("SELECT count(*) FROM numbers") == [(1,)]


async def test_a_failure_of_the_commit_itself_is_told(numbers: str, database: Database) -> None:
    with psycopg.connect(numbers, autocommit=True) as connection:
        connection.execute("ALTER TABLE numbers ADD UNIQUE (padding) DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(database_errors.UniqueViolation):
        await insert(database, (1, "same"), (2, "same"))

    async with database.transaction() as tx:
        assert await tx.rows("SELECT count(*) FROM numbers") == [(0,)]


async def test_nothing_is_sent_before_the_end(numbers: str, database: Database) -> None:
    del numbers
    async with database.transaction() as tx:
        async with sent_together(tx.connection):
            cursor = await tx.connection.execute("SELECT clock_timestamp()")
            assert cursor.pgresult is None
            later = await tx.connection.execute("SELECT 7")
        assert await later.fetchall() == [(7,)]
        assert cursor.rowcount == 1


async def test_a_transaction_takes_two_round_trips(numbers: str, database: Database) -> None:
    """One to read, with what was written before; one to write and commit."""
    async with database.transaction() as tx:
        tx.write(INSERT, (1, ""))
        assert await tx.rows("SELECT number FROM numbers") == [(1,)]
        with psycopg.connect(numbers) as other:
            assert other.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
        tx.write(INSERT, (2, ""))
        connection = tx.connection
    assert connection.pgconn.transaction_status == TransactionStatus.IDLE
    with psycopg.connect(numbers) as other:
        assert other.execute("SELECT count(*) FROM numbers").fetchone() == (2,)


async def test_what_goes_past_the_transaction_is_in_it_all_the_same(numbers: str, database: Database) -> None:
    """A library that is given the connection (the job queue is) begins the transaction as psycopg does."""
    del numbers

    class Refused(Exception):
        pass

    async def insert_and_refuse() -> None:
        async with database.transaction() as tx:
            await tx.connection.execute(INSERT, (1, ""))
            tx.write(INSERT, (2, ""))
            await tx.flush()
            raise Refused

    with pytest.raises(Refused):
        await insert_and_refuse()
    async with database.transaction() as tx:
        assert await tx.rows("SELECT count(*) FROM numbers") == [(0,)]


async def test_a_last_read_is_committed_with_it(numbers: str, database: Database) -> None:
    del numbers
    async with database.transaction() as tx:
        tx.write(INSERT, (1, ""))
        assert await tx.last_rows("SELECT count(*) FROM numbers") == [(1,)]
        assert tx.connection.info.transaction_status is TransactionStatus.IDLE


async def test_what_comes_after_a_last_read_is_a_transaction_of_its_own(numbers: str, database: Database) -> None:
    del numbers
    async with database.transaction() as tx:
        (timeout,) = await tx.last_rows("SHOW lock_timeout")
        tx.write(INSERT, (1, ""))
        assert await tx.rows("SHOW lock_timeout") == [timeout]  # the settings are the same
        assert await tx.rows("SELECT count(*) FROM numbers") == [(1,)]
        await tx.last_rows("SELECT count(*) FROM numbers")
        tx.write(INSERT, (2, ""))

    async with database.transaction() as tx:
        assert await tx.rows("SELECT number FROM numbers ORDER BY number") == [(1,), (2,)]


@pytest.fixture
def other(numbers: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Look at the same database from outside."""
    with psycopg.connect(numbers, autocommit=True) as connection:
        yield connection


async def is_held(other: psycopg.Connection[tuple[Any, ...]], lock: int) -> None:
    """Return once somebody holds the lock."""
    async with asyncio.timeout(10):
        while other.execute("SELECT pg_try_advisory_lock(%s), pg_advisory_unlock(%s)", (lock, lock)).fetchone() != (
            False,
            False,
        ):
            await asyncio.sleep(0)


async def test_what_is_sent_is_carried_out_while_its_caller_goes_on(
    other: psycopg.Connection[tuple[Any, ...]], database: Database
) -> None:
    async with database.transaction() as tx:
        tx.write(INSERT, (1, ""))
        tx.write("SELECT pg_advisory_xact_lock(7)")
        asked = tx.ask("SELECT count(*) FROM numbers")
        await tx.send()
        await is_held(other, 7)
        tx.write(INSERT, (2, ""))
        await tx.send()
        assert await tx.answer(asked) == [(1,)]
        assert await tx.rows("SELECT count(*) FROM numbers") == [(2,)]
        tx.write(INSERT, (3, ""))
        await tx.send()
    assert other.execute("SELECT count(*) FROM numbers").fetchone() == (3,)


async def test_an_answer_is_there_while_the_next_one_is_waited_for(
    other: psycopg.Connection[tuple[Any, ...]], database: Database
) -> None:
    other.execute("SELECT pg_advisory_lock(7)")
    async with database.transaction() as tx:
        first, second, third = tx.ask("SELECT 1"), tx.ask("SELECT 2, pg_advisory_xact_lock(7)"), tx.ask("SELECT 3")
        await tx.send()
        assert await tx.answer(first) == [(1,)]
        assert second.cursor is not None
        assert second.cursor.pgresult is None
        other.execute("SELECT pg_advisory_unlock(7)")
        assert await tx.answer(third) == [(3,)]
        assert [row[0] for row in await tx.answer(second)] == [2]


async def test_a_failure_is_told_where_the_answer_was_to_be(
    other: psycopg.Connection[tuple[Any, ...]], database: Database
) -> None:
    async def divide() -> None:
        async with database.transaction() as tx:
            tx.write(INSERT, (1, ""))
            first, second = tx.ask("SELECT 1"), tx.ask("SELECT 1 / 0")
            await tx.send()
            assert await tx.answer(first) == [(1,)]
            await tx.answer(second)

    with pytest.raises(database_errors.DivisionByZero):
        await divide()
    assert other.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    await insert(database, (1, ""))


async def test_more_than_goes_without_waiting_arrives_too(
    other: psycopg.Connection[tuple[Any, ...]], database: Database
) -> None:
    async with database.transaction() as tx:
        for number in range(40):
            tx.write(INSERT, (number, "x" * 300_000))
            await tx.send()
    assert other.execute("SELECT count(*), sum(length(padding)) FROM numbers").fetchone() == (40, 40 * 300_000)


@pytest.mark.parametrize("then", ["commit", "read", "savepoint", "job"])
async def test_a_failure_of_what_was_sent_shows_with_what_comes_next(
    other: psycopg.Connection[tuple[Any, ...]], database: Database, then: str
) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            tx.write(INSERT, (1, ""))
            tx.write(INSERT, (1, ""))
            await tx.send()
            tx.write(INSERT, (2, ""))
            await tx.send()
            if then == "read":
                await tx.rows("SELECT 1")
            elif then == "savepoint":
                async with tx.savepoint():
                    raise AssertionError("it failed before")
            elif then == "job":
                await tx.defer(Nothing())

    with pytest.raises(database_errors.UniqueViolation):
        await fail()
    assert other.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    await insert(database, (1, ""))  # by the same connection, which is in order again


class Nothing:
    async def defer_on(self, connection: psycopg.AsyncConnection[Any], arguments: dict[str, JsonValue]) -> None:
        raise AssertionError(f"the transaction of {connection} failed before {arguments}")


@pytest.mark.parametrize("number", [1, 2], ids=["which also failed", "which went well"])
async def test_an_exception_behind_what_was_sent_undoes_it_and_is_told(
    other: psycopg.Connection[tuple[Any, ...]], database: Database, number: int
) -> None:
    class Refused(Exception):
        pass

    async def refuse() -> None:
        async with database.transaction() as tx:
            tx.write(INSERT, (1, ""))
            tx.write(INSERT, (number, ""))
            await tx.send()
            raise Refused

    with pytest.raises(Refused):
        await refuse()
    assert other.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    await insert(database, (1, ""))


@pytest.mark.parametrize("number", [1, 2], ids=["which also failed", "which went well"])
async def test_a_savepoint_undoes_what_was_sent_inside_it(
    other: psycopg.Connection[tuple[Any, ...]], database: Database, number: int
) -> None:
    class Refused(Exception):
        pass

    async def refuse(tx: Transaction) -> None:
        async with tx.savepoint():
            tx.write(INSERT, (number, ""))
            await tx.send()
            raise Refused

    async with database.transaction() as tx:
        tx.write(INSERT, (1, ""))
        await tx.send()
        with pytest.raises(Refused):
            await refuse(tx)
        tx.write(INSERT, (3, ""))
        await tx.send()
    assert other.execute("SELECT number FROM numbers ORDER BY number").fetchall() == [(1,), (3,)]


async def test_who_is_cancelled_behind_what_was_sent_leaves_nothing(
    other: psycopg.Connection[tuple[Any, ...]], database: Database
) -> None:
    sent = asyncio.Event()

    async def wait_for_ever() -> None:
        async with database.transaction() as tx:
            tx.write(INSERT, (1, ""))
            await tx.send()
            sent.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait_for_ever())
    await sent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert other.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    await insert(database, (1, ""))


async def test_a_connection_lost_behind_what_was_sent_is_told_and_replaced(
    other: psycopg.Connection[tuple[Any, ...]], database: Database
) -> None:
    async def lose() -> None:
        async with database.transaction() as tx:
            tx.write(INSERT, (1, ""))
            await tx.send()
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (tx.connection.info.backend_pid,))
            tx.write(INSERT, (2, ""))
            await tx.send()

    with pytest.raises(CONNECTION_LOST):
        await lose()
    assert other.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    await insert(database, (1, ""))


async def test_who_is_cancelled_as_a_round_trip_begins_leaves_nothing_to_the_next(
    numbers: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del numbers

    async def write_and_be_cancelled(database: Database) -> None:
        async with database.transaction() as tx:
            tx.write(INSERT, (1, ""))
            await tx.read(Statement("SELECT 1"))
            monkeypatch.setattr("psycopg.waiting._last_yield", 0.0)  # as after much work: psycopg lets others in
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await tx.read(Statement("SELECT 2"), Statement("SELECT 3"))

    async with Database(database_url, pool_size=1) as database:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(write_and_be_cancelled(database))
        await insert(database, (2, ""))
        async with database.transaction() as tx:
            assert await tx.rows("SELECT number FROM numbers") == [(2,)]
