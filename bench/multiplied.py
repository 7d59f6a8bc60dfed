"""Patterns written again and again, set-based: tables are filled without their indexes, which are then made anew.

What a pattern did, each of its copies did so many seconds later, but for what lies upon the hour: those are dates of
the programme's (ends of lots, jobs), which are the same for all. No instant passes an hour for that, so that whatever
came before something else still does. All is written in the order of time, as it would have come in: the bookings of
one member lie apart on the disk.

Definitions of indexes and constraints are read from the catalogue before and after, and must be the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from bench.big_books import HOT
from bench.server import BenchBroken

SHIFTS: Final = 1_500  # seconds
WITH_ORDERS: Final = 10  # so many of each pattern have their orders, in the pattern's own seconds
_LARGE: Final[Mapping[str, str]] = {
    "ledger_transfers": "recorded_at",
    "lots": "earned_at",
    "lot_uses": "",
    "settlements": "recorded_at",
}
_SMALL: Final = ("members", "member_books", "member_wallets", "tier_changes")
_OF_ORDERS: Final = ("order_keys", "orders", "order_lines", "order_returns")
_NOT_SHIFTED: Final = ("written_at",)
_COLUMNS: Final = """
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_INDEXES: Final = """
SELECT c.relname, pg_get_indexdef(i.indexrelid), k.conname, pg_get_constraintdef(k.oid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
WHERE i.indrelid = %s::regclass ORDER BY 1
"""
_OTHERS: Final = """
SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conrelid = %s::regclass ORDER BY 1
"""
_PATTERNS: Final = """
CREATE TEMPORARY TABLE patterns AS
SELECT member_id, ('x' || right(replace(member_id::text, '-', ''), 12))::bit(48)::bigint AS number FROM members
"""
# Copy 0 is the pattern itself. `bench.programme.member_id` writes the same ids.
_COPIES: Final = """
CREATE TEMPORARY TABLE copies AS
SELECT p.number, k,
       ('01900000-0000-7000-8000-' || lpad(to_hex(p.number + s.step * k), 12, '0'))::uuid AS member_id,
       'P' || (p.number + s.step * k) AS owner,
       CASE WHEN k < {with_orders} THEN interval '0' ELSE (k * 977 + p.number) % {shifts} * interval '1 second' END
           AS shift
FROM patterns AS p
JOIN (VALUES (false, {ordinary}::bigint, {each}), (true, {hot}, {hot_each})) AS s (hot, step, count)
  ON s.hot = (p.number >= {first_hot})
CROSS JOIN LATERAL generate_series(0, s.count - 1) AS k
ORDER BY p.number, k
"""
_ALIGNED: Final = "date_trunc('hour', t.{column}, 'UTC') = t.{column}"
_TAIL: Final = "substr(t.{column}, strpos(t.{column}, '-'))"


@dataclass(frozen=True, slots=True)
class Times:
    """How many ordinary and hot patterns there are, and how often each is to be there."""

    ordinary: int
    hot: int
    each: int
    hot_each: int

    @property
    def members(self) -> int:
        """How many members that makes."""
        return self.ordinary * self.each + self.hot * self.hot_each


