"""What is asked of books at scale: requests as they go over the wire, and the cheapest SQL that reads the same rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import psycopg

from bench.big_books import HOT, months_before
from bench.multiplied import WITH_ORDERS, Times
from bench.programme import member_id
from bench.server import request
from regulars.loyalty.public_ids import transfer_id
from regulars.platform.ids import public_id

ASKED: Final = 3_000  # different ones of each question, as far as there are so many
LOOKED_UP: Final = 400  # of these by the limit
PAGE: Final = 50
_SEED: Final = 7

_PAGE_ROWS: Final = """
SELECT member_id, array_agg(seq) FROM (
    SELECT t.member_id, t.seq, row_number() OVER (PARTITION BY t.member_id ORDER BY t.seq DESC) AS place
    FROM unnest(%s::uuid[], %s::bigint[]) AS a (member_id, before)
    JOIN ledger_transfers AS t ON t.member_id = a.member_id AND t.seq < a.before
) AS p WHERE place <= 51 GROUP BY member_id
"""
_LENGTHS: Final = "SELECT next_seq - 1 FROM member_books WHERE member_id = ANY (%s)"
_LAST: Final = "SELECT member_id, next_seq - 1 FROM member_books WHERE member_id = ANY (%s)"
_LOTS: Final = """
SELECT member_id, lot_no FROM (
    SELECT l.member_id, l.lot_no, row_number() OVER (PARTITION BY l.member_id ORDER BY md5(l.lot_no::text)) AS place
    FROM lots AS l WHERE l.member_id = ANY (%s) AND l.remaining < l.amount
) AS l WHERE place <= %s
"""
_SPENT: Final = """
SELECT member_id, seq FROM (
    SELECT DISTINCT u.member_id, u.seq,
           dense_rank() OVER (PARTITION BY u.member_id ORDER BY md5(u.seq::text)) AS place
    FROM lot_uses AS u WHERE u.member_id = ANY (%s)
) AS u WHERE place <= %s
"""
_ORDERS: Final = """
SELECT member_id, order_id FROM (
    SELECT o.member_id, o.order_id, row_number() OVER (PARTITION BY o.member_id ORDER BY md5(o.order_id)) AS place
    FROM orders AS o WHERE o.member_id = ANY (%s)
) AS o WHERE place <= %s
"""
_OF_ORDER: Final = "SELECT seq FROM ledger_transfers WHERE member_id = %s AND order_id = %s AND reference LIKE %s"
_USED_BY: Final = "SELECT array_agg(seq) FROM lot_uses WHERE member_id = %s AND lot_no = %s"
_READ_TRANSFERS: Final = "SELECT * FROM ledger_transfers WHERE member_id = %s AND seq = ANY (%s::bigint[])"
_READ_USES: Final = "SELECT * FROM lot_uses WHERE member_id = %s AND seq = ANY (%s::bigint[])"
_READ_LOTS: Final = "SELECT * FROM lots WHERE member_id = %s AND lot_no = ANY (%s::bigint[])"
_READ_WALLETS: Final = "SELECT * FROM member_wallets WHERE member_id = %s"
_READ_MONTHS: Final = "SELECT * FROM points_months"

Lookup = tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(slots=True)
class Asked:
    """One question of many members or instants; `lookups` read the same rows by their keys."""

    name: str
    paths: list[str]
    lookups: list[Lookup] = field(default_factory=list)

    def requests(self, token: str) -> list[bytes]:
        """Render them."""
        return [request("GET", path, token) for path in self.paths]


@dataclass(slots=True)
class Sample:
    """Members of one kind, drawn from all of them."""

    kind: str
    members: list[UUID]
    with_orders: list[UUID]


def ask_all(url: str, times: Times, now: datetime) -> list[Asked]:
    """Draw what to ask, from a fixed seed."""
    chance = Random(_SEED)
    ordinary = [1 + chance.randrange(times.ordinary * times.each) for _ in range(ASKED)]
    early = [1 + chance.randrange(times.ordinary * min(times.each, WITH_ORDERS)) for _ in range(ASKED)]
    hot = [HOT + number for number in range(times.hot * times.hot_each)]
    hot_early = [HOT + number for number in range(times.hot * min(times.hot_each, WITH_ORDERS))]
    samples = [
        Sample("ordinary members", _ids(ordinary), _ids(early)),
        Sample("hot members", _ids(hot), _ids(hot_early)),
    ]
    asked: list[Asked] = []
    with psycopg.connect(url, autocommit=True) as connection:
        for sample in samples:
            asked += _of_members(connection, sample, chance, now)
    return asked + _of_all(chance, now)


def _ids(numbers: Sequence[int]) -> list[UUID]:
    return [member_id(number) for number in numbers]


def _of_members(connection: psycopg.Connection[Any], sample: Sample, chance: Random, now: datetime) -> list[Asked]:
    few = 1 if len(sample.members) >= ASKED // 2 else ASKED // len(sample.members) + 1
    last: dict[UUID, int] = dict(connection.execute(_LAST, (sample.members,)).fetchall())
    members = [member for member in sample.members if member in last]  # a few never bought anything
    deep = [(member, 2 + chance.randrange(max(last[member] - 1, 1))) for member in members for _ in range(few)]
    lots = connection.execute(_LOTS, (members, few)).fetchall()
    spent = connection.execute(_SPENT, (members, few)).fetchall()
    orders = connection.execute(_ORDERS, (sample.with_orders, few)).fetchall()
    for found in (lots, spent, orders):
        chance.shuffle(found)
    pages = [(member, last[member] + 1) for member in members]
    instants = [now - timedelta(days=1 + chance.random() * 700) for _ in members]
    wallets: list[Lookup] = [((_READ_WALLETS, (member,)),) for member in members[:LOOKED_UP]]
    named = _named(sample.kind)
    return [
        named("statement, newest page", [f"{_of(m)}/statement" for m in members], _pages(connection, pages)),
        named(
            "statement, a page far back",
            [f"{_of(m)}/statement?cursor={transfer_id(m, seq)}" for m, seq in deep],
            _pages(connection, deep),
        ),
        named(
            "lineage of an order",
            [f"/v1/orders/{quote(order)}/lineage" for _, order in orders],
            [_order_rows(connection, m, order) for m, order in orders[:LOOKED_UP]],
        ),
        named(
            "lineage of a lot",
            [f"{_of(m)}/lots/{transfer_id(m, lot)}/lineage" for m, lot in lots],
            [_lot_rows(connection, m, lot) for m, lot in lots[:LOOKED_UP]],
        ),
        named(
            "lineage of what was spent",
            [f"{_of(m)}/transfers/{transfer_id(m, seq)}/lineage" for m, seq in spent],
            [((_READ_TRANSFERS, (m, [seq])), (_READ_USES, (m, [seq]))) for m, seq in spent[:LOOKED_UP]],
        ),
        named("why a balance", [f"{_of(m)}/wallets/points/explain" for m in members], wallets),
        named(
            "why a balance was, at an instant",
            [
                f"{_of(m)}/wallets/points/explain?as_of={quote(at.isoformat())}"
                for m, at in zip(members, instants, strict=True)
            ],
            wallets,
        ),
        named(
            "why a lot",
            [f"{_of(m)}/lots/{transfer_id(m, lot)}/explain" for m, lot in lots],
            [((_READ_TRANSFERS, (m, [lot])), (_READ_LOTS, (m, [lot]))) for m, lot in lots[:LOOKED_UP]],
        ),
    ]


def _named(kind: str) -> Callable[[str, list[str], list[Lookup]], Asked]:
    return lambda name, paths, lookups: Asked(f"{name}: {kind}", paths, lookups)


def _of(member: UUID) -> str:
    return f"/v1/members/{public_id('mbr', member)}"


def _pages(connection: psycopg.Connection[Any], pages: Sequence[tuple[UUID, int]]) -> list[Lookup]:
    some = dict(pages[:LOOKED_UP])
    found = connection.execute(_PAGE_ROWS, (list(some), list(some.values()))).fetchall()
    return [((_READ_TRANSFERS, (member, seqs)), (_READ_USES, (member, seqs))) for member, seqs in found]


def _order_rows(connection: psycopg.Connection[Any], member: UUID, order: str) -> Lookup:
    rows = connection.execute(_OF_ORDER, (member, order, f"order:{order}:%")).fetchall()
    seqs = [seq for (seq,) in rows]
    return ((_READ_TRANSFERS, (member, seqs)), (_READ_LOTS, (member, seqs)), (_READ_USES, (member, seqs)))


def _lot_rows(connection: psycopg.Connection[Any], member: UUID, lot: int) -> Lookup:
    rows = connection.execute(_USED_BY, (member, lot)).fetchall()
    seqs = [lot, *(rows[0][0] or [])[:PAGE]]
    return ((_READ_TRANSFERS, (member, seqs)), (_READ_LOTS, (member, [lot])), (_READ_USES, (member, seqs[1:])))


def _of_all(chance: Random, now: datetime) -> list[Asked]:
    """Return what is asked of the whole programme."""
    at = "/v1/finance/liability/at"
    rows: list[Lookup] = [((_READ_MONTHS, ()),)]
    back = [now - timedelta(seconds=60 + chance.random() * 700 * 86_400) for _ in range(ASKED)]
    evening = [moment.replace(hour=20, minute=59, second=59) for moment in back[: ASKED // 4]]
    lately = [now - timedelta(seconds=1 + chance.random() * 3 * 86_400) for _ in range(ASKED)]
    months = [f"{month:%Y-%m}" for month in months_before(now)]
    spans = [f"first={first}&last={last}" for k, first in enumerate(months) for last in months[k : k + 36]]
    return [
        Asked("liability now", [at], rows),
        Asked("liability at an instant", [f"{at}?as_of={quote(moment.isoformat())}" for moment in back], rows),
        Asked("liability in a busy hour", [f"{at}?as_of={quote(moment.isoformat())}" for moment in evening], rows),
        Asked("liability of the last days", [f"{at}?as_of={quote(moment.isoformat())}" for moment in lately], rows),
        Asked(
            "liability of one market", [f"{at}?market=JP&as_of={quote(moment.isoformat())}" for moment in back], rows
        ),
        Asked("movement, last twelve months", ["/v1/finance/liability"], rows),
        Asked("movement of any months", [f"/v1/finance/liability?{span}" for span in spans], rows),
        Asked(
            "movement of one market", [f"/v1/finance/liability?market=DE&wallet=points&{span}" for span in spans], rows
        ),
    ]
