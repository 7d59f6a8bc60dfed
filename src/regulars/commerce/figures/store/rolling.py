"""SQL that rolls sales up: each statement writes the sums of some days, or says where sums and facts differ."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import LiteralString

from regulars.platform.db import arrays
from regulars.platform.db.snapshots import EVENTS_IN_WINDOW, Window
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.rollups.contracts import EVER, Span

_TYPES = ("OrderPaid", "OrderReturned")

_BETWEEN: LiteralString = """
  AND {at} >= %(since)s::timestamptz AND {at} < %(until)s::timestamptz
  AND ({at} AT TIME ZONE k.time_zone)::date BETWEEN %(first)s::date AND %(last)s::date
"""
_ORDERED: LiteralString = _BETWEEN.format(at="o.occurred_at")
_RETURNED: LiteralString = _BETWEEN.format(at="r.occurred_at")

# What stands in each table, as the facts give it.
_SALES: LiteralString = (
    """
SELECT (o.occurred_at AT TIME ZONE k.time_zone)::date AS day, o.market, o.currency, o.channel, count(*)::integer,
       sum(o.total_minor)::bigint
FROM orders AS o JOIN markets AS k ON k.code = o.market
WHERE o.paid_at IS NOT NULL
"""
    + _ORDERED
    + "GROUP BY 1, 2, 3, 4"
)
_STORE_SALES: LiteralString = (
    """
SELECT o.store_id, (o.occurred_at AT TIME ZONE k.time_zone)::date AS day, o.market, o.currency, o.channel,
       count(*)::integer, sum(o.total_minor)::bigint, sum(o.returned_minor)::bigint
FROM orders AS o JOIN markets AS k ON k.code = o.market
WHERE o.paid_at IS NOT NULL AND o.store_id IS NOT NULL
"""
    + _ORDERED
    + "GROUP BY 1, 2, 3, 4, 5"
)
_RETURNS: LiteralString = (
    """
SELECT (r.occurred_at AT TIME ZONE k.time_zone)::date AS day, o.market, o.currency,
       coalesce(o.store_id, '') AS store_id, count(*)::integer, sum(r.returned_minor)::bigint
FROM order_returns AS r JOIN orders AS o ON o.member_id = r.member_id AND o.order_id = r.order_id
JOIN markets AS k ON k.code = o.market
WHERE true
"""
    + _RETURNED
    + "GROUP BY 1, 2, 3, 4"
)
_TABLES: dict[LiteralString, LiteralString] = {
    "sales_days": _SALES,
    "store_sales_days": _STORE_SALES,
    "returns_days": _RETURNS,
}

_TOUCHED: LiteralString = (
    "WITH told AS ("
    + EVENTS_IN_WINDOW
    + """)
SELECT (o.occurred_at AT TIME ZONE k.time_zone)::date
FROM told JOIN orders AS o ON o.member_id = told.member_id AND o.order_id = told.fact ->> 'order_id'
JOIN markets AS k ON k.code = o.market
UNION
SELECT (r.occurred_at AT TIME ZONE k.time_zone)::date
FROM told JOIN order_returns AS r ON r.member_id = told.member_id AND r.order_id = told.fact ->> 'order_id'
     AND r.return_id = told.fact ->> 'return_id'
JOIN orders AS o ON o.member_id = r.member_id AND o.order_id = r.order_id
JOIN markets AS k ON k.code = o.market
"""
)
_DAYS: LiteralString = "SELECT day FROM sales_days UNION SELECT day FROM returns_days"

# --- who bought again ---------------------------------------------------------------------------------------------

_PAIRS: LiteralString = """
SELECT day, coalesce(lead(day) OVER (PARTITION BY person_id ORDER BY day), 'infinity') AS next_day, {sign} AS members
FROM (SELECT DISTINCT {person} AS person_id, day FROM bought {of}) AS bought
"""
# A person is counted once: who is part of another member counts as that one.
_PERSONS: LiteralString = "SELECT member_id, merged_into AS person_id FROM members WHERE merged_into IS NOT NULL"
_ALL_PAIRS: LiteralString = (
    """
