"""Operations on policies, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.blocking.transport import Group, walk
from regulars_client.calls import Call, given, part
from regulars_client.models import (
    DifferencesAnswer,
    DraftAnswer,
    DraftsAnswer,
    Policy,
    PolicyVersion,
    PreviewAnswer,
    RevisionsAnswer,
    TouchedAnswer,
    TouchedPage,
)


class Policies(Group):
    """Operations on policies."""

    def list_drafts(
        self, *, ended: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> DraftsAnswer:
        """List the drafts.

        Return the drafts that are worked on or proposed; `ended` adds those that are scheduled or given up.
        """
        return self._transport.call(
            Call("GET", "/v1/policy-drafts", DraftsAnswer, query={"ended": ended, "cursor": cursor, "limit": limit})
        )

    def iterate_drafts(self, *, ended: bool | None = None, limit: int | None = None) -> Iterator[DraftAnswer]:
        """Go through all pages of `list_drafts`, row by row."""
        return walk(lambda cursor: self.list_drafts(ended=ended, limit=limit, cursor=cursor), lambda page: page.drafts)

    def create_draft(
        self,
        *,
        name: str,
        from_version: int | UnsetType | None = UNSET,
        policy: Policy | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> DraftAnswer:
        """Begin a draft.

        Begin a draft of a policy, by default from what the latest version says.

        `name`: For people.
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/policy-drafts",
                DraftAnswer,
                body=given({"name": name, "from_version": from_version, "policy": policy}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def get_draft(self, draft_id: str) -> DraftAnswer:
        """Read a draft.

        Return one draft.
        """
        return self._transport.call(Call("GET", f"/v1/policy-drafts/{part(draft_id)}", DraftAnswer))

    def change_draft(
        self, draft_id: str, *, revision: int, name: str, policy: Policy, idempotency_key: str | None = None
    ) -> DraftAnswer:
        """Change a draft.

        Replace what a draft says. Who has not seen its last revision is refused (409), so that nothing is lost.

        `revision`: The revision that you have seen. `name`: For people.
        """
        return self._transport.call(
            Call(
                "PUT",
                f"/v1/policy-drafts/{part(draft_id)}",
                DraftAnswer,
                body=given({"revision": revision, "name": name, "policy": policy}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def abandon_draft(self, draft_id: str, *, idempotency_key: str | None = None) -> DraftAnswer:
        """Give a draft up.

        Give a draft or a proposal up. What it said stays readable, and in the audit log.
        """
        return self._transport.call(
            Call("DELETE", f"/v1/policy-drafts/{part(draft_id)}", DraftAnswer, takes_key=True, key=idempotency_key)
        )

    def list_draft_revisions(self, draft_id: str) -> RevisionsAnswer:
        """Read what a draft said.

        Return everything that a draft ever said, with who wrote it.
        """
        return self._transport.call(Call("GET", f"/v1/policy-drafts/{part(draft_id)}/revisions", RevisionsAnswer))

    def compare_policies(self, *, after: str, before: str | None = None) -> DifferencesAnswer:
        """Compare two policies.

        Compare two policies: each is a version's number or a draft's id; `before` is by default what is in force.
        """
        return self._transport.call(
            Call("GET", "/v1/policy-diff", DifferencesAnswer, query={"after": after, "before": before})
        )

    def schedule_draft(
        self,
        draft_id: str,
        *,
        revision: int,
        active_from: datetime,
        reason: str | UnsetType = UNSET,
        based_on: int | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> DraftAnswer:
        """Schedule a draft.

        Let a draft come into force at an instant, as the next version. Until then it can be withdrawn.

        `revision`: The revision that you have seen. `active_from`: RFC 3339, with its time zone. `based_on`: The
        latest version that you have compared the draft with.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/policy-drafts/{part(draft_id)}/schedule",
                DraftAnswer,
                body=given({"revision": revision, "active_from": active_from, "reason": reason, "based_on": based_on}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def approve_draft(
        self,
        draft_id: str,
        *,
        revision: int,
        active_from: datetime,
        note: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> DraftAnswer:
        """Agree to a proposed policy.

        Agree to what somebody else proposed: it is scheduled for the instant that was proposed.

        `revision` and `active_from` are those that you have seen; where another is proposed by now it is refused
        (409).

        `revision`: The revision that you have seen. `active_from`: RFC 3339, with its time zone.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/policy-drafts/{part(draft_id)}/approve",
                DraftAnswer,
                body=given({"revision": revision, "active_from": active_from, "note": note}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def refuse_draft(
        self,
        draft_id: str,
        *,
        revision: int,
        active_from: datetime,
        note: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> DraftAnswer:
        """Give a proposed policy back.

        Give back what was proposed, with a note.

        `revision`: The revision that you have seen. `active_from`: RFC 3339, with its time zone.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/policy-drafts/{part(draft_id)}/refuse",
                DraftAnswer,
                body=given({"revision": revision, "active_from": active_from, "note": note}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def withdraw(
        self, version: int, *, reason: str | UnsetType = UNSET, idempotency_key: str | None = None
    ) -> PolicyVersion:
        """Withdraw a scheduled version.

        Take a version back, a minute before its instant at the latest. Its number is not given again.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/policies/{part(version)}/withdraw",
                PolicyVersion,
                body=given({"reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def preview(
        self,
        *,
        draft_id: str | UnsetType | None = UNSET,
        version: int | UnsetType | None = UNSET,
        active_from: datetime | UnsetType | None = UNSET,
        first: date | UnsetType | None = UNSET,
        last: date | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> PreviewAnswer:
        """Try a policy out.

        Count in the background who is touched when a draft or a scheduled version comes, and what orders would earn.

        The list of members who rise is what happens when the version comes, as the books stand now.

        `active_from`: RFC 3339, with its time zone.
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/policy-previews",
                PreviewAnswer,
                body=given(
                    {"draft_id": draft_id, "version": version, "active_from": active_from, "first": first, "last": last}
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def cancel_preview(self, preview_id: str, *, idempotency_key: str | None = None) -> PreviewAnswer:
        """Stop a preview.

        Stop counting.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/policy-previews/{part(preview_id)}/cancel",
                PreviewAnswer,
                takes_key=True,
                key=idempotency_key,
            )
        )

    def get_preview(self, preview_id: str) -> PreviewAnswer:
        """Read a preview.

        Return a preview: members who rise, fall later, stay or are reviewed otherwise; orders settled anew.
        """
        return self._transport.call(Call("GET", f"/v1/policy-previews/{part(preview_id)}", PreviewAnswer))

    def list_preview_members(
        self,
        preview_id: str,
        *,
        kind: Literal["rises", "falls", "stays", "review"] | None = None,
        to_tier: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["members.member", "members.wallets"]] | None = None,
    ) -> TouchedPage:
        """List the members whom a policy touches.

        Return who is touched and how; what a preview that still counts has found so far.

        `expand`: What is to be given along, with commas between: `members.member` (members:read), `members.wallets`
        (ledger:read). Each stands in its place as its own address answers it, null where there is none; a key needs
        the scope that it takes there.
        """
        return self._transport.call(
            Call(
                "GET",
                f"/v1/policy-previews/{part(preview_id)}/members",
                TouchedPage,
                query={"kind": kind, "to_tier": to_tier, "cursor": cursor, "limit": limit, "expand": expand},
            )
        )

    def iterate_preview_members(
        self,
        preview_id: str,
        *,
        kind: Literal["rises", "falls", "stays", "review"] | None = None,
        to_tier: str | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["members.member", "members.wallets"]] | None = None,
    ) -> Iterator[TouchedAnswer]:
        """Go through all pages of `list_preview_members`, row by row."""
        return walk(
            lambda cursor: self.list_preview_members(
                preview_id, kind=kind, to_tier=to_tier, limit=limit, expand=expand, cursor=cursor
            ),
            lambda page: page.members,
        )
