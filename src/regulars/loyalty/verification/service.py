"""Proofs that the ledger's books are right, from the append-only rows up. Part of `regulars verify`."""

from collections.abc import AsyncIterator
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString
from uuid import UUID

from regulars.loyalty.figures.rolling import roll_up_is_right
from regulars.loyalty.finance.closing import closed_months_hold
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.privacy.service import CHECK as CLOSED_BOOKS
from regulars.loyalty.verification import sentences
from regulars.loyalty.verification.rules import (
    NOTHING_CAUSED,
    Caused,
    Change,
    Entry,
    Held,
    Joining,
    Settled,
    TierHistory,
    wrong_with_settlement,
)
from regulars.loyalty.verification.sentences import Telling, who
from regulars.loyalty.verification.store import comparing as store
from regulars.loyalty.verification.store import merges
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault

MEMBERS_AT_ONCE = 1000
NOBODY = UUID(int=0)
SETTLED_COLUMNS = 11

Question = tuple[LiteralString, Telling]  # what asks for the rows that are wrong, and what is said of each


def checks() -> list[Check]:
    """Return the ledger's checks in the order in which they run; each compares the books with themselves.

    They read in the caller's snapshot and change nothing. Problems are sentences for an operator that name members by
    id and no personal data; at most `MAX_PROBLEMS` a check. Source: every table of the ledger.
    """
    return [
        _check(mark("wallets against transfers"), store.WALLETS, (store.WALLETS_OFF, sentences.WALLET_OFF)),
        _check(mark("balances row by row"), store.TRANSFERS, (store.CHAINS_BROKEN, sentences.CHAIN_BROKEN)),
        _check(mark("lots against their uses"), store.LOTS, (store.LOTS_OFF, sentences.LOT_OFF)),
        _check(mark("lots against balances"), store.WALLETS, (store.LOTS_NOT_BALANCE, sentences.LOTS_NOT_BALANCE)),
        _check(
            mark("transfers against lots"),
            store.TRANSFERS,
            (store.TRANSFERS_WITHOUT_LOTS, sentences.TRANSFER_WITHOUT_LOTS),
        ),
        _check(
            mark("nothing used out of time"),
            store.LOT_USES,
            (store.USES_OUT_OF_TIME, sentences.USE_OUT_OF_TIME),
            (store.GIVEN_BACK_TOO_MUCH, sentences.GIVEN_BACK_TOO_MUCH),
        ),
        _check(
            mark("holds against lots"),
            store.HOLDS,
            (store.HOLDS_OFF, sentences.HOLD_OFF),
            (store.HELD_TOO_MUCH, sentences.HELD_TOO_MUCH),
            (store.DEADLINES_OFF, sentences.DEADLINE_OFF),
            (store.ENDS_WITHOUT_HOLDS, sentences.END_WITHOUT_HOLD),
        ),
        *_of_merges(),
        _check(mark("extensions of lots"), store.EXTENDED, (store.EXTENSIONS_OFF, sentences.EXTENSION_OFF)),
        _check(
            mark("adjustments as approved"),
            store.REQUESTS,
            (store.REQUESTS_OFF, sentences.REQUEST_OFF),
            (store.CORRECTED_TWICE, sentences.CORRECTED_TWICE),
            (store.ALONE_OFF, sentences.ALONE_OFF),
            (store.NOT_COUNTED, sentences.NOT_COUNTED),
        ),
        _check(
            mark("double entry, books to zero"),
            store.TRANSFERS,
            (store.SIDES_WRONG, sentences.SIDES_WRONG),
            (store.BOOKS_NOT_ZERO, sentences.BOOKS_NOT_ZERO),
        ),
        Check(mark("settlements against transfers"), _settlements),
        Check(mark("tiers recomputed"), _tiers),
        _check(mark("growth windows"), store.BOOKS, (store.WINDOWS_OFF, sentences.WINDOW_OFF)),
        _check(mark("no reference twice"), store.TRANSFERS, (store.REFERENCES_TWICE, sentences.REFERENCE_TWICE)),
        _check(mark("books in order"), store.BOOKS, (store.ORDER_OF_BOOKS, sentences.OUT_OF_ORDER)),
        _check(
            mark("decided by the version of its time"),
            store.TRANSFERS,
            (store.OF_ANOTHER_VERSION, sentences.OF_ANOTHER_VERSION),
        ),
        Check(mark("books rolled up"), roll_up_is_right),
        Check(mark("closed months"), closed_months_hold),
        CLOSED_BOOKS,
    ]


