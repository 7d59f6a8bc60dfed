"""Direct postings on a book: accrue, redeem, adjust, and what time decides, expire."""

from collections import defaultdict
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from regulars.loyalty.contracts import Accrue, Adjust, ExtendLot, Posting, Redeem
from regulars.loyalty.errors import (
    AmountIsZero,
    AmountNotPositive,
    ApprovalNeeded,
    InsufficientPoints,
    LotOver,
    NothingToExtend,
    TimesContradict,
    WalletNotSpendable,
)
from regulars.loyalty.ledger.basis import basis
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.entries import ADJUSTED, EXPIRED, EXTENDED, ISSUED, REDEEMED, Lot, Take, pick
from regulars.loyalty.ledger.errors import TermOutOfRange
from regulars.loyalty.ledger.needs import PostingCommand
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.rules import month_start_after
from regulars.loyalty.policy.service import Configuration, Wallet
from regulars.loyalty.tiers.rules import code_of, tier_of

LONGEST_EXTENSION: Final = timedelta(days=732)  # from when it is asked for

_encode = msgspec.json.Encoder().encode


def hash_of(command: PostingCommand) -> bytes:
    """Return what tells one command from another under the same reference: all it asks, but when it was asked."""
    if isinstance(command, ExtendLot):
        wish = (type(command).__name__, command.lot_no, command.expires_at, command.reason)
        return blake2b(_encode(wish), digest_size=16).digest()
    dates = (command.effective_at, command.available_at, command.expires_at) if isinstance(command, Accrue) else ()
    asked = (type(command).__name__, command.wallet, command.amount, command.reason, dates)
    return blake2b(_encode(asked), digest_size=16).digest()


def accrue(book: Book, configuration: Configuration, command: Accrue, at: datetime) -> Posting:
    """Put units into a wallet: debt is repaid first, the lot gets what is left; qualifying ones may lift the tier."""
    wallet = configuration.wallet(command.wallet)
    if command.amount <= 0:
        raise AmountNotPositive(pointer="/amount", amount=command.amount)
    return _put(book, configuration, wallet, command, at)


def _basis_of(command: Accrue | Redeem | Adjust, today: int | None = None) -> str:
    """Return why, and of corrections who did it, and how much alone that day."""
    if isinstance(command, Adjust):
        return basis(reason=command.reason, by=command.actor, approved_by=command.approved_by, today=today)
    return basis(reason=command.reason) if command.reason else ""


def _put(
    book: Book,
    configuration: Configuration,
    wallet: Wallet,
    command: Accrue | Adjust,
    at: datetime,
    *,
    today: int | None = None,
) -> Posting:
    """Post units in: what accruals and upward corrections share."""
    asked = command if isinstance(command, Accrue) else None
    kind: Literal["accrue", "adjust"] = "accrue" if asked else "adjust"
    counter = ISSUED if asked else ADJUSTED
    amount = command.amount
    now = book.begin(at)
    effective_at = now if asked is None or asked.effective_at is None else min(asked.effective_at, now)
    policy = configuration.policy_at(now)
    available_at = expires_at = None
    repaid = 0
    if wallet.spendable:
        available_at = effective_at if asked is None or asked.available_at is None else asked.available_at
        expires_at = asked.expires_at if asked is not None else None
        if expires_at is None:
            expires_at = month_start_after(effective_at, policy.earning.expiry_months, book.time_zone)
        if available_at >= expires_at:
            raise TimesContradict(pointer="/expires_at", problem="the units would expire before they become available")
        repaid = min(book.wallet(wallet.wallet_id).debt, amount)
    seq = book.post(
        wallet,
        kind,
        amount,
        into=True,
        counter=counter,
        reference=command.reference,
        now=now,
        effective_at=effective_at,
        policy=policy,
        basis=_basis_of(command, today),
        debt_change=-repaid,
    )
    if available_at is not None and expires_at is not None and amount > repaid:
        book.open_lot(
            seq,
            wallet.wallet_id,
            amount - repaid,
            earned_at=effective_at,
            available_at=available_at,
            expires_at=expires_at,
            order_id=None,
        )
    if wallet.qualifying:
        book.rise(policy, kind, command.reference, now)
    state = book.wallet(wallet.wallet_id)
    return Posting(
        member_id=book.member_id,
        seq=seq,
        wallet=wallet.code,
        kind=kind,
        amount=amount,
        reference=command.reference,
        balance=state.balance,
        debt=state.debt,
        effective_at=effective_at,
        recorded_at=now,
        debt_repaid=repaid,
        available_at=available_at,
        expires_at=expires_at,
        tier=code_of(policy.tier, book.tier) if wallet.qualifying else None,
    )


