"""Sealing the audit log into a hash chain, after commit, and recomputing it."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from regulars.platform.audit import rules, walking
from regulars.platform.audit.contracts import (
    ChainReport,
    EntriesFound,
    EntriesWanted,
    Entry,
    Head,
    Look,
    Sealed,
    Sealing,
)
from regulars.platform.audit.rules import NO_HASH
from regulars.platform.audit.store import reads, seals
from regulars.platform.audit.store.reads import READER, LooksWanted
from regulars.platform.clock import wall_now
from regulars.platform.db import snapshots
from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe
from regulars.platform.db.snapshots import AUDIT_ENTRIES
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound

logger = logging.getLogger(__name__)

BLOCK_SIZE = 1000
_SEAL_EVERY_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 30.0
WALK = 50_000  # entries that a narrowed page looks through at most


async def seal_block(tx: Transaction, at: datetime, *, block_size: int = BLOCK_SIZE) -> int:
    """Close the next block of committed entries and return how many; 0 if there are none or another one seals.

    `at` is the wall clock's. The transaction must not have written before.
    """
    if not await snapshots.try_hold(tx, READER):
        return 0
    window = await snapshots.open_window(tx, READER, AUDIT_ENTRIES)
    if window is None:
        return 0
    entries = await seals.read_page(tx, window, block_size)
    previous = await seals.last_seal(tx)
    seal_no, previous_hash = (previous.seal_no, previous.hash) if previous else (0, NO_HASH)
    if entries:
        seals.insert_seal(tx, rules.close(seal_no + 1, at, entries, previous_hash))
    is_last = len(entries) < block_size
    snapshots.advance(tx, READER, AUDIT_ENTRIES, window, window.end_seq if is_last else entries[-1].entry_id)
    return len(entries)


async def seal_all(database: Database) -> int:
    """Seal every committed entry, a transaction a block; return how many."""
    total = 0
    while True:
        async with database.transaction(actor="sealer", set_based=True) as tx:
            sealed = await seal_block(tx, wall_now())
        if not sealed:
            return total
        total += sealed


async def run_sealer(database: Database, stop: asyncio.Event, *, every_seconds: float = _SEAL_EVERY_SECONDS) -> None:
    """Seal what was committed, again and again until `stop` is set; outlives failures of any kind."""
    failures = 0
    while not stop.is_set():
        try:
            await seal_all(database)
            failures = 0
        except Exception as error:  # noqa: BLE001 - the entries are still there to be sealed
            failures += 1
            logger.warning("sealer interrupted: %s", describe(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(every_seconds * 2**failures, _LONGEST_PAUSE_SECONDS))


async def head(tx: Transaction) -> Head:
    """Return the end of the chain, to be written down somewhere else."""
    last = await seals.last_seal(tx)
    return Head(last.seal_no, last.hash.hex()) if last else Head(0, NO_HASH.hex())


async def sealing(tx: Transaction) -> Sealing:
    """Return how far the sealer has come, without recomputing anything."""
    last = await seals.last_seal(tx)
    unsealed, oldest_seconds = await _tail(tx)
    return Sealing(
        head=Head(last.seal_no, last.hash.hex()) if last else Head(0, NO_HASH.hex()),
        sealed_at=last.sealed_at if last else None,
        unsealed=unsealed,
        oldest_unsealed_seconds=oldest_seconds,
    )


async def verify_chain(tx: Transaction, *, known_head: Head | None = None) -> ChainReport:
    """Recompute the whole chain, and check that it extends a head that was written down earlier."""
    walk = walking.begun(known_head)
    while await walking.walk_on(tx, walk):
        pass
    unlisted = await seals.unlisted(tx, await snapshots.position(tx, READER), walking.NAMED_AT_MOST)
    unsealed, oldest_seconds = await _tail(tx)
    return ChainReport(
        seals=walk.seals,
        entries=walk.entries,
        head=walk.head,
        broken_seal=walk.broken_seal,
        removed=walk.removed,
        changed=walk.changed,
        unlisted=unlisted,
        extends_known_head=walk.extends_known_head,
        unsealed=unsealed,
        oldest_unsealed_seconds=oldest_seconds,
    )


async def _tail(tx: Transaction) -> tuple[int, float | None]:
    """Return how many entries are not sealed yet, and for how many seconds the oldest of them has not been."""
    unsealed, first = await snapshots.count_unread(tx, READER, AUDIT_ENTRIES)
    since = await seals.written_at(tx, first) if first is not None else None
    return unsealed, max(0.0, (wall_now() - since).total_seconds()) if since else None


async def looks(
    tx: Transaction,
    *,
    subjects: Sequence[str] | None = None,
    actor: str | None = None,
    purpose: str | None = None,
    first: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Look]:
    """Return who looked at whose personal data, the latest first: at `subjects`, or by `actor`, from behind one.

    `purpose` is a part of what was given as one; `first` and `until` are instants of the wall clock, the first
    included.
    """
    return await reads.looks(tx, LooksWanted(subjects, actor, purpose, first, until, before), limit)


async def entries(tx: Transaction, wanted: EntriesWanted, limit: int) -> EntriesFound:
    """Return what the log says, the latest first, at most `limit` entries.

    The log has no index of who did what to whom, which every posting would pay for: a narrowed list is looked through
    backwards, so many entries at a time. A filter of time leads there at once.
    """
    newest, oldest = await reads.ends(tx)
    if wanted.until is not None:
        newest = min(newest, await reads.first_since(tx, wanted.until + reads.SLACK))
    if wanted.first is not None:
        oldest = max(oldest, await reads.first_since(tx, wanted.first - reads.SLACK))
    upper = newest if wanted.before is None else min(newest, wanted.before)
    lower = max(oldest, upper - WALK) if wanted.is_narrowed else oldest
    if lower >= upper:
        return EntriesFound([], None)
    found = await reads.entries(tx, wanted, (lower, upper), limit + 1)
    if len(found) > limit:
        return EntriesFound(found[:limit], found[limit - 1].entry_id)
    return EntriesFound(found, lower if lower > oldest else None)


async def read_entry(tx: Transaction, entry_id: int) -> tuple[Entry, Sealed | None]:
    """Return one entry with the seal that closes it; None while there is none, or where it is not where it ought to be.

    Raises NotFound (404).
    """
    found = await reads.entries(tx, EntriesWanted(), (entry_id, entry_id + 1), 1)
    if not found:
        raise NotFound
    [entry] = found
    seal = await seals.seal_of(tx, entry_id, entry.written_at) if entry.is_sealed else None
    if seal is None:
        return entry, None
    written = rules.Written(*entry[:-1])
    own = dict(zip(seal.entry_ids, rules.split(seal.entry_digests), strict=True))[entry_id]
    return entry, Sealed(
        seal_no=seal.seal_no,
        sealed_at=seal.sealed_at,
        entries=len(seal.entry_ids),
        previous_hash=seal.previous_hash.hex(),
        hash=seal.hash.hex(),
        digest=own.hex(),
        line=rules.line(written).decode(),
        holds=own == rules.digest(written) and seal.hash == rules.hash_of(seal),
    )
