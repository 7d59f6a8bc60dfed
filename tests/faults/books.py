"""What the books say, compared with what the clients were told. `problems_of` finds every disagreement."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from tests.faults.load import ACCRUAL, ORDER, REDEMPTION, RETURN, Operation
from tests.faults.product import Shop
from tests.faults.shop import PREPARED, PREPARED_POINTS

POINTS, GROWTH = 1, 2
GIVES = {"points_earned", "points_pending", "debt_repaid", "points_given_back"}
TAKES = {"points_redeemed", "points_clawed_back"}

TRANSFERS = """
SELECT member_id, seq, wallet_id, kind, CASE WHEN credit_account % 100 = 0 THEN amount ELSE -amount END AS amount,
       balance_after, reference, coalesce(order_id, '') AS order_id, recorded_at
FROM ledger_transfers ORDER BY member_id, seq
"""
POINTS_OF_LOTS = """
SELECT w.member_id, w.balance + w.debt, coalesce(sum(l.remaining), 0)::bigint
FROM member_wallets AS w LEFT JOIN lots AS l ON l.member_id = w.member_id AND l.wallet_id = w.wallet_id
WHERE w.wallet_id = 1 GROUP BY 1, 2
"""
EVENTS = """
SELECT type, payload::json ->> 'reference', payload::json ->> 'order_id', payload::json ->> 'return_id' FROM outbox
"""


@dataclass(frozen=True)
class Transfer:
    """One row of the books; `amount` is signed as the member sees it."""

    member_id: UUID
    seq: int
    wallet_id: int
    kind: str
    amount: int
    balance_after: int
    reference: str
    order_id: str
    recorded_at: datetime


@dataclass(frozen=True)
class Books:
    """Everything that the checks read, of one instant."""

    transfers: list[Transfer]
    balances: dict[tuple[UUID, int], int]
    tier_changes: list[tuple[UUID, int]]
    orders: Counter[tuple[UUID, str]]
    returns: Counter[tuple[str, str]]
    events: Counter[str]
    audited: int
    lots: list[tuple[UUID, int, int]]

    @property
    def carried_out(self) -> int:
        """How many of the clients' operations the books hold."""
        postings = [row for row in self.transfers if not row.order_id and row.reference != PREPARED]
        return len(postings) + self.orders.total() + self.returns.total()


def read_books(url: str) -> Books:
    """Read the books of a product that runs."""
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ

        def rows(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query.encode()).fetchall()

        with connection.cursor(row_factory=class_row(Transfer)) as cursor:
            transfers = cursor.execute(TRANSFERS).fetchall()
        return Books(
            transfers=transfers,
            balances={
                (row[0], row[1]): row[2] for row in rows("SELECT member_id, wallet_id, balance FROM member_wallets")
            },
            tier_changes=[(row[0], row[1]) for row in rows("SELECT member_id, seq FROM tier_changes")],
            orders=Counter(
                (row[0], row[1]) for row in rows("SELECT member_id, order_id FROM orders WHERE state = 'paid'")
            ),
            returns=Counter((row[0], row[1]) for row in rows("SELECT order_id, return_id FROM order_returns")),
            events=Counter(_event_name(*row) for row in rows(EVENTS)),
            audited=rows("SELECT count(*) FROM audit_entries WHERE actor LIKE 'key:%'")[0][0],
            lots=[(row[0], row[1], row[2]) for row in rows(POINTS_OF_LOTS)],
        )


def is_worked(url: str) -> bool:
    """Say whether a worker is at work on this database: it listens for jobs there.

    Every 30 seconds it asks on that connection whether it still stands; all others end what they do by a COMMIT.
    """
    text = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR (query = 'SELECT 1' AND state = 'idle')"
    try:
        with psycopg.connect(url) as connection:
            found = connection.execute(text).fetchone()
    except psycopg.OperationalError:
        return False
    return found is not None and found[0] > 0


def problems_of(books: Books, shop: Shop, operations: Iterable[Operation]) -> list[str]:
    """Return everything in which the books contradict themselves or what was acknowledged; empty is right."""
    sent = list(operations)
    return [
        *_each_once(books, sent),
        *_nothing_else(books, shop, sent),
        *_members_add_up(books),
        *_in_order(books),
        *_as_told(books, shop, sent),
        *_events_and_audit(books, sent),
    ]


def told(operation: Operation, wallet_id: int = POINTS) -> int:
    """Return by how much the answer says that the wallet moved."""
    if operation.answer is None or not operation.answer.done:
        return 0
    if operation.kind in {ACCRUAL, REDEMPTION}:
        sign = 1 if operation.kind == ACCRUAL else -1
        return sign * operation.amount if wallet_id == POINTS else 0
    effects = operation.answer.content()["effects"]
    if wallet_id == GROWTH:
        growth = {"growth_earned": 1, "growth_reversed": -1}
        return sum(growth.get(effect["type"], 0) * effect.get("growth", 0) for effect in effects)
    return sum(((effect["type"] in GIVES) - (effect["type"] in TAKES)) * effect.get("points", 0) for effect in effects)


def _rows_of(books: Books, sent: list[Operation]) -> dict[str, list[Transfer]]:
    by_reference = defaultdict(list)
    for row in books.transfers:
        by_reference[row.reference].append(row)
    found = {}
    for one in sent:
        parts = {ORDER: ("earn", "growth", "redeem"), RETURN: ("give_back", "claw_back", "growth")}.get(one.kind)
        names = [f"{one.reference}:{part}" for part in parts] if parts else [one.reference]
        found[one.key] = [row for name in names for row in by_reference[name]]
    return found


