"""SQL of orders, set-based."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from regulars.commerce.contracts import Line
from regulars.commerce.orders.book import Order, OrderBook
from regulars.commerce.orders.rules import LineLeft
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Statement, Transaction
from regulars.platform.markets.days import instants_around

ORDER_COLUMNS: LiteralString = """o.member_id, o.order_id, o.state, o.channel, o.store_id, o.market, o.currency,
    o.total_minor, o.returned_minor, o.points_used, o.occurred_at, o.recorded_at, o.paid_at, o.content_hash,
    o.payments, o.effects"""
INSERT_KEYS: LiteralString = """
INSERT INTO order_keys (order_id, member_id) SELECT * FROM unnest(%s::text[], %s::uuid[])
ON CONFLICT (order_id) DO NOTHING RETURNING order_id
"""
READ_KEYS: LiteralString = "SELECT order_id, member_id FROM order_keys WHERE order_id = ANY (%s::text[])"
GIVE_KEYS: LiteralString = """
UPDATE order_keys AS k SET member_id = u.member_id
FROM unnest(%s::text[], %s::uuid[]) AS u (order_id, member_id) WHERE k.order_id = u.order_id
"""
DELETE_KEYS: LiteralString = "DELETE FROM order_keys WHERE order_id = ANY (%s::text[])"
READ_ORDERS: LiteralString = (
    "SELECT "
    + ORDER_COLUMNS
    + """
FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, order_id)
JOIN orders AS o ON o.member_id = asked.member_id AND o.order_id = asked.order_id
"""
)
READ_LINES: LiteralString = """
SELECT l.order_id, l.line_id, l.sku, l.quantity_milli, l.amount_minor, l.returned_milli, l.returned_minor
FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, order_id)
JOIN order_lines AS l ON l.member_id = asked.member_id AND l.order_id = asked.order_id
ORDER BY l.order_id, l.line_no
"""
READ_RETURN_IDS: LiteralString = """
SELECT r.order_id, r.return_id, r.content_hash, r.effects
FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, order_id)
JOIN order_returns AS r ON r.member_id = asked.member_id AND r.order_id = asked.order_id
"""
INSERT_ORDERS: LiteralString = """
INSERT INTO orders (member_id, order_id, state, channel, store_id, market, currency, total_minor, returned_minor,
    points_used, occurred_at, recorded_at, paid_at, content_hash, payments, effects)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::bytea[], %s::text[],
    %s::text[])
"""
UPDATE_ORDERS: LiteralString = """
UPDATE orders AS o SET state = u.state, channel = u.channel, store_id = u.store_id, market = u.market,
    currency = u.currency, total_minor = u.total_minor, returned_minor = u.returned_minor,
    points_used = u.points_used, occurred_at = u.occurred_at, recorded_at = u.recorded_at, paid_at = u.paid_at,
    content_hash = u.content_hash, payments = u.payments, effects = u.effects
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::bytea[], %s::text[],
    %s::text[])
    AS u (member_id, order_id, state, channel, store_id, market, currency, total_minor, returned_minor, points_used,
          occurred_at, recorded_at, paid_at, content_hash, payments, effects)
WHERE o.member_id = u.member_id AND o.order_id = u.order_id
"""
DELETE_LINES: LiteralString = """
DELETE FROM order_lines AS l USING unnest(%s::uuid[], %s::text[]) AS asked (member_id, order_id)
WHERE l.member_id = asked.member_id AND l.order_id = asked.order_id
"""
INSERT_LINES: LiteralString = """
INSERT INTO order_lines (member_id, order_id, line_no, line_id, sku, quantity_milli, amount_minor, returned_milli,
    returned_minor)
