"""Two members' books become one, and two again; `dry_run` decides the same on unlocked books and writes nothing."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from regulars.loyalty.adjustments.service import adjustment_requests
from regulars.loyalty.contracts import RequestsWanted, VoidHold
from regulars.loyalty.errors import (
    BooksMerged,
    MergeNotInForce,
    MergeWaitsForHolds,
    MergeWaitsForRequests,
    UndoLacksGrowth,
    UndoWaitsForHolds,
    UndoWaitsForLater,
)
from regulars.loyalty.ledger import holding
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.books import Books, open_books
from regulars.loyalty.ledger.entries import Entry
from regulars.loyalty.ledger.moves import Moving, merge_in, sweep, together, undoing, without_pairs
from regulars.loyalty.ledger.needs import Needs
from regulars.loyalty.merging import store
from regulars.loyalty.merging.resuming import standing_without
from regulars.loyalty.merging.returning import Returning
from regulars.loyalty.policy.service import Configuration, Wallet
from regulars.loyalty.tiers.rules import code_of
from regulars.members.contracts.merging import (
    BooksMoved,
    BooksReturned,
    Merging,
    MergingPart,
    TierMoved,
    WalletMoved,
    WalletReturned,
)
from regulars.members.contracts.refusals import MemberGone
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import public_id

logger = logging.getLogger(__name__)

ERASED: Final = "one of both was erased before this database was restored"


async def merge(tx: Transaction, merging: Merging, dry_run: bool) -> BooksMoved:  # noqa: FBT001 - a part's verb
    """Move everything of the absorbed member into the survivor's books, and let ids of the one stand for the other.

    Raises BooksMerged, MergeWaitsForHolds, MergeWaitsForRequests, NoActivePolicy (409), MemberGone (410).
    """
    configuration = Configuration()
    books = await _open(tx, configuration, merging, dry_run=dry_run)
    source, target = books.book(merging.absorbed_id), books.book(merging.survivor_id)
    _check_merge(source, target)
    now = together([source, target], merging.at)
    if source.holds:
        raise MergeWaitsForHolds(open=len(source.holds))
    if await adjustment_requests(tx, RequestsWanted(member_id=source.member_id, state="open", limit=1)):
        raise MergeWaitsForRequests
    books.expire(source.member_id, now)
    found = without_pairs(await store.entries(tx, source.member_id))
    before, moved = _Standing(configuration, books, merging), _to_be_moved(source, found)
    source.join("absorbed", "joined", merging.merge_id, target.member_id, now)
    target.join("survivor", "joined", merging.merge_id, source.member_id, now)
    source.merged_into, source.merged_by = target.member_id, merging.merge_id
    moving = Moving(source, target, configuration, now, merge_in(merging.merge_id), "merge")
    await asyncio.to_thread(_move_all, moving, found)
    if not dry_run:
        await asyncio.to_thread(books.write, tx)
        store.join_books(tx, source.member_id, target.member_id, merging.merge_id)
    return BooksMoved(
        wallets=tuple(
            [
                WalletMoved(
                    wallet=code,
                    units=units,
                    lots=lots,
                    debt=debt,
                    survivor_before=before.survivor.get(wallet_id, 0),
                    survivor_after=target.wallet(wallet_id).balance,
                )
                for wallet_id, (units, lots, debt) in sorted(moved.items())
                for code in [configuration.wallet_codes[wallet_id]]
            ]
        ),
        tier=before.tier(None),
    )


async def undo(
    tx: Transaction,
    merging: Merging,
    dry_run: bool,  # noqa: FBT001 - a part's verb
    *,
    voids: bool = False,
) -> BooksReturned:
    """Return to the absorbed member what the merge brought and is not over; both hold the tiers they had without it.

    With `voids` the survivor's open holds end first, whatever they are for.
    Raises MergeNotInForce, UndoWaitsForLater, UndoWaitsForHolds, UndoLacksGrowth (409), MemberGone (410).
    """
    configuration = Configuration()
    books = await _open(tx, configuration, merging, dry_run=dry_run)
    source, target = books.book(merging.survivor_id), books.book(merging.absorbed_id)
    _check_undo(merging, source, target)
    now = together([source, target], merging.at)
    for hold_id in list(source.holds) if voids else ():
        wish = VoidHold(member_id=source.member_id, hold_id=hold_id, reason=ERASED)
        holding.void(source, configuration, wish, now, None)
    rows = await store.moved(tx, source.member_id, merge_in(merging.merge_id))
    known = await store.lots(tx, source.member_id, [row.seq for row in rows if row.has_lot])
    before = _Standing(configuration, books, merging)
    moving = Moving(source, target, configuration, now, undoing(merging.merge_id), "undo")
    returning = Returning(moving, known | {number: lot for number, lot in source.lots.items() if number in known})
    returned, entries = await asyncio.to_thread(_return_all, moving, returning, rows)
    _check_growth(source, configuration)
    await _part(tx, moving, merging)
    returned += [
        returning.told(
            configuration.wallet_of(wallet_id), sum([one.change for one in entries if one.wallet_id == wallet_id])
        )
        for wallet_id in sorted({entry.wallet_id for entry in entries})
    ]
    if not dry_run:
        await asyncio.to_thread(books.write, tx)
        store.part_books(tx, target.member_id, merging.merge_id)
    return BooksReturned(wallets=tuple(returned), tier=before.tier(target))


async def part(tx: Transaction, merging: Merging) -> None:
    """Part books that a merge joined, as undoing it does; nothing where they are two, or undoing is refused.

    For a restored database, which is not served before: holds that keep what is to go back end, as nobody could end
    them afterwards. What else stands in the way is logged, and `verify` tells it.
    """
    if not await store.is_joined(tx, merging.absorbed_id, merging.merge_id):
        return
    try:
        async with tx.savepoint():
            await undo(tx, merging, False)  # noqa: FBT003 - a part's verb
        return
    except UndoWaitsForHolds:
        logger.warning("holds end, as they keep what belongs to who is parted from an erased member")
    except DomainError as refusal:
        logger.warning("books joined by a merge that was undone stay joined: %s", refusal.code)
        return
    try:
        async with tx.savepoint():
            await undo(tx, merging, False, voids=True)  # noqa: FBT003 - a part's verb
    except DomainError as refusal:
        logger.warning("books joined by a merge that was undone stay joined: %s", refusal.code)


async def give_back(tx: Transaction, moving: Moving, cause: str, wallet: Wallet) -> WalletReturned:
    """Return what a transfer brought of one wallet that is spent; `moving` leads from who got it to who gave.

    What comes back is of the order again that it was of before, if that is an order of whoever is part of the giver
    now. A return of it takes what it would have taken, had nothing been given.

    Raises UndoWaitsForHolds (409).
    """
    rows = await store.moved(tx, moving.source.member_id, cause)
    known, moving.orders = await store.given(tx, moving.source.member_id, rows, moving.target.member_id)
    there = {number: lot for number, lot in moving.source.lots.items() if number in known}
    return await asyncio.to_thread(Returning(moving, known | there).wallet, wallet, rows)


def _move_all(moving: Moving, entries: Sequence[Entry]) -> None:
    """Move lots, debt and entries. In a thread: with tens of thousands of lots nobody else should wait for it."""
    sweep(moving)
    moving.entries(entries)


def _return_all(
    moving: Moving, returning: Returning, rows: Sequence[store.MovedRow]
) -> tuple[list[WalletReturned], list[Entry]]:
    """Return what was moved of each wallet that is spent, and the entries of the others; in a thread, as above."""
    wallet_of = moving.configuration.wallet_of
    returned = [
        returning.wallet(wallet_of(wallet_id), [row for row in rows if row.wallet_id == wallet_id])
        for wallet_id in sorted({row.wallet_id for row in rows if row.spendable})
    ]
    entries = without_pairs(
        [Entry(row.wallet_id, row.seq, row.change, row.effective_at) for row in rows if not row.spendable]
    )
    moving.carry(entries)
    return returned, entries


async def _open(tx: Transaction, configuration: Configuration, merging: Merging, *, dry_run: bool) -> Books:
    members = {merging.survivor_id, merging.absorbed_id}
    needs = Needs(until=max(merging.at, tx.now), members=members, lots_of=set(members), together=True)
    return await open_books(tx, configuration, needs, lock=not dry_run)


def _check_merge(source: Book, target: Book) -> None:
    """Raise unless both are open and nobody else's part: under their locks, whatever was looked at before."""
    for book in (source, target):
        if book.merged_into is not None:
            raise BooksMerged(member=public_id("mbr", book.member_id), into=public_id("mbr", book.merged_into))
    _check_both_open(source, target)


