"""V3: whoever has a head finds whatever was done to the log before it, whichever entry or seal, and however."""

from datetime import timedelta
from random import Random
from typing import LiteralString

import pytest
from hypothesis import strategies as st
from psycopg import AsyncConnection

from regulars.platform.audit import rules
from regulars.platform.audit.contracts import AuditEntry, ChainReport, Head
from regulars.platform.audit.service import head, seal_block, verify_chain
from regulars.platform.audit.store import seals as store
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from tests.examples import examples

pytestmark = pytest.mark.anyio
ENTRIES = 60


SWAP: LiteralString = """
UPDATE audit_entries AS a SET subject = b.subject FROM audit_entries AS b
WHERE (a.entry_id, b.entry_id) IN ((%(entry)s, %(other)s), (%(other)s, %(entry)s))
"""
INSERT: LiteralString = """
INSERT INTO audit_entries (entry_id, transaction_id, written_at, actor, action, subject, reason, request_id, detail)
SELECT -entry_id, transaction_id, written_at, actor, action, subject, reason, request_id, detail FROM audit_entries
WHERE entry_id = %(entry)s
"""
DIGEST: LiteralString = """
UPDATE audit_seals SET entry_digests = set_byte(entry_digests, %(byte)s, 255 - get_byte(entry_digests, %(byte)s))
WHERE seal_no = %(seal)s
"""
OF_ENTRIES = 10
ACTS: tuple[LiteralString, ...] = (  # first those that leave the seals as they are
    "UPDATE audit_entries SET actor = actor || 'x' WHERE entry_id = %(entry)s",
    "UPDATE audit_entries SET action = action || 'x' WHERE entry_id = %(entry)s",
    "UPDATE audit_entries SET subject = subject || 'x' WHERE entry_id = %(entry)s",
    "UPDATE audit_entries SET reason = '' WHERE entry_id = %(entry)s",
    "UPDATE audit_entries SET request_id = 'req' WHERE entry_id = %(entry)s",
    "UPDATE audit_entries SET detail = reason, reason = detail WHERE entry_id = %(entry)s",
    "UPDATE audit_entries SET written_at = written_at + %(soon)s WHERE entry_id = %(entry)s",
    "DELETE FROM audit_entries WHERE entry_id = %(entry)s",
    "DELETE FROM audit_entries WHERE entry_id IN (%(entry)s, %(other)s)",
    SWAP,
    INSERT,
    "UPDATE audit_seals SET sealed_at = sealed_at + %(soon)s WHERE seal_no = %(seal)s",
    "UPDATE audit_seals SET hash = set_byte(hash, %(byte)s, 255 - get_byte(hash, %(byte)s)) WHERE seal_no = %(seal)s",
    DIGEST,
    "DELETE FROM audit_seals WHERE seal_no >= %(seal)s",
    "DELETE FROM audit_seals WHERE seal_no = %(seal)s",
)


async def tamper(tx: Transaction, chance: Random) -> str:
    """Do something to the log as the owner of the database can; returns what."""
    entry, other = chance.sample(range(1, ENTRIES + 1), 2)
    ((seals,),) = await tx.rows("SELECT count(*) FROM audit_seals")
    values = {
        "entry": entry,
        "other": other,
        "seal": chance.randint(1, seals),
        "byte": chance.randrange(32),
        "soon": timedelta(microseconds=chance.choice([-1, 1, 10**6])),
    }
    act = chance.choice(ACTS)
    await tx.connection.execute(act, values)
    forged = 0
    if act in ACTS[:OF_ENTRIES] and chance.random() < 0.7:
        forged = await forge(tx, entry, seals if chance.random() < 0.5 else 1)
    return f"{act} {values}, {forged} seals made anew"


async def forge(tx: Transaction, entry: int, at_most: int) -> int:
    """Make the seal of an entry anew, and those behind it, as somebody would who knows how; returns how many."""
    found = await store.read_seals(tx, 0, ENTRIES)
    first = next(place for place, seal in enumerate(found) if entry in seal.entry_ids)
    previous, some = found[first].previous_hash, found[first : first + at_most]
    for seal in some:
        entries = await store.find_entries(tx, seal.entry_ids)
        left = [entries[number] for number in seal.entry_ids if number in entries]
        await tx.connection.execute("DELETE FROM audit_seals WHERE seal_no = %s", (seal.seal_no,))
        if left:
            made = rules.close(seal.seal_no, seal.sealed_at, left, previous)
            store.insert_seal(tx, made)
            await tx.flush()
            previous = made.hash
    return len(some)


async def test_whatever_is_done_to_the_log_is_found(database: Database) -> None:
    for number in range(ENTRIES):
        async with database.transaction() as tx:
            tx.audit(AuditEntry(actor=f"key:{number}", action="adjust_points", subject=f"m{number}", reason="a gift"))
        if number % 7 == 0:
            async with database.transaction() as tx:
                await seal_block(tx, wall_now(), block_size=3 + number % 5)
    while await _sealed(database):
        pass
    async with database.transaction() as tx:
        known = await head(tx)
    for chance in examples(st.randoms(use_true_random=True), 60):
        done, report = await _found(database, chance, known)
        assert not report.is_intact, done
    async with database.transaction() as tx:
        assert (await verify_chain(tx, known_head=known)).is_intact


async def _found(database: Database, chance: Random, known: Head) -> tuple[str, ChainReport]:
    """Return what was done, and what is found of it; all is rolled back then."""
    async with await AsyncConnection.connect(database.url) as connection:
        tx = Transaction(connection, wall_now(), "test")
        await connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        await connection.execute("ALTER TABLE audit_seals DISABLE TRIGGER USER")
        found = await tamper(tx, chance), await verify_chain(tx, known_head=known)
        await connection.rollback()
    return found


async def _sealed(database: Database) -> int:
    async with database.transaction() as tx:
        return await seal_block(tx, wall_now(), block_size=11)
