"""Holds on a book: points kept for a purpose until a deadline, then used, let go, or timed out (`Book.begin`)."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

import msgspec

from regulars.loyalty.contracts import HoldStanding, HoldState, LotMove, PlaceHold, PostHold, VoidHold
from regulars.loyalty.errors import (
    AmountNotPositive,
    DeadlinePassed,
    HoldOver,
    HoldTooSmall,
    InsufficientPoints,
    TooManyHolds,
    UnknownHold,
    WalletNotSpendable,
)
from regulars.loyalty.ledger.basis import basis
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.entries import REDEEMED, Hold, HoldEnd, Take, pick
from regulars.loyalty.policy.service import Configuration
from regulars.members.contracts.refusals import MemberGone
from regulars.platform.ids import derived_id

OPEN_AT_MOST: Final = 100
_NO_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)

_encode = msgspec.json.Encoder().encode


def hold_id_of(reference: str) -> UUID:
    """Return the id that follows from a hold's reference; it is a member's own."""
    return derived_id(_NO_INSTANT, "hold", reference)


def hold_id_in(command: PlaceHold | PostHold | VoidHold) -> UUID:
    """Return the id of the hold that a command is about."""
    return hold_id_of(command.reference) if isinstance(command, PlaceHold) else command.hold_id


def hash_of(command: PlaceHold) -> bytes:
    """Return what tells one hold from another under the same reference."""
    asked = (command.wallet, command.amount, command.purpose, command.deadline)
    return blake2b(_encode(asked), digest_size=16).digest()


def place(book: Book, configuration: Configuration, command: PlaceHold, at: datetime) -> HoldStanding:
    """Keep spendable units, soonest expiry first; refuses what is not there at this instant."""
    wallet = configuration.wallet(command.wallet)
    if command.amount <= 0:
        raise AmountNotPositive(pointer="/amount", amount=command.amount)
    if not wallet.spendable:
        raise WalletNotSpendable(pointer="/wallet", wallet=wallet.code)
    now = book.begin(at)
    if command.deadline <= now:
        raise DeadlinePassed(pointer="/deadline", deadline=command.deadline.isoformat(), now=now.isoformat())
    if len(book.holds) >= OPEN_AT_MOST:
        raise TooManyHolds(open=len(book.holds), at_most=OPEN_AT_MOST)
    takes, lacking = pick(book.spendable_lots(wallet.wallet_id, now), command.amount)
    if lacking:
        available = command.amount - lacking
        raise InsufficientPoints(
            pointer="/amount", wallet=wallet.code, asked=command.amount, available=available, missing=lacking
        )
    hold = Hold(
        hold_id=hold_id_of(command.reference),
        seq=0,
        wallet_id=wallet.wallet_id,
        amount=command.amount,
        purpose=command.purpose,
        reference=command.reference,
        placed_at=now,
        deadline=command.deadline,
        parts=[(take.lot.lot_no, take.amount) for take in takes],
    )
    book.place_hold(hold, now, hash_of(command))
    return standing_of(book.member_id, wallet.code, hold)


def post(
    book: Book, configuration: Configuration, command: PostHold, at: datetime, known: HoldStanding | None
) -> HoldStanding:
    """Use held units, all or a part; what is left is free again. A lot that ran out meanwhile still pays."""
    now = book.begin(at)
    hold = _open(book, command.hold_id, known, now)
    if book.closed_at is not None:
        raise MemberGone(pointer="/member_id")
    amount = hold.amount if command.amount is None else command.amount
    if amount <= 0:
        raise AmountNotPositive(pointer="/amount", amount=amount)
    if amount > hold.amount:
        raise HoldTooSmall(pointer="/amount", held=hold.amount, asked=amount, over=amount - hold.amount)
    wallet = configuration.wallet_of(hold.wallet_id)
    book.release(hold)
    takes, left, wanted = [], [], amount
    for lot_no, part in hold.parts:
        lot, used = book.lots[lot_no], min(part, wanted)
        wanted -= used
        if used:
            takes.append(Take(lot, used))
        if part > used:
            left.append(Take(lot, part - used))
    seq = book.post(
        wallet,
        "redeem",
        amount,
        into=False,
        counter=REDEEMED,
        reference=f"hold:{hold.hold_id.hex}:post",
        now=now,
        effective_at=now,
        policy=configuration.policy_at(now),
        basis=basis(purpose=hold.purpose),
    )
    book.take(seq, takes)
    book.end_hold(hold, "posted", now, left=left, posted=amount, transfer_seq=seq, reason=command.reason)
    return _ended(book, wallet.code)


def void(
    book: Book, configuration: Configuration, command: VoidHold, at: datetime, known: HoldStanding | None
) -> HoldStanding:
    """Let go of held units."""
    now = book.begin(at)
    hold = _open(book, command.hold_id, known, now)
    book.release(hold)
    left = [Take(book.lots[lot_no], amount) for lot_no, amount in hold.parts]
    book.end_hold(hold, "voided", now, left=left, reason=command.reason)
    return _ended(book, configuration.wallet_of(hold.wallet_id).code)


def _open(book: Book, hold_id: UUID, known: HoldStanding | None, now: datetime) -> Hold:
    """Return a hold that is still open. Raises UnknownHold, HoldOver."""
    hold = book.holds.get(hold_id)
    if hold is not None:
        return hold
    if known is None:
        raise UnknownHold
    found = timed_out(known, now)
    raise HoldOver(
        ended_at=(found.ended_at or found.deadline).isoformat(),
        state=found.state,
        posted=found.posted,
        amount=found.amount,
    )


def _ended(book: Book, wallet: str) -> HoldStanding:
    return standing_of_end(book.journal.hold_ends[-1], wallet)


def standing_of_end(end: HoldEnd, wallet: str) -> HoldStanding:
    """Return a hold as it ended."""
    return msgspec.structs.replace(
        standing_of(end.member_id, wallet, end.hold),
        state=STATES[end.how],
        ended_at=end.effective_at,
        posted=end.posted,
        released=end.hold.amount - end.posted,
        transfer_no=end.transfer_seq,
        reason=end.reason,
    )


STATES: Final[dict[str, HoldState]] = {"posted": "posted", "voided": "voided", "timed_out": "timed_out"}


def standing_of(member_id: UUID, wallet: str, hold: Hold) -> HoldStanding:
    """Return an open hold."""
    return HoldStanding(
        member_id=member_id,
        hold_id=hold.hold_id,
        seq=hold.seq,
        wallet=wallet,
        amount=hold.amount,
        purpose=hold.purpose,
        reference=hold.reference,
        state="open",
        placed_at=hold.placed_at,
        deadline=hold.deadline,
        lots=tuple([LotMove(lot_no=lot_no, amount=amount) for lot_no, amount in hold.parts]),
    )


def timed_out(standing: HoldStanding, at: datetime) -> HoldStanding:
    """Return a hold as the instant has it: open ones are over at their deadline, whether that is booked or not."""
    if standing.state != "open" or at < standing.deadline:
        return standing
    return msgspec.structs.replace(
        standing, state="timed_out", ended_at=standing.deadline, released=standing.amount, reason=""
    )
