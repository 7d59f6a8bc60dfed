"""The books of a batch: opened and locked, decided on in memory, written set-based."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import structs

from regulars.domain_events.loyalty import (
    HoldEnded,
    PointsAccrued,
    PointsAdjusted,
    PointsExpired,
    PointsExtended,
    PointsHeld,
    PointsRedeemed,
    TierLost,
    TierReached,
)
from regulars.loyalty.contracts import (
    Accrue,
    Adjust,
    ExtendLot,
    HoldStanding,
    OrderSettlement,
    PlaceHold,
    PostHold,
    Posting,
    Redeem,
    ReturnSettlement,
    SettleOrder,
    SettleReturn,
)
from regulars.loyalty.errors import ReferenceReused, UnknownMember
from regulars.loyalty.ledger import holding, moves, passing, postings, settlement
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.entries import Hold, HoldEnd, Journal
from regulars.loyalty.ledger.needs import HoldCommand, Needs, PostingCommand
from regulars.loyalty.ledger.store import reading, writing
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.tiers.rules import code_of
from regulars.members import api as members
from regulars.members.contracts.refusals import MemberGone
from regulars.platform.db.transaction import Rows, Statement, Transaction
from regulars.platform.ids import public_id
from regulars.platform.markets import service as markets

DirectEvent = PointsAccrued | PointsRedeemed | PointsAdjusted
EVENT_OF: dict[type[Accrue | Redeem | Adjust], type[DirectEvent]] = {
    Accrue: PointsAccrued,
    Redeem: PointsRedeemed,
    Adjust: PointsAdjusted,
}
_AS_INTEGER = attrgetter("int")  # orders UUIDs as PostgreSQL does, without a Python call for each comparison
TIER_CHANGES_FROM, TIER_CHANGES_TO, TIER_CHANGES_CAUSE = 2, 3, 4
TIER_CHANGES_RECORDED = 9


class Earlier(NamedTuple):
    """A direct posting that is already in the books, as `reading.READ_REFERENCES` gives it."""

    member_id: UUID
    reference: str
    seq: int
    wallet_id: int
    kind: str
    amount: int
    balance: int
    debt_change: int
    effective_at: datetime
    recorded_at: datetime
    command_hash: bytes | None
    available_at: datetime | None
    expires_at: datetime | None


@dataclass(slots=True)
class Books:
    """The books of a batch's members, locked. Decide on them in order of arrival, then `write` once."""

    configuration: Configuration
    now: datetime
    journal: Journal = field(default_factory=Journal)
    _books: dict[UUID, Book] = field(default_factory=dict)
    _written: dict[UUID, tuple[Any, ...]] = field(default_factory=dict)
    _reserved: dict[UUID, int] = field(default_factory=dict)
    _merged: dict[UUID, UUID] = field(default_factory=dict)
    _known: dict[tuple[UUID, str], Earlier] = field(default_factory=dict)
    _known_holds: dict[tuple[UUID, UUID], tuple[HoldStanding, bytes]] = field(default_factory=dict)
    _events: list[DirectEvent | PointsExpired | PointsExtended | PointsHeld] = field(default_factory=list)

    def book(self, member_id: UUID) -> Book:
        """Return a member's book; raises `UnknownMember`."""
        book = self._books.get(member_id)
        if book is None:
            raise UnknownMember(member_id=public_id("mbr", member_id))
        return book

    def post(self, command: PostingCommand) -> Posting:
        """Carry out a direct posting once: its reference gives the first answer, or is refused for another fact."""
        named = command.member_id
        known = (command.member_id, command.reference) in self._known
        if self._merged and not known and not isinstance(command, ExtendLot):  # a lot's number is its own member's
            command = structs.replace(command, member_id=self.stands_for(command.member_id))
        book = self.book(command.member_id)
        command_hash = postings.hash_of(command)
        earlier = self._known.get((command.member_id, command.reference))
        if earlier is not None:
            if earlier.command_hash != command_hash:
                raise ReferenceReused(pointer="/reference", reference=command.reference)
            return self._repeated(earlier)
        self._check_named(named, book)
        at = command.recorded_at or self.now
        if isinstance(command, Accrue):
            posting = postings.accrue(book, self.configuration, command, at)
        elif isinstance(command, Redeem):
            posting = postings.redeem(book, self.configuration, command, at)
        elif isinstance(command, ExtendLot):
            posting = postings.extend(book, self.configuration, command, at)
        else:
            posting = postings.adjust(book, self.configuration, command, at)
        self.journal.command_hashes[command.member_id, posting.seq] = command_hash
        self._known[command.member_id, command.reference] = self._earlier_now(book, posting, command_hash)
        self._remember_event(command, posting)
        return posting

    def hold(self, command: HoldCommand) -> HoldStanding:
        """Place, post or void a hold; what repeats a hold under its reference gets it as it now stands."""
        named = command.member_id
        if self._merged and (command.member_id, holding.hold_id_in(command)) not in self._known_holds:
            command = structs.replace(command, member_id=self.stands_for(command.member_id))
        book, at = self.book(command.member_id), command.recorded_at or self.now
        if isinstance(command, PlaceHold):
            return self._place_hold(named, book, command, at)
        key = command.member_id, command.hold_id
        known, command_hash = self._known_holds.get(key, (None, b""))
        if isinstance(command, PostHold):
            standing = holding.post(book, self.configuration, command, at, known)
        else:
            standing = holding.void(book, self.configuration, command, at, known)
        self._known_holds[key] = standing, command_hash
        return standing

    def _place_hold(self, named: UUID, book: Book, command: PlaceHold, at: datetime) -> HoldStanding:
        key = command.member_id, holding.hold_id_of(command.reference)
        command_hash = holding.hash_of(command)
        if key in self._known_holds:
            standing, first_hash = self._known_holds[key]
            if first_hash != command_hash:
                raise ReferenceReused(pointer="/reference", reference=command.reference)
            return holding.timed_out(standing, max(at, book.last_recorded_at or at))
        self._check_named(named, book)
        standing = holding.place(book, self.configuration, command, at)
        self._known_holds[key] = standing, command_hash
        self._events.append(
            PointsHeld(
                member_id=command.member_id,
                recorded_at=standing.placed_at,
                wallet=standing.wallet,
                amount=standing.amount,
                reference=standing.reference,
                deadline=standing.deadline,
            )
        )
        return standing

    def settle_order(self, command: SettleOrder) -> OrderSettlement:
        """Settle a paid order; raises what the policy refuses, leaving nothing."""
        return settlement.settle_order(
            self._check_named(command.member_id, self.book(self.stands_for(command.member_id))),
            self.configuration,
            command,
            command.recorded_at or self.now,
        )

    def _check_named(self, named: UUID, book: Book) -> Book:
        """Return the book that the named id stands for. Raises MemberGone where its own or that one is closed."""
        if named != book.member_id:
            _check_open(self.book(named))
        return _check_open(book)

    def settle_return(self, command: SettleReturn) -> ReturnSettlement:
        """Settle an order anew after a return: also of somebody whose books are part of another's by now."""
        at = command.recorded_at or self.now
        if command.member_id in self._merged:
            return passing.settle_return(self.path(command.member_id), self.configuration, command, at)
        return settlement.settle_return(self.book(command.member_id), self.configuration, command, at)

    def stands_for(self, member_id: UUID) -> UUID:
        """Return whose books an id stands for: its own, or those into which they were merged."""
        steps = 0
        while member_id in self._merged:
            member_id = self._merged[member_id]
            steps = self._step(steps, member_id)
        return member_id

    def path(self, member_id: UUID) -> list[Book]:
        """Return a member's book, and behind it each into which the one before was merged."""
        found = [self.book(member_id)]
        while found[-1].merged_into is not None:
            found.append(self.book(found[-1].merged_into))
            self._step(len(found) - 2, member_id)
        return found

    def _step(self, steps: int, member_id: UUID) -> int:
        """Count a step along merges; no way is longer than there are books, unless they were merged in a ring."""
        if steps >= len(self._merged):
            raise AssertionError(f"the books of {member_id} lead back to themselves; `regulars verify` tells which do")
        return steps + 1

    def expire(self, member_id: UUID, at: datetime) -> None:
        """Book the expiry of what ran out by `at`."""
        book = self.book(member_id)
        for wallet, amount in postings.expire(book, self.configuration, at).items():
            recorded_at = book.last_recorded_at or at
            self._events.append(
                PointsExpired(member_id=member_id, recorded_at=recorded_at, wallet=wallet, amount=amount)
            )

    def write(self, tx: Transaction) -> None:
        """Buffer everything decided, and the facts that follow from it."""
        writing.write_journal(tx, self._books, self.journal, self._written)
        unused = [book for member, first in self._reserved.items() if (book := self._books[member]).next_seq == first]
        if unused:
            writing.give_back(tx, unused)
        tx.publish(*self._events, *moves.facts(self.journal, self.configuration.wallet_codes))
        for end in self.journal.hold_ends:
            self._tell_of_end(tx, end)
        for row in self.journal.tier_changes:
            policy = self.configuration.policy_of_version(row[7]).tier
            event = TierReached if row[TIER_CHANGES_TO] > row[TIER_CHANGES_FROM] else TierLost
            tx.publish(
                event(
                    member_id=row[0],
                    recorded_at=row[TIER_CHANGES_RECORDED],
                    tier=code_of(policy, row[TIER_CHANGES_TO]),
                    from_tier=code_of(policy, row[TIER_CHANGES_FROM]),
                    cause=row[TIER_CHANGES_CAUSE],
                )
            )

    def _tell_of_end(self, tx: Transaction, end: HoldEnd) -> None:
        """Publish what followed from the end of a hold."""
        wallet = self.configuration.wallet_of(end.hold.wallet_id).code
        if end.posted:
            tx.publish(
                PointsRedeemed(
                    member_id=end.member_id,
                    recorded_at=end.recorded_at,
                    wallet=wallet,
                    amount=end.posted,
                    reference=end.hold.reference,
                )
            )
        tx.publish(
            HoldEnded(
                member_id=end.member_id,
                recorded_at=end.recorded_at,
                wallet=wallet,
                reference=end.hold.reference,
                how=end.how,
                posted=end.posted,
                released=end.hold.amount - end.posted,
            )
        )
        if end.expired:
            tx.publish(
                PointsExpired(member_id=end.member_id, recorded_at=end.recorded_at, wallet=wallet, amount=end.expired)
            )

    def _repeated(self, earlier: Earlier) -> Posting:
        """Return what a posting that is already in the books answers to whoever repeats it."""
        state = self.book(earlier.member_id).wallet(earlier.wallet_id)
        return Posting(
            member_id=earlier.member_id,
            seq=earlier.seq,
            wallet=self.configuration.wallet_codes[earlier.wallet_id],
            kind=earlier.kind,
            amount=earlier.amount,
            reference=earlier.reference,
            balance=earlier.balance,
            debt=state.debt,
            effective_at=earlier.effective_at,
            recorded_at=earlier.recorded_at,
            debt_repaid=max(-earlier.debt_change, 0),
            available_at=earlier.available_at,
            expires_at=earlier.expires_at,
        )

    def _earlier_now(self, book: Book, posting: Posting, command_hash: bytes) -> Earlier:
        """Return a posting just made as the database will give it."""
        lot = book.lots.get(posting.seq)
        return Earlier(
            member_id=posting.member_id,
            reference=posting.reference,
            seq=posting.seq,
            wallet_id=self.configuration.wallet(posting.wallet).wallet_id,
            kind=posting.kind,
            amount=posting.amount,
            balance=posting.balance,
            debt_change=-posting.debt_repaid,
            effective_at=posting.effective_at,
            recorded_at=posting.recorded_at,
            command_hash=command_hash,
            available_at=lot.available_at if lot else None,
            expires_at=lot.expires_at if lot else None,
        )

    def _remember_event(self, command: PostingCommand, posting: Posting) -> None:
        if isinstance(command, ExtendLot):
            self._events.append(
                PointsExtended(
                    member_id=posting.member_id,
                    recorded_at=posting.recorded_at,
                    wallet=posting.wallet,
                    amount=posting.amount,
                    expires_at=command.expires_at,
                )
            )
            return
        event = EVENT_OF[type(command)]
        self._events.append(
            event(
                member_id=posting.member_id,
                recorded_at=posting.recorded_at,
                wallet=posting.wallet,
                amount=command.amount,
                reference=posting.reference,
            )
        )

    # --- loading ----------------------------------------------------------------------------------------------------

    async def load(self, tx: Transaction, needs: Needs, *, lock: bool) -> None:
        """Lock and read the books of the needed members; opens books for members who have none yet.

        Of books that are part of others by now, those others are read too.
        """
        await self._read_or_open(tx, needs, needs.members, lock=lock)
        while merged := {
            book.member_id: book.merged_into
            for book in self._books.values()
            if book.merged_into is not None and book.member_id not in self._merged
        }:
            self._merged |= merged
            further = needs.follow(merged) - self._books.keys()
            if further:
                await self._read_or_open(tx, needs, further, lock=lock)
        await self._read_holds(tx, needs, lock=lock)
        await self._read_ageing(tx, needs.until)

    async def _read_or_open(self, tx: Transaction, needs: Needs, members_: set[UUID], *, lock: bool) -> None:
        await self._read(tx, needs, members_, lock=lock)
        missing = members_ - self._books.keys()
        if missing:
            owners = await owners_of(tx, missing)
            if lock and owners:
                writing.insert_books(tx, owners)
                await self._read(tx, needs, {member_id for member_id, _, _ in owners}, lock=True)
            for member_id, zone, _ in owners:
                self._books.setdefault(member_id, Book(member_id, zone, self.configuration, self.journal))

    async def _read(self, tx: Transaction, needs: Needs, members_: set[UUID], *, lock: bool) -> None:
        ids = sorted(members_, key=_AS_INTEGER)
        everybody = members_ is needs.members
        orders = [order for order in needs.orders if everybody or order[0] in members_]
        references = [reference for reference in needs.references if everybody or reference[0] in members_]
        reserved = needs.postings if lock else {}
        lots_of = needs.lots_of if everybody else needs.lots_of & members_
        statements: list[Statement] = [
            self.configuration.question,
            self._locked(ids, reserved) if lock else reading.read_books(ids),
            reading.read_wallets(ids),
        ]
        if lots_of:
            statements.append(reading.read_open_lots(list(lots_of)))
        if orders:
            statements.extend(reading.of_orders(orders))
        if references:
            statements.append(reading.read_references(references))
        answers = iter(await tx.read(*statements))
        await self.configuration.follow(tx, next(answers))
        for row in next(answers):
            member_id = row[0]
            self._books[member_id] = reading.make_book(row, self.configuration, self.journal)
            self._written[member_id] = reading.written_by_lock(row, reserved.get(member_id, 0))
            if reserved:
                self._reserved[member_id] = row[2]
        answers = reading.of_open(self._books, answers)  # where some are missing, `load` opens and reads theirs again
        reading.fill_wallets(self._books, next(answers))
        if lots_of:
            reading.fill_lots(self._books, next(answers))
        if orders:
            settlements = next(answers)
            reading.fill_lots(self._books, next(answers))
            reading.fill_settlements(self._books, settlements, next(answers))
        if references:
            for row in next(answers):
                self._known[row[0], row[1]] = Earlier(*row)

    def _know_holds(self, rows: Rows) -> None:
        """Take over holds that are in the books already, with their ends."""
        for _, parts in groupby(rows, key=itemgetter(0, 1)):
            own = list(parts)
            member_id, *columns = own[0]
            hold = Hold(*columns[:8])
            hold.parts = [(row[9], row[10]) for row in own]
            command_hash, how, at, posted, transfer_seq, reason = columns[10:]
            wallet = self.configuration.wallet_of(hold.wallet_id).code
            standing = holding.standing_of(member_id, wallet, hold)
            if how is not None:
                end = HoldEnd(member_id, hold, 0, how, posted, transfer_seq, 0, None, reason, at, at)
                standing = holding.standing_of_end(end, wallet)
            self._known_holds[member_id, hold.hold_id] = standing, command_hash

    async def _read_holds(self, tx: Transaction, needs: Needs, *, lock: bool) -> None:
        """Read the open holds of those who have some: where lots are looked at, or a deadline comes meanwhile."""
        holders, without_lots = [], []
        for book in self._books.values():
            if book.hold_until is None or book.holds:
                continue
            if book.member_id in needs.lots_of:
                holders.append(book.member_id)
            elif lock and book.hold_until <= self._last(book, needs.until):
                without_lots.append(book.member_id)
        if holders or without_lots:
            lots, holds = await tx.read(
                reading.read_open_lots(without_lots), reading.read_open_holds([*holders, *without_lots])
            )
            reading.fill_lots(self._books, lots)
            reading.fill_holds(self._books, holds)
        if needs.holds:
            self._know_holds(await tx.rows(*reading.read_holds(list(needs.holds))))

    def _locked(self, ids: Sequence[UUID], reserved: Mapping[UUID, int]) -> Statement:
        """Lock books, and reserve numbers where only direct postings of this instant are coming."""
        at = self.now if reserved else None
        return reading.lock_books(ids, reserved, at, self.configuration.turn_version(at) if at else 0)

    def _last(self, book: Book, until: datetime) -> datetime:
        """Return the latest instant at which this batch may record something in a book."""
        last = until if book.last_recorded_at is None or book.last_recorded_at < until else book.last_recorded_at
        open_from = self.configuration.open_from(book.time_zone)
        return last if open_from is None or last >= open_from else open_from

    async def _read_ageing(self, tx: Transaction, until: datetime) -> None:
        """Read what leaves the window by `until`, where anything can; everything, where the window's length changes."""
        spans, measured = [], []
        configuration = self.configuration
        for book in self._books.values():
            last = self._last(book, until)
            days = configuration.policy_at(last).tier.window_days
            first = book.window_at
            if first is None:
                book.window_days = days
                book.entries = [] if configuration.window_changes else None
            elif book.window_days != days or configuration.window_changes_within(first, last):
                measured.append(book)
                spans.append((book.member_id, first - timedelta(days=configuration.longest_window_days), last))
            elif book.window_oldest_at is not None and book.window_oldest_at <= last - timedelta(days=days):
                spans.append((book.member_id, first - timedelta(days=days), last - timedelta(days=days)))
        if spans:
            reading.fill_ageing(self._books, await tx.rows(*reading.read_ageing(spans)))
        for book in measured:
            book.entries, book.ageing = book.ageing, []


def _check_open(book: Book) -> Book:
    """Return a book that is open for new facts. Raises MemberGone: returns of what was bought before still settle."""
    if book.closed_at is not None:
        raise MemberGone(pointer="/member_id")
    return book


async def open_books(tx: Transaction, configuration: Configuration, needs: Needs, *, lock: bool = True) -> Books:
    """Open the books a batch needs, locked in one order; without a lock they are for looking only (dry runs)."""
    books = Books(configuration, tx.now)
    await books.load(tx, needs, lock=lock)
    return books


async def owners_of(tx: Transaction, member_ids: set[UUID]) -> list[tuple[UUID, str, datetime]]:
    """Return (member, time zone of the market, signed up at) of each member that exists, by id."""
    known = await members.known_members(tx, sorted(member_ids))
    return [
        (member_id, (await markets.market(tx, member.market)).time_zone, member.signed_up_at)
        for member_id, member in sorted(known.items())
    ]