def _check_undo(merging: Merging, source: Book, target: Book) -> None:
    """Raise unless the absorbed one is part of the survivor by this very merge, and the survivor nobody's."""
    if target.merged_by != merging.merge_id or target.merged_into != source.member_id:
        raise MergeNotInForce(member=public_id("mbr", target.member_id), survivor=public_id("mbr", source.member_id))
    if source.merged_into is not None:
        raise UndoWaitsForLater(survivor=public_id("mbr", source.member_id), into=public_id("mbr", source.merged_into))
    _check_both_open(source, target)


def _check_both_open(source: Book, target: Book) -> None:
    """Raise MemberGone where one of both was erased: what is in closed books stays there."""
    if source.closed_at is not None or target.closed_at is not None:
        raise MemberGone


async def _part(tx: Transaction, moving: Moving, merging: Merging) -> None:
    """Let the books be two members' again, who hold the tiers that they would hold without the merge."""
    source, target = moving.source, moving.target
    source.join("survivor", "parted", merging.merge_id, target.member_id, moving.now)
    target.join("absorbed", "parted", merging.merge_id, source.member_id, moving.now)
    target.merged_into = target.merged_by = None
    for book in (source, target):
        left_out = [merging.merge_id, *await store.undone(tx, book.member_id)]
        history = await store.counted(tx, book.member_id)
        standing = standing_without(book, moving.configuration, history, left_out, moving.now)
        book.resume(standing, moving.cause, moving.now)


