"""Reading the books: balances, lots, statements and tiers, now and as of any past instant."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from regulars.loyalty.contracts import (
    ExpiringUnits,
    LotMove,
    LotStanding,
    MemberStanding,
    PendingUnits,
    StatementLine,
    StatementPage,
    TierChange,
    TierStatus,
    WalletBalance,
)
from regulars.loyalty.errors import UnknownMember
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.books import open_books
from regulars.loyalty.ledger.needs import Needs
from regulars.loyalty.merging.naming import lots_told, reference_told, tier_changes_told
from regulars.loyalty.policy.contracts import AnniversaryReview, Policy
from regulars.loyalty.policy.errors import UnknownWallet
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.statement import rules, store
from regulars.loyalty.statement.reasons import is_undoing, reason_of, reason_of_tier
from regulars.loyalty.tiers.rules import code_of, held, missing_for_next
from regulars.members import api as members
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import public_id
from regulars.platform.texts import of_one

LINES_AT_MOST = 200
NEWEST = 2**62


async def balances(tx: Transaction, member_id: UUID, as_of: datetime | None = None) -> list[WalletBalance]:
    """Return every wallet of a member, in units of each, now or as of a past instant (UTC).

    As of T is what was recorded by T; what is spendable is decided at T itself, whatever jobs had run. Raises
    UnknownMember (404). Source: member_wallets, lots, holds; for the past ledger_transfers, lots, lot_uses, holds.
    """
    found = (await balances_of(tx, [member_id], as_of)).get(member_id)
    if found is None:
        await _require_member(tx, member_id)
        found = [rules.balance_at(code, 0, 0, (), tx.now) for code in await store.read_wallet_codes(tx)]
    return found


async def balances_of(
    tx: Transaction, member_ids: Sequence[UUID], as_of: datetime | None = None
) -> dict[UUID, list[WalletBalance]]:
    """Return the wallets of many members as `balances` does, in one round trip; without books they are left out.

    Raises nothing. Source: as `balances`.
    """
    ids = sorted(set(member_ids))
    if as_of is None:
        rows = await store.read_balances(tx, ids)
    else:
        rows = await store.read_balances_as_of(tx, ids, as_of)
    wallets: dict[tuple[UUID, str], tuple[int, int, datetime, list[rules.OpenLot]]] = {}
    for member_id, wallet, balance, debt, units, available_at, expires_at, recorded_at, _, deadline in rows:
        known = wallets.get((member_id, wallet))
        if known is None:
            at = as_of or max(tx.now, recorded_at or tx.now)  # the books may be a moment ahead of this process
            known = wallets[member_id, wallet] = (balance, debt, at, [])
        if units is not None:
            known[3].append(rules.OpenLot(units, available_at, expires_at, deadline))
    found: dict[UUID, list[WalletBalance]] = {}
    for (member_id, wallet), (balance, debt, at, lots_) in wallets.items():
        found.setdefault(member_id, []).append(rules.balance_at(wallet, balance, debt, lots_, at))
    return found


async def balances_or_refusals(tx: Transaction, member_ids: Sequence[UUID]) -> list[list[WalletBalance] | DomainError]:
    """Return the wallets of each member asked for, in order, or UnknownMember in their place. Source: as `balances`.

    An id that means another member by a merge gives that one's.
    """
    told = members.ask_merged(tx, member_ids)
    found = await balances_of(tx, member_ids)
    if merged := await told():
        asked = list(dict.fromkeys([merged.get(member_id, member_id) for member_id in member_ids]))
        answers = dict(zip(asked, await balances_or_refusals(tx, asked), strict=True))
        return [answers[merged.get(member_id, member_id)] for member_id in member_ids]
    others = {member_id for member_id in member_ids if member_id not in found}
    known = await members.known_members(tx, sorted(others)) if others else {}
    codes = await store.read_wallet_codes(tx) if known else []
    empty = [rules.balance_at(code, 0, 0, (), tx.now) for code in codes]
    return [found.get(member_id) or (empty if member_id in known else _unknown(member_id)) for member_id in member_ids]


async def lots(
    tx: Transaction, member_id: UUID, *, spent: bool = False, after: int | None = None, limit: int | None = None
) -> list[LotStanding]:
    """Return a member's lots in the order in which they are spent; `spent` includes those with nothing left.

    They begin behind the lot `after`, at most `limit` of them. Amounts are units of each lot's wallet, instants UTC.
    Raises UnknownMember (404). Source: lots.
    """
    rows = await store.read_lots(tx, member_id, spent=spent, after=after, limit=limit)
    if not rows:
        await _require_member(tx, member_id)
    orders = await lots_told(tx, member_id, [(row[0], row[7], row[9]) for row in rows])
    return [_lot_of(row, orders[row[0]], tx.now) for row in rows]


async def lots_by_number(tx: Transaction, member_id: UUID, lot_nos: Sequence[int]) -> list[LotStanding]:
    """Return some of a member's lots, also with nothing left; those that are not there are left out.

    Amounts are units of each lot's wallet, instants UTC. Raises nothing. Source: lots.
    """
    rows = await store.read_these_lots(tx, member_id, lot_nos)
    orders = await lots_told(tx, member_id, [(row[0], row[7], row[9]) for row in rows])
    return [_lot_of(row, orders[row[0]], tx.now) for row in rows]


async def lot(tx: Transaction, member_id: UUID, lot_no: int) -> LotStanding | None:
    """Return one of a member's lots, also with nothing left; None for one that is not there.

    Amounts are units of its wallet, instants UTC. Raises nothing. Source: lots.
    """
    row = await store.read_lot(tx, member_id, lot_no)
    if row is None:
        return None
    return _lot_of(row, (await lots_told(tx, member_id, [(row[0], row[7], row[9])]))[row[0]], tx.now)


def _lot_of(row: tuple[Any, ...], order_id: str | None, now: datetime) -> LotStanding:
    lot_no, wallet, amount, remaining, earned_at, available_at, expires_at, _, held, _ = row
    return LotStanding(
        lot_no=lot_no,
        wallet=wallet,
        amount=amount,
        remaining=remaining,
        state=rules.state_of(rules.OpenLot(remaining, available_at, expires_at), now, held),
        earned_at=earned_at,
        available_at=available_at,
        expires_at=expires_at,
        order_id=order_id,
        held=held,
    )


async def expiries(tx: Transaction, member_id: UUID, wallet: str) -> tuple[PendingUnits, ...]:
    """Return what of a wallet, pending units included, runs out when unless it is spent; the soonest first.

    What is held is left out: it cannot be spent, and does not run out before its hold ends. Amounts are units of the
    wallet, instants UTC. Raises nothing; nothing for who is no member. Source: lots, holds.
    """
    rows = await store.read_expiries(tx, member_id, wallet, tx.now)
    return tuple([PendingUnits(amount=amount, at=at) for at, amount in rows])


async def statement(
    tx: Transaction,
    member_id: UUID,
    *,
    before: int | None = None,
    limit: int = 50,
    wallet: str | None = None,
    language: str = "en",
) -> StatementPage:
    """Return a page of a member's transfers, newest first, each with its reason in `language` (en, zh).

    `before` continues after an earlier page's `next_before`; at most 200 lines. Raises UnknownMember (404),
    UnknownWallet (422). Source: ledger_transfers, lot_uses.
    """
    limit = max(1, min(limit, LINES_AT_MOST))
    rows = await store.read_statement(tx, member_id, wallet, NEWEST if before is None else before, limit + 1)
    if not rows:
        await require_wallet(tx, member_id, wallet)
    lines = [line_of(list(group), language) for _, group in groupby(rows, key=lambda row: row[0])]
    more = len(lines) > limit
    return StatementPage(lines=tuple(lines[:limit]), next_before=lines[limit - 1].seq if more else None)


async def require_wallet(tx: Transaction, member_id: UUID, wallet: str | None) -> None:
    """Raise UnknownMember (404) or UnknownWallet (422) for whom, or what, there are no books of."""
    await _require_member(tx, member_id)
    codes = await store.read_wallet_codes(tx)
    if wallet is not None and wallet not in codes:
        raise UnknownWallet(pointer="/query/wallet", wallet=wallet, wallets=", ".join(codes))


def line_of(rows: Rows, language: str) -> StatementLine:
    """Return one transfer, given a row for each of its uses of lots."""
    seq, wallet, kind, amount, balance, debt_change, order_id, reference, effective, recorded, written = rows[0][:11]
    version, basis, _, _, time_zone = rows[0][11:16]
    return StatementLine(
        seq=seq,
        wallet=wallet,
        kind=kind,
        amount=amount,
        balance=balance,
        debt_change=debt_change,
        order_id=order_id,
        reference=reference_told(reference),
        effective_at=effective,
        recorded_at=recorded,
        written_at=written,
        policy_version=version,
        lots=tuple([LotMove(lot_no=row[13], amount=row[14]) for row in rows if row[13] is not None]),
        reason=of_one(
            reason_of(
                language,
                kind=kind,
                wallet=wallet,
                amount=amount,
                debt_change=debt_change,
                order_id=order_id,
                reference=reference,
                effective_at=effective,
                basis=basis,
                time_zone=time_zone,
            ),
            language,
        ),
    )


# --- tiers --------------------------------------------------------------------------------------------------------


async def tier_status(
    tx: Transaction,
    configuration: Configuration,
    member_id: UUID,
    as_of: datetime | None = None,
    language: str = "en",
) -> TierStatus:
    """Return a member's tier now or as of a past instant: why it is held, what is missing for the next, what is ahead.

    Reviews and versions that time has decided by then count although no job has booked them; nothing is written. The
    metric is in units of the qualifying wallet, instants are UTC, `reason` is in `language` (en, zh). Raises
    UnknownMember (404), NoActivePolicy (409). Source: member_books, tier_changes, ledger_transfers.
    """
    at = as_of or tx.now
    looking = await _look(tx, configuration, member_id, at)
    policy = configuration.policy_at(at)
    row: tuple[Any, ...] | None = None
    if as_of is None or looking.awaits(at):
        at = looking.begin(at)
        metric = looking.growth_at(at)
        row = looking.journal.tier_changes[-1][2:] if looking.journal.tier_changes else None
    else:
        metric = await store.read_metric(tx, member_id, at - timedelta(days=policy.tier.window_days), at)
    if row is None:
        row = next(iter(await tier_changes_told(tx, member_id, await store.read_tier_change(tx, member_id, at))), None)
    change = _tier_change(configuration, row) if row is not None else None
    rank = held(policy.tier, row[1]) if row is not None else 0
    following = missing_for_next(policy.tier, rank, metric)
    present = as_of is None
    return TierStatus(
        tier=code_of(policy.tier, rank),
        rank=rank,
        since=_since(change, rank),
        metric=metric,
        window_days=policy.tier.window_days,
        policy_version=policy.version,
        next_tier=following[0] if following else None,
        missing=following[1] if following else None,
        review_at=looking.review_at if present else None,
        in_grace=looking.in_grace if present else False,
        projected_tier=await _projected_tier(tx, configuration, looking, policy, rank) if present else None,
        why=change,
        reason=reason_of_tier(
            language,
            change,
            policy.tier if change is None else configuration.policy_of_version(change.policy_version).tier,
            looking.time_zone,
        ),
    )


def _since(change: TierChange | None, rank: int) -> datetime | None:
    """Return since when a tier is held; None for the first, which everybody holds from the beginning.

    Who holds that again as a merge is undone never left it, unless an earlier day is told.
    """
    if change is None or (is_undoing(change) and rank == 0 and change.effective_at == change.recorded_at):
        return None
    return change.effective_at


async def _look(tx: Transaction, configuration: Configuration, member_id: UUID, until: datetime) -> Book:
    """Open a member's book for looking: what is decided on it is never written."""
    books = await open_books(tx, configuration, Needs(until=until, members={member_id}), lock=False)
    return books.book(member_id)