def _of_merges() -> list[Check]:
    return [
        _check(
            mark("moves between members"),
            merges.MOVED,
            (merges.MOVES_WITHOUT_PAIR, sentences.MOVE_WITHOUT_PAIR),
            (merges.MOVES_OFF, sentences.MOVE_OFF),
            (merges.MOVES_OUT_OF_TIME, sentences.MOVE_OUT_OF_TIME),
            (merges.UNDONE_NOT_EVEN, sentences.UNDONE_NOT_EVEN),
        ),
        _check(
            mark("books that are part of others"),
            merges.JOININGS,
            (merges.MERGED_NOT_EMPTY, sentences.MERGED_NOT_EMPTY),
            (merges.MERGED_OTHERWISE, sentences.MERGED_OTHERWISE),
            (merges.MERGED_BY_UNDONE, sentences.MERGED_BY_UNDONE),
            (merges.MERGED_IN_A_RING, sentences.MERGED_IN_A_RING),
            (merges.JOININGS_WITHOUT_PAIR, sentences.JOINING_WITHOUT_PAIR),
            (merges.JOININGS_OUT_OF_ORDER, sentences.JOINING_OUT_OF_ORDER),
        ),
        _check(
            mark("transfers between members"),
            merges.TRANSFERS,
            (merges.TRANSFERS_OFF, sentences.TRANSFER_OFF),
            (merges.REVERSALS_OFF, sentences.REVERSAL_OFF),
        ),
        _check(mark("facts posted elsewhere"), merges.FORWARDS, (merges.FORWARDS_OFF, sentences.FORWARD_OFF)),
    ]


def _check(name: str, count: LiteralString, *questions: Question) -> Check:
    return Check(name, partial(_compare, count, questions))


async def _compare(count: LiteralString, questions: tuple[Question, ...], tx: Transaction) -> CheckResult:
    rows_checked, problems = 0, list[Fault]()
    for wrong, telling in questions:
        rows_checked, found = await store.ask(tx, count, wrong, MAX_PROBLEMS)
        problems += [telling.of(row) for row in found]
    return CheckResult(ok=not problems, rows_checked=rows_checked, problems=problems[:MAX_PROBLEMS])


# --- settlements and tiers ----------------------------------------------------------------------------------------


async def _books(tx: Transaction) -> AsyncIterator[Rows]:
    """Give every book, some hundred at a time."""
    after = NOBODY
    while rows := await store.next_members(tx, after, MEMBERS_AT_ONCE):
        yield rows
        after = rows[-1][0]


async def _configuration(tx: Transaction) -> Configuration:
    configuration = Configuration()
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    return configuration


async def _settlements(tx: Transaction) -> CheckResult:
    """Each settlement follows from its order by the policy it names, and the books hold just what it says."""
    configuration = await _configuration(tx)
    rows_checked, problems = 0, list[Fault]()
    async for books in _books(tx):
        for row in await store.settlements_and_transfers(tx, [book[0] for book in books]):
            rows_checked += 1
            member_id, order_id, *columns = row
            settled, caused = columns[:SETTLED_COLUMNS], columns[SETTLED_COLUMNS:]
            if settled[0] is None:
                problems.append(Fault(sentences.NOT_SETTLED, {"member": who(member_id), "order": order_id}))
                continue
            wrong = wrong_with_settlement(
                configuration.policy_of_version(settled[5]), Settled(*settled), _caused(caused)
            )
            if wrong:
                values = {"member": who(member_id), "order": order_id, "wrong": wrong}
                problems.append(Fault(sentences.SETTLEMENT_WRONG, values))
        if len(problems) >= MAX_PROBLEMS:
            break
    return CheckResult(ok=not problems, rows_checked=rows_checked, problems=problems[:MAX_PROBLEMS])


def _caused(columns: list[Any]) -> Caused:
    given = zip(columns, NOTHING_CAUSED, strict=True)
    return Caused._make([found if found is not None else nothing for found, nothing in given])


async def _tiers(tx: Transaction) -> CheckResult:
    """Each tier follows from the policies and the history of the metric alone (T1)."""
    configuration = await _configuration(tx)
    booked = await store.booked_version(tx)
    rows_checked, problems = 0, list[Fault]()
    async for books in _books(tx):
        entries, changes, joinings = await store.tier_history(tx, [book[0] for book in books])
        entries_of = {member: list(rows) for member, rows in groupby(entries, key=itemgetter(0))}
        changes_of = {member: list(rows) for member, rows in groupby(changes, key=itemgetter(0))}
        joinings_of = {member: list(rows) for member, rows in groupby(joinings, key=itemgetter(0))}
        for member_id, time_zone, *columns in books:
            rows_checked += 1
            *held, policy_seen = columns
            history = TierHistory(
                configuration.policy_at, configuration.policy_of_version, time_zone, configuration.turns
            )
            stored = [Change(*row[2:]) for row in changes_of.get(member_id, [])]
            history.follow(
                [Entry(*row[1:]) for row in entries_of.get(member_id, [])],
                Held(*held),
                stored,
                max(policy_seen, booked),
                [Joining(*row[1:]) for row in joinings_of.get(member_id, [])],
            )
            problems += _wrong_tiers(who(member_id), history, Held(*held), stored)
        if len(problems) >= MAX_PROBLEMS:
            break
    return CheckResult(ok=not problems, rows_checked=rows_checked, problems=problems[:MAX_PROBLEMS])


def _wrong_tiers(member: str, history: TierHistory, held: Held, stored: list[Change]) -> list[Fault]:
    wrong = [
        Fault(sentences.SETTLED_AT_ANOTHER_TIER, {"member": member, "order": order})
        for order in history.orders_at_another_tier
    ]
    for position in range(max(len(stored), len(history.changes))):
        found = stored[position] if position < len(stored) else None
        right = history.changes[position] if position < len(history.changes) else None
        if found != right:
            return [*wrong, sentences.other_change(member, position + 1, found, right)]
    if held != history.held():
        wrong.append(sentences.other_tier_held(member, held, history.held()))
    return wrong