def _check_growth(book: Book, configuration: Configuration) -> None:
    for wallet_id, state in book.wallets.items():
        if not configuration.wallet_of(wallet_id).spendable and state.balance < 0:
            raise UndoLacksGrowth(lacking=-state.balance)


def _to_be_moved(book: Book, entries: Sequence[Entry]) -> dict[int, tuple[int, int, int]]:
    """Return by wallet what is moved: units, of how many lots or entries, and what is owed."""
    moved = {}
    for wallet_id, state in book.wallets.items():
        lots = [lot for lot in book.lots.values() if lot.wallet_id == wallet_id and lot.remaining]
        own = [entry for entry in entries if entry.wallet_id == wallet_id]
        if lots or own or state.debt:
            moved[wallet_id] = (state.balance + state.debt, len(lots) + len(own), state.debt)
    return moved


class _Standing:
    """How both stood before, for telling what changed."""

    def __init__(self, configuration: Configuration, books: Books, merging: Merging) -> None:
        self._survivor: Book = books.book(merging.survivor_id)
        self._absorbed: Book = books.book(merging.absorbed_id)
        self._configuration = configuration
        self._at = merging.at
        self.survivor = {wallet_id: state.balance for wallet_id, state in self._survivor.wallets.items()}
        self._tiers = self._codes()

    def _codes(self) -> tuple[str, str]:
        policy = self._configuration.policy_at(self._at).tier
        return code_of(policy, self._survivor.tier), code_of(policy, self._absorbed.tier)

    def tier(self, back: Book | None) -> TierMoved:
        """Return the tiers before and now; `back` is the absorbed one's book where it is its own again."""
        now = self._codes()
        return TierMoved(
            survivor_before=self._tiers[0],
            survivor_after=now[0],
            absorbed_before=self._tiers[1] if back is None else None,
            absorbed_after=None if back is None else now[1],
        )


async def _has_account(tx: Transaction, member_id: UUID) -> bool:
    return await store.has_booked(tx, member_id)


MERGING: Final = MergingPart(room="loyalty", has_account=_has_account, merge=merge, undo=undo)
