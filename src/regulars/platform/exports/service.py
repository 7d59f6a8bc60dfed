"""Exports are begun, read, written out as files, deleted and forgotten."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.bulk import service as jobs
from regulars.platform.bulk.contracts import JOB_PREFIX
from regulars.platform.bulk.errors import KindUnknown
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Deferrable, Transaction
from regulars.platform.errors import NotFound
from regulars.platform.exports import store
from regulars.platform.exports.contracts import (
    EXPORT,
    KEPT,
    KEPT_PERSONAL,
    OPEN_AT_MOST,
    PERSONAL_SCOPE,
    SCOPE,
    Cell,
    Chosen,
    Column,
    Export,
    ExportKind,
    ExportKinds,
    Format,
    PartRows,
    People,
    begins_with,
    columns_of,
)
from regulars.platform.exports.errors import (
    ColumnAskedTwice,
    ColumnNotExported,
    ExportExpired,
    ExportUnderWay,
    NotChosenBy,
    NotChosenByMarket,
    NotChosenByTime,
    TimesTurned,
    TooManyExports,
)
from regulars.platform.exports.files import ExportFiles, Packed, unpack
from regulars.platform.exports.writing import Writer, writer_of
from regulars.platform.ids import new_id, public_id
from regulars.platform.vault.contracts import Vault

SURELY_COMMITTED: Final = timedelta(hours=1)


def chosen_columns(kind: ExportKind, people: People, wanted: Sequence[str] | None) -> dict[str, Column]:
    """Return the columns that are wanted, in their order. Raises ColumnNotExported, ColumnAskedTwice (422)."""
    known = columns_of(kind, people)
    if wanted is None:
        return {name: column for name, column in known.items() if not column.is_personal}
    found: dict[str, Column] = {}
    for at, name in enumerate(wanted):
        if name not in known:
            raise ColumnNotExported(pointer=f"/columns/{at}", column=name[:64], columns=", ".join(known))
        if name in found:
            raise ColumnAskedTwice(pointer=f"/columns/{at}", column=name)
        found[name] = known[name]
    return found


async def begin(
    tx: Transaction, task: Deferrable, kind: ExportKind, columns: Mapping[str, Column], chosen: Chosen, *, by: str
) -> UUID:
    """Have rows exported by a job; returns its id. Raises what is wrong with what was chosen (422), TooManyExports."""
    _check(kind, chosen)
    if await store.open_exports(tx) >= OPEN_AT_MOST:
        raise TooManyExports(limit=OPEN_AT_MOST)
    now, personal = wall_now(), any(column.is_personal for column in columns.values())
    begun = Export(
        job_id=new_id(),
        kind=kind.name,
        columns=tuple(columns),
        personal=personal,
        chosen=chosen,
        begun_by=by,
        begun_at=now,
        expires_at=now + (KEPT_PERSONAL if personal else KEPT),
    )
    store.insert(tx, begun)
    await jobs.ask(tx, task, begun.job_id, EXPORT, by=by, all_of_it=0, carry=begins_with(chosen))
    return begun.job_id


async def list_exports(
    tx: Transaction,
    *,
    by: str | None,
    kind: str | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Export]:
    """Return exports, of one client or everybody, of a kind or all, the last begun first, from behind `before`."""
    return await store.listed(tx, by, kind, before, limit)


async def read_export(tx: Transaction, job_id: UUID, *, by: str | None) -> Export:
    """Return one export. With `by` it must be that one's. Raises NotFound (404), whether or not it is another's."""
    found = await store.read(tx, job_id)
    if found is None or by not in {None, found.begun_by}:
        raise NotFound
    return found


async def scopes_of(tx: Transaction, kinds: ExportKinds, job_id: UUID) -> list[str]:
    """Return which scopes an export needs: none where it is forgotten. Raises KindUnknown."""
    found = await store.read(tx, job_id)
    if found is None:
        return []
    if found.kind not in kinds:
        raise KindUnknown
    return [SCOPE, kinds[found.kind].scope, *([PERSONAL_SCOPE] if found.personal else [])]


async def named(tx: Transaction, job_ids: Sequence[UUID]) -> list[Export]:
    """Return those of some exports that are there, in no order."""
    return await store.read_many(tx, job_ids)


async def parts_of(tx: Transaction, one: Export) -> list[PartRows]:
    """Return the parts of a file, in order. Raises ExportUnderWay (409), ExportExpired (410)."""
    if one.expires_at <= wall_now():
        raise ExportExpired
    if not one.ended:
        raise ExportUnderWay
    return await store.parts(tx, one.job_id)


class Taking(Struct, frozen=True, kw_only=True):
    """Who takes a file, why, and how; `part`: that one alone, from 1; `skip_rows`: so many have arrived already."""

    actor: str
    request_id: str
    purpose: str
    form: Format
    part: int | None = None
    skip_rows: int = 0
    spreadsheet: bool = False


async def take(
    tx: Transaction, kinds: ExportKinds, people: People, job_id: UUID, taking: Taking, *, by: str | None
) -> tuple[Export, list[PartRows], Writer]:
    """Return what a file is written out of (`file_of`), and note who takes it.

    With personal data that is a look, at everybody in it at once. Raises NotFound (404), ExportUnderWay (409),
    ExportExpired (410), ParquetNotWritten (422).
    """
    one = await read_export(tx, job_id, by=by)
    parts = _behind(_wanted(await parts_of(tx, one), taking.part), taking.skip_rows)
    known = columns_of(kinds[one.kind], people)
    columns = {name: known[name] for name in one.columns}
    begins = taking.part in {None, 1} and not taking.skip_rows
    writer = writer_of(taking.form, columns, head=begins, spreadsheet=taking.spreadsheet)
    tx.audit(
        AuditEntry(
            actor=taking.actor,
            action="read_export" if one.personal else "download_export",
            subject=f"export of {one.kind}",
            reason=taking.purpose,
            request_id=taking.request_id,
            detail=f"{public_id(JOB_PREFIX, job_id)}, {taking.form}, {sum([part.rows for part in parts])} rows",
        )
    )
    return one, parts, writer


class Source(NamedTuple):
    """Where files are written out from."""

    files: ExportFiles
    vault: Vault
    people: People


async def file_of(source: Source, one: Export, parts: Sequence[PartRows], writer: Writer) -> AsyncIterator[bytes]:
    """Write a file out, part by part: no more than one part is in memory, and no connection is held.

    Of a part that tells of fewer rows than are in it, the last ones are written.
    What is a member's own is opened row by row; of who was erased since, nothing opens. Raises ExportExpired where the
    file goes meanwhile: whoever takes it sees that it does not end.
    """
    for part in parts:
        content = await asyncio.to_thread(source.files.read, one.job_id, part.part_no, part.digest)
        packed = unpack(content).last(part.rows)
        keys = await source.vault.keys_of(list(packed.sealed)) if packed.sealed else {}
        yield await asyncio.to_thread(_written, source.people, one.columns, packed, keys, writer)
    if last := await asyncio.to_thread(writer.end):
        yield last


def _written(
    people: People, columns: Sequence[str], packed: Packed, keys: Mapping[UUID, bytes], writer: Writer
) -> bytes:
    if not any(name in people.columns for name in columns):
        return writer.rows(packed.rows)
    personal = [name for name in columns if name in people.columns]
    nothing: Mapping[str, Cell] = {}
    opened = {one: people.opened(keys[one], one, packed.sealed[one]) for one in packed.sealed if one in keys}
    rows = []
    whose = packed.whose or [UUID(int=0)] * len(packed.rows)
    for cells, member in zip(packed.rows, whose, strict=True):
        own, theirs = iter(cells), opened.get(member, nothing)
        rows.append([theirs.get(name) if name in personal else next(own) for name in columns])
    return writer.rows(rows)


async def delete(tx: Transaction, files: ExportFiles, job_id: UUID, *, by: str | None) -> None:
    """Delete the file of an export before its time. Raises NotFound (404), ExportUnderWay (409)."""
    one = await read_export(tx, job_id, by=by)
    if (await jobs.read_job(tx, job_id, by=None)).is_open:
        raise ExportUnderWay
    store.expire(tx, job_id, wall_now())
    await asyncio.to_thread(files.delete, one.job_id)


async def delete_files(tx: Transaction, files: ExportFiles) -> int:
    """Delete the files of exports that are over, or that nobody knows; returns how many.

    A part is on disk before its export is committed: one that nobody knows is left alone for an hour.
    """
    kept, now = files.kept(), wall_now()
    of_use, known = await store.of_use(tx, list(kept), now), await store.known(tx, list(kept))
    gone = [
        job_id
        for job_id, at in kept.items()
        if job_id not in of_use and (job_id in known or now - at > SURELY_COMMITTED)
    ]
    for job_id in gone:
        files.delete(job_id)
    return len(gone)


async def forget_expired(tx: Transaction, at_most: int) -> bool:
    """Delete exports whose time was over a month ago; returns whether there may be more."""
    return await store.forget(tx, wall_now() - jobs.KEPT, at_most)


def _wanted(parts: list[PartRows], part: int | None) -> list[PartRows]:
    if part is None or (part == 1 and not parts):
        return parts
    found = [each for each in parts if each.part_no == part]
    if not found:
        raise NotFound
    return found


def _behind(parts: list[PartRows], rows: int) -> list[PartRows]:
    """Return the parts without as many of their first rows."""
    left = []
    for part in parts:
        if rows < part.rows:
            left.append(replace(part, rows=part.rows - rows))
        rows = max(rows - part.rows, 0)
    return left


def _check(kind: ExportKind, chosen: Chosen) -> None:
    if not kind.at and (chosen.since or chosen.until):
        raise NotChosenByTime(pointer="/since" if chosen.since else "/until")
    for name in chosen.by():
        if not getattr(kind, name):
            if name == "market":
                raise NotChosenByMarket(pointer="/market")
            raise NotChosenBy(pointer=f"/{name}", field=name)
    if chosen.since and chosen.until and chosen.since >= chosen.until:
        raise TimesTurned(pointer="/until")