def _is_present(books: Books, operation: Operation, rows: list[Transfer]) -> int:
    """Return how often the operation is in the books."""
    if operation.kind == ORDER:
        return books.orders[operation.member_id, operation.order_id]
    if operation.kind == RETURN:
        return books.returns[operation.order_id, operation.reference.rpartition(":")[2]]
    return len(rows)


def _each_once(books: Books, sent: list[Operation]) -> Iterator[str]:
    """What was acknowledged is there once, what was refused is not, what nobody knows is there once at most."""
    rows_of = _rows_of(books, sent)
    for one in sent:
        rows = rows_of[one.key]
        times = _is_present(books, one, rows)
        name = f"{one.kind} {one.reference} (asked {one.attempts} times)"
        if one.answer is None:
            if times > 1:
                yield f"{name}: never acknowledged, and {times} times in the books"
        elif not one.answer.done:
            if times or rows:
                yield f"{name}: refused with {one.answer.status}, and in the books"
        elif times != 1:
            yield f"{name}: acknowledged, and {times} times in the books"
        if len({(row.wallet_id, row.kind) for row in rows}) != len(rows):
            yield f"{name}: {len(rows)} transfers, two of the same kind"
        if any(row.member_id != one.member_id for row in rows):
            yield f"{name}: posted to another member"


def _nothing_else(books: Books, shop: Shop, sent: list[Operation]) -> Iterator[str]:
    """Every row belongs to something that was asked for."""
    known = {PREPARED}.union(row.reference for rows in _rows_of(books, sent).values() for row in rows)
    strange = [row.reference for row in books.transfers if row.reference not in known]
    if strange:
        yield f"nobody asked for {strange[:5]}"
    prepared = sum(row.reference == PREPARED for row in books.transfers)
    if prepared != len(shop.members):
        yield f"{prepared} members have their prepared points, not {len(shop.members)}"


def _members_add_up(books: Books) -> Iterator[str]:
    """Each wallet's rows add up to its balance, and its lots hold what can be spent."""
    sums: Counter[tuple[UUID, int]] = Counter()
    for row in books.transfers:
        sums[row.member_id, row.wallet_id] += row.amount
        if sums[row.member_id, row.wallet_id] != row.balance_after:
            yield f"{row.reference}: {row.balance_after} after it, and the rows up to it give another sum"
    for key in sums.keys() | books.balances.keys():
        if sums[key] != books.balances.get(key, 0):
            yield f"wallet {key}: balance {books.balances.get(key)}, transfers {sums[key]}"
    for member_id, spendable, in_lots in books.lots:
        if spendable != in_lots:
            yield f"the lots of {member_id} hold {in_lots}, not {spendable}"


def _in_order(books: Books) -> Iterator[str]:
    """Each member's rows are numbered without a gap, and their time never goes back."""
    numbers: dict[UUID, list[int]] = defaultdict(list)
    times: dict[UUID, list[datetime]] = defaultdict(list)
    for member_id, seq in books.tier_changes:
        numbers[member_id].append(seq)
    for row in books.transfers:
        numbers[row.member_id].append(row.seq)
        times[row.member_id].append(row.recorded_at)
    for member_id, seqs in numbers.items():
        if sorted(seqs) != list(range(1, len(seqs) + 1)):
            yield f"the rows of {member_id} are not numbered 1 to {len(seqs)}"
        if any(later < earlier for earlier, later in pairwise(times[member_id])):
            yield f"recorded_at of {member_id} goes back"


def _as_told(books: Books, shop: Shop, sent: list[Operation]) -> Iterator[str]:
    """Balances are what the answers say, and the rows of what was carried out without anybody hearing of it."""
    rows_of = _rows_of(books, sent)
    expected: Counter[tuple[UUID, int]] = Counter({(member_id, POINTS): PREPARED_POINTS for member_id in shop.members})
    for one in sent:
        for wallet_id in (POINTS, GROWTH):
            booked = sum(row.amount for row in rows_of[one.key] if row.wallet_id == wallet_id)
            expected[one.member_id, wallet_id] += booked if one.answer is None else told(one, wallet_id)
            if one.answer is not None and booked != told(one, wallet_id):
                yield f"{one.reference}: told {told(one, wallet_id)} in wallet {wallet_id}, booked {booked}"
        if one.answer is not None and one.answer.done and one.kind in {ACCRUAL, REDEMPTION} and rows_of[one.key]:
            answer, row = one.answer.content(), rows_of[one.key][0]
            if answer["balance"] != row.balance_after:
                yield f"{one.reference}: told a balance of {answer['balance']}, booked {row.balance_after}"
    for key, amount in expected.items():
        if amount != books.balances.get(key, 0):
            yield f"wallet {key}: balance {books.balances.get(key, 0)}, told {amount}"


def _events_and_audit(books: Books, sent: list[Operation]) -> Iterator[str]:
    """Each operation in the books has one event and one line in the audit log."""
    rows_of = _rows_of(books, sent)
    for one in sent:
        event = {
            ACCRUAL: f"PointsAccrued {one.reference}",
            REDEMPTION: f"PointsRedeemed {one.reference}",
            ORDER: f"OrderPaid {one.order_id}",
            RETURN: f"OrderReturned {one.order_id} {one.reference.rpartition(':')[2]}",
        }[one.kind]
        times = _is_present(books, one, rows_of[one.key])
        if books.events[event] != times:
            yield f"{one.reference}: {times} times in the books, {books.events[event]} events"
    again = sum(one.keys - 1 for one in sent)  # under another key the answer is the first one's, and asking is logged
    if not books.carried_out <= books.audited <= books.carried_out + again:
        yield f"{books.carried_out} operations in the books, {books.audited} in the audit log, {again} other keys"


def _event_name(kind: str, reference: str | None, order_id: str | None, return_id: str | None) -> str:
    return " ".join([kind, *[part for part in (reference, order_id, return_id) if part]])
