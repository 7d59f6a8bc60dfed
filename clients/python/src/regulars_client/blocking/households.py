"""Operations on households, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.blocking.transport import Group, walk
from regulars_client.calls import Call, given, part
from regulars_client.models import (
    HouseholdAnswer,
    HouseholdAnswerShown,
    HouseholdChangeAnswer,
    HouseholdChangesAnswer,
    HouseholdsAnswer,
    HouseholdStaysAnswer,
)


class Households(Group):
    """Operations on households."""

    def list(
        self,
        *,
        dissolved: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["households.members.member"]] | None = None,
    ) -> HouseholdsAnswer:
        """List households.

        Return households page by page, without names: all, only those that were dissolved, or only the others.

        `expand`: What is to be given along, with commas between: `households.members.member` (members:read). Each
        stands in its place as its own address answers it, null where there is none; a key needs the scope that it
        takes there.
        """
        return self._transport.call(
            Call(
                "GET",
                "/v1/households",
                HouseholdsAnswer,
                query={"dissolved": dissolved, "cursor": cursor, "limit": limit, "expand": expand},
            )
        )

    def iterate(
        self,
        *,
        dissolved: bool | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["households.members.member"]] | None = None,
    ) -> Iterator[HouseholdAnswer]:
        """Go through all pages of `list`, row by row."""
        return walk(
            lambda cursor: self.list(dissolved=dissolved, limit=limit, expand=expand, cursor=cursor),
            lambda page: page.households,
        )

    def form(
        self,
        *,
        head: str,
        reason: str,
        members: Sequence[str] | UnsetType = UNSET,
        name: str | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> HouseholdAnswer:
        """Let members live together.

        Form a household of a head and others, who live in no other one (409 `in_another_household`).

        `head`: Who is the head of the household. `reason`: Why, for the history and the audit log: no names, numbers
        or addresses here. `members`: Who else lives there. `name`: What people call it, 1 to 80 characters. Personal
        data: kept sealed, shown masked.
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/households",
                HouseholdAnswer,
                body=given({"head": head, "reason": reason, "members": members, "name": name}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def add_member(
        self, household_id: str, *, member: str, reason: str, idempotency_key: str | None = None
    ) -> HouseholdAnswer:
        """Let a member live in a household.

        Add a member; one who lives there already changes nothing. At most `REGULARS_HOUSEHOLD_LIMIT` live in one.

        `member`: A member's id. `reason`: Why, for the history and the audit log: no names, numbers or addresses
        here.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/households/{part(household_id)}/members",
                HouseholdAnswer,
                body=given({"member": member, "reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def remove_member(
        self, household_id: str, member_id: str, *, reason: str, idempotency_key: str | None = None
    ) -> HouseholdAnswer:
        """Let a member live in a household no more.

        Remove a member. Of a head who leaves, whoever lives there longest is the next; without anybody it ends.

        `reason`: Why, for the history and the audit log: no names, numbers or addresses here.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/households/{part(household_id)}/members/{part(member_id)}/remove",
                HouseholdAnswer,
                body=given({"reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def change_head(
        self, household_id: str, *, member: str, reason: str, idempotency_key: str | None = None
    ) -> HouseholdAnswer:
        """Let another member be the head of a household.

        Let one who lives there be the head; the head before stays as a member.

        `member`: A member's id. `reason`: Why, for the history and the audit log: no names, numbers or addresses
        here.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/households/{part(household_id)}/head",
                HouseholdAnswer,
                body=given({"member": member, "reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def get(
        self, household_id: str, *, expand: Sequence[Literal["members.member", "members.wallets"]] | None = None
    ) -> HouseholdAnswerShown:
        """Read a household.

        Return a household; its name is masked.

        With the scope `members:personal` and the header `Regulars-Purpose` it is in the clear, and the audit log
        keeps who read it, and why.

        `expand`: What is to be given along, with commas between: `members.member` (members:read), `members.wallets`
        (ledger:read). Each stands in its place as its own address answers it, null where there is none; a key needs
        the scope that it takes there.
        """
        return self._transport.call(
            Call("GET", f"/v1/households/{part(household_id)}", HouseholdAnswerShown, query={"expand": expand})
        )

    def rename(
        self, household_id: str, *, name: str | None, reason: str, idempotency_key: str | None = None
    ) -> HouseholdAnswer:
        """Call a household otherwise.

        Change the name, or take it away with null.

        `name`: What people call it, 1 to 80 characters. Personal data: kept sealed, shown masked. `reason`: Why, for
        the history and the audit log: no names, numbers or addresses here.
        """
        return self._transport.call(
            Call(
                "PATCH",
                f"/v1/households/{part(household_id)}",
                HouseholdAnswer,
                body=given({"name": name, "reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def dissolve(self, household_id: str, *, reason: str, idempotency_key: str | None = None) -> HouseholdAnswer:
        """Let a household be no more.

        Let everybody leave. It stays readable; whoever lived there is free for another one.

        `reason`: Why, for the history and the audit log: no names, numbers or addresses here.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/households/{part(household_id)}/dissolve",
                HouseholdAnswer,
                body=given({"reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def list_changes(
        self, household_id: str, *, cursor: str | None = None, limit: int | None = None
    ) -> HouseholdChangesAnswer:
        """Read what changed in a household.

        Return who came, left and became head, by whom and why; nothing of it is ever changed.
        """
        return self._transport.call(
            Call(
                "GET",
                f"/v1/households/{part(household_id)}/changes",
                HouseholdChangesAnswer,
                query={"cursor": cursor, "limit": limit},
            )
        )

    def iterate_changes(self, household_id: str, *, limit: int | None = None) -> Iterator[HouseholdChangeAnswer]:
        """Go through all pages of `list_changes`, row by row."""
        return walk(
            lambda cursor: self.list_changes(household_id, limit=limit, cursor=cursor), lambda page: page.changes
        )

    def list_of_member(
        self, member_id: str, *, expand: Sequence[Literal["households.household"]] | None = None
    ) -> HouseholdStaysAnswer:
        """Read in which households a member lives and lived.

        Return where a member lives and lived, with the dates; at most 200.

        `expand`: What is to be given along, with commas between: `households.household` (members:read). Each stands
        in its place as its own address answers it, null where there is none; a key needs the scope that it takes
        there.
        """
        return self._transport.call(
            Call("GET", f"/v1/members/{part(member_id)}/households", HouseholdStaysAnswer, query={"expand": expand})
        )
