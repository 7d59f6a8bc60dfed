"""Statements that leave together: in order, in one transaction, and the first failure is the one that is told."""

import psycopg
import pytest
from psycopg import errors as database_errors
from psycopg.pq import TransactionStatus

from regulars.platform.db.database import Database
from regulars.platform.db.pipeline import sent_together

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
