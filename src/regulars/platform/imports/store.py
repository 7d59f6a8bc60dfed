"""SQL of imports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from regulars.platform.db.transaction import Transaction
from regulars.platform.imports.contracts import Import, Mapped, Part, RowProblem
from regulars.platform.imports.files import ImportFiles

_INSERT: LiteralString = """
INSERT INTO imports (job_id, kind, format, name, mapping, mode, dry_run, begun_by, begun_at, expires_at, started)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, false)
"""
_COLUMNS: LiteralString = """
SELECT i.job_id, i.kind, i.format, i.name, i.mapping, i.mode, i.dry_run, i.begun_by, i.begun_at, i.expires_at,
       i.started,
       (SELECT count(*) FROM import_parts AS p WHERE p.job_id = i.job_id),
       (SELECT coalesce(sum(p.bytes), 0) FROM import_parts AS p WHERE p.job_id = i.job_id),
       (SELECT coalesce(max(p.part_no) = count(*), false) FROM import_parts AS p WHERE p.job_id = i.job_id)
FROM imports AS i
"""
_READ: LiteralString = _COLUMNS + "WHERE i.job_id = ANY(%s)"
_LIST: LiteralString = (
    _COLUMNS
    + """
WHERE i.begun_by = %s AND (%s::text IS NULL OR i.kind = %s) AND (%s::uuid IS NULL OR i.job_id < %s)
ORDER BY i.job_id DESC LIMIT %s
"""
)
_SETTLE: LiteralString = """
UPDATE imports SET mapping = %s, mode = %s, dry_run = %s, started = started OR %s WHERE job_id = %s
"""
_PUT_PART: LiteralString = """
INSERT INTO import_parts (job_id, part_no, bytes, digest) VALUES (%s, %s, %s, %s)
ON CONFLICT (job_id, part_no) DO UPDATE SET bytes = excluded.bytes, digest = excluded.digest
"""
_PARTS: LiteralString = "SELECT part_no, bytes, digest FROM import_parts WHERE job_id = %s ORDER BY part_no"
_INSERT_PROBLEMS: LiteralString = """
INSERT INTO import_problems (job_id, line, column_name, value, code, pointer, data)
SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
ON CONFLICT (job_id, line) DO NOTHING
"""
_PROBLEMS: LiteralString = """
SELECT line, column_name, value, code, pointer, data FROM import_problems
WHERE job_id = %s AND line > %s ORDER BY line LIMIT %s
"""
# Of what was done, or begun too long ago, the file is of no more use; one that goes on is not taken from under it.
# What staff only tried they may import next, from the same file.
_OF_NO_MORE_USE: LiteralString = """
SELECT i.job_id FROM imports AS i LEFT JOIN jobs AS j ON j.job_id = i.job_id
WHERE i.job_id = ANY(%s) AND (
    (j.state = 'done' AND NOT (i.dry_run AND i.begun_by LIKE 'staff:%%'))
    OR (i.expires_at < %s AND (j.state IS NULL OR j.ended_at IS NOT NULL)))
"""
_FORGET: LiteralString = """
DELETE FROM imports AS i WHERE i.job_id IN (
    SELECT i.job_id FROM imports AS i LEFT JOIN jobs AS j ON j.job_id = i.job_id
    WHERE i.expires_at < %s AND (j.state IS NULL OR j.ended_at IS NOT NULL) ORDER BY i.expires_at LIMIT %s
) RETURNING i.job_id
"""

_encode = msgspec.json.Encoder().encode
_mapping = msgspec.json.Decoder(Mapped).decode
_data = msgspec.json.Decoder(dict[str, str | int | bool | None]).decode


def insert(tx: Transaction, one: Import) -> None:
    """Add an import."""
    row = (one.job_id, one.kind, one.format, one.name, _encode(one.mapping).decode(), one.mode, one.dry_run)
    tx.write(_INSERT, (*row, one.begun_by, one.begun_at, one.expires_at))


async def read(tx: Transaction, job_id: UUID) -> Import | None:
    """Return one import, if it is there."""
    return next(iter(await read_many(tx, [job_id])), None)


async def read_many(tx: Transaction, job_ids: Sequence[UUID]) -> list[Import]:
    """Return those of some imports that are there."""
    return [_import(row) for row in await tx.rows(_READ, (list(job_ids),))]


async def listed(tx: Transaction, by: str, kind: str | None, before: UUID | None, limit: int) -> list[Import]:
    """Return somebody's imports, the last first, from before one."""
    return [_import(row) for row in await tx.rows(_LIST, (by, kind, kind, before, before, limit))]


