"""Of `client.households`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime

from msgspec import Struct

from regulars_client.models.shared import MemberAnswerShown, WalletsAnswer


class HouseholdMemberAnswer(Struct, frozen=True, kw_only=True):
    """Part of `HouseholdAnswer`."""

    member_id: str
    role: str
    since: datetime
    member: MemberAnswerShown | None = None
    """Given along where `expand` names it."""
    wallets: WalletsAnswer | None = None
    """Given along where `expand` names it."""


class HouseholdAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.households.form`: let members live together."""

    household_id: str
    state: str
    head: str | None
    formed_at: datetime
    dissolved_at: datetime | None
    has_name: bool
    members: list[HouseholdMemberAnswer]


class HouseholdAnswerShown(Struct, frozen=True, kw_only=True):
    """The answer of `client.households.get`: read a household."""

    household_id: str
    state: str
    head: str | None
    formed_at: datetime
    dissolved_at: datetime | None
    has_name: bool
    members: list[HouseholdMemberAnswer]
    name: str | None


class HouseholdChangeAnswer(Struct, frozen=True, kw_only=True):
    """Part of `HouseholdChangesAnswer`."""

    change_no: int
    kind: str
    member_id: str | None
    head: str | None
    since: datetime | None
    merge_id: str | None
    actor: str
    reason: str
    recorded_at: datetime


class HouseholdChangesAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.households.list_changes`: read what changed in a household."""

    household_id: str
    changes: list[HouseholdChangeAnswer]
    has_more: bool
    next_cursor: str | None


class HouseholdStayAnswer(Struct, frozen=True, kw_only=True):
    """Part of `HouseholdStaysAnswer`."""

    household_id: str
    role: str | None
    since: datetime
    until: datetime | None
    household: HouseholdAnswer | None = None
    """Given along where `expand` names it."""


class HouseholdStaysAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.households.list_of_member`: read in which households a member lives and lived."""

    member_id: str
    households: list[HouseholdStayAnswer]


class HouseholdsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.households.list`: list households."""

    households: list[HouseholdAnswer]
    has_more: bool
    next_cursor: str | None
