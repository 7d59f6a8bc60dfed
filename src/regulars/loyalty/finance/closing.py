"""Closing months: in order, only past ones, once and for good; and proving afterwards that nothing changed.

A close has two steps. The first one, committed by itself, says that the month is over for bookings: whoever posts reads
this with the policies, and books into the month that is open. The second waits for the transactions that may have read
the programme before that (see `store/closing.py`), then adds the month up, compares it with the wallets, and keeps its
figures beside a digest of each of its transfers.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal, NamedTuple

from msgspec import Struct, structs

from regulars.loyalty.finance import digests, months, rules
from regulars.loyalty.finance.contracts import Parts
from regulars.loyalty.finance.errors import (
    BooksDoNotBalance,
    CloseUnderWay,
    MonthClosed,
    MonthNotClosed,
    MonthNotNext,
    MonthNotOver,
    NothingToClose,
)
from regulars.loyalty.finance.estimates import shares_now
from regulars.loyalty.finance.rules import Kind
from regulars.loyalty.finance.service import INSTANT, Place, parts_at, value_at
from regulars.loyalty.finance.store import closing as store
from regulars.loyalty.finance.store.closing import CloseRow, Frozen, OfMonth
from regulars.loyalty.policy.service import Configuration
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.clock import wall_now
from regulars.platform.db.holders import still_there
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.markets import service as markets
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, CheckResult, Fault

CLOSED_ACTION: Final = "close_month"
OTHER_TRANSFERS: Final = mark("{month}: transfers of members whose id ends in {part} are not those that were closed.")
OTHER_DIGEST: Final = mark("{month}: the digest does not follow from the months before and the transfers.")
OTHER_FIGURES: Final = mark("{month}: the figures that were kept are not what the transfers give.")
OTHER_COHORTS: Final = mark("{month}: the cohorts that were kept are not what lots and their uses give.")
DOES_NOT_ADD_UP: Final = mark("{month}: opening and movements do not give the closing that was kept.")
_NO_PARTS: Final = Parts(spendable=0, pending=0, run_out=0)


class MonthClose(Struct, frozen=True, kw_only=True):
    """A month that is closed or being closed: who asked, why, when (by the programme clock), and what it held.

    `digest` (SHA-256, hexadecimal) stands on each transfer of the month and on the digest of the month before.
    `waits_for` is how many transactions that began before must end first.
    """

    month: str
    state: Literal["closing", "closed"]
    asked_by: str
    reason: str
    asked_at: datetime
    waits_for: int | None
    closed_at: datetime | None
    transfers: int | None
    members: int | None
    digest: str | None


class Proof(Struct, frozen=True, kw_only=True):
    """What recomputing a closed month from its transfers found; no problems: it is what was closed."""

    month: str
    holds: bool
    transfers: int
    digest: str
    recomputed: str
    problems: list[str]


class Ends(NamedTuple):
    """Where a month begins (None: with the books) and ends in a market."""

    time_zone: str
    since: datetime | None
    until: datetime


async def list_closes(tx: Transaction) -> list[MonthClose]:
    """Return every month that is closed or being closed, the latest first. Raises nothing."""
    return [_shown(row) for row in reversed(await store.read_closes(tx))]


async def read_close(tx: Transaction, month: date) -> MonthClose:
    """Return one month's close. Raises MonthNotClosed (404)."""
    for row in await store.read_closes(tx):
        if row.month == month:
            return _shown(row)
    raise MonthNotClosed(month=months.name_of(month))


async def begin_close(tx: Transaction, month: date, *, by: str, reason: str) -> MonthClose:
    """Let nothing be booked into a month any more, from this transaction's commit on; `go_on` does the rest.

    Raises MonthClosed, CloseUnderWay, NothingToClose, MonthNotNext, MonthNotOver (409).
    """
    await store.lock_closes(tx)
    closes = await store.read_closes(tx)
    if any(row.month == month for row in closes):
        raise MonthClosed(pointer="/month", month=months.name_of(month))
    if closes and closes[-1].closed_at is None:
        raise CloseUnderWay(pointer="/month", month=months.name_of(closes[-1].month))
    expected = await _next(tx, closes)
    if month != expected:
        raise MonthNotNext(pointer="/month", month=months.name_of(month), expected=months.name_of(expected))
    before = {row[0]: row[3] for row in await store.read_bounds(tx, closes[-1].month)} if closes else {}
    bounds: list[tuple[str, str, datetime | None, datetime]] = []
    for market in await markets.list_markets(tx):
        until = months.ends(month, market.time_zone)
        since = before.get(market.code, months.begins(month, market.time_zone)) if closes else None
        bounds.append((market.code, market.time_zone, since, until))
    over = max([until for _, _, _, until in bounds])
    if over > tx.now:
        raise MonthNotOver(pointer="/month", month=months.name_of(month), over_at=over.isoformat())
    store.insert_close(tx, month, by, reason)
    store.insert_bounds(tx, month, bounds)
    await tx.flush()
    return await read_close(tx, month)