def redeem(book: Book, configuration: Configuration, command: Redeem, at: datetime) -> Posting:
    """Take spendable units, soonest expiry first; refuses what is not there at this instant."""
    wallet = configuration.wallet(command.wallet)
    if command.amount <= 0:
        raise AmountNotPositive(pointer="/amount", amount=command.amount)
    return _take(book, configuration, wallet, command, at)


def _take(
    book: Book,
    configuration: Configuration,
    wallet: Wallet,
    command: Redeem | Adjust,
    at: datetime,
    *,
    today: int | None = None,
) -> Posting:
    """Post units out: what redemptions and downward corrections share."""
    kind: Literal["redeem", "adjust"] = "redeem" if isinstance(command, Redeem) else "adjust"
    counter = REDEEMED if kind == "redeem" else ADJUSTED
    amount = abs(command.amount)
    if not wallet.spendable and kind == "redeem":
        raise WalletNotSpendable(pointer="/wallet", wallet=wallet.code)
    now = book.begin(at)
    if wallet.spendable:
        takes, lacking = pick(book.spendable_lots(wallet.wallet_id, now), amount)
    else:
        takes, lacking = [], max(amount - book.wallet(wallet.wallet_id).balance, 0)
    if lacking:
        raise InsufficientPoints(
            pointer="/amount", wallet=wallet.code, asked=amount, available=amount - lacking, missing=lacking
        )
    policy = configuration.policy_at(now)
    rank_before = tier_of(policy.tier, book.growth_at(now)) if wallet.qualifying else 0
    seq = book.post(
        wallet,
        kind,
        amount,
        into=False,
        counter=counter,
        reference=command.reference,
        now=now,
        effective_at=now,
        policy=policy,
        basis=_basis_of(command, today),
    )
    uses = book.take(seq, takes)
    if wallet.qualifying:
        book.fall(rank_before, "adjust", command.reference, now)
    state = book.wallet(wallet.wallet_id)
    return Posting(
        member_id=book.member_id,
        seq=seq,
        wallet=wallet.code,
        kind=kind,
        amount=amount,
        reference=command.reference,
        balance=state.balance,
        debt=state.debt,
        effective_at=now,
        recorded_at=now,
        tier=code_of(policy.tier, book.tier) if wallet.qualifying else None,
        lot_uses=tuple((use.lot_no, use.amount) for use in uses),
    )


def needs_second(policy: Policy, command: Adjust) -> bool:
    """Tell whether a correction is so large that it needs a second person."""
    limit = policy.adjustments.approve_above
    return limit is not None and abs(command.amount) > limit


def adjust(
    book: Book, configuration: Configuration, command: Adjust, at: datetime, *, today: int | None = None
) -> Posting:
    """Correct a wallet: up like an accrual available at once, down like a redemption; growth may lower the tier.

    `today` is what its person corrected alone that day, with this, where that is counted.
    """
    wallet = configuration.wallet(command.wallet)
    if command.amount == 0:
        raise AmountIsZero(pointer="/amount")
    policy = configuration.policy_at(book.begin(at))
    limit = policy.adjustments.approve_above
    if limit is not None and needs_second(policy, command) and not command.approved_by:
        over = abs(command.amount) - limit
        raise ApprovalNeeded(
            pointer="/amount", limit=limit, asked=command.amount, over=over, policy_version=policy.version
        )
    if command.amount > 0:
        return _put(book, configuration, wallet, command, at, today=today)
    return _take(book, configuration, wallet, command, at, today=today)


