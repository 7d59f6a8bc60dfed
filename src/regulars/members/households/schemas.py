"""What callers send and get about households."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, structs

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.households import (
    HOUSEHOLD_PREFIX,
    Household,
    HouseholdChange,
    HouseholdChangeKind,
    HouseholdRole,
    HouseholdShown,
    HouseholdState,
    HouseholdStay,
)
from regulars.members.contracts.merging import MERGE_PREFIX
from regulars.members.households.limits import LONGEST_NAME
from regulars.platform.ids import public_id

Reason = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=200,
        description="Why, for the history and the audit log: no names, numbers or addresses here.",
        examples=["They told us at the counter"],
    ),
]
Name = Annotated[
    str | None,
    Meta(description=f"What people call it, 1 to {LONGEST_NAME} characters. Personal data: kept sealed, shown masked."),
]
MemberId = Annotated[str, Meta(description="A member's id.")]


class FormBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish that members live together."""

    head: Annotated[str, Meta(description="Who is the head of the household.")]
    reason: Reason
    members: Annotated[tuple[str, ...], Meta(max_length=50, description="Who else lives there.")] = ()
    name: Name = None


class MemberBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish about one member of a household."""

    member: MemberId
    reason: Reason


class NameBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish that a household be called otherwise; null takes the name away."""

    name: Name
    reason: Reason


class ReasonBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is done."""

    reason: Reason


class HouseholdMemberAnswer(Struct, frozen=True):
    """Who lives in a household, in which role, and since when."""

    member_id: str
    role: HouseholdRole
    since: datetime


class HouseholdAnswer(Struct, frozen=True, kw_only=True):
    """A household, its head first. A dissolved one has neither head nor members. The name is not repeated."""

    household_id: str
    state: HouseholdState
    head: str | None
    formed_at: datetime
    dissolved_at: datetime | None
    has_name: bool
    members: list[HouseholdMemberAnswer]


class HouseholdAnswerShown(HouseholdAnswer, frozen=True, kw_only=True):
    """A household with its name, masked or in the clear; null once nobody can read it any more."""

    name: str | None


class HouseholdsAnswer(Struct, frozen=True):
    """A page of households, the last formed first."""

    households: list[HouseholdAnswer]
    has_more: bool
    next_cursor: str | None


class HouseholdChangeAnswer(Struct, frozen=True, kw_only=True):
    """A change of a household. `head` is the head after it, `since` when the place began that was taken or left."""

    change_no: int
    kind: HouseholdChangeKind
    member_id: str | None
    head: str | None
    since: datetime | None
    merge_id: str | None
    actor: str
    reason: str
    recorded_at: datetime


class HouseholdChangesAnswer(Struct, frozen=True):
    """A page of changes, the last first."""

    household_id: str
    changes: list[HouseholdChangeAnswer]
    has_more: bool
    next_cursor: str | None


class HouseholdStayAnswer(Struct, frozen=True):
    """That a member lives, or lived, in a household; `role` is null and `until` is told once it is over."""

    household_id: str
    role: HouseholdRole | None
    since: datetime
    until: datetime | None


class HouseholdStaysAnswer(Struct, frozen=True):
    """Where a member lives and lived, the last first."""

    member_id: str
    households: list[HouseholdStayAnswer]


def household_answer(household: Household) -> HouseholdAnswer:
    """Write a household as callers get it."""
    return HouseholdAnswer(
        household_id=public_id(HOUSEHOLD_PREFIX, household.household_id),
        state=household.state,
        head=_member(household.head_id),
        formed_at=household.formed_at,
        dissolved_at=household.dissolved_at,
        has_name=household.has_name,
        members=[
            HouseholdMemberAnswer(public_id(MEMBER_PREFIX, one.member_id), one.role, one.since)
            for one in household.members
        ],
    )


def household_shown(household: HouseholdShown) -> HouseholdAnswerShown:
    """Write a household with its name."""
    return HouseholdAnswerShown(**structs.asdict(household_answer(household)), name=household.name)


def change_answer(change: HouseholdChange) -> HouseholdChangeAnswer:
    """Write a change as callers get it."""
    return HouseholdChangeAnswer(
        change_no=change.change_no,
        kind=change.kind,
        member_id=_member(change.member_id),
        head=_member(change.head_id),
        since=change.since,
        merge_id=None if change.merge_id is None else public_id(MERGE_PREFIX, change.merge_id),
        actor=change.actor,
        reason=change.reason,
        recorded_at=change.recorded_at,
    )


def stay_answer(stay: HouseholdStay) -> HouseholdStayAnswer:
    """Write a stay as callers get it."""
    return HouseholdStayAnswer(public_id(HOUSEHOLD_PREFIX, stay.household_id), stay.role, stay.since, stay.until)


def _member(member_id: UUID | None) -> str | None:
    return None if member_id is None else public_id(MEMBER_PREFIX, member_id)