class NextClose(NamedTuple):
    """The month that is to be closed next, and the instant (UTC) at which it is over in every market."""

    month: date
    over_at: datetime


async def next_close(tx: Transaction) -> NextClose | None:
    """Return which month comes next; None while one is being closed, and before anything is booked. Raises nothing."""
    closes = await store.read_closes(tx)
    if closes and closes[-1].closed_at is None:
        return None
    try:
        month = await _next(tx, closes)
    except NothingToClose:
        return None
    return NextClose(month, max([months.ends(month, one.time_zone) for one in await markets.list_markets(tx)]))


async def _next(tx: Transaction, closes: list[CloseRow]) -> date:
    """Return the month that is to be closed next. Raises NothingToClose."""
    if closes:
        return months.next_month(closes[-1].month)
    first = await store.first_day(tx)
    if first is None:
        raise NothingToClose(pointer="/month")
    return first.replace(day=1)


async def go_on(tx: Transaction, configuration: Configuration) -> MonthClose | None:
    """Bring the month that is being closed to its end; returns it as it stands then, None if there is none.

    It is still `closing` where transactions that began before it are under way: call again. To be called in a
    transaction of its own. Raises BooksDoNotBalance (409).
    """
    row = await store.take_up(tx)
    if row is None:
        return None
    awaited = await (store.holders(tx) if row.awaits is None else still_there(tx, row.awaits))
    if awaited:
        store.await_them(tx, row.month, awaited)
    else:
        await configuration.follow(tx, (await tx.read(configuration.question))[0])
        await _finish(tx, configuration, row)
    await tx.flush()
    return await read_close(tx, row.month)


async def _finish(tx: Transaction, configuration: Configuration, row: CloseRow) -> None:
    ends = await _ends(tx, row.month)
    of_month = await store.read_month(tx, row.month)
    closes = [one for one in await store.read_closes(tx) if one.month < row.month]
    opening = await store.read_frozen(tx, closes[-1].month) if closes else Frozen([], [], [])
    made_of = await parts_at(tx, {market: each.until - INSTANT for market, each in ends.items()})
    shares = await shares_now(tx, with_month=row.month, rows=of_month.cohorts)
    balances = [
        (*balance, shares.get((balance[0], balance[1])))
        for balance in _balances(configuration, ends, opening.balances, of_month.figures, made_of)
    ]
    _compare(configuration, balances, await store.read_rewound(tx, row.month), row.month)
    store.freeze(tx, row.month, Frozen(of_month.figures, balances, of_month.cohorts))
    parts = digests.parts_of(of_month.digests)
    digest = digests.of_month(closes[-1].digest if closes else None, row.month, parts)
    transfers, members = _counts(of_month)
    store.finish(tx, row.month, (tx.now, wall_now(), transfers, members, parts, digest))
    tx.audit(
        AuditEntry(
            actor=row.asked_by,
            action=CLOSED_ACTION,
            subject=months.name_of(row.month),
            reason=row.reason,
            detail=f"{transfers} transfers, digest {digest.hex()}",
        )
    )


async def _ends(tx: Transaction, month: date) -> dict[str, Ends]:
    return {market: Ends(*row) for market, *row in await store.read_bounds(tx, month)}


def _counts(of_month: OfMonth) -> tuple[int, int]:
    return sum([row[3] for row in of_month.digests]), sum([row[2] for row in of_month.digests])


def _balances(
    configuration: Configuration,
    ends: Mapping[str, Ends],
    opening: Rows,
    figures: Rows,
    made_of: Mapping[Place, Parts],
) -> Rows:
    """Return the rows of `finance_balances` but for breakage: opening and movements of every wallet and market."""
    held = {(row[0], row[1]): rules.held(row[2], row[3]) for row in opening}
    for wallet_id, market, _, kind, transfers, units, debt_change in figures:
        place = (wallet_id, market)
        held[place] = rules.after(held.get(place, rules.held(0, 0)), [Kind(kind, transfers, units, debt_change)])
    rows: Rows = []
    for wallet in configuration.wallets.values():
        for market, each in ends.items():
            place = (wallet.wallet_id, market)
            has, of = held.get(place, rules.held(0, 0)), made_of.get(place, _NO_PARTS)
            value = value_at(configuration, wallet, each.until - INSTANT)
            rows.append((*place, has.balance, has.debt, of.spendable, of.pending, of.run_out, of.held, value))
    return rows


