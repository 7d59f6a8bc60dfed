"""SQL of the roll-up of sign-ups."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import LiteralString

from regulars.platform.db import arrays
from regulars.platform.db.snapshots import EVENTS_IN_WINDOW, Window
from regulars.platform.db.transaction import Statement, Transaction
from regulars.platform.rollups.contracts import EVER, Span

_TYPES = ("MemberMerged", "MemberSignedUp", "MergeUndone")

_JOINED: LiteralString = """
SELECT (m.signed_up_at AT TIME ZONE k.time_zone)::date AS day, m.market, count(*)::integer
FROM members AS m JOIN markets AS k ON k.code = m.market
WHERE m.merged_into IS NULL AND m.signed_up_at >= %(since)s::timestamptz AND m.signed_up_at < %(until)s::timestamptz
  AND (m.signed_up_at AT TIME ZONE k.time_zone)::date BETWEEN %(first)s::date AND %(last)s::date
GROUP BY 1, 2
"""
_TOUCHED: LiteralString = (
    "WITH told AS ("
    + EVENTS_IN_WINDOW
    + """)
SELECT DISTINCT (m.signed_up_at AT TIME ZONE k.time_zone)::date
FROM told JOIN members AS m ON m.member_id = told.member_id JOIN markets AS k ON k.code = m.market
"""
)
_DIFFERENT: LiteralString = f"""
SELECT DISTINCT day FROM (
    (({_JOINED}) EXCEPT SELECT * FROM joined_days) UNION ALL (SELECT * FROM joined_days EXCEPT ({_JOINED}))
) AS different WHERE NOT day = ANY (%(but)s::date[]) ORDER BY day LIMIT %(limit)s
"""  # noqa: S608 - our own text
JOINED: LiteralString = """
SELECT coalesce(sum(members) FILTER (WHERE day <= %(last)s), 0)::bigint,
       coalesce(sum(members) FILTER (WHERE day < %(first)s), 0)::bigint,
       coalesce(sum(members) FILTER (WHERE day < %(before_first)s), 0)::bigint
FROM joined_days WHERE day <= %(last)s
"""


async def touched_days(tx: Transaction, window: Window) -> list[date]:
    """Return the local days on which the members joined whom the events of a window are about."""
    return [day for (day,) in await tx.rows(_TOUCHED, {**window._asdict(), "types": arrays.texts(_TYPES)})]


def write_days(tx: Transaction, spans: Iterable[Span]) -> None:
    """Write the sums of every day of these spans anew."""
    for span in spans:
        tx.write("DELETE FROM joined_days WHERE day BETWEEN %(first)s::date AND %(last)s::date", span._asdict())
        tx.write(f"INSERT INTO joined_days {_JOINED}", span._asdict())


async def days(tx: Transaction) -> list[date]:
    """Return every day that has sums."""
    return [day for (day,) in await tx.rows("SELECT DISTINCT day FROM joined_days")]


async def differing(tx: Transaction, but: Sequence[date], limit: int) -> list[date]:
    """Return days whose sums are not what members give, but for some."""
    asked = {**EVER._asdict(), "but": arrays.texts([day.isoformat() for day in but]), "limit": limit}
    return [day for (day,) in await tx.rows(_DIFFERENT, asked)]


async def count_rows(tx: Transaction) -> int:
    """Return how many sums there are."""
    return int((await tx.rows("SELECT count(*) FROM joined_days"))[0][0])


def joined(before_first: date, first: date, last: date) -> Statement:
    """Return what asks how many joined up to `last`, before `first`, and before `before_first`."""
    return Statement(JOINED, {"before_first": before_first, "first": first, "last": last})