async def _projected_tier(tx: Transaction, configuration: Configuration, book: Book, policy: Policy, rank: int) -> str:
    """Return the tier after the next review (and the grace it may open) if nothing more is bought."""
    if book.review_at is None:
        return code_of(policy.tier, rank)
    review = policy.tier.review
    grace = timedelta(days=review.grace_days) if isinstance(review, AnniversaryReview) else timedelta()
    ahead = await _look(tx, configuration, book.member_id, book.review_at + grace)
    ahead.begin(book.review_at)
    if ahead.in_grace and ahead.review_at is not None:
        ahead.begin(ahead.review_at)
    return code_of(policy.tier, ahead.tier)


def _tier_change(configuration: Configuration, row: tuple[Any, ...]) -> TierChange:
    before, after, cause, reference, metric, version, effective_at, recorded_at = row
    policy = configuration.policy_of_version(version).tier
    return TierChange(
        tier=code_of(policy, after),
        from_tier=code_of(policy, before),
        cause=cause,
        reference=reference,
        metric=metric,
        policy_version=version,
        effective_at=effective_at,
        recorded_at=recorded_at,
    )


# --- the whole programme ------------------------------------------------------------------------------------------


async def programme_totals(tx: Transaction, at: datetime) -> dict[tuple[str, str], int]:
    """Return (wallet code, transfer kind) → the sum over all members of what was recorded by `at` (UTC).

    Units of the wallet, signed as members see them: what left their wallets is negative. Raises nothing. Source:
    ledger_transfers.
    """
    return {(wallet, kind): total for wallet, kind, total in await store.programme_totals(tx, at)}


