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
from regulars.loyalty.verification import store
from regulars.loyalty.verification.rules import (
    NOTHING_CAUSED,
    Caused,
    Change,
    Entry,
    Held,
    Settled,
    TierHistory,
    wrong_with_settlement,
)
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.ids import public_id
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult

MEMBERS_AT_ONCE = 1000
NOBODY = UUID(int=0)
SETTLED_COLUMNS = 11

Question = tuple[LiteralString, str]  # what asks for the rows that are wrong, and the sentence that each row fills

WALLET_OFF = "{0}, wallet {1}: the stored balance is {2} (debt {4}), its transfers add up to {3} (debt {5})."
CHAIN_BROKEN = (
    "{0}, transfer {1}, wallet {2}: says the balance after it is {3}; the transfers so far give {4} (debt {5})."
)
LOT_OFF = "{0}, lot {1}: {3} of {2} are said to be left; its uses add up to {4}."
LOTS_NOT_BALANCE = "{0}, wallet {1}: {2} are left in lots and {3} are owed, the balance is {4}."
TRANSFER_WITHOUT_LOTS = (
    "{0}, transfer {1} ({2}): moves {3}, but its lot holds {4}, its uses add up to {5} and debt changes by {6}."
)
USE_OUT_OF_TIME = "{0}, transfer {1} ({2}) of {4}: could not use lot {3}, which is spendable from {5} until {6}."
GIVEN_BACK_TOO_MUCH = "{0}, transfer {1}: took {4} from lot {2}, and {3} were given back."
REQUEST_OFF = "{0}, {1}: {2} were asked for ({3}), {4} were posted under it."
HOLD_OFF = "{0}, hold {1} ({4}): asked for {2} and keeps {3} of lots; {5} were posted, {6} were used of them."
HELD_TOO_MUCH = "{0}, lot {1}: holds keep {3}, and {2} are left."
DEADLINE_OFF = "{0}: the first hold to time out is said to be over at {1}; the holds say {2}."
END_WITHOUT_HOLD = "{0}, hold {1}: has an end, and was never placed."
SIDES_WRONG = (
    "{0}, transfer {1} ({2}): debits account {3} and credits {4}; one side must be the member's wallet, "
    "the other the programme's account for this kind."
)
BOOKS_NOT_ZERO = "Wallet {0}: members hold {1}, the programme's accounts {2}; they must cancel out."
WINDOW_OFF = "{0}: the window at {1} is said to hold {2} since {4}; its transfers add up to {3} since {5}."
REFERENCE_TWICE = "{0}: the reference “{1}” stands on {2} transfers."
OUT_OF_ORDER = "{0}: {2} entries up to number {3}, {4} of them out of order; the book's next number is {1}."


def checks() -> list[Check]:
    """Return the ledger's checks in the order in which they run; each compares the books with themselves.

    They read in the caller's snapshot and change nothing. Problems are sentences for an operator that name members by
    id and no personal data; at most `MAX_PROBLEMS` a check. Source: every table of the ledger.
    """
    return [
        _check(mark("wallets against transfers"), store.WALLETS, (store.WALLETS_OFF, WALLET_OFF)),
        _check(mark("balances row by row"), store.TRANSFERS, (store.CHAINS_BROKEN, CHAIN_BROKEN)),
        _check(mark("lots against their uses"), store.LOTS, (store.LOTS_OFF, LOT_OFF)),
        _check(mark("lots against balances"), store.WALLETS, (store.LOTS_NOT_BALANCE, LOTS_NOT_BALANCE)),
        _check(mark("transfers against lots"), store.TRANSFERS, (store.TRANSFERS_WITHOUT_LOTS, TRANSFER_WITHOUT_LOTS)),
        _check(
            mark("nothing used out of time"),
            store.LOT_USES,
            (store.USES_OUT_OF_TIME, USE_OUT_OF_TIME),
            (store.GIVEN_BACK_TOO_MUCH, GIVEN_BACK_TOO_MUCH),
        ),
        _check(
            mark("holds against lots"),
            store.HOLDS,
            (store.HOLDS_OFF, HOLD_OFF),
            (store.HELD_TOO_MUCH, HELD_TOO_MUCH),
            (store.DEADLINES_OFF, DEADLINE_OFF),
            (store.ENDS_WITHOUT_HOLDS, END_WITHOUT_HOLD),
        ),
        _check(mark("adjustments as approved"), store.REQUESTS, (store.REQUESTS_OFF, REQUEST_OFF)),
        _check(
            mark("double entry, books to zero"),
            store.TRANSFERS,
            (store.SIDES_WRONG, SIDES_WRONG),
            (store.BOOKS_NOT_ZERO, BOOKS_NOT_ZERO),
        ),
        Check(mark("settlements against transfers"), _settlements),
        Check(mark("tiers recomputed"), _tiers),
        _check(mark("growth windows"), store.BOOKS, (store.WINDOWS_OFF, WINDOW_OFF)),
        _check(mark("no reference twice"), store.TRANSFERS, (store.REFERENCES_TWICE, REFERENCE_TWICE)),
        _check(mark("books in order"), store.BOOKS, (store.ORDER_OF_BOOKS, OUT_OF_ORDER)),
        Check(mark("books rolled up"), roll_up_is_right),
        Check(mark("closed months"), closed_months_hold),
        CLOSED_BOOKS,
    ]


