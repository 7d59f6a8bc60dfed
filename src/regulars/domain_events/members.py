"""What happens to members. No personal data: kinds of identities, never their values."""

from datetime import datetime
from uuid import UUID

from regulars.domain_events.base import Event


class MemberSignedUp(Event, frozen=True, kw_only=True):
    """A member exists. `identity_kinds` names the identities given at sign-up; no IdentityAdded follows for them.

    `signed_up_at` is when it happened, which an import may report long after.
    """

    member_id: UUID
    signed_up_at: datetime
    market: str
    language: str
    channel: str
    store_id: str | None
    identity_kinds: tuple[str, ...]


class IdentityAdded(Event, frozen=True, kw_only=True):
    """A member can also be found by another identity."""

    member_id: UUID
    identity_id: UUID
    kind: str


class IdentityRemoved(Event, frozen=True, kw_only=True):
    """A member can no longer be found by one of the identities."""

    member_id: UUID
    identity_id: UUID
    kind: str


class MemberMerged(Event, frozen=True, kw_only=True):
    """A member became part of another: its id means `into` from now on."""

    member_id: UUID
    into: UUID
    merge_id: UUID


class MergeUndone(Event, frozen=True, kw_only=True):
    """A member who was part of another is one of its own again: its id means itself."""

    member_id: UUID
    out_of: UUID
    merge_id: UUID


class MergeProposed(Event, frozen=True, kw_only=True):
    """`member_id` and `other_id` may be one person: a proposal to merge them is open, for the first time or again."""

    member_id: UUID
    other_id: UUID
    proposal_id: UUID


class MergeProposalEnded(Event, frozen=True, kw_only=True):
    """A proposal is open no more. `outcome`: `merged` (by whomever), `dismissed` (they are two), or `superseded`.

    Superseded: one of the two was merged with somebody else, of whom the proposal speaks from then on, or that was
    undone. That the two are parted again is told by `MergeUndone`.
    """

    member_id: UUID
    other_id: UUID
    proposal_id: UUID
    outcome: str


class HouseholdFormed(Event, frozen=True, kw_only=True):
    """Members live together; `member_id` is the head. HouseholdJoined follows for each of them."""

    household_id: UUID


class HouseholdJoined(Event, frozen=True, kw_only=True):
    """A member lives in a household."""

    household_id: UUID


class HouseholdLeft(Event, frozen=True, kw_only=True):
    """A member lives in a household no more."""

    household_id: UUID


class HouseholdHeadChanged(Event, frozen=True, kw_only=True):
    """A member is the head of a household."""

    household_id: UUID


class HouseholdDissolved(Event, frozen=True, kw_only=True):
    """A household is no more; `member_id` was its last head."""

    household_id: UUID


class ErasureAsked(Event, frozen=True, kw_only=True):
    """A member is to be erased at `due_at` (wall clock), unless that is withdrawn before."""

    member_id: UUID
    due_at: datetime


class ErasureWithdrawn(Event, frozen=True, kw_only=True):
    """A member is not to be erased after all."""

    member_id: UUID


class MemberErased(Event, frozen=True, kw_only=True):
    """The member's key is destroyed: nothing personal can be read any more. The number stays, for the books."""

    member_id: UUID


class ConsentRequested(Event, frozen=True, kw_only=True):
    """A member is to confirm a consent from the address itself: a letter asks for it, the `letter`th one (from 1).

    Until then it is no consent. What the letter's link carries is drawn when it is written, and stands nowhere else.
    """

    member_id: UUID
    consent_id: UUID
    purpose: str
    channel: str
    wording_version: str
    letter: int


class ConsentChanged(Event, frozen=True, kw_only=True):
    """Something happened to a consent (`decision`: given, withdrawn, requested, lapsed); only `given` is consent.

    Facts may arrive late: what is in force is decided by `effective_at`, not by the order of these events.
    """

    member_id: UUID
    consent_id: UUID
    purpose: str
    channel: str
    decision: str
    wording_version: str
    effective_at: datetime
