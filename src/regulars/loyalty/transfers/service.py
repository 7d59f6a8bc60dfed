"""Points go from one member to another, lot by lot, as the policy allows; and are taken back by staff, for a reason.

A batch is decided in the order of arrival on the locked books of all who are named, or for whom those stand, exactly as
if each were alone. `dry_run` decides the same on books without their locks, and writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import chain
from typing import Final
from uuid import UUID

import msgspec

from regulars.domain_events.loyalty import TransferReceived, TransferSent, TransferTakenBack
from regulars.loyalty.errors import InsufficientPoints, ReferenceReused
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.books import Books, open_books
from regulars.loyalty.ledger.entries import Take, pick
from regulars.loyalty.ledger.moves import Moving, together, transfer_in
from regulars.loyalty.ledger.needs import Needs
from regulars.loyalty.ledger.ways import POSTING
from regulars.loyalty.merging.service import give_back
from regulars.loyalty.policy.contracts import Policy, TransferPolicy
from regulars.loyalty.policy.rules import active_at
from regulars.loyalty.policy.service import Configuration, Wallet
from regulars.loyalty.tiers.rules import code_of
from regulars.loyalty.transfers import errors, rules, store
from regulars.loyalty.transfers.contracts import (
    ReverseTransfer,
    TransferPoints,
    Transferred,
    TransferReversed,
    TransferRoom,
    TransferSeen,
    TransferSide,
    TransferStanding,
)
from regulars.loyalty.transfers.rules import Counted, Reached
from regulars.loyalty.transfers.store import Reversal, TransferRow
from regulars.members import api as members
from regulars.members.contracts import MemberRef
from regulars.members.contracts.refusals import MemberGone
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import derived_id

_GIVEN: Final = {
    "day": errors.GivenTodayLimit,
    "month": errors.GivenThisMonthLimit,
    "year": errors.GivenThisYearLimit,
}
_RECEIVED: Final = {
    "day": errors.ReceivedTodayLimit,
    "month": errors.ReceivedThisMonthLimit,
    "year": errors.ReceivedThisYearLimit,
}
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Known:
    """What a batch has to know beside the books: who is who, who lives with whom, what went before."""

    refs: dict[UUID, MemberRef]
    households: dict[UUID, UUID]
    transfers: dict[tuple[UUID, str], TransferRow]
    given: dict[UUID, list[Counted]] = field(default_factory=dict)
    received: dict[UUID, list[Counted]] = field(default_factory=dict)


async def transfer(
    tx: Transaction, configuration: Configuration, wishes: Sequence[TransferPoints], *, dry_run: bool = False
) -> list[Transferred | DomainError]:
    """Carry out transfers in order of arrival; see `loyalty.api.transfer_points`."""
    needs = Needs(until=max([wish.recorded_at or tx.now for wish in wishes], default=tx.now))
    for wish in wishes:
        needs.members |= {wish.member_id, wish.to_id}
        needs.lots_of.add(wish.member_id)
        needs.references.add((wish.member_id, _name(wish.reference)))
    books = await open_books(tx, configuration, needs, lock=not dry_run)
    earliest = min([wish.recorded_at or tx.now for wish in wishes], default=tx.now)
    known = await _known(tx, books, needs, rules.oldest(earliest, configuration.policies))
    batch = _Batch(books, configuration, known, tx.now)
    results: list[Transferred | DomainError] = []
    for wish in wishes:
        try:
            results.append(batch.carry(wish))
        except DomainError as refusal:
            results.append(refusal)
    if dry_run:
        return [
            msgspec.structs.replace(one, transfer_id=None) if isinstance(one, Transferred) else one for one in results
        ]
    books.write(tx)
    written_at = wall_now()
    for row in batch.rows:
        store.insert(tx, row, written_at)
        tx.publish(_fact(row, configuration.wallet_codes[row.wallet_id]))
    return results


def _fact(row: TransferRow, wallet: str) -> TransferSent | TransferReceived:
    kind = TransferSent if row.side == "given" else TransferReceived
    return kind(
        member_id=row.member_id,
        transfer_id=row.transfer_id,
        other_id=row.other_id,
        wallet=wallet,
        amount=row.amount,
        recorded_at=row.recorded_at,
    )


async def _known(tx: Transaction, books: Books, needs: Needs, since: datetime | None) -> _Known:
    """Read, behind the books' locks, what is decided by. No book of these members, and no transfer, changes meanwhile.

    Households may: they are kept by locks of the members' side, which are taken before books and so cannot be waited
    for here. Who leaves while a transfer is decided gave before leaving, or was refused after: both asked at the same
    time, and neither reads what the other writes. `since` is None where no span is limited.
    """
    ids = sorted(books.opened())
    names = sorted({(member_id, _given_name(name)) for _, name in needs.references for member_id in ids})
    asked = [store.ask_known(names)] if since is None else [store.ask_known(names), store.ask_counted(ids, since)]
    rows, *counted = await tx.read(*asked)
    known = _Known(
        refs=await members.known_members(tx, ids),
        households=await members.households.households_of(tx, ids),
        transfers={(row.member_id, row.reference or ""): row for row in map(TransferRow._make, rows)},
    )
    for member_id, side, at, amount in chain.from_iterable(counted):
        (known.given if side == "given" else known.received).setdefault(member_id, []).append(Counted(at, amount))
    return known


@dataclass(slots=True)
class _Batch:
    """Decides the transfers of a batch, one after the other."""

    books: Books
    configuration: Configuration
    known: _Known
    now: datetime
    rows: list[TransferRow] = field(default_factory=list)

    def carry(self, wish: TransferPoints) -> Transferred:
        """Carry one out, or give what it gave before. Raises what the policy refuses, leaving nothing."""
        books, transfers, asked = self.books, self.known.transfers, _hash_of(wish)
        there = books.answers_for(wish.member_id, _name(wish.reference), lambda one: (one, wish.reference) in transfers)
        earlier = transfers.get((there, wish.reference))
        if earlier is not None:
            if earlier.command_hash != asked:
                raise ReferenceReused(pointer="/reference", reference=wish.reference)
            books.keep(POSTING, wish.member_id, _name(wish.reference), there, self.now)
            return self._told(earlier)
        source, target = books.open_for(wish.member_id), books.open_for(wish.to_id)
        if source.member_id == target.member_id:
            raise errors.TransferToOneself(pointer="/to")
        return self._told(self._moved(wish, source, target, asked))

    def _moved(self, wish: TransferPoints, source: Book, target: Book, asked: bytes) -> TransferRow:
        now = together([source, target], wish.recorded_at or self.now)
        policy = self.configuration.policy_at(now)
        self._check_allowed(policy, source, target, wish.amount, now)
        wallet = self.configuration.wallet(policy.spending_wallet)
        takes = self._takes(source, wallet, wish.amount, now)
        transfer_id = derived_id(now, "transfer", source.member_id.hex, wish.reference)
        moving = Moving(source, target, self.configuration, now, transfer_in(transfer_id), "transfer")
        for take in takes:
            moving.lot(take)
        mine = TransferRow(
            source.member_id,
            transfer_id,
            "given",
            target.member_id,
            wallet.wallet_id,
            wish.amount,
            wish.reference,
            asked,
            wish.reason,
            wish.actor,
            now,
        )
        theirs = mine._replace(
            member_id=target.member_id, side="received", other_id=source.member_id, reference=None, command_hash=None
        )
        self.rows += [mine, theirs]
        self.known.transfers[source.member_id, wish.reference] = mine
        self.known.given.setdefault(source.member_id, []).append(Counted(now, wish.amount))
        self.known.received.setdefault(target.member_id, []).append(Counted(now, wish.amount))
        self.books.keep(POSTING, wish.member_id, _name(wish.reference), source.member_id, now)
        return mine

    def _check_allowed(self, policy: Policy, source: Book, target: Book, amount: int, now: datetime) -> None:
        """Raise what stands against it: by the policy, by who they are, by what went before."""
        transfers = policy.transfers
        if transfers is None:
            raise errors.TransfersNotAllowed(policy_version=policy.version)
        _check_amount(transfers, amount, policy.version)
        giver, getter = self.known.refs[source.member_id], self.known.refs[target.member_id]
        if giver.market != getter.market:
            raise errors.TransferAcrossMarkets(pointer="/to")
        home = self.known.households.get(source.member_id)
        if transfers.among == "household" and (home is None or home != self.known.households.get(target.member_id)):
            raise errors.TransferOutsideHousehold(pointer="/to", policy_version=policy.version)
        _check_waited(transfers, max(giver.signed_up_at, getter.signed_up_at), now, policy.version)
        _check_tier(policy, transfers, source)
        self._check_limits(policy, transfers, source, amount, now, is_given=True)
        self._check_limits(policy, transfers, target, amount, now, is_given=False)

    def check_giver(self, policy: Policy, source: Book, amount: int, now: datetime) -> None:
        """Raise what stands against it whoever is to get the units: what the one who gives may, and has."""
        transfers = policy.transfers
        if transfers is None:
            raise errors.TransfersNotAllowed(policy_version=policy.version)
        _check_amount(transfers, amount, policy.version)
        _check_waited(transfers, self.known.refs[source.member_id].signed_up_at, now, policy.version)
        _check_tier(policy, transfers, source)
        self._check_limits(policy, transfers, source, amount, now, is_given=True)
        self._takes(source, self.configuration.wallet(policy.spending_wallet), amount, now)

    def _check_limits(
        self, policy: Policy, transfers: TransferPolicy, book: Book, amount: int, now: datetime, *, is_given: bool
    ) -> None:
        counted = (self.known.given if is_given else self.known.received).get(book.member_id, ())
        found = rules.reached(rules.limits_of(transfers, given=is_given), counted, amount, now, book.time_zone)
        if found is not None:
            raise _refusal(found, amount, policy.version, is_given=is_given)

    @staticmethod
    def _takes(source: Book, wallet: Wallet, amount: int, now: datetime) -> list[Take]:
        """Return what is taken of which lots. Raises TransferOwes, InsufficientPoints."""
        if debt := source.wallet(wallet.wallet_id).debt:
            raise errors.TransferOwes(debt=debt)
        takes, lacking = pick(source.spendable_lots(wallet.wallet_id, now), amount)
        if lacking:
            raise InsufficientPoints(
                pointer="/amount", wallet=wallet.code, asked=amount, available=amount - lacking, missing=lacking
            )
        return takes

    def _told(self, row: TransferRow) -> Transferred:
        return told(row, self.configuration.wallet_codes[row.wallet_id])


def _check_amount(transfers: TransferPolicy, amount: int, version: int) -> None:
    if amount < transfers.smallest:
        raise errors.TransferTooSmall(
            pointer="/amount",
            smallest=transfers.smallest,
            asked=amount,
            missing=transfers.smallest - amount,
            policy_version=version,
        )
    if transfers.largest is not None and amount > transfers.largest:
        raise errors.TransferTooLarge(
            pointer="/amount",
            largest=transfers.largest,
            asked=amount,
            over=amount - transfers.largest,
            policy_version=version,
        )


def _check_waited(transfers: TransferPolicy, signed_up_at: datetime, now: datetime, version: int) -> None:
    open_from = signed_up_at + timedelta(days=transfers.waiting_days)
    if now < open_from:
        raise errors.TransferTooEarly(
            days=transfers.waiting_days, from_at=open_from.isoformat(), policy_version=version
        )


def _check_tier(policy: Policy, transfers: TransferPolicy, source: Book) -> None:
    needed = min(transfers.lowest_tier, len(policy.tier.tiers) - 1)
    if source.tier < needed:
        raise errors.TransferNeedsTier(
            needed=code_of(policy.tier, needed),
            tier=code_of(policy.tier, source.tier),
            policy_version=policy.version,
        )


def _refusal(found: Reached, amount: int, version: int, *, is_given: bool) -> DomainError:
    kind = (_GIVEN if is_given else _RECEIVED)[found.span]
    return kind(
        pointer="/amount",
        limit=found.limit,
        left=found.left,
        again_at=found.again_at.isoformat(),
        asked=amount,
        policy_version=version,
    )


def _name(reference: str) -> str:
    """Return the name under which a transfer's reference is followed: beside those of postings, never for one."""
    return f"transfer:{reference}"


