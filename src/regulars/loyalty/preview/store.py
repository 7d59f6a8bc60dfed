"""SQL of previews: real orders settled again, corrections counted, and the list of members."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from regulars.loyalty.policy.contracts import Policy
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Transaction

COUNT_BOOKS: LiteralString = "SELECT count(*) FROM member_books"
# Settled by the arithmetic of `ledger/rules.py`: what was paid in money gives base points, the tier multiplies them.
# Days are local to the member's market, by when the order happened.
BACKTEST: LiteralString = """
SELECT o.market, o.tier, count(*), sum(o.paid)::bigint, sum(o.points)::bigint, sum(o.base * o.multiplier)::bigint,
       sum(o.growth)::bigint, sum(o.base)::bigint, sum(o.cost)::bigint
FROM (
    SELECT m.market, least(s.tier, %(top)s) AS tier, s.total_minor - s.points_used * v.value AS paid,
           s.base * s.multiplier AS points, s.base AS growth, s.base * s.multiplier * v.value AS cost,
           (s.total_minor - s.points_used * v.value) / %(minor_per_point)s AS base, t.multiplier
    FROM settlements AS s
    JOIN members AS m ON m.member_id = s.member_id
    JOIN member_books AS b ON b.member_id = s.member_id
    JOIN unnest(%(versions)s::integer[], %(values)s::bigint[]) AS v (version, value) ON v.version = s.policy_version
    JOIN unnest(%(ranks)s::integer[], %(multipliers)s::bigint[]) AS t (rank, multiplier)
      ON t.rank = least(s.tier, %(top)s)
    WHERE s.member_id > %(after)s AND s.member_id <= %(until)s
      AND (s.effective_at AT TIME ZONE b.time_zone)::date BETWEEN %(first)s AND %(last)s
) AS o
GROUP BY o.market, o.tier
"""
CORRECTIONS: LiteralString = """
SELECT count(*), count(*) FILTER (WHERE t.amount > %(before)s), count(*) FILTER (WHERE t.amount > %(above)s)
FROM ledger_transfers AS t JOIN member_books AS b ON b.member_id = t.member_id
WHERE t.member_id > %(after)s AND t.member_id <= %(until)s AND t.kind = 'adjust'
  AND (t.recorded_at AT TIME ZONE b.time_zone)::date BETWEEN %(first)s AND %(last)s
"""
INSERT: LiteralString = """
INSERT INTO preview_members (member_id, preview_id, kind, from_tier, to_tier, metric, missing, review_before,
    review_after, made_at)
SELECT t.member_id, %s::uuid, t.kind, t.from_tier, t.to_tier, t.metric, t.missing, t.review_before, t.review_after,
       %s::timestamptz
FROM unnest(%s::uuid[], %s::text[], %s::smallint[], %s::smallint[], %s::bigint[], %s::bigint[], %s::timestamptz[],
    %s::timestamptz[])
    AS t (member_id, kind, from_tier, to_tier, metric, missing, review_before, review_after)
ON CONFLICT DO NOTHING
"""
LIST: LiteralString = """
SELECT member_id, kind, from_tier, to_tier, metric, missing, review_before, review_after FROM preview_members
WHERE preview_id = %(preview)s AND member_id > %(after)s AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(to_tier)s::int IS NULL OR to_tier = %(to_tier)s)
ORDER BY member_id LIMIT %(limit)s
"""
FORGET: LiteralString = """
DELETE FROM preview_members WHERE (member_id, preview_id) IN (
    SELECT member_id, preview_id FROM preview_members WHERE made_at < %s LIMIT %s)
RETURNING 1
"""

Row = tuple[UUID, str, int, int, int, int | None, datetime | None, datetime | None]


async def count_books(tx: Transaction) -> int:
    """Return how many members have a book."""
    return int((await tx.rows(COUNT_BOOKS))[0][0])


async def backtest(
    tx: Transaction, span: tuple[UUID, UUID], days: tuple[date, date], policies: Sequence[Policy], tried: Policy
) -> Rows:
    """Return (market, rank, orders, paid, points, points then, growth, growth then, cost) of a span of members.

    Each order's points are counted by the version that it was settled by, and by the policy that is `tried`.
    """
    tiers = tried.tier.tiers
    parameters: dict[str, Any] = {
        "after": span[0],
        "until": span[1],
        "first": days[0],
        "last": days[1],
        "versions": arrays.ints([policy.version for policy in policies]),
        "values": arrays.ints([policy.payment.point_value_minor for policy in policies]),
        "minor_per_point": tried.earning.minor_per_point,
        "top": len(tiers) - 1,
        "ranks": arrays.ints(range(len(tiers))),
        "multipliers": arrays.ints([tier.multiplier for tier in tiers]),
    }
    return await tx.rows(BACKTEST, parameters)


async def corrections(
    tx: Transaction, span: tuple[UUID, UUID], days: tuple[date, date], before: int, above: int
) -> tuple[int, int, int]:
    """Return how many corrections there were, and how many of more units than each of two limits."""
    parameters = {
        "after": span[0],
        "until": span[1],
        "first": days[0],
        "last": days[1],
        "before": before,
        "above": above,
    }
    ((every, now, then),) = await tx.rows(CORRECTIONS, parameters)
    return every, now, then


def insert(tx: Transaction, preview_id: UUID, made_at: datetime, rows: Sequence[Row]) -> None:
    """Keep what a policy would do to members; a slice that runs again finds its rows there."""
    members, kinds, before, after, metrics, missing, reviews_before, reviews_after = zip(*rows, strict=True)
    tx.write(
        INSERT,
        (
            preview_id,
            made_at,
            arrays.ids(members),
            arrays.texts(kinds),
            arrays.ints(before),
            arrays.ints(after),
            arrays.ints(metrics),
            arrays.ints(missing),
            arrays.instants(reviews_before),
            arrays.instants(reviews_after),
        ),
    )


async def read_members(
    tx: Transaction, preview_id: UUID, *, kind: str | None, to_tier: int | None, after: UUID, limit: int
) -> list[Row]:
    """Return members whom a preview found, by id."""
    parameters = {"preview": preview_id, "after": after, "kind": kind, "to_tier": to_tier, "limit": limit}
    return [(row[0], *row[1:]) for row in await tx.rows(LIST, parameters)]


async def forget(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete rows of previews that were made before; returns whether there may be more."""
    return len(await tx.rows(FORGET, (before, at_most))) == at_most
