"""The books of a batch: opened and locked, decided on in memory, written set-based."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final
from uuid import UUID

from msgspec import structs
from psycopg import errors as database_errors

from regulars.domain_events.loyalty import PointsExpired, PointsExtended, PointsHeld
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
from regulars.loyalty.ledger import alone, holding, moves, passing, postings, requests, settlement, telling
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.entries import Hold, HoldEnd, Journal, Named
from regulars.loyalty.ledger.needs import HoldCommand, Needs, PostingCommand
from regulars.loyalty.ledger.repeating import Earlier, earlier_now
from regulars.loyalty.ledger.store import reading, writing
from regulars.loyalty.ledger.ways import HOLD, ORDER, POSTING, Ways, trace
from regulars.loyalty.policy.service import Configuration
from regulars.members import api as members
from regulars.platform.db.transaction import Rows, Statement, Transaction
from regulars.platform.ids import public_id
from regulars.platform.markets import service as markets

_AS_INTEGER = attrgetter("int")  # orders UUIDs as PostgreSQL does, without a Python call for each comparison
_TRIES: Final = 10
_FEW: Final = 8  # books that are made before their wallets would come


class _LedElsewhere(Exception):
    """What was locked is not what the members lead to any more."""


@dataclass(slots=True)
class Books:
    """The books of a batch's members, locked. Decide on them in order of arrival, then `write` once."""

    configuration: Configuration
    now: datetime
    journal: Journal = field(default_factory=Journal)
    _books: dict[UUID, Book] = field(default_factory=dict)
    _written: dict[UUID, tuple[Any, ...]] = field(default_factory=dict)
    _reserved: dict[UUID, int] = field(default_factory=dict)
    _ways: Ways = field(default_factory=Ways)
    _known: dict[tuple[UUID, str], Earlier] = field(default_factory=dict)
    _requests: dict[tuple[UUID, str], requests.Asked] = field(default_factory=dict)
    _alone: alone.Alone = field(default_factory=alone.Alone)
    _known_holds: dict[tuple[UUID, UUID], tuple[HoldStanding, bytes]] = field(default_factory=dict)
    _events: list[telling.DirectEvent | PointsExpired | PointsExtended | PointsHeld] = field(default_factory=list)

    def book(self, member_id: UUID) -> Book:
        """Return a member's book; raises `UnknownMember`."""
        book = self._books.get(member_id)
        if book is None:
            raise UnknownMember(member_id=public_id("mbr", member_id))
        return book

    def post(self, command: PostingCommand) -> Posting:
        """Carry out a direct posting once: its reference gives the first answer, or is refused for another fact."""
        named = command.member_id
        if self._ways and not isinstance(command, ExtendLot):  # a lot's number is its own member's
            there = self._whose(named, command.reference)
            command = command if there == named else structs.replace(command, member_id=there)
        book = self.book(command.member_id)
        command_hash = postings.hash_of(command)
        earlier = self._known.get((command.member_id, command.reference))
        if earlier is not None:
            if earlier.command_hash != command_hash:
                raise ReferenceReused(pointer="/reference", reference=command.reference)
            self.keep(POSTING, named, command.reference, command.member_id, self.now)
            return earlier.repeated(
                self.configuration.wallet_codes[earlier.wallet_id], book.wallet(earlier.wallet_id).debt
            )
        self._check_named(named, book)
        at = command.recorded_at or self.now
        if isinstance(command, Accrue):
            posting = postings.accrue(book, self.configuration, command, at)
        elif isinstance(command, Redeem):
            posting = postings.redeem(book, self.configuration, command, at)
        elif isinstance(command, ExtendLot):
            posting = postings.extend(book, self.configuration, command, at)
        elif (approved := self._as_asked(named, command, book.begin(at))) is not None:
            return approved
        else:
            posting = self._alone.adjust(book, self.configuration, command, at)
        self.journal.command_hashes[command.member_id, posting.seq] = command_hash
        wallet_id = self.configuration.wallet(posting.wallet).wallet_id
        self._known[command.member_id, command.reference] = earlier_now(book, posting, wallet_id, command_hash)
        self.keep(POSTING, named, command.reference, command.member_id, posting.recorded_at)
        self._events.append(telling.of_posting(command, posting))
        return posting

    def _as_asked(self, named: UUID, command: Adjust, now: datetime) -> Posting | None:
        """Return what was posted as an approved request of this reference; None where nobody asked. Raises the rest."""
        own = ((each, command.reference) for each in self._ways.of(named))
        asked = next((self._requests[key] for key in own if key in self._requests), None)
        if asked is None or command.approved_by:
            return None
        asked.require_approved(command, now)
        there = self._whose(asked.member_id, asked.posted_as)
        earlier = self._known[there, asked.posted_as]
        return earlier.repeated(command.wallet, self.book(there).wallet(earlier.wallet_id).debt)

    def _whose(self, member_id: UUID, reference: str) -> UUID:
        """Return in whose books a reference of a member is posted, or would be."""
        known = self._known
        return self._ways.find(POSTING, member_id, reference, lambda each: (each, reference) in known)

    def is_posted(self, member_id: UUID, reference: str) -> bool:
        """Say whether something is posted under a reference that the batch needs; also where it stands elsewhere."""
        return (self._whose(member_id, reference), reference) in self._known

    def hold(self, command: HoldCommand) -> HoldStanding:
        """Place, post or void a hold; what repeats a hold under its reference gets it as it now stands."""
        named = command.member_id
        if self._ways:
            known_holds, hold_id = self._known_holds, holding.hold_id_in(command)
            there = self._ways.find(HOLD, named, str(hold_id), lambda each: (each, hold_id) in known_holds)
            command = command if there == named else structs.replace(command, member_id=there)
        book, at = self.book(command.member_id), command.recorded_at or self.now
        if isinstance(command, PlaceHold):
            return self._place_hold(book, command, at, named)
        key = command.member_id, command.hold_id
        known, command_hash = self._known_holds.get(key, (None, b""))
        if isinstance(command, PostHold):
            standing = holding.post(book, self.configuration, command, at, known)
        else:
            standing = holding.void(book, self.configuration, command, at, known)
        self._known_holds[key] = standing, command_hash
        return standing

    def _place_hold(self, book: Book, command: PlaceHold, at: datetime, named: UUID) -> HoldStanding:
        key = command.member_id, holding.hold_id_of(command.reference)
        command_hash = holding.hash_of(command)
        if key in self._known_holds:
            standing, first_hash = self._known_holds[key]
            if first_hash != command_hash:
                raise ReferenceReused(pointer="/reference", reference=command.reference)
            self.keep(HOLD, named, str(standing.hold_id), book.member_id, self.now)
            return holding.timed_out(standing, max(at, book.last_recorded_at or at))
        self._check_named(named, book)
        standing = holding.place(book, self.configuration, command, at)
        self._known_holds[key] = standing, command_hash
        self.keep(HOLD, named, str(standing.hold_id), book.member_id, standing.placed_at)
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
        """Settle a paid order once, wherever it stands; raises what the policy refuses, leaving nothing."""
        named, there = command.member_id, self._settled_with(command.member_id, command.order_id)
        settled = settlement.settle_order(
            self._check_named(named, self.book(there)), self.configuration, command, command.recorded_at or self.now
        )
        recorded_at = self.book(there).settlements[command.order_id].recorded_at
        self.keep(ORDER, named, command.order_id, there, recorded_at)
        return settled

    def _check_named(self, named: UUID, book: Book) -> Book:
        """Return the book that the named id stands for. Raises MemberGone where its own or that one is closed."""
        if named != book.member_id:
            self.book(named).require_open()
        return book.require_open()

    def check_open(self, member_id: UUID) -> None:
        """Raise MemberGone where a member's books are closed."""
        self.book(member_id).require_open()

    def settle_return(self, command: SettleReturn) -> ReturnSettlement:
        """Settle an order anew after a return, where it stands: also in books that are part of another's by now."""
        at = command.recorded_at or self.now
        there = self._settled_with(command.member_id, command.order_id)
        if there in self._ways.merged:
            return passing.settle_return(self.path(there), self.configuration, command, at)
        return settlement.settle_return(self.book(there), self.configuration, command, at)

    def _settled_with(self, member_id: UUID, order_id: str) -> UUID:
        """Return in whose books an order of a member is settled, or would be."""
        if not self._ways:
            return member_id
        return self._ways.find(ORDER, member_id, order_id, lambda each: order_id in self.book(each).settlements)

    def keep(self, kind: Named, named: UUID, name: str, there: UUID, recorded_at: datetime) -> None:
        """Keep that what was addressed to one member was answered from the books of another."""
        if there != named:
            self._ways.keep(kind, named, name, there, recorded_at)

    def opened(self) -> set[UUID]:
        """Return whose books these are."""
        return set(self._books)

    def open_for(self, named: UUID) -> Book:
        """Return the book that an id stands for. Raises UnknownMember, MemberGone."""
        return self._check_named(named, self.book(self.stands_for(named)))

    def answers_for(self, named: UUID, name: str, knows: Callable[[UUID], bool]) -> UUID:
        """Return whose books know what was addressed to an id under a name, else those that the id stands for."""
        self.book(named)
        return self._ways.find(POSTING, named, name, knows)

    def stands_for(self, member_id: UUID) -> UUID:
        """Return whose books an id stands for: its own, or those into which they were merged."""
        return self._ways.of(member_id)[-1]

    def path(self, member_id: UUID) -> list[Book]:
        """Return a member's book, and behind it each into which the one before was merged."""
        return [self.book(each) for each in self._ways.of(member_id)]

    def expire(self, member_id: UUID, at: datetime) -> None:
        """Book the expiry of what ran out by `at`."""
        book = self.book(member_id)
        for wallet, amount in postings.expire(book, self.configuration, at).items():
            recorded_at = book.last_recorded_at or at
            self._events.append(
                PointsExpired(member_id=member_id, recorded_at=recorded_at, wallet=wallet, amount=amount)
            )

    async def write_ahead(self, tx: Transaction) -> None:
        """Let PostgreSQL write what is decided so far, while more is decided."""
        writing.write_ahead(tx, self._books, self.journal)
        tx.publish(*self._events)
        self._events.clear()
        await tx.send()

    def write(self, tx: Transaction) -> None:
        """Buffer everything decided, and the facts that follow from it."""
        writing.write_journal(tx, self._books, self.journal, self._written)
        self._alone.write(tx)
        if self._ways.new:
            writing.write_forwards(tx, self._ways.new)
        unused = [book for member, first in self._reserved.items() if (book := self._books[member]).next_seq == first]
        if unused:
            writing.give_back(tx, unused)
        tx.publish(*self._events, *moves.facts(self.journal, self.configuration.wallet_codes))
        for end in self.journal.hold_ends:
            tx.publish(*telling.of_end(end, self.configuration.wallet_codes[end.hold.wallet_id]))
        tx.publish(*telling.of_tier_changes(self.journal, self.configuration))

    # --- loading ----------------------------------------------------------------------------------------------------

    async def load(self, tx: Transaction, needs: Needs, *, lock: bool) -> None:
        """Lock and read the books of the needed members; opens books for members who have none yet.

        Where an id stands for another's books, or once did, those are locked and read with it, all in one order.
        """
        corrections, corrected_alone = needs.corrections, needs.alone
        if not await self._read_own(tx, needs, lock=lock):
            needs = await self._read_families(tx, needs, lock=lock)
        if corrections:
            await self._read_requests(tx, corrections)
        until = self._until(needs)
        await self._read_holds(tx, needs, until, lock=lock)
        await self._read_ageing(tx, until)
        if corrected_alone and alone.asks_for_it(self.configuration.policies):
            wishes = alone.wishes(corrected_alone, self._books, self._ways.of, self._last, self.now, until)
            self._alone = await alone.read(tx, wishes, lock=lock)

    async def _read_own(self, tx: Transaction, needs: Needs, *, lock: bool) -> bool:
        """Read books that are their own; where anybody is to be found elsewhere, nothing is locked, and False comes."""
        await self._read(tx, needs, needs.members, lock=lock, if_own=True)
        missing = needs.members - self._books.keys()
        if missing:
            links = None if self._books else tx.ask(*reading.read_links(sorted(missing)))
            owners = await owners_of(tx, missing)
            if links is not None and await tx.answer(links):
                return False
            await self._open(tx, needs, owners, lock=lock)
        return not any(book.merged_into is not None or book.has_forwards for book in self._books.values())

    async def _open(
        self, tx: Transaction, needs: Needs, owners: Sequence[tuple[UUID, str, datetime]], *, lock: bool
    ) -> None:
        if lock and owners:
            writing.insert_books(tx, owners)
            await self._read(tx, needs, {member_id for member_id, _, _ in owners}, lock=True)
        for member_id, zone, _ in owners:
            self._books.setdefault(member_id, Book(member_id, zone, self.configuration, self.journal))

    # --- of those whom others stand for ---

    async def _read_families(self, tx: Transaction, needs: Needs, *, lock: bool) -> Needs:
        """Read the books of the needed members with those for which they stand; returns what is needed of all."""
        if not lock:
            return await self._read_traced(tx, needs, lock=False)
        if self._books:  # they were merged while this waited for their lock, which it has now
            return await self._lock_further(tx, needs)
        for _ in range(_TRIES):
            try:
                async with tx.savepoint():
                    return await self._read_traced(tx, needs, lock=True)
            except _LedElsewhere:  # all locks are free again
                continue
        raise database_errors.SerializationFailure("whom the members stand for changed again and again")

    async def _read_traced(self, tx: Transaction, needs: Needs, *, lock: bool) -> Needs:
        """Lock and read all books to which the members lead; raises _LedElsewhere if they lead elsewhere by then."""
        traced = await trace(tx, needs)
        for known in (self._books, self._written, self._reserved, self._known, self._known_holds):
            known.clear()
        await self._read(tx, traced.needs, traced.needs.members, lock=lock)
        missing = traced.needs.members - self._books.keys()
        if missing:
            await self._open(tx, traced.needs, await owners_of(tx, missing), lock=lock)
        if lock and await trace(tx, needs) != traced:
            raise _LedElsewhere
        self._ways = traced.ways
        self.configuration.learn(traced.ways.merged)
        return traced.needs

    async def _lock_further(self, tx: Transaction, needs: Needs) -> Needs:
        """Lock more where some is locked: without waiting, as what is locked may come later in the order.

        Raises SerializationFailure, for the transaction to be tried again from its beginning.
        """
        if self._reserved:
            writing.give_back(tx, [self._books[member_id] for member_id in self._reserved])
        further = (await trace(tx, needs)).needs.members - needs.members
        if len(await tx.rows(*reading.lock_at_once(sorted(further)))) < len(further):
            raise database_errors.SerializationFailure("members were merged while this waited for them")
        try:
            return await self._read_traced(tx, needs, lock=True)
        except _LedElsewhere as error:
            raise database_errors.SerializationFailure("members were merged while this waited for them") from error

    # --- what is read of each ---

    async def _read(self, tx: Transaction, needs: Needs, whom: set[UUID], *, lock: bool, if_own: bool = False) -> None:
        ids = sorted(whom, key=_AS_INTEGER)
        everybody = whom is needs.members
        orders = [order for order in needs.orders if everybody or order[0] in whom]
        references = [reference for reference in needs.references if everybody or reference[0] in whom]
        reserved = needs.postings if lock else {}
        lots_of = needs.lots_of if everybody else needs.lots_of & whom
        statements: list[Statement] = [
            self.configuration.question,
            self._locked(ids, reserved, if_own=if_own) if lock else reading.read_books(ids),
            reading.read_wallets(ids),
        ]
        if lots_of:
            statements.append(reading.read_open_lots(list(lots_of)))
        if orders:
            statements.extend(reading.of_orders(orders))
        if references:
            statements.append(reading.read_references(references))
        answers = map(tx.answer, [tx.ask(*statement) for statement in statements])
        if len(ids) > _FEW:
            await tx.send()  # so that books are made while their wallets are read
        await self.configuration.follow(tx, await next(answers))
        for row in await next(answers):
            member_id = row[0]
            self._books[member_id] = reading.make_book(row, self.configuration, self.journal)
            self._written[member_id] = reading.written_by_lock(row, reserved.get(member_id, 0))
            if reserved:
                self._reserved[member_id] = row[2]
        books = self._books  # where some are missing, `load` opens them and reads theirs again
        reading.fill_wallets(books, reading.of_open(books, await next(answers)))
        if lots_of:
            reading.fill_lots(books, reading.of_open(books, await next(answers)))
        if orders:
            settlements = reading.of_open(books, await next(answers))
            reading.fill_lots(books, reading.of_open(books, await next(answers)))
            reading.fill_settlements(books, settlements, reading.of_open(books, await next(answers)))
        if references:
            self._known.update(((row[0], row[1]), Earlier(*row)) for row in reading.of_open(books, await next(answers)))

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

    async def _read_holds(self, tx: Transaction, needs: Needs, until: datetime, *, lock: bool) -> None:
        """Read the open holds of those who have some: where lots are looked at, or a deadline comes meanwhile."""
        holders, without_lots = [], []
        for book in self._books.values():
            if book.hold_until is None or book.holds:
                continue
            if book.member_id in needs.lots_of:
                holders.append(book.member_id)
            elif lock and book.hold_until <= self._last(book, until):
                without_lots.append(book.member_id)
        if holders or without_lots:
            lots, holds = await tx.read(
                reading.read_open_lots(without_lots), reading.read_open_holds([*holders, *without_lots])
            )
            reading.fill_lots(self._books, lots)
            reading.fill_holds(self._books, holds)
        if needs.holds:
            self._know_holds(await tx.rows(*reading.read_holds(list(needs.holds))))

    async def _read_requests(self, tx: Transaction, corrections: set[tuple[UUID, str]]) -> None:
        """Read what was asked for under the references of corrections, and what of it is posted elsewhere."""
        asked = {(each, reference) for member_id, reference in corrections for each in self._ways.of(member_id)}
        keys = [(member_id, requests.request_id_of(member_id, reference)) for member_id, reference in sorted(asked)]
        for row in await tx.rows(*reading.read_requests(keys)):
            self._requests[row[0], row[1]] = requests.Asked(*row)
        posted = [
            (member_id, one.posted_as)
            for one in self._requests.values()
            if one.answer == "approved"
            for member_id in self._ways.of(one.member_id)
            if (member_id, one.posted_as) not in self._known
        ]
        if posted:
            for row in await tx.rows(*reading.read_references(posted)):
                self._known[row[0], row[1]] = Earlier(*row)

    def _locked(self, ids: Sequence[UUID], reserved: Mapping[UUID, int], *, if_own: bool) -> Statement:
        """Lock books, and reserve numbers where only direct postings of this instant are coming."""
        at = self.now if reserved else None
        turn_version = self.configuration.turn_version(at) if at else 0
        return reading.lock_books(ids, reserved, at, turn_version, if_own=if_own)

    def _until(self, needs: Needs) -> datetime:
        """Return up to when something may be recorded, whatever each book says of its own latest instant.

        What goes from one member's books to another's is recorded in both at the later of their instants.
        """
        if not (needs.together or self._ways):
            return needs.until
        return max([needs.until, *[self._last(book, needs.until) for book in self._books.values()]])

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
