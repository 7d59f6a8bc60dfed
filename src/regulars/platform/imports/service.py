"""Imports are begun, get their files part by part, are started, read and forgotten."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from regulars.platform.bulk import service as jobs
from regulars.platform.bulk.errors import KindUnknown
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Deferrable, Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id
from regulars.platform.imports import store
from regulars.platform.imports.contracts import (
    IMPORT,
    PART_BYTES,
    Format,
    Import,
    ImportKind,
    ImportKinds,
    Mapped,
    Mode,
    Part,
    RowProblem,
)
from regulars.platform.imports.errors import FileEmpty, ImportIncomplete, ImportStarted, PartTooLarge
from regulars.platform.imports.files import ImportFiles
from regulars.platform.imports.reading import require_reader
from regulars.platform.imports.rules import check_mapping

KEPT: Final = timedelta(days=7)
SURELY_COMMITTED: Final = timedelta(hours=1)


async def begin(
    tx: Transaction,
    kind: ImportKind,
    *,
    form: Format,
    mapping: Mapped,
    mode: Mode,
    dry_run: bool,
    name: str,
    by: str,
) -> Import:
    """Begin an import, whose file then arrives part by part. Raises what is wrong with its mapping or format (422)."""
    check_mapping(kind, mapping)
    require_reader(form)
    now = wall_now()
    begun = Import(
        job_id=new_id(),
        kind=kind.name,
        format=form,
        name=name,
        mapping=mapping,
        mode=mode,
        dry_run=dry_run,
        begun_by=by,
        begun_at=now,
        expires_at=now + KEPT,
        parts=0,
        bytes=0,
        started=False,
    )
    store.insert(tx, begun)
    return begun


async def read_import(tx: Transaction, job_id: UUID, *, by: str | None) -> Import:
    """Return one import. With `by` it must be that one's. Raises NotFound (404), whether or not it is another's."""
    found = await store.read(tx, job_id)
    if found is None or by not in {None, found.begun_by}:
        raise NotFound
    return found


async def scopes_of(tx: Transaction, kinds: ImportKinds, job_id: UUID) -> list[str]:
    """Return which scopes an import needs: none where it is forgotten. Raises KindUnknown."""
    found = await store.read(tx, job_id)
    if found is None:
        return []
    if found.kind not in kinds:
        raise KindUnknown
    return [kinds[found.kind].scope]


async def named(tx: Transaction, job_ids: Sequence[UUID]) -> list[Import]:
    """Return those of some imports that are there, in no order."""
    return await store.read_many(tx, job_ids)


async def put_part(
    tx: Transaction, files: ImportFiles, job_id: UUID, part_no: int, content: bytes, *, by: str | None
) -> Import:
    """Keep a part of a file; one that came before is replaced. Parts are counted from 1 and may be cut anywhere.

    Raises NotFound (404), ImportStarted (409), PartTooLarge (413).
    """
    await read_import(tx, job_id, by=by)
    if len(content) > PART_BYTES:
        raise PartTooLarge(limit_bytes=PART_BYTES)
    await store.lock(tx, job_id)
    if (await read_import(tx, job_id, by=by)).started:
        raise ImportStarted
    digest = files.write(job_id, part_no, content)
    store.put_part(tx, job_id, Part(part_no, len(content), digest))
    return await read_import(tx, job_id, by=by)


async def start(tx: Transaction, task: Deferrable, job_id: UUID, *, by: str | None) -> None:
    """Have what has arrived imported by a job of the same id; started again, it is that job.

    Raises NotFound (404), ImportIncomplete (409), FileEmpty (422).
    """
    await read_import(tx, job_id, by=by)
    await store.lock(tx, job_id)
    found = await read_import(tx, job_id, by=by)
    if found.started:
        return
    parts = await store.parts(tx, job_id)
    if not sum([part.bytes for part in parts]):
        raise FileEmpty
    for at, part in enumerate(parts, 1):
        if part.part_no != at:
            raise ImportIncomplete(part=at)
    store.start(tx, job_id)
    await jobs.ask(tx, task, job_id, IMPORT, by=found.begun_by, all_of_it=found.bytes)


async def list_imports(
    tx: Transaction, *, by: str, kind: str | None = None, before: UUID | None = None, limit: int
) -> list[Import]:
    """Return somebody's imports, the last begun first."""
    return await store.listed(tx, by, kind, before, limit)


