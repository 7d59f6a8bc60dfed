"""What callers send and get about merges."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.households import HOUSEHOLD_PREFIX, HouseholdMoved
from regulars.members.contracts.merging import (
    MERGE_PREFIX,
    ConsentChosen,
    Merge,
    MergeUndone,
    TierMoved,
    WalletMoved,
    WalletReturned,
)
from regulars.platform.ids import public_id

Reason = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=200,
        description="Why, for the audit log: no names, numbers or addresses here.",
        examples=["The same person signed up twice"],
    ),
]
DryRun = Annotated[bool, Meta(description="Only tell what would be; nothing is written.")]


class MergeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish that another member become part of this one."""

    absorb: Annotated[str, Meta(description="The member who becomes part of this one.")]
    reason: Reason
    dry_run: DryRun = False


class UndoBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish that a merge be undone."""

    reason: Reason
    dry_run: DryRun = False


class HouseholdMovedAnswer(Struct, frozen=True, kw_only=True):
    """The household that the absorbed member leaves, or comes back to; `takes_over`: the survivor has its place."""

    household_id: str
    takes_over: bool


class MergeAnswer(Struct, frozen=True, kw_only=True):
    """A merge: what went over, in kinds and numbers. `state` is `proposed` where nothing was written.

    `identities` are the kinds of what finds the absorbed member, `unproved` those of them that nobody proved to hold:
    they open no session of the survivor until who is signed in proves them. `filled` are fields of the profile that
    were empty.
    """

    merge_id: str | None
    survivor: str
    absorbed: str
    state: Literal["merged", "undone", "proposed"]
    actor: str
    reason: str
    recorded_at: datetime
    identities: tuple[str, ...]
    unproved: tuple[str, ...] = ()
    filled: tuple[str, ...]
    consents: tuple[ConsentChosen, ...]
    wallets: tuple[WalletMoved, ...]
    tier: TierMoved
    household: HouseholdMovedAnswer | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None
    undo_reason: str | None = None


class UndoneAnswer(Struct, frozen=True, kw_only=True):
    """What undoing a merge gave back, or, with `dry_run`, would give back."""

    merge_id: str
    survivor: str
    absorbed: str
    state: Literal["undone", "proposed"]
    recorded_at: datetime
    identities: tuple[str, ...]
    cleared: tuple[str, ...]
    consents: tuple[ConsentChosen, ...]
    wallets: tuple[WalletReturned, ...]
    tier: TierMoved
    household: HouseholdMovedAnswer | None = None


class MergesAnswer(Struct, frozen=True):
    """The merges of a member, the latest first, and who is part of the member now."""

    member_id: str
    parts: list[str]
    merges: list[MergeAnswer]


def merge_answer(merge: Merge) -> MergeAnswer:
    """Write a merge as callers get it."""
    return MergeAnswer(
        merge_id=None if merge.state == "proposed" else public_id(MERGE_PREFIX, merge.merge_id),
        survivor=public_id(MEMBER_PREFIX, merge.survivor_id),
        absorbed=public_id(MEMBER_PREFIX, merge.absorbed_id),
        state=merge.state,
        actor=merge.actor,
        reason=merge.reason,
        recorded_at=merge.recorded_at,
        identities=merge.identities,
        unproved=merge.unproved,
        filled=merge.filled,
        consents=merge.consents,
        wallets=merge.books.wallets,
        tier=merge.books.tier,
        household=_household(merge.household),
        undone_at=merge.undone_at,
        undone_by=merge.undone_by,
        undo_reason=merge.undo_reason,
    )


def undone_answer(undone: MergeUndone, *, dry_run: bool) -> UndoneAnswer:
    """Write an undone merge as callers get it."""
    return UndoneAnswer(
        merge_id=public_id(MERGE_PREFIX, undone.merge_id),
        survivor=public_id(MEMBER_PREFIX, undone.survivor_id),
        absorbed=public_id(MEMBER_PREFIX, undone.absorbed_id),
        state="proposed" if dry_run else "undone",
        recorded_at=undone.recorded_at,
        identities=undone.identities,
        cleared=undone.cleared,
        consents=undone.consents,
        wallets=undone.books.wallets,
        tier=undone.books.tier,
        household=_household(undone.household),
    )


def _household(moved: HouseholdMoved | None) -> HouseholdMovedAnswer | None:
    if moved is None:
        return None
    return HouseholdMovedAnswer(
        household_id=public_id(HOUSEHOLD_PREFIX, moved.household_id), takes_over=moved.takes_over
    )
