"""SQL of guest orders."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString

import msgspec

from regulars.commerce.guests.book import GuestBook, GuestOrder
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction
from regulars.platform.markets.days import instants_around

READ_GUESTS: LiteralString = """
SELECT g.order_id, g.document, g.claimed_by FROM guest_orders AS g WHERE g.order_id = ANY (%s::text[])
"""
# Written as they are, the rows are locked on a cluster too, where a batch of rows cannot be selected for an update.
LOCK_GUESTS: LiteralString = """
UPDATE guest_orders AS g SET claimed_by = g.claimed_by
FROM unnest(%s::text[]) AS asked (order_id) WHERE g.order_id = asked.order_id
RETURNING g.order_id, g.document, g.claimed_by
"""
UPSERT_GUESTS: LiteralString = """
INSERT INTO guest_orders (order_id, state, occurred_at, recorded_at, document, claimed_by)
SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::uuid[])
ON CONFLICT (order_id) DO UPDATE SET state = excluded.state, occurred_at = excluded.occurred_at,
    recorded_at = excluded.recorded_at, document = excluded.document, claimed_by = excluded.claimed_by
"""

# Guest orders are few beside those of members, and the unclaimed ones are found by their day: what else is asked for is
# looked up in the documents.
LIST_UNCLAIMED: LiteralString = """
SELECT g.document FROM guest_orders AS g JOIN markets AS k ON k.code = g.document::jsonb #>> '{fact,market}'
WHERE g.claimed_by IS NULL AND (g.occurred_at, g.order_id) < (%(before)s, %(before_order)s)
  AND g.occurred_at >= %(since)s
  AND (%(stores)s::text[] IS NULL OR g.document::jsonb #>> '{fact,store_id}' = ANY (%(stores)s::text[]))
  AND (%(channel)s::text IS NULL OR g.document::jsonb #>> '{fact,channel}' = %(channel)s)
  AND (%(state)s::text IS NULL OR g.state = %(state)s)
  AND (NOT %(returned)s OR g.document::jsonb -> 'returned' <> '{}')
  AND (%(market)s::text IS NULL OR k.code = %(market)s)
  AND (%(currency)s::text IS NULL OR k.currency = %(currency)s)
  AND (%(first)s::date IS NULL OR (g.occurred_at AT TIME ZONE k.time_zone)::date >= %(first)s)
  AND (%(last)s::date IS NULL OR (g.occurred_at AT TIME ZONE k.time_zone)::date <= %(last)s)
ORDER BY g.occurred_at DESC, g.order_id DESC LIMIT %(limit)s
"""
FIND_UNCLAIMED: LiteralString = """
SELECT g.document FROM guest_orders AS g
WHERE g.claimed_by IS NULL AND g.order_id >= %(begins)s AND g.order_id < %(ends)s AND g.order_id > %(after)s
  AND (%(stores)s::text[] IS NULL OR g.document::jsonb #>> '{fact,store_id}' = ANY (%(stores)s::text[]))
ORDER BY g.order_id LIMIT %(limit)s
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(GuestOrder).decode


async def load(tx: Transaction, order_ids: Sequence[str], *, lock: bool) -> GuestBook:
    """Read guest orders of sorted ids; locked when they may be changed."""
    book = GuestBook()
    for order_id, document, claimed_by in await tx.rows(
        LOCK_GUESTS if lock else READ_GUESTS, (arrays.texts(order_ids),)
    ):
        order = _decode(document)
        order.claimed_by = claimed_by
        book.orders[order_id] = order
    return book


async def list_unclaimed(
    tx: Transaction,
    *,
    stores: Sequence[str] | None,
    channel: str | None,
    state: str | None,
    returned: bool,
    market: str | None,
    currency: str | None,
    days: tuple[date | None, date | None],
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[GuestOrder]:
    """Return orders that nobody has claimed, before a place, the latest first; `days` are local to their market."""
    since, until = instants_around(*days)
    at, order_id = before or (until, "")
    parameters = {
        "stores": None if stores is None else list(stores),
        "channel": channel,
        "state": state,
        "returned": returned,
        "market": market,
        "currency": currency,
        "first": days[0],
        "last": days[1],
        "since": since,
        "before": at,
        "before_order": order_id,
        "limit": limit,
    }
    return [_decode(document) for (document,) in await tx.rows(LIST_UNCLAIMED, parameters)]


async def find_unclaimed(
    tx: Transaction, begins: str, stores: Sequence[str] | None, after: str, limit: int
) -> list[GuestOrder]:
    """Return orders that nobody has claimed whose id begins with a text, by id, behind the id `after`."""
    parameters = {
        "begins": begins,
        "ends": begins + "\x7f",
        "after": after,
        "stores": None if stores is None else list(stores),
        "limit": limit,
    }
    return [_decode(document) for (document,) in await tx.rows(FIND_UNCLAIMED, parameters)]


def write(tx: Transaction, book: GuestBook) -> None:
    """Buffer what changed."""
    changed = [(order_id, book.orders[order_id]) for order_id in sorted(book.changed)]
    if changed:
        tx.write(
            UPSERT_GUESTS,
            (
                arrays.texts([order_id for order_id, _ in changed]),
                arrays.texts([order.fact.state for _, order in changed]),
                arrays.instants([order.occurred_at for _, order in changed]),
                arrays.instants([order.recorded_at for _, order in changed]),
                arrays.texts([_encode(order).decode() for _, order in changed]),
                arrays.ids([order.claimed_by for _, order in changed]),
            ),
        )
