"""Members copied with all their rows, by set-based SQL: each table's columns, but for those that name who and which."""

from collections.abc import Mapping
from typing import Final

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

# In the order of time, so that what comes in order of time lies on the disk in that order.
_ORDER_OF: Final[Mapping[str, str]] = {
    "ledger_transfers": "recorded_at",
    "orders": "recorded_at",
    "order_returns": "recorded_at",
}
# A copy is number + patterns × k; `bench.programme.member_id` writes the same id.
_COPY_OF: Final = "('01900000-0000-7000-8000-' || lpad(to_hex(s.number + %(patterns)s * k), 12, '0'))::uuid"
_ORDER: Final = "regexp_replace(s.order_id, '^P[0-9]+', 'P' || (s.number + %(patterns)s * k))"
_NAMED: Final[Mapping[str, str]] = {"member_id": _COPY_OF, "order_id": _ORDER}
# What is found by a value is found by another value; nobody has the keys of copies, so nothing of theirs is readable.
_OTHER_VALUE: Final = "sha256(convert_to(encode(s.blind_index, 'hex') || k, 'UTF8'))"
_REFERENCE: Final = "regexp_replace(s.reference, '^order:P[0-9]+', 'order:P' || (s.number + %(patterns)s * k))"
_EARLIER: Final = "s.signed_up_at - k * interval '7 hours'"
_TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "members": {"signed_up_at": _EARLIER},
    "identities": {"blind_index": _OTHER_VALUE},
    "member_identities": {"blind_index": _OTHER_VALUE},
    "consents": {},
    "member_books": {"signed_up_at": _EARLIER},
    "member_wallets": {},
    "ledger_transfers": {"reference": _REFERENCE},
    "lots": {},
    "lot_uses": {},
    "settlements": {},
    "tier_changes": {"reference": _REFERENCE},
    "order_keys": {},
    "orders": {},
    "order_lines": {},
    "order_returns": {
        "effects": f"replace(replace(s.effects, s.order_id, {_ORDER}), s.member_id::text, ({_COPY_OF})::text)",
    },
}
_COLUMNS: Final = """
SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_PATTERNS: Final = """
CREATE TEMPORARY TABLE patterns AS
SELECT member_id, ('x' || right(member_id::text, 12))::bit(48)::bigint AS number FROM members
WHERE member_id <> '01900000-0000-7000-8000-000000000000'
"""


async def copy_members(url: str, *, patterns: int, copies: int) -> None:
    """Copy every member but number 0 so often, and let the planner know.

    Foreign keys are not asked again row by row: what is copied whole refers to what is copied with it.
    """
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET synchronous_commit = off")
        await connection.execute("SET work_mem = '256MB'")
        await connection.execute(_PATTERNS)
        for table, changes in _TABLES.items():
            await connection.execute(
                await _statement(connection, table, changes), {"patterns": patterns, "copies": copies}
            )
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")


async def _statement(connection: AsyncConnection[tuple[object, ...]], table: str, changes: Mapping[str, str]) -> bytes:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        columns: list[str] = await (await cursor.execute(_COLUMNS, (table,))).fetchall()
    named = {**_NAMED, **changes}
    values = ", ".join([named.get(column, f"s.{column}") for column in columns])
    text = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM ("
        f"SELECT t.*, p.number FROM {table} AS t JOIN patterns AS p USING (member_id) "
        f"ORDER BY {_ORDER_OF.get(table, 'p.number')}) AS s CROSS JOIN generate_series(1, %(copies)s) AS k"
    )
    return text.encode()
