"""A list as a file: of one instant, at the database's speed, two at a time, and never silently short."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest
from litestar.datastructures import MultiDict

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.web.kit.exports import Spool, logged_file
from regulars.web.kit.formats import formats_of
from regulars.web.kit.listings import Column, CsvFile, Listing, Slice, Wanted
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import Viewer

pytestmark = pytest.mark.anyio

COUNTS = Listing(name="counts", columns=(Column("count", mark("Number"), lambda row: row),))
ENGLISH = formats_of("en", "UTC")


def file_of(fetch: Callable[[Wanted], Awaitable[Slice]]) -> CsvFile:
    return CsvFile(COUNTS.wanted(MultiDict()), fetch, ENGLISH)


async def note_something(database: Database) -> None:
    async with database.transaction() as tx:
        tx.audit(AuditEntry(actor="test", action="happen", subject="meanwhile"))


async def taken(services: Services, file: CsvFile) -> str:
    content = logged_file(services.database, asyncio.Semaphore(1), Viewer(), COUNTS, file)
    return b"".join([chunk async for chunk in content]).decode()


async def test_a_file_tells_of_one_instant_however_many_slices_it_takes(services: Services) -> None:
    async def fetch(wanted: Wanted) -> Slice:
        async with wanted.reading() as tx:
            count = (await tx.rows("SELECT count(*) FROM audit_entries"))[0][0]
        await note_something(services.database)
        return Slice([count], after=None if wanted.after == "2" else str(int(wanted.after or 0) + 1))

    text = await taken(services, file_of(fetch))

    assert len(set(text.split()[1:])) == 1
    assert len(text.split()) == 4


async def test_whoever_reads_slowly_keeps_no_transaction_open(services: Services) -> None:
    async def fetch(wanted: Wanted) -> Slice:
        async with wanted.reading() as tx:
            await tx.rows("SELECT 1")
        first = int(wanted.after or 0)
        return Slice(["x" * 1_000] * 1_000, after=str(first + 1) if first < 4 else None)

    file = file_of(fetch)
    async with aclosing(logged_file(services.database, asyncio.Semaphore(1), Viewer(), COUNTS, file)) as content:
        sent = len(await anext(content))
        while file.ending != "complete":
            await asyncio.sleep(0)
        async with services.database.transaction() as tx:
            others = await tx.rows(
                "SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in%%' AND datname = current_database()"
            )
        async for chunk in content:
            sent += len(chunk)

    assert others == []
    assert sent > 5_000 * 1_000


async def test_a_download_that_is_left_stops_the_reading(services: Services) -> None:
    asked = []

    async def fetch(wanted: Wanted) -> Slice:
        asked.append(wanted.after)
        async with wanted.reading() as tx:
            await tx.rows("SELECT 1")
        return Slice(["x"] * 1_000, after="more")

    file, turns = file_of(fetch), asyncio.Semaphore(1)
    async with aclosing(logged_file(services.database, turns, Viewer(), COUNTS, file)) as content:
        await anext(content)
    before = len(asked)
    for _ in range(50):
        await asyncio.sleep(0)

    assert len(asked) == before
    assert not turns.locked(), "the next one may begin"


async def test_a_file_that_cannot_be_begun_says_so(services: Services) -> None:
    async def fetch(_: Wanted) -> Slice:
        raise AssertionError("is not asked")

    async with Database(services.database.url, pool_size=1, wait_seconds=0.2) as busy, busy.transaction() as tx:
        await tx.rows("SELECT 1")
        file = file_of(fetch)
        content = logged_file(busy, asyncio.Semaphore(1), Viewer(), COUNTS, file)
        text = b"".join([chunk async for chunk in content]).decode()

    assert "This file is NOT complete: something went wrong after 0 rows." in text
    assert file.ending == "failed"


async def test_what_is_written_is_read_in_order_and_once() -> None:
    spool = Spool()

    async def read() -> bytes:
        return b"".join([chunk async for chunk in spool.chunks()])

    reading = asyncio.create_task(read())
    for number in range(3_000):
        spool.write(f"{number},")
        if number % 7 == 0:
            await asyncio.sleep(0)
    spool.end()

    assert await reading == "".join(f"{number}," for number in range(3_000)).encode()
    spool.close()