def _given_name(name: str) -> str:
    return name.removeprefix("transfer:")


def _hash_of(wish: TransferPoints) -> bytes:
    return blake2b(_encode(("transfer", wish.to_id, wish.amount, wish.reason)), digest_size=16).digest()


def told(row: TransferRow, wallet: str) -> Transferred:
    """Tell of a transfer as it is kept with who gave."""
    return Transferred(
        transfer_id=row.transfer_id,
        member_id=row.member_id,
        to_id=row.other_id,
        wallet=wallet,
        amount=row.amount,
        reference=row.reference or "",
        reason=row.reason,
        recorded_at=row.recorded_at,
        reversed_at=row.reversed_at,
    )


# --- taking back ------------------------------------------------------------------------------------------------------


async def reverse(tx: Transaction, configuration: Configuration, wish: ReverseTransfer) -> TransferReversed:
    """Take a transfer back; see `loyalty.api.reverse_transfer`."""
    row = await _given(tx, wish.member_id, wish.transfer_id)
    pair = {row.member_id, row.other_id}
    books = await open_books(
        tx, configuration, Needs(until=tx.now, members=pair, lots_of=set(pair)), lock=not wish.dry_run
    )
    if any(books.stands_for(one) != one for one in pair):
        raise errors.ReversalAfterMerge
    row = await store.one(tx, row.member_id, row.transfer_id) or row  # as it is now that both are held
    if row.reversed_at is not None:
        raise errors.TransferReversedBefore(reversed_at=row.reversed_at.isoformat())
    source, target = books.book(row.other_id), books.book(row.member_id)
    if source.closed_at is not None or target.closed_at is not None:
        raise MemberGone
    now = together([source, target], tx.now)
    cause = transfer_in(row.transfer_id)
    moving = Moving(source, target, configuration, now, f"{cause}:undo", "transfer_back")
    wallet = configuration.wallet_of(row.wallet_id)
    back = await give_back(tx, moving, cause, wallet)
    done = TransferReversed(
        transfer_id=row.transfer_id,
        member_id=row.member_id,
        to_id=row.other_id,
        wallet=wallet.code,
        returned=back.returned,
        covered=back.covered,
        shortfall=back.shortfall,
        expired=back.expired,
        recorded_at=now,
        dry_run=wish.dry_run,
    )
    if not wish.dry_run:
        books.write(tx)
        units = (done.returned, done.covered, done.shortfall, done.expired)
        kept = Reversal(row.member_id, row.transfer_id, *units, wish.reason, wish.actor, now)
        store.reverse(tx, kept, wall_now())
        tx.publish(_taken_back(done, "given"), _taken_back(done, "received"))
    return done