async def settle(
    tx: Transaction,
    kind: ImportKind,
    job_id: UUID,
    *,
    mapping: Mapped,
    mode: Mode,
    dry_run: bool,
    by: str,
    task: Deferrable | None = None,
) -> Import:
    """Say anew how an import is carried out, and with a task have it done, from the beginning, as often as need be.

    What was only tried, or of which nothing or not all came, may be carried out again; what was imported may not.
    Raises NotFound (404), ImportStarted, ImportIncomplete, JobGoesOn (409), and what is wrong with the mapping (422).
    """
    check_mapping(kind, mapping)
    await store.lock(tx, job_id)
    found = await read_import(tx, job_id, by=by)
    job = (await jobs.find_jobs(tx, [job_id])).get(job_id)
    if job is not None and (job.is_open or (job.state == "done" and not found.dry_run)):
        raise ImportStarted
    missing = missing_part(await store.parts(tx, job_id))
    if task is not None and missing:
        raise ImportIncomplete(part=missing)
    settled = replace(found, mapping=mapping, mode=mode, dry_run=dry_run, started=found.started or task is not None)
    store.settle(tx, settled)
    if task is not None:
        store.forget_problems(tx, job_id)
        await jobs.ask_anew(tx, task, job_id, IMPORT, by=by, all_of_it=found.bytes)
    return settled


def missing_part(parts: Sequence[Part]) -> int:
    """Return the number of the last part that has not arrived, 0 for none.

    Pages send parts from the last to the first, so that what has arrived tells how many there are.
    """
    numbers = {part.part_no for part in parts}
    return max(set(range(1, max(numbers, default=1) + 1)) - numbers, default=0)


async def discard(tx: Transaction, files: ImportFiles, job_id: UUID, *, by: str) -> None:
    """Forget an import and its file at once. Raises NotFound (404), ImportStarted (409) while it is carried out."""
    await store.lock(tx, job_id)
    await read_import(tx, job_id, by=by)
    job = (await jobs.find_jobs(tx, [job_id])).get(job_id)
    if job is not None and job.is_open:
        raise ImportStarted
    store.delete(tx, job_id)
    files.delete(job_id)


async def parts_of(tx: Transaction, job_id: UUID) -> list[Part]:
    """Return the parts of a file that have arrived, in order."""
    return await store.parts(tx, job_id)


async def problems(tx: Transaction, files: ImportFiles, job_id: UUID, *, after: int, limit: int) -> list[RowProblem]:
    """Return why rows were refused, in the order of the file, from behind a line."""
    return await store.problems(tx, files, job_id, after, limit)


async def delete_files(tx: Transaction, files: ImportFiles) -> int:
    """Delete the files of imports that are done, are over, or that nobody knows; returns how many.

    A part is on disk before its import is committed: one that nobody knows is left alone for an hour.
    """
    kept, now = files.kept(), wall_now()
    known = await store.known(tx, list(kept))
    strange = {job_id for job_id, at in kept.items() if job_id not in known and now - at > SURELY_COMMITTED}
    useless = await store.of_no_more_use(tx, list(kept), now) | strange
    for job_id in useless:
        files.delete(job_id)
    return len(useless)


async def forget_expired(tx: Transaction, at_most: int) -> bool:
    """Delete imports that were begun a week ago; returns whether there may be more."""
    return await store.forget(tx, wall_now(), at_most)
