"""What other rooms see of households: members who live together, one of them its head."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

HOUSEHOLD_PREFIX = "hhd"

HouseholdRole = Literal["head", "member"]
HouseholdState = Literal["standing", "dissolved"]
# `formed` and `dissolved` begin and end a household, `revived` takes a dissolution back (of a merge that is undone).
HouseholdChangeKind = Literal["formed", "joined", "left", "head_changed", "renamed", "dissolved", "revived"]


class FormHousehold(Struct, frozen=True, kw_only=True):
    """A wish that members live together; the head first. `name` is personal data (None for none)."""

    household_id: UUID
    head_id: UUID
    member_ids: tuple[UUID, ...] = ()
    name: str | None = None
    actor: str
    reason: str


class JoinHousehold(Struct, frozen=True, kw_only=True):
    """A wish that a member live in a household, too."""

    household_id: UUID
    member_id: UUID
    actor: str
    reason: str


class LeaveHousehold(Struct, frozen=True, kw_only=True):
    """A wish that a member live in a household no more."""

    household_id: UUID
    member_id: UUID
    actor: str
    reason: str


class ChangeHead(Struct, frozen=True, kw_only=True):
    """A wish that another of its members be the head of a household."""

    household_id: UUID
    member_id: UUID
    actor: str
    reason: str


class RenameHousehold(Struct, frozen=True, kw_only=True):
    """A wish that a household be called otherwise; None takes the name away."""

    household_id: UUID
    name: str | None
    actor: str
    reason: str


class DissolveHousehold(Struct, frozen=True, kw_only=True):
    """A wish that a household be no more; it stays readable."""

    household_id: UUID
    actor: str
    reason: str


class HouseholdMember(Struct, frozen=True, kw_only=True):
    """Who lives in a household now, in which role, and since when (UTC)."""

    member_id: UUID
    role: HouseholdRole
    since: datetime


class Household(Struct, frozen=True, kw_only=True):
    """A household as it is now, without personal data: the head first, then in the order in which they came.

    A dissolved one has neither head nor members. `has_name` tells that somebody named it.
    """

    household_id: UUID
    state: HouseholdState
    head_id: UUID | None
    formed_at: datetime
    dissolved_at: datetime | None
    has_name: bool
    members: tuple[HouseholdMember, ...]


class HouseholdShown(Household, frozen=True, kw_only=True):
    """A household with its name: in the clear or masked; None without one, or once nobody can read it any more."""

    name: str | None


class HouseholdChange(Struct, frozen=True, kw_only=True):
    """One change of a household, numbered from 1: who came, left or became head, by whom and why.

    `head_id` is the head after it, `since` when the place began that was taken or left; `merge_id` names the merge
    that brought the change, or whose undoing did.
    """

    household_id: UUID
    change_no: int
    kind: HouseholdChangeKind
    member_id: UUID | None
    head_id: UUID | None
    since: datetime | None
    merge_id: UUID | None
    actor: str
    reason: str
    recorded_at: datetime


class HouseholdStay(Struct, frozen=True, kw_only=True):
    """That a member lives, or lived, in a household; `role` is None once it is over."""

    household_id: UUID
    role: HouseholdRole | None
    since: datetime
    until: datetime | None


class HouseholdMoved(Struct, frozen=True, kw_only=True):
    """What a merge, or undoing one, does to a household: the absorbed member leaves it, or comes back.

    `takes_over` says that the survivor has the place while they are one, and else keeps its own household.
    """

    household_id: UUID
    takes_over: bool
