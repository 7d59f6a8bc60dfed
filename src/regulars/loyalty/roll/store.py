"""SQL of the roll: who is a member, with tier and balance, page by page."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.markets.days import instants_around

_FIRST_ID = UUID(int=0)
_HIGHEST = 32_767

ENTRY: LiteralString = """
SELECT m.member_id, m.market, m.channel, m.store_id, m.signed_up_at, coalesce(b.tier, 0), coalesce(w.balance, 0),
       coalesce(w.debt, 0)
FROM members AS m
JOIN markets AS k ON k.code = m.market
LEFT JOIN member_books AS b ON b.member_id = m.member_id
LEFT JOIN member_wallets AS w ON w.member_id = m.member_id
    AND w.wallet_id = (SELECT wallet_id FROM wallets WHERE code = %(wallet)s)
"""
# Who is part of another member is that one on the roll. Most members are in the lowest tier, many of them without a
# book. Who has risen is found by the books' own index.
PAGE: LiteralString = """
WHERE (m.signed_up_at, m.member_id) < (%(before)s, %(before_member)s) AND m.signed_up_at >= %(since)s
  AND m.merged_into IS NULL
"""
LOWEST: LiteralString = "AND coalesce(b.tier, 0) = 0\n"
LATEST_FIRST: LiteralString = "ORDER BY m.signed_up_at DESC, m.member_id DESC LIMIT %(limit)s"
RISEN: LiteralString = """
WHERE b.tier > 0 AND (b.signed_up_at, b.member_id) < (%(before)s, %(before_member)s) AND b.signed_up_at >= %(since)s
  AND b.merged_into IS NULL
"""
OF_RANK: LiteralString = "AND b.tier = %(lowest)s\n"
OF_RANKS: LiteralString = "AND b.tier >= %(lowest)s\n"
RISEN_LATEST_FIRST: LiteralString = "ORDER BY b.signed_up_at DESC, b.member_id DESC LIMIT %(limit)s"
# Days are local to the member's market.
FROM_DAY: LiteralString = "AND (m.signed_up_at AT TIME ZONE k.time_zone)::date >= %(first)s\n"
TO_DAY: LiteralString = "AND (m.signed_up_at AT TIME ZONE k.time_zone)::date <= %(last)s\n"
HELD_ON: LiteralString = """
AND coalesce((
    SELECT c.to_tier FROM tier_changes AS c
    WHERE c.member_id = m.member_id AND (c.recorded_at AT TIME ZONE k.time_zone)::date <= %(tier_on)s
    ORDER BY c.seq DESC LIMIT 1
), 0) BETWEEN %(lowest)s AND %(highest)s
"""
OF_MARKET: LiteralString = "AND m.market = %(market)s\n"
OF_STORE: LiteralString = "AND m.store_id = %(store)s\n"
OF_STORES: LiteralString = "AND m.store_id = ANY (%(stores)s::text[])\n"
NAMED: LiteralString = (
    ENTRY + "WHERE m.member_id = ANY (%(members)s::uuid[]) ORDER BY m.signed_up_at DESC, m.member_id DESC"
)
TIER_CHANGES: LiteralString = """
SELECT c.from_tier, c.to_tier, c.cause, c.reference, c.metric, c.policy_version, c.effective_at, c.recorded_at,
       c.cause <> 'return' OR EXISTS (SELECT FROM settlements AS s
           WHERE s.member_id = c.member_id AND s.order_id = split_part(c.reference, ':', 2))
FROM tier_changes AS c WHERE c.member_id = %s ORDER BY c.seq DESC LIMIT %s
"""


async def read_page(
    tx: Transaction,
    *,
    wallet: str,
    market: str | None,
    stores: Sequence[str] | None,
    rank: int | None,
    and_above: bool,
    tier_on: date | None,
    days: tuple[date | None, date | None],
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Rows:
    """Return (member, market, channel, store, signed up, tier, balance, debt), the last to sign up first.

    `rank` is the tier to list, with those above it if asked for, as held now or at the end of `tier_on`; `stores` those
    in which members signed up, `days` when (local, both included; None has no bound).
    """
    since, until = instants_around(*days)
    at, member_id = before or (until, _FIRST_ID)
    text: LiteralString = ENTRY
    if rank is not None and tier_on is not None:
        text += PAGE + HELD_ON
    elif rank:
        text += RISEN + (OF_RANKS if and_above else OF_RANK)
    else:
        text += PAGE + (LOWEST if rank == 0 and not and_above else "")
    if market is not None:
        text += OF_MARKET
    if stores is not None:
        text += OF_STORE if len(stores) == 1 else OF_STORES
    text += "" if days[0] is None else FROM_DAY
    text += "" if days[1] is None else TO_DAY
    parameters = {
        "wallet": wallet,
        "market": market,
        "store": stores[0] if stores else None,
        "stores": list(stores or ()),
        "lowest": rank,
        "highest": _HIGHEST if and_above else rank,
        "tier_on": tier_on,
        "first": days[0],
        "last": days[1],
        "since": since,
        "before": at,
        "before_member": member_id,
        "limit": limit,
    }
    return await tx.rows(text + (RISEN_LATEST_FIRST if rank and tier_on is None else LATEST_FIRST), parameters)


async def read_named(tx: Transaction, wallet: str, member_ids: Sequence[UUID]) -> Rows:
    """Return the same of members by their ids."""
    return await tx.rows(NAMED, {"wallet": wallet, "members": arrays.ids(member_ids)})


async def read_tier_changes(tx: Transaction, member_id: UUID, limit: int) -> Rows:
    """Return a member's tier changes, the last first: ranks, cause, reference, metric, version, instants."""
    return await tx.rows(TIER_CHANGES, (member_id, limit))
