"""The steps of an export: a stretch of the table is read from the snapshot, and put down as a part of the file."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from regulars.platform.bulk.contracts import Step, Taken
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.exports import store
from regulars.platform.exports.contracts import (
    ROWS_A_STEP,
    Export,
    ExportKind,
    ExportKinds,
    PartRows,
    People,
    begins_with,
)
from regulars.platform.exports.errors import ExportExpired, ExportInterrupted, ExportKindUnknown
from regulars.platform.exports.files import ExportFiles, pack
from regulars.platform.exports.snapshots import Snapshots
from regulars.platform.exports.store import SnapshotLost
from regulars.platform.vault.contracts import Vault

BEGUN_AT_MOST: Final = 10


class Place(Struct, frozen=True, kw_only=True):
    """Where an export goes on: from which snapshot, behind which key; and how often it was begun."""

    snapshot: str
    begun: int
    about: int = 0
    after: list[str] | None = None
    seen: int = 0
    rows: int = 0
    parts: int = 0


class _Read(Struct, frozen=True):
    content: bytes
    rows: int
    end: list[str] | None


@dataclass(slots=True)
class Exporting:
    """Carries exports out, as a kind of jobs."""

    kinds: ExportKinds
    people: People
    database: Database
    vault: Vault
    home: Path
    _files: ExportFiles = field(init=False)
    _snapshots: Snapshots = field(init=False)

    def __post_init__(self) -> None:
        """Know where the files lie."""
        self._files = ExportFiles(self.home, self.vault.pepper)
        self._snapshots = Snapshots(self.database)

    async def step(self, tx: Transaction, job: Taken) -> Step:
        """Read the next stretch of the table, and keep what is wanted of it."""
        one = await store.read(tx, job.job_id)
        if one is None:
            raise ExportExpired
        kind = self.kinds.get(one.kind)
        if kind is None:
            raise ExportKindUnknown(kind=one.kind, kinds=", ".join(self.kinds))
        begins = job.carry == begins_with(one.chosen)
        place = None if begins else msgspec.convert(job.carry, Place)
        try:
            place = await self._begin(tx, one, kind, 1) if place is None else place
            found = await self._read(one, kind, place)
        except SnapshotLost:  # who kept it was ended
            place = await self._begin(tx, one, kind, place.begun + 1 if place else 1)
            found = await self._read(one, kind, place)
        place = await self._keep(tx, one, place, found)
        if found.end is None:
            parts = await store.parts(tx, one.job_id)
            await asyncio.to_thread(self._files.keep_only, one.job_id, [(each.part_no, each.digest) for each in parts])
            await self._snapshots.release(one.job_id)
        return Step(
            done=place.seen,
            all_of_it=place.seen if found.end is None else max(place.about, place.seen),
            counts={"rows": place.rows},
            carry=msgspec.to_builtins(place),
            ended=found.end is None,
        )

    async def _begin(self, tx: Transaction, one: Export, kind: ExportKind, begun: int) -> Place:
        """Begin from a snapshot of now; what was read from another one is forgotten."""
        if begun > BEGUN_AT_MOST:
            raise ExportInterrupted(times=BEGUN_AT_MOST)
        as_of = self.database.clock.now()
        name = await self._snapshots.take(one.job_id)
        store.begin_rows(tx, one.job_id, as_of)
        return Place(snapshot=name, begun=begun, about=await store.about_how_many(tx, kind))

    async def _read(self, one: Export, kind: ExportKind, place: Place) -> _Read:
        async with self.database.transaction(one_snapshot=place.snapshot, set_based=True) as tx:
            await store.take_over(tx)
            page = await store.page(tx, kind, one, place.after)
            sealed = await self.people.sealed(tx, sorted(set(page.members))) if one.personal else {}
        content = await asyncio.to_thread(pack, kind, one.columns, page, sealed)
        return _Read(content, len(page.rows), page.end)

    async def _keep(self, tx: Transaction, one: Export, place: Place, found: _Read) -> Place:
        parts = place.parts + (found.rows > 0)
        if found.rows:
            digest = await asyncio.to_thread(self._files.write, one.job_id, parts, found.content)
            store.put_part(tx, one.job_id, PartRows(parts, found.rows, len(found.content), digest))
        seen = ROWS_A_STEP if found.end is not None else found.rows
        return replace(place, after=found.end, parts=parts, rows=place.rows + found.rows, seen=place.seen + seen)