SELECT *, 0, 0 FROM unnest(%s::uuid[], %s::text[], %s::integer[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
"""
UPDATE_LINES: LiteralString = """
UPDATE order_lines AS l SET returned_milli = l.returned_milli + u.quantity, returned_minor = l.returned_minor + u.value
FROM (
    SELECT member_id, order_id, line_id, sum(quantity)::bigint AS quantity, sum(value)::bigint AS value
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
        AS part (member_id, order_id, line_id, quantity, value)
    GROUP BY member_id, order_id, line_id
) AS u
WHERE l.member_id = u.member_id AND l.order_id = u.order_id AND l.line_id = u.line_id
"""
INSERT_RETURNS: LiteralString = """
INSERT INTO order_returns (member_id, order_id, return_id, store_id, returned_minor, occurred_at, recorded_at,
    content_hash, lines, effects)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[],
    %s::timestamptz[], %s::bytea[], %s::text[], %s::text[])
"""
READ_STORES: LiteralString = """
SELECT order_id, store_id FROM orders WHERE member_id = %s AND order_id = ANY (%s::text[])
"""
READ_CURRENCIES: LiteralString = """
SELECT order_id, currency FROM orders WHERE member_id = %s AND order_id = ANY (%s::text[])
"""
READ_RETURNS: LiteralString = """
SELECT return_id, store_id, returned_minor, occurred_at, recorded_at, lines, effects FROM order_returns
WHERE member_id = %s AND order_id = %s ORDER BY recorded_at, return_id
"""
MEMBER_ORDERS: LiteralString = (
    "SELECT "
    + ORDER_COLUMNS
    + """
FROM orders AS o WHERE o.member_id = %(member)s"""
)
FAMILY_ORDERS: LiteralString = (
    "SELECT "
    + ORDER_COLUMNS
    + """
FROM orders AS o WHERE o.member_id = ANY (%(members)s::uuid[])"""
)
PAGE_OF_ORDERS: LiteralString = """
  AND (o.occurred_at, o.order_id) < (%(before)s, %(before_order)s)
  AND (%(stores)s::text[] IS NULL OR o.store_id = ANY (%(stores)s::text[]))
ORDER BY o.occurred_at DESC, o.order_id DESC LIMIT %(limit)s
"""

REF: LiteralString = """
SELECT o.order_id, o.member_id, o.state, o.channel, o.store_id, o.market, o.currency, o.total_minor, o.returned_minor,
       o.points_used, o.occurred_at
"""
# Each filter that is asked for is a condition, so that one plan, made once, serves it by its own index.
LIST_ORDERS: LiteralString = (
    REF
    + """
FROM orders AS o JOIN markets AS k ON k.code = o.market
WHERE (o.occurred_at, o.order_id) < (%(before)s, %(before_order)s) AND o.occurred_at >= %(since)s
"""
)
# Days are local to the order's market; the instants around them bound what the index is asked for.
FROM_DAY: LiteralString = "AND (o.occurred_at AT TIME ZONE k.time_zone)::date >= %(first)s\n"
TO_DAY: LiteralString = "AND (o.occurred_at AT TIME ZONE k.time_zone)::date <= %(last)s\n"
OF_MARKET: LiteralString = "AND o.market = %(market)s\n"
IN_CURRENCY: LiteralString = "AND o.currency = %(currency)s\n"
PAID_ONCE: LiteralString = "AND o.paid_at IS NOT NULL\n"
OF_STORE: LiteralString = "AND o.store_id = %(store)s\n"
OF_STORES: LiteralString = "AND o.store_id = ANY (%(stores)s::text[])\n"
OF_CHANNEL: LiteralString = "AND o.channel = %(channel)s\n"
OF_WHICH_SOMETHING_CAME_BACK: LiteralString = "AND o.returned_minor > 0\n"
IN_STATE: Mapping[str, LiteralString] = {
    "open": "AND o.state = 'open'\n",
    "placed": "AND o.state = 'placed'\n",
    "paid": "AND o.state = 'paid'\n",
    "fulfilled": "AND o.state = 'fulfilled'\n",
    "cancelled": "AND o.state = 'cancelled'\n",
}
LATEST_FIRST: LiteralString = "ORDER BY o.occurred_at DESC, o.order_id DESC LIMIT %(limit)s"
# First the ids, as many as are looked at; the planner, left to itself, joined all that begin so.
KEYS_LOOKED_AT: LiteralString = """
FROM (
    SELECT order_id, member_id FROM order_keys
    WHERE order_id >= %(begins)s AND order_id < %(ends)s AND order_id > %(after)s AND member_id IS NOT NULL
    ORDER BY order_id LIMIT %(looked_at)s
) AS k
"""
FIND_ORDERS: LiteralString = (
    REF
    + KEYS_LOOKED_AT
    + """
JOIN orders AS o ON o.member_id = k.member_id AND o.order_id = k.order_id
WHERE (%(stores)s::text[] IS NULL OR o.store_id = ANY (%(stores)s::text[]))
ORDER BY k.order_id LIMIT %(limit)s
"""
)
LOOKED_AT = 1_000


async def claim_keys(tx: Transaction, keys: Sequence[tuple[str, UUID | None]]) -> set[str]:
    """Take order ids for members, in sorted order; returns the ids that were free."""
    keys = sorted(keys, key=lambda key: key[0])
    rows = await tx.rows(
        INSERT_KEYS, (arrays.texts([key for key, _ in keys]), arrays.ids([member for _, member in keys]))
    )
    return {row[0] for row in rows}


def release_keys(tx: Transaction, order_ids: Iterable[str]) -> None:
    """Give back ids that were taken for orders that were then refused."""
    tx.write(DELETE_KEYS, (arrays.texts(order_ids),))


def give_keys(tx: Transaction, owners: Mapping[str, UUID | None]) -> None:
    """Say anew whose order ids are, after a claim."""
    ids = sorted(owners)
    tx.write(GIVE_KEYS, (arrays.texts(ids), arrays.ids([owners[order_id] for order_id in ids])))


async def read_keys(tx: Transaction, order_ids: Iterable[str]) -> dict[str, UUID | None]:
    """Return whose each order id is; None stands for a guest order."""
    return dict(await tx.rows(READ_KEYS, (arrays.texts(order_ids),)))


async def load(
    tx: Transaction, book: OrderBook, orders: Sequence[tuple[UUID, str]], with_lines: Sequence[tuple[UUID, str]]
) -> None:
    """Read orders into the book; of some also their lines and returns."""
    statements = [Statement(READ_ORDERS, _keys(orders))]
    if with_lines:
        statements += [Statement(READ_LINES, _keys(with_lines)), Statement(READ_RETURN_IDS, _keys(with_lines))]
    answers = await tx.read(*statements)
    for row in answers[0]:
        book.orders[row[1]] = as_order(row)
    if with_lines:
        for order_id, line_id, sku, quantity, amount, returned_milli, returned_minor in answers[1]:
            line = Line(line_id, sku, quantity, amount)
            book.orders[order_id].lines[line_id] = LineLeft(line, returned_milli, returned_minor)
        for order_id, return_id, content_hash, effects in answers[2]:
            book.orders[order_id].returns[return_id] = (bytes(content_hash), effects)


def as_order(row: tuple[Any, ...]) -> Order:
    """Make an order of a row."""
    return Order(*(*row[:13], bytes(row[13]), *row[14:]))


def write(tx: Transaction, book: OrderBook) -> None:
    """Buffer what the book decided."""
    if book.new:
        tx.write(INSERT_ORDERS, _order_columns(list(book.new.values())))
    if book.changed:
        tx.write(UPDATE_ORDERS, _order_columns(list(book.changed.values())))
    if book.replaced_lines:
        tx.write(DELETE_LINES, _keys(sorted(book.replaced_lines)))
    if book.new_lines:
        _write_lines(tx, book)
    if book.returned_parts:
        tx.write(
            UPDATE_LINES,
            (
                arrays.ids([member for member, _, _ in book.returned_parts]),
                arrays.texts([order for _, order, _ in book.returned_parts]),
                arrays.texts([part.line_id for _, _, part in book.returned_parts]),
                arrays.ints([part.quantity_milli for _, _, part in book.returned_parts]),
                arrays.ints([part.value_minor for _, _, part in book.returned_parts]),
            ),
        )
    if book.returns:
        rows = book.returns
        tx.write(
            INSERT_RETURNS,
            (
                arrays.ids([row.member_id for row in rows]),
                arrays.texts([row.order_id for row in rows]),
                arrays.texts([row.return_id for row in rows]),
                arrays.texts([row.store_id for row in rows]),
                arrays.ints([row.returned_minor for row in rows]),
                arrays.instants([row.occurred_at for row in rows]),
                arrays.instants([row.recorded_at for row in rows]),
                arrays.blobs([row.content_hash for row in rows]),
                arrays.texts([row.lines for row in rows]),
                arrays.texts([row.effects for row in rows]),
            ),
        )


def _write_lines(tx: Transaction, book: OrderBook) -> None:
    members: list[UUID] = []
    orders: list[str] = []
    numbers: list[int] = []
    flat: list[Line] = []
    for order_id, (member_id, lines) in book.new_lines.items():
        count = len(lines)
        members += [member_id] * count
        orders += [order_id] * count
        numbers += range(1, count + 1)
        flat += lines
    tx.write(
        INSERT_LINES,
        (
            arrays.ids(members),
            arrays.texts(orders),
            arrays.ints(numbers),
            arrays.texts([line.line_id for line in flat]),
            arrays.texts([line.sku for line in flat]),
            arrays.ints([line.quantity_milli for line in flat]),
            arrays.ints([line.amount_minor for line in flat]),
        ),
    )


def _order_columns(rows: Sequence[Order]) -> tuple[str, ...]:
    return (
        arrays.ids([row.member_id for row in rows]),
        arrays.texts([row.order_id for row in rows]),
        arrays.texts([row.state for row in rows]),
        arrays.texts([row.channel for row in rows]),
        arrays.texts([row.store_id for row in rows]),
        arrays.texts([row.market for row in rows]),
        arrays.texts([row.currency for row in rows]),
        arrays.ints([row.total_minor for row in rows]),
        arrays.ints([row.returned_minor for row in rows]),
        arrays.ints([row.points_used for row in rows]),
        arrays.instants([row.occurred_at for row in rows]),
        arrays.instants([row.recorded_at for row in rows]),
        arrays.instants([row.paid_at for row in rows]),
        arrays.blobs([row.content_hash for row in rows]),
        arrays.texts([row.payments for row in rows]),
        arrays.texts([row.effects for row in rows]),
    )


def _keys(orders: Sequence[tuple[UUID, str]]) -> tuple[str, str]:
    return arrays.ids([member for member, _ in orders]), arrays.texts([order for _, order in orders])


async def read_returns(tx: Transaction, member_id: UUID, order_id: str) -> Rows:
    """Return an order's returns, the first recorded first."""
    return await tx.rows(READ_RETURNS, (member_id, order_id))


async def member_orders(
    tx: Transaction, members: Sequence[UUID], before: tuple[datetime, str], stores: Sequence[str] | None, limit: int
) -> list[Order]:
    """Return members' orders before a point in time, the latest first; of some stores (None: wherever)."""
    parameters = {
        "member": members[0],
        "members": arrays.ids(members),
        "before": before[0],
        "before_order": before[1],
        "stores": None if stores is None else list(stores),
        "limit": limit,
    }
    whose = MEMBER_ORDERS if len(members) == 1 else FAMILY_ORDERS
    return [as_order(row) for row in await tx.rows(whose + PAGE_OF_ORDERS, parameters)]


async def read_currencies(tx: Transaction, member_id: UUID, order_ids: Sequence[str]) -> Rows:
    """Return (order_id, currency) of a member's orders."""
    return await tx.rows(READ_CURRENCIES, (member_id, arrays.texts(order_ids)))


async def read_stores(tx: Transaction, member_id: UUID, order_ids: Sequence[str]) -> Rows:
    """Return order id and store of those that are the member's."""
    return await tx.rows(READ_STORES, (member_id, list(order_ids)))


async def list_orders(
    tx: Transaction,
    *,
    stores: Sequence[str] | None,
    channel: str | None,
    state: str | None,
    returned: bool,
    paid: bool,
    market: str | None,
    currency: str | None,
    days: tuple[date | None, date | None],
    before: tuple[datetime, str] | None,
    limit: int,
) -> Rows:
    """Return rows of OrderRef before a place, the latest first; `days` are local, None has no bound."""
    since, until = instants_around(*days)
    at, order_id = before or (until, "")
    text: LiteralString = LIST_ORDERS
    if stores is not None:
        text += OF_STORE if len(stores) == 1 else OF_STORES
    if channel is not None:
        text += OF_CHANNEL
    if state is not None:
        text += IN_STATE[state]
    if returned:
        text += OF_WHICH_SOMETHING_CAME_BACK
    narrowing: tuple[tuple[bool, LiteralString], ...] = (
        (paid, PAID_ONCE),
        (market is not None, OF_MARKET),
        (currency is not None, IN_CURRENCY),
        (days[0] is not None, FROM_DAY),
        (days[1] is not None, TO_DAY),
    )
    for is_asked, condition in narrowing:
        text += condition if is_asked else ""
    parameters = {
        "store": stores[0] if stores else None,
        "stores": list(stores or ()),
        "channel": channel,
        "market": market,
        "currency": currency,
        "first": days[0],
        "last": days[1],
        "since": since,
        "before": at,
        "before_order": order_id,
        "limit": limit,
    }
    return await tx.rows(text + LATEST_FIRST, parameters)


async def find_orders(tx: Transaction, begins: str, stores: Sequence[str] | None, after: str, limit: int) -> Rows:
    """Return rows of OrderRef whose id begins with a text (of letters, digits and `._~-`), behind the id `after`.

    Those of some stores are sought among the first thousand that begin so.
    """
    parameters = {
        "begins": begins,
        "ends": begins + "\x7f",
        "after": after,
        "looked_at": limit if stores is None else LOOKED_AT,
        "stores": None if stores is None else list(stores),
        "limit": limit,
    }
    return await tx.rows(FIND_ORDERS, parameters)