def settle(tx: Transaction, one: Import) -> None:
    """Note how an import is carried out."""
    tx.write(_SETTLE, (_encode(one.mapping).decode(), one.mode, one.dry_run, one.started, one.job_id))


def forget_problems(tx: Transaction, job_id: UUID) -> None:
    """Delete why rows of an import were refused."""
    tx.write("DELETE FROM import_problems WHERE job_id = %s", (job_id,))


def delete(tx: Transaction, job_id: UUID) -> None:
    """Delete an import, with its parts and why rows were refused."""
    tx.write("DELETE FROM imports WHERE job_id = %s", (job_id,))


async def lock(tx: Transaction, job_id: UUID) -> None:
    """Hold an import, so that no part arrives while it is started."""
    await tx.rows("SELECT 1 FROM imports WHERE job_id = %s FOR UPDATE", (job_id,))


def start(tx: Transaction, job_id: UUID) -> None:
    """Note that an import was started."""
    tx.write("UPDATE imports SET started = true WHERE job_id = %s", (job_id,))


def put_part(tx: Transaction, job_id: UUID, part: Part) -> None:
    """Note that a part has arrived; one that came before is replaced."""
    tx.write(_PUT_PART, (job_id, part.part_no, part.bytes, part.digest))


async def parts(tx: Transaction, job_id: UUID) -> list[Part]:
    """Return the parts that have arrived, in order."""
    return [Part(*row) for row in await tx.rows(_PARTS, (job_id,))]


def insert_problems(tx: Transaction, files: ImportFiles, job_id: UUID, problems: Sequence[RowProblem]) -> None:
    """Keep why rows were refused. What stood in them is sealed: nobody knows what stands in a shifted column."""

    def sealed(one: RowProblem, column: str, text: str) -> str:
        return files.seal(job_id, _place(one.line, column), text)

    if problems:
        columns = (
            [one.line for one in problems],
            [one.column for one in problems],
            [None if one.value is None else sealed(one, "value", one.value) for one in problems],
            [one.code for one in problems],
            [None if one.pointer is None else sealed(one, "pointer", one.pointer) for one in problems],
            [sealed(one, "data", _encode(one.data).decode()) for one in problems],
        )
        tx.write(_INSERT_PROBLEMS, (job_id, *columns))


async def problems(tx: Transaction, files: ImportFiles, job_id: UUID, after: int, limit: int) -> list[RowProblem]:
    """Return why rows were refused, in order, from behind a line."""

    def opened(line: int, column: str, text: str) -> str:
        return files.unseal(job_id, _place(line, column), text)

    return [
        RowProblem(
            line=line,
            column=column,
            value=None if value is None else opened(line, "value", value),
            code=code,
            pointer=None if pointer is None else opened(line, "pointer", pointer),
            data=_data(opened(line, "data", data)),
        )
        for line, column, value, code, pointer, data in await tx.rows(_PROBLEMS, (job_id, after, limit))
    ]


async def of_no_more_use(tx: Transaction, job_ids: Sequence[UUID], at: datetime) -> set[UUID]:
    """Return those of the imports whose files nobody needs any more; those that are not there are not among them."""
    return {job_id for (job_id,) in await tx.rows(_OF_NO_MORE_USE, (list(job_ids), at))}


async def known(tx: Transaction, job_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the imports that are there."""
    found = await tx.rows("SELECT job_id FROM imports WHERE job_id = ANY(%s)", (list(job_ids),))
    return {job_id for (job_id,) in found}


async def forget(tx: Transaction, at: datetime, at_most: int) -> bool:
    """Delete imports whose time is over, with why rows were refused; returns whether there may be more."""
    return len(await tx.rows(_FORGET, (at, at_most))) == at_most


def _import(row: Sequence[Any]) -> Import:
    job_id, kind, form, name, mapping, mode, dry_run, by, at, expires_at, started, parts, size, arrived = row
    return Import(
        job_id=job_id,
        kind=kind,
        format=form,
        name=name,
        mapping=_mapping(mapping),
        mode=mode,
        dry_run=dry_run,
        begun_by=by,
        begun_at=at,
        expires_at=expires_at,
        started=started,
        parts=parts,
        bytes=int(size),
        arrived=arrived,
    )


def _place(line: int, column: str) -> str:
    return f"problem:{line}:{column}"
