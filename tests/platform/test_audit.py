"""Whatever is done to the sealed log is found, and the sealer misses no entry."""

import asyncio
from collections.abc import AsyncIterator, Callable
from hashlib import sha256

import msgspec
import psycopg
import pytest

from regulars.platform.audit import rules
from regulars.platform.audit.contracts import AuditEntry, ChainReport, Head
from regulars.platform.audit.rules import NO_HASH, Written
from regulars.platform.audit.service import head, run_sealer, seal_all, seal_block, verify_chain
from regulars.platform.clock import wall_now
from regulars.platform.db import snapshots
from regulars.platform.db.database import Database
from regulars.platform.db.snapshots import RestoredElsewhere
from tests.platform.relaying import restore_into_younger_server

pytestmark = pytest.mark.anyio


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, pool_size=2) as opened:
        yield opened


async def write(database: Database, *subjects: str) -> None:
    async with database.transaction() as tx:
        for subject in subjects:
            tx.audit(AuditEntry(actor="key:ak_1", action="adjust_points", subject=subject, reason="a gift"))


async def seal_in_blocks(database: Database, block_size: int) -> list[int]:
    sealed = []
    while True:
        async with database.transaction() as tx:
            sealed.append(await seal_block(tx, wall_now(), block_size=block_size))
        if not sealed[-1]:
            return sealed[:-1]


async def verified(database: Database, known_head: Head | None = None) -> ChainReport:
    async with database.transaction() as tx:
        return await verify_chain(tx, known_head=known_head)


async def tamper(database: Database, *statements: str) -> None:
    """Do what the owner of the database can do: switch the guard off first."""
    async with await psycopg.AsyncConnection.connect(database.url) as connection:
        for table in ("audit_entries", "audit_seals"):
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            await connection.execute(statement)


@pytest.fixture
async def sealed(database: Database) -> Head:
    """Ten entries in seals 1 to 4: three, three, three, one."""
    await write(database, *[f"member {number}" for number in range(1, 11)])
    assert await seal_in_blocks(database, 3) == [3, 3, 3, 1]
    async with database.transaction() as tx:
        return await head(tx)


async def test_an_intact_chain_verifies_and_extends_every_earlier_head(database: Database, sealed: Head) -> None:
    report = await verified(database, sealed)

    assert report == ChainReport(
        seals=4, entries=10, head=sealed, broken_seal=None, removed=[], changed=[], unlisted=[],
        extends_known_head=True, unsealed=0, oldest_unsealed_seconds=None,
    )  # fmt: skip
    assert report.is_intact
    assert sealed.seal_no == 4

    await write(database, "member 11")
    tail = await verified(database, sealed)
    assert (tail.unsealed, tail.is_intact, tail.head) == (1, True, sealed)
    assert tail.oldest_unsealed_seconds is not None
    assert 0 <= tail.oldest_unsealed_seconds < 60
    assert await seal_all(database) == 1
    grown = await verified(database, sealed)
    assert (grown.head.seal_no, grown.extends_known_head, grown.unsealed) == (5, True, 0)
    assert (await verified(database, Head(0, NO_HASH.hex()))).extends_known_head


async def test_an_empty_log_is_intact(database: Database) -> None:
    assert await seal_all(database) == 0
    report = await verified(database)

    assert report.is_intact
    assert report.head == Head(0, "0" * 64)


TAMPERINGS: list[tuple[str, Callable[[ChainReport], object], object]] = [
    ("UPDATE audit_entries SET reason = 'nothing' WHERE entry_id = 5", lambda r: (r.changed, r.broken_seal), ([5], 2)),
    ("UPDATE audit_entries SET written_at = '2020-01-01' WHERE entry_id = 1", lambda r: r.changed, [1]),
    ("DELETE FROM audit_entries WHERE entry_id = 10", lambda r: (r.removed, r.broken_seal), ([10], 4)),
    (
        "INSERT INTO audit_entries SELECT 0, '3', written_at, '', '', '', '', '', '' FROM audit_entries LIMIT 1",
        lambda r: (r.unlisted, r.broken_seal),
        ([0], None),
    ),
    ("DELETE FROM audit_seals WHERE seal_no = 2", lambda r: (r.broken_seal, r.unlisted), (3, [4, 5, 6])),
    ("DELETE FROM audit_seals WHERE seal_no = 4", lambda r: (r.broken_seal, r.unlisted), (None, [10])),
    ("DELETE FROM audit_seals WHERE seal_no = 1", lambda r: r.broken_seal, 2),
    ("UPDATE audit_seals SET sealed_at = '2020-01-01' WHERE seal_no = 3", lambda r: r.broken_seal, 3),
    ("UPDATE audit_seals SET hash = previous_hash WHERE seal_no = 4", lambda r: r.broken_seal, 4),
    (
        "UPDATE audit_seals SET entry_ids = '{4,5}', entry_digests = substr(entry_digests, 1, 64) WHERE seal_no = 2",
        lambda r: (r.broken_seal, r.unlisted),
        (2, [6]),
    ),
]