WITH bought AS (
    SELECT DISTINCT coalesce(p.person_id, o.member_id) AS person_id,
           (o.occurred_at AT TIME ZONE k.time_zone)::date AS day
    FROM orders AS o JOIN markets AS k ON k.code = o.market LEFT JOIN ("""  # noqa: S608 - our own text
    + _PERSONS
    + """) AS p ON p.member_id = o.member_id
    WHERE o.paid_at IS NOT NULL
)
SELECT day, next_day, sum(members)::bigint FROM ("""
    + _PAIRS.format(sign="1", person="person_id", of="")
    + ") AS pairs GROUP BY 1, 2"
)
# What a window changed: the days of the persons it names with its orders, less their days without them. Persons are
# those of whom it tells an order, and those who are others than they were (`bought_as` says who they counted as), each
# with all members that are or were part of them. The transaction's snapshot is the window's, so that no other order
# is among them.
_CHANGED_PAIRS: LiteralString = (
    "WITH told AS ("  # noqa: S608 - our own text
    + EVENTS_IN_WINDOW
    + "), persons AS ("
    + _PERSONS
    + """),
news AS (SELECT DISTINCT member_id, fact ->> 'order_id' AS order_id FROM told WHERE type = 'OrderPaid'),
named AS (
    SELECT member_id FROM news
    UNION
    SELECT member_id FROM persons AS p FULL JOIN bought_as AS w USING (member_id)
    WHERE p.person_id IS DISTINCT FROM w.person_id
), touched AS (
    SELECT coalesce(p.person_id, n.member_id) AS person_id FROM named AS n LEFT JOIN persons AS p USING (member_id)
    UNION
    SELECT coalesce(w.person_id, n.member_id) FROM named AS n LEFT JOIN bought_as AS w USING (member_id)
), parts AS (
    SELECT person_id AS member_id FROM touched
    UNION SELECT p.member_id FROM touched AS t JOIN persons AS p USING (person_id)
    UNION SELECT w.member_id FROM touched AS t JOIN bought_as AS w USING (person_id)
), bought AS (
    SELECT coalesce(p.person_id, o.member_id) AS now_id, coalesce(w.person_id, o.member_id) AS was_id,
           (o.occurred_at AT TIME ZONE k.time_zone)::date AS day, bool_and(n.order_id IS NOT NULL) AS is_new
    FROM parts AS t JOIN orders AS o ON o.member_id = t.member_id JOIN markets AS k ON k.code = o.market
    LEFT JOIN persons AS p ON p.member_id = o.member_id
    LEFT JOIN bought_as AS w ON w.member_id = o.member_id
    LEFT JOIN news AS n ON n.member_id = o.member_id AND n.order_id = o.order_id
    WHERE o.paid_at IS NOT NULL GROUP BY 1, 2, 3
)
SELECT day, next_day, sum(members)::bigint AS members FROM (
"""
    + _PAIRS.format(sign="1", person="now_id", of="")
    + "UNION ALL"
    + _PAIRS.format(sign="-1", person="was_id", of="WHERE NOT is_new")
    + ") AS pairs GROUP BY 1, 2 HAVING sum(members) <> 0"
)
_FORGET_PERSONS: LiteralString = f"""
DELETE FROM bought_as AS w WHERE NOT EXISTS (
    SELECT FROM ({_PERSONS}) AS p WHERE p.member_id = w.member_id AND p.person_id = w.person_id
)
"""  # noqa: S608 - our own text
_KEEP_PERSONS: LiteralString = (
    f"INSERT INTO bought_as (member_id, person_id) {_PERSONS} ON CONFLICT (member_id) DO NOTHING"
)
_ADD_PAIRS: LiteralString = """
INSERT INTO bought_again (day, next_day, members)
SELECT day, next_day, members FROM ({pairs}) AS p (day, next_day, members)
ON CONFLICT (next_day, day) DO UPDATE SET members = bought_again.members + excluded.members
"""


def _about(window: Window) -> dict[str, object]:
    return {**window._asdict(), "types": arrays.texts(_TYPES)}


async def touched_days(tx: Transaction, window: Window) -> list[date]:
    """Return the local days of orders and returns that the events of a window are about."""
    return [day for (day,) in await tx.rows(_TOUCHED, _about(window))]


def write_days(tx: Transaction, spans: Iterable[Span]) -> None:
    """Write the sums of every day of these spans anew."""
    for span in spans:
        for table, sums in _TABLES.items():
            tx.write(f"DELETE FROM {table} WHERE day BETWEEN %(first)s::date AND %(last)s::date", span._asdict())  # noqa: S608 - our own text
            tx.write(f"INSERT INTO {table} {sums}", span._asdict())


def write_every_day(tx: Transaction) -> None:
    """Write the sums of every day there is anew, and who bought again."""
    write_days(tx, [EVER])
    tx.write("DELETE FROM bought_again")
    tx.write(_ADD_PAIRS.format(pairs=_ALL_PAIRS))
    _keep_persons(tx)


def change_pairs(tx: Transaction, window: Window) -> None:
    """Bring who bought again up to the end of a window."""
    tx.write(_ADD_PAIRS.format(pairs=_CHANGED_PAIRS), _about(window))
    tx.write("DELETE FROM bought_again WHERE members = 0")
    _keep_persons(tx)


def _keep_persons(tx: Transaction) -> None:
    """Keep who counted as whom in these pairs."""
    tx.write(_FORGET_PERSONS)
    tx.write(_KEEP_PERSONS)


async def days(tx: Transaction) -> list[date]:
    """Return every day that has facts."""
    return [day for (day,) in await tx.rows(_DAYS)]


# --- proofs -------------------------------------------------------------------------------------------------------

_DIFFERENT: LiteralString = """
SELECT DISTINCT day FROM (
    (({facts}) EXCEPT SELECT * FROM {table}) UNION ALL (SELECT * FROM {table} EXCEPT ({facts}))
) AS different WHERE NOT day = ANY (%(but)s::date[]) ORDER BY day LIMIT %(limit)s
"""
_PAIRS_DIFFERENT: LiteralString = """
WITH facts AS ({facts}), changed AS ({changed}),
rolled_up AS (
    SELECT day, next_day, sum(members)::bigint AS members
    FROM (SELECT day, next_day, members FROM bought_again UNION ALL SELECT * FROM changed) AS together
    GROUP BY 1, 2 HAVING sum(members) <> 0
)
SELECT DISTINCT day FROM (
    (SELECT * FROM facts EXCEPT SELECT * FROM rolled_up) UNION ALL (SELECT * FROM rolled_up EXCEPT SELECT * FROM facts)
) AS different ORDER BY day LIMIT %(limit)s
"""
_NOTHING: LiteralString = "SELECT NULL::date AS day, NULL::date AS next_day, 0::bigint AS members WHERE false"
_COUNT: LiteralString = """
SELECT (SELECT count(*) FROM sales_days) + (SELECT count(*) FROM store_sales_days)
     + (SELECT count(*) FROM returns_days) + (SELECT count(*) FROM bought_again)
"""


async def differing(tx: Transaction, unread: Window | None, but: Sequence[date], limit: int) -> list[tuple[str, date]]:
    """Return tables and days whose sums are not what the facts give, but for days that unread events touch."""
    found: list[tuple[str, date]] = []
    asked = {**EVER._asdict(), "but": arrays.texts([day.isoformat() for day in but]), "limit": limit}
    for table, facts in _TABLES.items():
        found += [(table, day) for (day,) in await tx.rows(_DIFFERENT.format(facts=facts, table=table), asked)]
    changed = _NOTHING if unread is None else _CHANGED_PAIRS
    question: LiteralString = _PAIRS_DIFFERENT.format(facts=_ALL_PAIRS, changed=changed)
    about = {"limit": limit} if unread is None else {**_about(unread), "limit": limit}
    return found + [("bought_again", day) for (day,) in await tx.rows(question, about)]


async def count_rows(tx: Transaction) -> int:
    """Return how many sums there are."""
    rows: Rows = await tx.rows(_COUNT)
    return int(rows[0][0])
