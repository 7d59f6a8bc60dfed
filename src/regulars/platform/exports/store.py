"""SQL of exports: their own rows, and the pages of the tables that they read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.errors import InvalidParameterValue, UndefinedObject

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.exports.contracts import EXPORT, ROWS_A_STEP, Chosen, Export, ExportKind, Key, PartRows

_INSERT: LiteralString = """
INSERT INTO exports (job_id, kind, columns, personal, since, until, market, store_id, channel, wallet,
                     begun_by, begun_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_COLUMNS: LiteralString = """
SELECT e.job_id, e.kind, e.columns, e.personal, e.since, e.until, e.market, e.store_id, e.channel, e.wallet,
       e.begun_by, e.begun_at, e.expires_at, e.as_of,
       (SELECT coalesce(sum(p.rows), 0)::bigint FROM export_parts AS p WHERE p.job_id = e.job_id),
       (SELECT count(*) FROM export_parts AS p WHERE p.job_id = e.job_id),
       coalesce(j.state = 'done', false)
FROM exports AS e LEFT JOIN jobs AS j ON j.job_id = e.job_id
"""
_LIST: LiteralString = (
    _COLUMNS
    + """
WHERE (%(by)s::text IS NULL OR e.begun_by = %(by)s) AND (%(kind)s::text IS NULL OR e.kind = %(kind)s)
  AND (%(at)s::timestamptz IS NULL OR (e.begun_at, e.job_id) < (%(at)s, %(id)s))
ORDER BY e.begun_at DESC, e.job_id DESC LIMIT %(limit)s
"""
)
_OPEN: LiteralString = "SELECT count(*) FROM jobs WHERE kind = %s AND state IN ('queued', 'running')"
_PUT_PART: LiteralString = "INSERT INTO export_parts (job_id, part_no, rows, bytes, digest) VALUES (%s, %s, %s, %s, %s)"
_PARTS: LiteralString = "SELECT part_no, rows, bytes, digest FROM export_parts WHERE job_id = %s ORDER BY part_no"
# What was stopped or failed may go on from the parts that are there.
_OF_USE: LiteralString = "SELECT job_id FROM exports WHERE job_id = ANY(%s::uuid[]) AND expires_at > %s"
_FORGET: LiteralString = """
DELETE FROM exports WHERE job_id IN (
    SELECT job_id FROM exports WHERE expires_at < %s ORDER BY expires_at LIMIT %s
) RETURNING job_id
"""
# How many rows there are, as the database believes; nothing of a table that it has not looked at.
_ABOUT_HOW_MANY: LiteralString = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)"
_STILL_WANTED: LiteralString = """
SELECT 1 FROM jobs AS j WHERE j.job_id = %s AND j.state IN ('queued', 'running')
    AND NOT EXISTS (SELECT 1 FROM job_cancellations AS c WHERE c.job_id = j.job_id)
"""


class SnapshotLost(Exception):
    """Nobody keeps the snapshot any more from which an export was read."""


class Page(NamedTuple):
    """Rows of a stretch of a table: the ends of it (None: it was the last one), and each row's cells by column.

    `members` are the ids of those whose rows they are, one a row, where they belong to members.
    """

    end: list[str] | None
    rows: list[tuple[Any, ...]]
    members: list[UUID]


def insert(tx: Transaction, one: Export) -> None:
    """Add an export."""
    wanted = one.chosen
    row = (one.job_id, one.kind, list(one.columns), one.personal, wanted.since, wanted.until)
    chosen = (wanted.market, wanted.store_id, wanted.channel, wanted.wallet)
    tx.write(_INSERT, (*row, *chosen, one.begun_by, one.begun_at, one.expires_at))


async def read(tx: Transaction, job_id: UUID) -> Export | None:
    """Return one export, if it is there."""
    return next(iter(_exports(await tx.rows(_COLUMNS + "WHERE e.job_id = %s", (job_id,)))), None)


async def read_many(tx: Transaction, job_ids: Sequence[UUID]) -> list[Export]:
    """Return those of some exports that are there."""
    return _exports(await tx.rows(_COLUMNS + "WHERE e.job_id = ANY(%s::uuid[])", (arrays.ids(job_ids),)))


