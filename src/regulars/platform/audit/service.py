"""Sealing the audit log into a hash chain, after commit, and recomputing it."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice

from regulars.platform.audit import rules
from regulars.platform.audit.contracts import ChainReport, Head, Look, Sealing
from regulars.platform.audit.rules import NO_HASH, Seal
from regulars.platform.audit.store import reads, seals
from regulars.platform.audit.store.reads import LooksWanted
from regulars.platform.clock import wall_now
from regulars.platform.db import snapshots
from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe
from regulars.platform.db.snapshots import AUDIT_ENTRIES
from regulars.platform.db.transaction import Transaction

logger = logging.getLogger(__name__)

READER = "audit seals"
BLOCK_SIZE = 1000
_SEALS_AT_ONCE = 50
_NAMED_AT_MOST = 100
_SEAL_EVERY_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 30.0


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
        last_seal_no=last.seal_no if last else 0,
        sealed_at=last.sealed_at if last else None,
        unsealed=unsealed,
        oldest_unsealed_seconds=oldest_seconds,
    )


async def verify_chain(tx: Transaction, *, known_head: Head | None = None) -> ChainReport:
    """Recompute the whole chain, and check that it extends a head that was written down earlier."""
    found = _Findings(known_head)
    while block := await seals.read_seals(tx, found.last_no, _SEALS_AT_ONCE):
        for seal in block:
            await found.check(tx, seal)
    unlisted = await seals.unlisted(tx, await snapshots.position(tx, READER), _NAMED_AT_MOST)
    unsealed, oldest_seconds = await _tail(tx)
    return ChainReport(
        seals=found.seals,
        entries=found.entries,
        head=Head(found.last_no, found.last_hash.hex()),
        broken_seal=found.broken_seal,
        removed=found.removed,
        changed=found.changed,
        unlisted=unlisted,
        extends_known_head=found.extends_known_head,
        unsealed=unsealed,
        oldest_unsealed_seconds=oldest_seconds,
    )


async def _tail(tx: Transaction) -> tuple[int, float | None]:
    """Return how many entries are not sealed yet, and for how many seconds the oldest of them has not been."""
    unsealed, first = await snapshots.count_unread(tx, READER, AUDIT_ENTRIES)
    since = await seals.written_at(tx, first) if first is not None else None
    return unsealed, max(0.0, (wall_now() - since).total_seconds()) if since else None


class _Findings:
    """What has been found on the way from the first seal to the last."""

    def __init__(self, known_head: Head | None) -> None:
        self._known_head = known_head
        self.last_no = 0
        self.last_hash = NO_HASH
        self.seals = 0
        self.entries = 0
        self.broken_seal: int | None = None
        self.removed: list[int] = []
        self.changed: list[int] = []
        self.extends_known_head: bool | None = None
        if known_head is not None:
            self.extends_known_head = known_head == Head(0, NO_HASH.hex())

    async def check(self, tx: Transaction, seal: Seal) -> None:
        """Compare a seal with its predecessor, with itself and with its entries."""
        follows = seal.seal_no == self.last_no + 1 and seal.previous_hash == self.last_hash
        holds = seal.hash == rules.hash_of(seal) and await self._entries_hold(tx, seal)
        if not (follows and holds) and self.broken_seal is None:
            self.broken_seal = seal.seal_no
        if self._known_head is not None and self._known_head.seal_no == seal.seal_no:
            self.extends_known_head = self._known_head.hash == seal.hash.hex() and self.broken_seal is None
        self.last_no, self.last_hash = seal.seal_no, seal.hash
        self.seals += 1
        self.entries += len(seal.entry_ids)

    async def _entries_hold(self, tx: Transaction, seal: Seal) -> bool:
        entries = await seals.find_entries(tx, seal.entry_ids)
        sealed = dict(zip(seal.entry_ids, rules.split(seal.entry_digests), strict=True))
        removed = [entry_id for entry_id in sealed if entry_id not in entries]
        changed = [entry_id for entry_id, entry in entries.items() if rules.digest(entry) != sealed[entry_id]]
        self.removed += islice(removed, _NAMED_AT_MOST - len(self.removed))
        self.changed += islice(sorted(changed), _NAMED_AT_MOST - len(self.changed))
        return not (removed or changed)


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