def multiply(url: str, times: Times, said: Callable[[str], None]) -> None:
    """Write every pattern so often. Raises BenchBroken if an index or a constraint is not as it was."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in (
            "session_replication_role = replica",  # what is copied whole refers to what is copied with it
            "synchronous_commit = off",
            "work_mem = '256MB'",
            "maintenance_work_mem = '1GB'",
            "enable_hashjoin = off",  # so that the order of time stays
            "enable_mergejoin = off",
        ):
            connection.execute(f"SET {setting}".encode())
        connection.execute(_PATTERNS)
        copies = _COPIES.format(
            with_orders=WITH_ORDERS,
            shifts=SHIFTS,
            ordinary=times.ordinary,
            each=times.each,
            hot=times.hot,
            hot_each=times.hot_each,
            first_hot=HOT,
        )
        connection.execute(copies.encode())
        connection.execute("CREATE UNIQUE INDEX ON copies (number, k)")
        connection.execute("ANALYZE copies")
        connection.execute("ANALYZE patterns")
        for table in (*_SMALL, *_LARGE, *_OF_ORDERS):
            _fill(connection, table)
            said(f"{table} is filled")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _fill(connection: psycopg.Connection[Any], table: str) -> None:
    """Write the copies of a table's rows; a large one anew, without its indexes meanwhile, in one transaction."""
    large = table in _LARGE
    before = _definitions(connection, table)
    with connection.transaction():
        connection.execute(f"CREATE TEMPORARY TABLE pattern_rows ON COMMIT DROP AS {_rows(connection, table)}".encode())
        if large:
            for name, _, constraint, _ in before[0]:
                what = f"ALTER TABLE {table} DROP CONSTRAINT {constraint}" if constraint else f"DROP INDEX {name}"
                connection.execute(what.encode())
            connection.execute(f"TRUNCATE {table}".encode())
        connection.execute(_copying(connection, table, first=0 if large else 1))
        for name, index, constraint, definition in before[0] if large else ():
            made = f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" if constraint else index
            connection.execute(made.encode())
    if _definitions(connection, table) != before:
        raise BenchBroken(f"indexes or constraints of {table} are not what they were")


def _definitions(connection: psycopg.Connection[Any], table: str) -> tuple[list[Any], list[Any]]:
    return connection.execute(_INDEXES, (table,)).fetchall(), connection.execute(_OTHERS, (table,)).fetchall()


def _columns(connection: psycopg.Connection[Any], table: str) -> Sequence[tuple[str, str]]:
    return connection.execute(_COLUMNS, (table,)).fetchall()


def _rows(connection: psycopg.Connection[Any], table: str) -> str:
    """Return what selects a table's rows of patterns in the order of time, with what a copy needs to know of them."""
    wanted, order = ["t.*", "p.number"], _LARGE.get(table) or "number"
    for column, kind in _columns(connection, table):
        if kind == "timestamp with time zone" and column not in _NOT_SHIFTED:
            wanted.append(f"{_ALIGNED.format(column=column)} AS {column}_stays")
        if column in {"order_id", "reference"}:
            wanted.append(f"{_TAIL.format(column=column)} AS {column}_tail")
    joined = f"FROM {table} AS t JOIN patterns AS p USING (member_id)"
    if table == "lot_uses":
        joined += " JOIN ledger_transfers AS b ON b.member_id = t.member_id AND b.seq = t.seq"
        order = "b.recorded_at"
    return f"SELECT {', '.join(wanted)} {joined} ORDER BY {order}"


def _copying(connection: psycopg.Connection[Any], table: str, first: int) -> bytes:
    columns = _columns(connection, table)
    values = [_value(name, kind) for name, kind in columns]
    last = WITH_ORDERS if table in _OF_ORDERS else 2**31 - 1
    names = ", ".join([name for name, _ in columns])
    text = (
        f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM pattern_rows AS s "
        f"JOIN copies AS c ON c.number = s.number AND c.k >= {first} AND c.k < {last}"
    )
    return text.encode()


def _value(name: str, kind: str) -> str:
    if name == "member_id":
        return "c.member_id"
    if name == "order_id":
        return "c.owner || s.order_id_tail"
    if name == "reference":
        return (
            "CASE WHEN starts_with(s.reference, 'order:P') THEN 'order:' || c.owner || s.reference_tail "
            "ELSE s.reference END"
        )
    if name == "effects":
        return "replace(s.effects, s.member_id::text, c.member_id::text)"
    if kind == "timestamp with time zone" and name not in _NOT_SHIFTED:
        return f"CASE WHEN s.{name}_stays THEN s.{name} ELSE s.{name} + c.shift END"
    return f"s.{name}"
