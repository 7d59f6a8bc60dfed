"""Correctness, proven after each round: a figure whose proof fails is never printed."""

import asyncio
from collections.abc import Sequence

from bench.programme import Site
from bench.server import BenchBroken
from regulars.entrypoints.wiring import checks
from regulars.platform.outbox.service import backlog
from regulars.platform.verification.service import verify

DRAIN_SECONDS = 120.0
OF_THE_WORKER = "outbox drained"  # waited for before a round; after it, events are on their way
_UNSEALED = """
SELECT (SELECT count(*) FROM audit_entries) - (SELECT coalesce(sum(cardinality(entry_ids)), 0) FROM audit_seals)
"""
# Told in the bench's own words, beside the product's own checks.
_BALANCES_OFF = """
SELECT count(*) FROM (
    SELECT member_id, wallet_id,
           sum(CASE WHEN mod(credit_account, 100) = 0 THEN amount ELSE -amount END)::bigint AS balance
    FROM ledger_transfers GROUP BY member_id, wallet_id
) AS t FULL JOIN member_wallets AS w USING (member_id, wallet_id)
WHERE t.balance IS DISTINCT FROM w.balance
"""
_LOTS_OFF = """
SELECT count(*) FROM (
    SELECT member_id, wallet_id, sum(remaining)::bigint AS remaining FROM lots GROUP BY member_id, wallet_id
) AS l FULL JOIN (SELECT * FROM member_wallets WHERE wallet_id = 1) AS w USING (member_id, wallet_id)
WHERE coalesce(l.remaining, 0) IS DISTINCT FROM coalesce(w.balance + w.debt, 0)
"""
_REFERENCES = "SELECT reference, count(*) FROM ledger_transfers WHERE starts_with(reference, %s) GROUP BY reference"
_ORDERS = "SELECT order_id, count(*) FROM orders WHERE starts_with(order_id, %s) AND state = 'paid' GROUP BY order_id"


async def books_balance(site: Site) -> None:
    """Raise BenchBroken unless every book balances, by the product's checks and by the bench's own sums.

    Tables grow by tens of thousands of rows within seconds here, before autovacuum has counted them.
    """
    async with site.database.transaction() as tx:
        await tx.rows("ANALYZE")
        off = (await tx.rows(_BALANCES_OFF))[0][0], (await tx.rows(_LOTS_OFF))[0][0]
    if off != (0, 0):
        raise BenchBroken(f"{off[0]} balances and {off[1]} sums of lots are not what the transfers say")
    asked = [check for check in checks() if check.name != OF_THE_WORKER]
    async for finding in verify(site.database, asked):
        if not finding.ok:
            raise BenchBroken(f"the check “{finding.name}” failed: {finding.problems}")


async def each_once(site: Site, prefix: str, acknowledged: Sequence[int], *, orders: bool = False) -> None:
    """Raise BenchBroken unless exactly the acknowledged postings (orders) of a round are in the books, once each."""
    await exactly(site, prefix, [f"{prefix}{position}" for position in acknowledged], orders=orders)


async def exactly(site: Site, prefix: str, references: Sequence[str], *, orders: bool = False) -> None:
    """Raise BenchBroken unless exactly these references begin with `prefix` in the books, once each."""
    async with site.database.transaction() as tx:
        rows = await tx.rows(_ORDERS if orders else _REFERENCES, (prefix,))
    found: dict[str, int] = dict(rows)
    expected = set(references)
    lost, strange = expected - found.keys(), found.keys() - expected
    double = [reference for reference, count in found.items() if count > 1]
    if lost or strange or double:
        raise BenchBroken(f"{len(lost)} lost, {len(double)} double, {len(strange)} never acknowledged of {prefix}")


async def drained(site: Site) -> None:
    """Wait until the worker has relayed and sealed what is there. Raises BenchBroken after two minutes."""
    async with asyncio.timeout(DRAIN_SECONDS):
        while True:
            async with site.database.transaction() as tx:
                left = await backlog(tx)
                unsealed = (await tx.rows(_UNSEALED))[0][0]
            if not left.unread and not unsealed:
                return
            await asyncio.sleep(0.1)
