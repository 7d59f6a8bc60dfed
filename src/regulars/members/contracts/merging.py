"""What other rooms see of merging: two members become one, and two again; and what each room has to do with it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

from regulars.members.contracts.households import HouseholdMoved
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError

MERGE_PREFIX = "mrg"
PROPOSAL_PREFIX = "mpr"


class MergeMembers(Struct, frozen=True, kw_only=True):
    """A wish that `absorbed` becomes part of `survivor`, who keeps the id; by `actor`, for a reason."""

    survivor_id: UUID
    absorbed_id: UUID
    actor: str
    reason: str
    dry_run: bool = False
    recorded_at: datetime | None = None


class UndoMerge(Struct, frozen=True, kw_only=True):
    """A wish that two members who were merged be two again."""

    survivor_id: UUID
    merge_id: UUID
    actor: str
    reason: str
    dry_run: bool = False
    recorded_at: datetime | None = None


class Merging(NamedTuple):
    """A merge as the rooms carry it out; `at` is when it is recorded."""

    merge_id: UUID
    survivor_id: UUID
    absorbed_id: UUID
    at: datetime


class WalletMoved(Struct, frozen=True, kw_only=True):
    """What a merge moves of a wallet, in its units: how many lots (or entries of what is not spent), and debt."""

    wallet: str
    units: int
    lots: int
    debt: int
    survivor_before: int
    survivor_after: int


class WalletReturned(Struct, frozen=True, kw_only=True):
    """What undoing returns of a wallet, in its units.

    `returned` goes back as it is there, `covered` was spent meanwhile and comes out of the survivor's other units,
    `shortfall` out of nothing: the survivor owes it then. `expired` ran out meanwhile, and `kept` is what the survivor
    had given on the absorbed one's account; neither goes back. `debt` goes back.
    """

    wallet: str
    returned: int
    covered: int
    shortfall: int
    expired: int
    kept: int
    debt: int
    survivor_before: int
    survivor_after: int
    absorbed_after: int


class TierMoved(Struct, frozen=True, kw_only=True):
    """The tiers of both, by their codes, before and after; None where an absorbed one has none of its own."""

    survivor_before: str
    survivor_after: str
    absorbed_before: str | None
    absorbed_after: str | None


class BooksMoved(Struct, frozen=True, kw_only=True):
    """What a merge moves in the books."""

    wallets: tuple[WalletMoved, ...]
    tier: TierMoved


class BooksReturned(Struct, frozen=True, kw_only=True):
    """What undoing a merge returns in the books."""

    wallets: tuple[WalletReturned, ...]
    tier: TierMoved


class ConsentChosen(Struct, frozen=True, kw_only=True):
    """A decision on consent that the survivor takes over: the latest of the two, a withdrawal before a grant."""

    purpose: str
    channel: str
    decision: str
    before: str | None


class ConsentReplaced(Struct, frozen=True, kw_only=True):
    """A decision that a merge, or undoing it, wrote down; `before_id`: which was in force, or is in force again."""

    consent_id: UUID
    before_id: UUID | None


class Merge(Struct, frozen=True, kw_only=True):
    """A merge as it was carried out (or would be): what went over, in kinds and numbers, no personal data.

    `identities` are kinds of what finds the absorbed one, `unproved` those of them that nobody proved to hold (they
    open no session of the survivor), `filled` fields of the survivor's profile that were empty.
    Kept, and told nobody: `identity_ids` are the ids of those identities, `replaced` which decisions the merge wrote
    down for the survivor, each with the survivor's own that it replaced.
    """

    merge_id: UUID
    survivor_id: UUID
    absorbed_id: UUID
    state: Literal["merged", "undone", "proposed"]
    actor: str
    reason: str
    recorded_at: datetime
    identities: tuple[str, ...]
    filled: tuple[str, ...]
    consents: tuple[ConsentChosen, ...]
    books: BooksMoved
    household: HouseholdMoved | None = None
    unproved: tuple[str, ...] = ()
    undone_at: datetime | None = None
    undone_by: str | None = None
    undo_reason: str | None = None
    identity_ids: tuple[UUID, ...] = ()
    replaced: tuple[ConsentReplaced, ...] = ()


class MergeUndone(Struct, frozen=True, kw_only=True):
    """What undoing a merge gave back, or would: kinds of identities, fields of the profile, consents, books.

    Kept, and told nobody: `restored` are the survivor's decisions written down anew, each with that of before.
    """

    merge_id: UUID
    survivor_id: UUID
    absorbed_id: UUID
    recorded_at: datetime
    identities: tuple[str, ...]
    cleared: tuple[str, ...]
    consents: tuple[ConsentChosen, ...]
    books: BooksReturned
    household: HouseholdMoved | None = None
    restored: tuple[ConsentReplaced, ...] = ()


async def _nothing_stands_against(_tx: Transaction, _survivor: UUID, _absorbed: UUID) -> DomainError | None:
    return None


async def _nothing_told(_tx: Transaction, _survivor: UUID, _since: datetime) -> None:
    """Nothing is kept of what a survivor was told."""


@dataclass(frozen=True, slots=True)
class MergingPart:
    """What a room has to do with merges; entrypoints hand the parts of all rooms to whoever merges.

    `stands_against` says why two cannot be merged now, `has_account` whether a member has one there. The room with the
    books has `merge` and `undo`: they carry out in the caller's transaction, or, with `dry_run`, tell what would be.

    `forget_told` forgets what a survivor was told since a merge (by the wall clock) that is undone now.
    """

    room: str
    has_account: Callable[[Transaction, UUID], Awaitable[bool]]
    stands_against: Callable[[Transaction, UUID, UUID], Awaitable[DomainError | None]] = _nothing_stands_against
    merge: Callable[[Transaction, Merging, bool], Awaitable[BooksMoved]] | None = None
    undo: Callable[[Transaction, Merging, bool], Awaitable[BooksReturned]] | None = None
    forget_told: Callable[[Transaction, UUID, datetime], Awaitable[None]] = _nothing_told


MergingParts = Sequence[MergingPart]