async def listed(
    tx: Transaction, by: str | None, kind: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[Export]:
    """Return exports, the last begun first."""
    at, job_id = before or (None, None)
    return _exports(await tx.rows(_LIST, {"by": by, "kind": kind, "at": at, "id": job_id, "limit": limit}))


async def open_exports(tx: Transaction) -> int:
    """Return how many exports are under way."""
    return int((await tx.rows(_OPEN, (EXPORT,)))[0][0])


def begin_rows(tx: Transaction, job_id: UUID, as_of: datetime) -> None:
    """Note of which instant the rows are; those of another one are forgotten."""
    tx.write("UPDATE exports SET as_of = %s WHERE job_id = %s", (as_of, job_id))
    tx.write("DELETE FROM export_parts WHERE job_id = %s", (job_id,))


def put_part(tx: Transaction, job_id: UUID, part: PartRows) -> None:
    """Note a part of a file."""
    tx.write(_PUT_PART, (job_id, part.part_no, part.rows, part.bytes, part.digest))


async def parts(tx: Transaction, job_id: UUID) -> list[PartRows]:
    """Return the parts of a file, in order."""
    return [PartRows(*row) for row in await tx.rows(_PARTS, (job_id,))]


def expire(tx: Transaction, job_id: UUID, at: datetime) -> None:
    """Let an export be over at an instant."""
    tx.write("UPDATE exports SET expires_at = least(expires_at, %s) WHERE job_id = %s", (at, job_id))


async def of_use(tx: Transaction, job_ids: Sequence[UUID], at: datetime) -> set[UUID]:
    """Return those of the exports whose files somebody may still take, or go on with."""
    return {job_id for (job_id,) in await tx.rows(_OF_USE, (arrays.ids(job_ids), at))}


async def known(tx: Transaction, job_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the exports that are there."""
    found = await tx.rows("SELECT job_id FROM exports WHERE job_id = ANY(%s::uuid[])", (arrays.ids(job_ids),))
    return {job_id for (job_id,) in found}


async def forget(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete exports whose time is over; returns whether there may be more."""
    return len(await tx.rows(_FORGET, (before, at_most))) == at_most


async def about_how_many(tx: Transaction, kind: ExportKind) -> int:
    """Return how many rows there are to be looked at, as the database believes."""
    found = await tx.rows(_ABOUT_HOW_MANY, (kind.table,))
    return int(found[0][0]) if found else 0


async def still_wanted(tx: Transaction, job_id: UUID) -> bool:
    """Return whether an export is still under way, and nobody wants it stopped."""
    return bool(await tx.rows(_STILL_WANTED, (job_id,)))


async def take_over(tx: Transaction) -> None:
    """Read from the snapshot that the transaction was opened with. Raises SnapshotLost."""
    try:
        await tx.read()
    except (InvalidParameterValue, UndefinedObject):
        raise SnapshotLost from None


async def page(tx: Transaction, kind: ExportKind, one: Export, after: Sequence[str] | None) -> Page:
    """Return what is wanted of the next stretch of a table, which is bounded whatever part of it is wanted."""
    found = await tx.rows(_bound(kind, after), _named(after, None))
    end = list(found[0]) if found else None
    chosen = {"since": one.chosen.since, "until": one.chosen.until} | one.chosen.by()
    rows = await tx.rows(_page(kind, one, after, end), _named(after, end) | chosen)
    if not kind.member:
        return Page(end, rows, [])
    return Page(end, [row[1:] for row in rows], [row[0] for row in rows])


def _bound(kind: ExportKind, after: Sequence[str] | None) -> LiteralString:
    """Ask for the last key of the next stretch; nothing where the table ends before."""
    keys: LiteralString = ", ".join([f"t.{key.column}::text" for key in kind.key])
    where: LiteralString = "" if after is None else f" WHERE {_compared(kind.key, '>', 'after')}"
    order: LiteralString = ", ".join([f"t.{key.column}" for key in kind.key])
    return f"SELECT {keys} FROM {kind.table} AS t{where} ORDER BY {order} OFFSET {ROWS_A_STEP - 1:d} LIMIT 1"  # noqa: S608 - made of what stands in the code


def _page(kind: ExportKind, one: Export, after: Sequence[str] | None, end: Sequence[str] | None) -> LiteralString:
    own = [kind.columns[name].source for name in one.columns if name in kind.columns]
    wanted: LiteralString = ", ".join([*([kind.member] if kind.member else []), *own, *([] if own else ["NULL"])])
    conditions: list[LiteralString] = []
    if after is not None:
        conditions.append(_compared(kind.key, ">", "after"))
    if end is not None:
        conditions.append(_compared(kind.key, "<=", "end"))
    if kind.only:
        conditions.append(kind.only)
    if one.chosen.since is not None:
        conditions.append(f"{kind.at} >= %(since)s")
    if one.chosen.until is not None:
        conditions.append(f"{kind.at} < %(until)s")
    if one.chosen.market is not None:
        conditions.append(f"{kind.market} = %(market)s")
    if one.chosen.store_id is not None:
        conditions.append(f"{kind.store_id} = %(store_id)s")
    if one.chosen.channel is not None:
        conditions.append(f"{kind.channel} = %(channel)s")
    if one.chosen.wallet is not None:
        conditions.append(f"{kind.wallet} = %(wallet)s")
    where: LiteralString = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order: LiteralString = ", ".join([f"t.{key.column}" for key in kind.key])
    return f"SELECT {wanted} FROM {kind.table} AS t {kind.joined}{where} ORDER BY {order}"  # noqa: S608 - made of what stands in the code


def _compared(key: Sequence[Key], how: LiteralString, name: LiteralString) -> LiteralString:
    columns: LiteralString = ", ".join([f"t.{one.column}" for one in key])
    values: LiteralString = ", ".join([f"%({name}{at:d})s::{one.type}" for at, one in enumerate(key)])
    return f"({columns}) {how} ({values})"


def _named(after: Sequence[str] | None, end: Sequence[str] | None) -> dict[str, Any]:
    named = {f"after{at}": value for at, value in enumerate(after or ())}
    return named | {f"end{at}": value for at, value in enumerate(end or ())}


def _exports(rows: Rows) -> list[Export]:
    return [
        Export(
            job_id=job_id,
            kind=kind,
            columns=tuple(columns),
            personal=personal,
            chosen=Chosen(since=since, until=until, market=market, store_id=store_id, channel=channel, wallet=wallet),
            begun_by=begun_by,
            begun_at=begun_at,
            expires_at=expires_at,
            as_of=as_of,
            rows=count,
            parts=parts,
            ended=ended,
        )
        for job_id, kind, columns, personal, since, until, market, store_id, channel, wallet, begun_by, begun_at,
        expires_at, as_of, count, parts, ended in rows
    ]  # fmt: skip