def _taken_back(done: TransferReversed, side: TransferSide) -> TransferTakenBack:
    mine, other = (done.member_id, done.to_id) if side == "given" else (done.to_id, done.member_id)
    return TransferTakenBack(
        member_id=mine,
        transfer_id=done.transfer_id,
        other_id=other,
        side=side,
        wallet=done.wallet,
        amount=done.returned + done.covered + done.shortfall,
        owed=done.shortfall,
        expired=done.expired,
        recorded_at=done.recorded_at,
    )


async def _given(tx: Transaction, member_id: UUID, transfer_id: UUID) -> TransferRow:
    """Return what a member gave by a transfer, under any id that means the member now.

    What was given under one of them while it stood for another's books is there, as ever. Raises UnknownTransfer.
    """
    known = (await members.known_members(tx, [member_id])).get(member_id)
    if known is None:
        raise NotFound
    ids = [known.stands_for, member_id, *await members.family(tx, known.stands_for)]
    row = await store.given(tx, ids, transfer_id)
    if row is None:
        raise errors.UnknownTransfer
    return row


# --- reading ----------------------------------------------------------------------------------------------------------


async def transfer_standing(
    tx: Transaction, configuration: Configuration, member_id: UUID, amount: int | None = None
) -> TransferStanding | None:
    """Return what a member may give, to whomever; see `loyalty.api.transfer_standing`."""
    needs = Needs(until=tx.now, members={member_id}, lots_of={member_id})
    books = await open_books(tx, configuration, needs, lock=False)
    policy = active_at(configuration.policies, tx.now)
    if policy is None or policy.transfers is None:
        return None
    known = await _known(tx, books, needs, rules.oldest(tx.now, configuration.policies))
    book = books.open_for(member_id)
    now, wallet = together([book], tx.now), configuration.wallet(policy.spending_wallet)
    refusal: DomainError | None = None
    if amount is not None:
        try:
            _Batch(books, configuration, known, now).check_giver(policy, book, amount, now)
        except DomainError as found:
            refusal = found
    counted = known.given.get(book.member_id, ())
    limits = rules.limits_of(policy.transfers, given=True)
    return TransferStanding(
        policy=policy.transfers,
        available=sum([lot.free for lot in book.spendable_lots(wallet.wallet_id, now)]),
        debt=book.wallet(wallet.wallet_id).debt,
        gives_from=known.refs[book.member_id].signed_up_at + timedelta(days=policy.transfers.waiting_days),
        room=tuple(
            [
                TransferRoom(span=span, limit=limit, left=rules.left_of(span, limit, counted, now, book.time_zone))
                for span, limit in limits.items()
            ]
        ),
        refusal=refusal,
    )


async def read_transfer(tx: Transaction, member_id: UUID, transfer_id: UUID) -> Transferred:
    """Return a transfer that a member gave; see `loyalty.api.read_transfer`."""
    row = await _given(tx, member_id, transfer_id)
    return told(row, (await store.wallet_codes(tx))[row.wallet_id])


async def list_transfers(
    tx: Transaction, member_id: UUID, *, before: store.Place | None = None, limit: int = 50
) -> list[TransferSeen]:
    """Return what a member gave and got, the last first; see `loyalty.api.list_transfers`."""
    known = (await members.known_members(tx, [member_id])).get(member_id)
    if known is None:
        raise NotFound
    ids = [known.stands_for, *await members.family(tx, known.stands_for)]
    codes = await store.wallet_codes(tx)
    return [
        TransferSeen(
            transfer_id=row.transfer_id,
            member_id=row.member_id,
            side="given" if row.side == "given" else "received",
            other_id=row.other_id,
            wallet=codes[row.wallet_id],
            amount=row.amount,
            reference=row.reference,
            reason=row.reason,
            actor=row.actor,
            recorded_at=row.recorded_at,
            reversed_at=row.reversed_at,
        )
        for row in await store.listed(tx, ids, before, limit)
    ]