def _check(name: str, count: LiteralString, *questions: Question) -> Check:
    return Check(name, partial(_compare, count, questions))


async def _compare(count: LiteralString, questions: tuple[Question, ...], tx: Transaction) -> CheckResult:
    rows_checked, problems = 0, []
    for wrong, sentence in questions:
        rows_checked, found = await store.ask(tx, count, wrong, MAX_PROBLEMS)
        problems += [sentence.format(*[_shown_as(at, it) for at, it in enumerate(row)]) for row in found]
    return CheckResult(ok=not problems, rows_checked=rows_checked, problems=problems[:MAX_PROBLEMS])


def _shown_as(position: int, value: object) -> object:
    """Name members as callers know them; a row begins with whose it is."""
    return _who(value) if isinstance(value, UUID) and not position else value


def _who(member_id: UUID) -> str:
    return public_id("mbr", member_id)


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
    rows_checked, problems = 0, []
    async for books in _books(tx):
        for row in await store.settlements_and_transfers(tx, [book[0] for book in books]):
            rows_checked += 1
            member_id, order_id, *columns = row
            settled, caused = columns[:SETTLED_COLUMNS], columns[SETTLED_COLUMNS:]
            if settled[0] is None:
                problems.append(f"{_who(member_id)}: transfers name order {order_id}, which is not settled.")
                continue
            wrong = wrong_with_settlement(
                configuration.policy_of_version(settled[5]), Settled(*settled), _caused(caused)
            )
            if wrong:
                problems.append(f"{_who(member_id)}, order {order_id}: {wrong}.")
        if len(problems) >= MAX_PROBLEMS:
            break
    return CheckResult(ok=not problems, rows_checked=rows_checked, problems=problems[:MAX_PROBLEMS])


def _caused(columns: list[Any]) -> Caused:
    given = zip(columns, NOTHING_CAUSED, strict=True)
    return Caused._make([found if found is not None else nothing for found, nothing in given])


async def _tiers(tx: Transaction) -> CheckResult:
    """Each tier follows from the policies and the history of the metric alone (T1)."""
    configuration = await _configuration(tx)
    rows_checked, problems = 0, []
    async for books in _books(tx):
        entries, changes = await store.tier_history(tx, [book[0] for book in books])
        entries_of = {member: list(rows) for member, rows in groupby(entries, key=itemgetter(0))}
        changes_of = {member: list(rows) for member, rows in groupby(changes, key=itemgetter(0))}
        for member_id, time_zone, *columns in books:
            rows_checked += 1
            *held, policy_seen = columns
            history = TierHistory(
                configuration.policy_at, configuration.policy_of_version, time_zone, configuration.review_changes
            )
            stored = [Change(*row[2:]) for row in changes_of.get(member_id, [])]
            history.follow([Entry(*row[1:]) for row in entries_of.get(member_id, [])], Held(*held), stored, policy_seen)
            problems += [f"{_who(member_id)}: {wrong}" for wrong in _wrong_tiers(history, Held(*held), stored)]
        if len(problems) >= MAX_PROBLEMS:
            break
    return CheckResult(ok=not problems, rows_checked=rows_checked, problems=problems[:MAX_PROBLEMS])


def _wrong_tiers(history: TierHistory, held: Held, stored: list[Change]) -> list[str]:
    wrong = [f"order {order} was settled at another tier than was held." for order in history.orders_at_another_tier]
    for position in range(max(len(stored), len(history.changes))):
        found = stored[position] if position < len(stored) else None
        right = history.changes[position] if position < len(history.changes) else None
        if found != right:
            return [*wrong, f"tier change {position + 1} is {_shown(found)}; the history gives {_shown(right)}."]
    if held != history.held():
        wrong.append(f"the book holds {_shown(held)}; the history gives {_shown(history.held())}.")
    return wrong


def _shown(row: Change | Held | None) -> str:
    return "none" if row is None else ", ".join([f"{name} {value}" for name, value in row._asdict().items()])