def _compare(configuration: Configuration, balances: Rows, rewound: Rows, month: date) -> None:
    """Compare what the movements give with the members' wallets and lots. Raises BooksDoNotBalance."""
    wallets = {(row[0], row[1]): (row[2], row[3]) for row in rewound}
    spendable = {wallet.wallet_id for wallet in configuration.wallets.values() if wallet.spendable}
    for wallet_id, market, balance, debt, *parts, _, _ in balances:
        of_wallets = wallets.get((wallet_id, market), (0, 0))
        of_lots = sum(parts) if wallet_id in spendable else balance + debt
        if of_wallets != (balance, debt) or of_lots != balance + debt:
            raise BooksDoNotBalance(
                month=months.name_of(month),
                wallet=configuration.wallet_codes[wallet_id],
                market=market,
                movements=balance + debt,
                wallets=sum(of_wallets),
                lots=of_lots,
            )


# --- proof --------------------------------------------------------------------------------------------------------


async def prove(tx: Transaction, month: date) -> Proof:
    """Recompute a closed month from its transfers and compare it with what was kept. Raises MonthNotClosed (404)."""
    proof, faults = await proven(tx, month)
    return structs.replace(proof, problems=[str(one) for one in faults])


async def proven(tx: Transaction, month: date) -> tuple[Proof, list[Fault]]:
    """Return a proof and what is wrong, to be said in any language. Raises MonthNotClosed (404)."""
    closes = await store.read_closes(tx)
    found = next((row for row in closes if row.month == month and row.closed_at is not None), None)
    if found is None:
        raise MonthNotClosed(month=months.name_of(month))
    before = [row for row in closes if row.month < month]
    of_month, frozen = await store.read_month(tx, month), await store.read_frozen(tx, month)
    opening = await store.read_frozen(tx, before[-1].month) if before else Frozen([], [], [])
    parts = digests.parts_of(of_month.digests)
    recomputed = digests.of_month(before[-1].digest if before else None, month, parts)
    name, kept = months.name_of(month), found.digest or b""
    problems = [
        Fault(OTHER_TRANSFERS, {"month": name, "part": f"{part:02x}"})
        for part in digests.different(found.parts or b"", parts)
    ]
    if kept != recomputed and not problems:
        problems.append(Fault(OTHER_DIGEST, {"month": name}))
    if frozen.figures != of_month.figures:
        problems.append(Fault(OTHER_FIGURES, {"month": name}))
    if frozen.cohorts != of_month.cohorts:
        problems.append(Fault(OTHER_COHORTS, {"month": name}))
    if not _adds_up(opening.balances, frozen):
        problems.append(Fault(DOES_NOT_ADD_UP, {"month": name}))
    transfers, _ = _counts(of_month)
    proof = Proof(
        month=name,
        holds=not problems,
        transfers=transfers,
        digest=kept.hex(),
        recomputed=recomputed.hex(),
        problems=[],
    )
    return proof, problems[:MAX_PROBLEMS]


def _adds_up(opening: Rows, frozen: Frozen) -> bool:
    held = {(row[0], row[1]): (row[2], row[3]) for row in opening}
    for wallet_id, market, _, _, _, units, debt_change in frozen.figures:
        balance, debt = held.get((wallet_id, market), (0, 0))
        held[wallet_id, market] = (balance + units, debt + debt_change)
    closing = {(row[0], row[1]): (row[2], row[3]) for row in frozen.balances}
    return all(closing.get(place, (0, 0)) == has for place, has in held.items()) and all(
        held.get(place, (0, 0)) == has for place, has in closing.items()
    )


async def closed_months_hold(tx: Transaction) -> CheckResult:
    """Each closed month is what its transfers give, and follows from the one before."""
    rows_checked, problems = 0, list[Fault]()
    for row in await store.read_closes(tx):
        if row.closed_at is not None:
            proof, faults = await proven(tx, row.month)
            rows_checked += proof.transfers
            problems += faults
    return CheckResult(ok=not problems, rows_checked=rows_checked, problems=problems[:MAX_PROBLEMS])


def _shown(row: CloseRow) -> MonthClose:
    return MonthClose(
        month=months.name_of(row.month),
        state="closing" if row.closed_at is None else "closed",
        asked_by=row.asked_by,
        reason=row.reason,
        asked_at=row.asked_at,
        waits_for=None if row.closed_at is not None or row.awaits is None else len(row.awaits),
        closed_at=row.closed_at,
        transfers=row.transfers,
        members=row.members,
        digest=None if row.digest is None else row.digest.hex(),
    )