@pytest.mark.parametrize(("statement", "found", "expected"), TAMPERINGS)
async def test_tampering_is_found(
    database: Database, sealed: Head, statement: str, found: Callable[[ChainReport], object], expected: object
) -> None:
    await tamper(database, statement)

    report = await verified(database, sealed)
    assert found(report) == expected
    assert not report.is_intact


async def test_a_chain_rewritten_as_a_whole_is_found_by_whoever_wrote_a_head_down(
    database: Database, sealed: Head
) -> None:
    """The chain proves nothing to one who has no head of it: that is why the head is written down elsewhere."""
    await tamper(
        database,
        "UPDATE audit_entries SET reason = 'nothing' WHERE entry_id = 1",
        "TRUNCATE audit_seals",
        "DELETE FROM relay_cursors",
    )
    assert await seal_in_blocks(database, 3) == [3, 3, 3, 1]

    assert (await verified(database)).is_intact
    report = await verified(database, sealed)
    assert (report.extends_known_head, report.is_intact) == (False, False)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET reason = 'nothing'",
        "DELETE FROM audit_entries WHERE entry_id = 1",
        "TRUNCATE audit_entries",
        "UPDATE audit_seals SET sealed_at = sealed_at",
        "DELETE FROM audit_seals",
        "TRUNCATE audit_seals",
    ],
)
@pytest.mark.usefixtures("sealed")
async def test_slips_are_refused(database_url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            await connection.execute(statement)
        await connection.rollback()


async def test_an_entry_that_commits_late_is_sealed_later(database: Database) -> None:
    async with database.transaction() as slow:
        slow.audit(AuditEntry(actor="a", action="b", subject="late"))
        await slow.flush()
        await write(database, "early")
        assert await seal_all(database) == 1
    assert await seal_all(database) == 1

    async with database.transaction() as tx:
        assert await tx.rows("SELECT entry_ids FROM audit_seals ORDER BY seal_no") == [([2],), ([1],)]
    assert (await verified(database)).is_intact


async def test_two_sealers_at_once_make_one_chain(database: Database, other: Database) -> None:
    stop = asyncio.Event()
    sealers = [asyncio.create_task(run_sealer(each, stop, every_seconds=0.001)) for each in (database, other)]
    for number in range(50):
        await write(database, f"member {number}")
    while (await verified(database)).unsealed:
        await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*sealers)

    report = await verified(database)
    assert (report.entries, report.is_intact) == (50, True)


async def test_the_chain_survives_a_restore_elsewhere(database: Database, sealed: Head) -> None:
    await write(database, "member 11")
    await restore_into_younger_server(database)
    with pytest.raises(RestoredElsewhere):
        await seal_all(database)

    async with database.transaction() as tx:
        await snapshots.rebase(tx)

    assert await seal_all(database) == 1
    report = await verified(database, sealed)
    assert (report.seals, report.entries, report.unsealed, report.is_intact) == (5, 11, 0, True)


def test_hashes_can_be_recomputed_from_the_description() -> None:
    """As docs/audit.md says, with nothing of ours but the rows."""
    now = wall_now().replace(microsecond=0)
    written = Written(7, now, "key:ak_1", "adjust_points", "mbr_1", "礼物", "", "")
    seal = rules.close(3, written.written_at, [written], NO_HASH)

    at = written.written_at.isoformat(timespec="microseconds")
    text = f'[7,"{at}","key:ak_1","adjust_points","mbr_1","礼物","",""]'
    assert seal.entry_digests == sha256(text.encode()).digest()
    assert seal.hash == sha256(f'[3,"{at}","{"0" * 64}",[7]]\n'.encode() + seal.entry_digests).digest()
    assert msgspec.json.encode(["礼"]) == '["礼"]'.encode()
