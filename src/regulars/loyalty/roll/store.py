"""SQL of the roll: who is a member, with tier and balance, page by page."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Transaction

ENTRY: LiteralString = """
SELECT m.member_id, m.market, m.channel, m.store_id, m.signed_up_at, coalesce(b.tier, 0), coalesce(w.balance, 0),
       coalesce(w.debt, 0)
FROM members AS m
LEFT JOIN member_books AS b ON b.member_id = m.member_id
LEFT JOIN member_wallets AS w ON w.member_id = m.member_id
    AND w.wallet_id = (SELECT wallet_id FROM wallets WHERE code = %(wallet)s)
"""
PAGE: LiteralString = (
    ENTRY
    + """
WHERE (m.signed_up_at, m.member_id) < (%(before)s, %(before_member)s) AND m.signed_up_at >= %(since)s
  AND (%(market)s::text IS NULL OR m.market = %(market)s)
  AND (%(stores)s::text[] IS NULL OR m.store_id = ANY (%(stores)s::text[]))
  AND (%(lowest)s::int IS NULL OR coalesce(b.tier, 0) BETWEEN %(lowest)s AND %(highest)s)
ORDER BY m.signed_up_at DESC, m.member_id DESC LIMIT %(limit)s
"""
)
NAMED: LiteralString = (
    ENTRY + "WHERE m.member_id = ANY (%(members)s::uuid[]) ORDER BY m.signed_up_at DESC, m.member_id DESC"
)
TIER_CHANGES: LiteralString = """
SELECT c.from_tier, c.to_tier, c.cause, c.reference, c.metric, c.policy_version, c.effective_at, c.recorded_at
FROM tier_changes AS c WHERE c.member_id = %s ORDER BY c.seq DESC LIMIT %s
"""


async def read_page(
    tx: Transaction,
    *,
    wallet: str,
    market: str | None,
    stores: Sequence[str] | None,
    ranks: tuple[int, int] | None,
    since: datetime,
    before: tuple[datetime, UUID],
    limit: int,
) -> Rows:
    """Return (member, market, channel, store, signed up, tier, balance, debt), the last to sign up first.

    `ranks` are the lowest and the highest tier to list, `stores` those in which members signed up.
    """
    lowest, highest = ranks or (None, None)
    parameters = {
        "wallet": wallet,
        "market": market,
        "stores": None if stores is None else list(stores),
        "lowest": lowest,
        "highest": highest,
        "since": since,
        "before": before[0],
        "before_member": before[1],
        "limit": limit,
    }
    return await tx.rows(PAGE, parameters)


async def read_named(tx: Transaction, wallet: str, member_ids: Sequence[UUID]) -> Rows:
    """Return the same of members by their ids."""
    return await tx.rows(NAMED, {"wallet": wallet, "members": arrays.ids(member_ids)})


async def read_tier_changes(tx: Transaction, member_id: UUID, limit: int) -> Rows:
    """Return a member's tier changes, the last first: ranks, cause, reference, metric, version, instants."""
    return await tx.rows(TIER_CHANGES, (member_id, limit))