def extend(book: Book, configuration: Configuration, command: ExtendLot, at: datetime) -> Posting:
    """Let what is free of a lot run out later: it becomes a lot of its own, by two rows that cancel each other.

    The new lot keeps when it was earned, from when it can be spent, and the order that brought it.
    """
    now = book.begin(at)
    lot = book.lots.get(command.lot_no)
    if lot is None or not lot.free:
        raise NothingToExtend(pointer="/lot_id")
    if lot.expires_at <= now:
        raise LotOver(pointer="/lot_id", expired_at=lot.expires_at.isoformat())
    latest = now + LONGEST_EXTENSION
    if not lot.expires_at < command.expires_at <= latest:
        raise TermOutOfRange(
            pointer="/expires_at",
            field="expires_at",
            earliest=lot.expires_at.isoformat(),
            latest=latest.isoformat(),
        )
    wallet, amount = configuration.wallet_of(lot.wallet_id), lot.free
    told = {"reason": command.reason, "by": command.actor}

    def row(reference: str, until: datetime, *, into: bool) -> int:
        return book.post(
            wallet,
            "extend",
            amount,
            into=into,
            counter=EXTENDED,
            reference=reference,
            now=now,
            effective_at=now,
            policy=configuration.policy_at(now),
            basis=basis(**told, until=until.isoformat(), origin=lot.lot_no if into else None),
        )

    out = row(f"lot:{lot.lot_no}:extend:{book.next_seq}", lot.expires_at, into=False)
    uses = book.take(out, [Take(lot, amount)])
    seq = row(command.reference, command.expires_at, into=True)
    book.open_lot(
        seq,
        lot.wallet_id,
        amount,
        earned_at=lot.earned_at,
        available_at=lot.available_at,
        expires_at=command.expires_at,
        order_id=lot.order_id,
    )
    state = book.wallet(lot.wallet_id)
    return Posting(
        member_id=book.member_id,
        seq=seq,
        wallet=wallet.code,
        kind="extend",
        amount=amount,
        reference=command.reference,
        balance=state.balance,
        debt=state.debt,
        effective_at=now,
        recorded_at=now,
        available_at=lot.available_at,
        expires_at=command.expires_at,
        lot_uses=tuple((use.lot_no, use.amount) for use in uses),
    )


def expire(book: Book, configuration: Configuration, at: datetime) -> dict[str, int]:
    """Book what time has decided: lots past their expiry lose what is left and not held, effective at that instant.

    Returns units per wallet code.
    """
    now = book.begin(at)
    groups: dict[tuple[int, datetime], list[Lot]] = defaultdict(list)
    for lot in book.lots.values():
        if lot.remaining > lot.held and lot.expires_at <= now:
            groups[lot.wallet_id, lot.expires_at].append(lot)
    expired: dict[str, int] = defaultdict(int)
    for (wallet_id, expires_at), lots in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        lots.sort(key=Lot.spending_order)
        takes = [Take(lot, lot.free) for lot in lots]
        amount = sum(take.amount for take in takes)
        wallet = configuration.wallet_of(wallet_id)
        seq = book.post(
            wallet,
            "expire",
            amount,
            into=False,
            counter=EXPIRED,
            reference=f"lot:{min(lot.lot_no for lot in lots)}:expire",
            now=now,
            effective_at=expires_at,
            policy=configuration.policy_at(now),
            basis="",
        )
        book.take(seq, takes)
        expired[wallet.code] += amount
    return expired