async def standings(tx: Transaction, at: datetime) -> list[MemberStanding]:
    """Return how each member with books stands as of `at` (UTC), ordered by member id.

    Units of the spending wallet; growth in the window of the policy in force at `at`. Reviews and versions that time
    has decided by then count although no job has booked them. Raises NoActivePolicy (409). Source:
    ledger_transfers, lots, lot_uses, tier_changes, member_books, policy_arrivals.
    """
    configuration = Configuration()
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    policy = configuration.policy_at(at)
    after = at - timedelta(days=policy.tier.window_days)
    rows = await store.read_standings(tx, policy.spending_wallet, after, at, configuration.turn_version(at))
    ranks: dict[UUID, int] = {row[0]: row[1] for row in rows}
    due = {row[0] for row in rows if row[6]}
    if due:
        books = await open_books(tx, configuration, Needs(until=at, members=due), lock=False)
        for member_id in due:
            book = books.book(member_id)
            if book.awaits(at):
                book.begin(at)
                ranks[member_id] = book.tier
    return [
        MemberStanding(member_id, held(policy.tier, ranks[member_id]), available, pending, growth, debt)
        for member_id, _, available, pending, growth, debt, _ in rows
    ]


async def expiring(
    tx: Transaction, time_zone: str, *, after: datetime, after_member: UUID | None, until: datetime, limit: int
) -> list[ExpiringUnits]:
    """Return who of a time zone's members will lose units of the spending wallet, and when, by `until`.

    One entry a member and instant, in order of (instant, member id), at most `limit`, from behind the place (`after`,
    `after_member`); with None all of that instant lie before it. What is held is left out. All instants UTC. Raises
    NoActivePolicy (409). Source: lots, holds, member_books.
    """
    configuration = Configuration()
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    rows = await store.read_expiring(
        tx,
        wallet=configuration.policy_at(tx.now).spending_wallet,
        time_zone=time_zone,
        after=after,
        after_member=after_member,
        until=until,
        limit=limit,
    )
    return [ExpiringUnits(*row) for row in rows]


async def _require_member(tx: Transaction, member_id: UUID) -> None:
    if not await members.known_members(tx, [member_id]):
        raise _unknown(member_id)


def _unknown(member_id: UUID) -> UnknownMember:
    return UnknownMember(member_id=public_id("mbr", member_id))
