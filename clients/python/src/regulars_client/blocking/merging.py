"""Operations on merging, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.blocking.transport import Group, walk
from regulars_client.calls import Call, given, part
from regulars_client.models import (
    ConfirmedAnswer,
    KindBody,
    MergeAnswer,
    MergesAnswer,
    ProposalAnswer,
    ProposalAnswerRead,
    ProposalsAnswer,
    RulesAnswer,
    RulesListed,
    UndoneAnswer,
)


class Merging(Group):
    """Operations on merging."""

    def list(self, member_id: str) -> MergesAnswer:
        """List the merges of a member.

        Return the merges of a member and of all who are part of it; undone ones too. At most 200.
        """
        return self._transport.call(Call("GET", f"/v1/members/{part(member_id)}/merges", MergesAnswer))

    def merge_members(
        self,
        member_id: str,
        *,
        absorb: str,
        reason: str,
        dry_run: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> MergeAnswer:
        """Let another member become part of this one.

        Merge two members of one market: identities, profile, consents, and the books lot by lot.

        This one keeps its id, the other's means this one from then on. `dry_run` tells what would go over.

        `absorb`: The member who becomes part of this one. `reason`: Why, for the audit log: no names, numbers or
        addresses here. `dry_run`: Only tell what would be; nothing is written.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/merges",
                MergeAnswer,
                body=given({"absorb": absorb, "reason": reason, "dry_run": dry_run}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def undo(
        self,
        member_id: str,
        merge_id: str,
        *,
        reason: str,
        dry_run: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> UndoneAnswer:
        """Let two members who were merged be two again.

        Undo a merge: what is still there goes back, and the survivor owes what was spent of it meanwhile.

        `dry_run` tells what would go back, and what would be owed. Merges of merges are undone from the last.

        `reason`: Why, for the audit log: no names, numbers or addresses here. `dry_run`: Only tell what would be;
        nothing is written.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/merges/{part(merge_id)}/undo",
                UndoneAnswer,
                body=given({"reason": reason, "dry_run": dry_run}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def list_proposals(
        self,
        *,
        state: Literal["open", "confirmed", "automatic", "done", "dismissed", "superseded", "undone"] | None = None,
        member: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> ProposalsAnswer:
        """List members who may be one person.

        Return proposals page by page: all, those in a state, or those of a member.
        """
        return self._transport.call(
            Call(
                "GET",
                "/v1/merge-proposals",
                ProposalsAnswer,
                query={"state": state, "member": member, "cursor": cursor, "limit": limit},
            )
        )

    def iterate_proposals(
        self,
        *,
        state: Literal["open", "confirmed", "automatic", "done", "dismissed", "superseded", "undone"] | None = None,
        member: str | None = None,
        limit: int | None = None,
    ) -> Iterator[ProposalAnswer]:
        """Go through all pages of `list_proposals`, row by row."""
        return walk(
            lambda cursor: self.list_proposals(state=state, member=member, limit=limit, cursor=cursor),
            lambda page: page.proposals,
        )

    def get_proposal(self, proposal_id: str) -> ProposalAnswerRead:
        """Read why two members may be one person.

        Return a proposal: what was seen, who holds an account, who would stay, and why, as data and in sentences.
        """
        return self._transport.call(Call("GET", f"/v1/merge-proposals/{part(proposal_id)}", ProposalAnswerRead))

    def confirm_proposal(
        self,
        proposal_id: str,
        *,
        reason: str,
        survivor: str | UnsetType | None = UNSET,
        dry_run: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> ConfirmedAnswer:
        """Merge two members who were proposed.

        Merge the two as `mergeMembers` does; it is undone by `undoMerge`. `dry_run` tells what would go over.

        409 `proposal_ended` if somebody, or the rule, was faster.

        `reason`: Why, for the audit log: no names, numbers or addresses here. `survivor`: Who stays; left out, who
        holds an account, else who signed up first. `dry_run`: Only tell what would be; nothing is written.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/merge-proposals/{part(proposal_id)}/confirm",
                ConfirmedAnswer,
                body=given({"reason": reason, "survivor": survivor, "dry_run": dry_run}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def dismiss_proposal(self, proposal_id: str, *, reason: str, idempotency_key: str | None = None) -> ProposalAnswer:
        """Say that two members who were proposed are two.

        Dismiss a proposal; what speaks no stronger for it does not open it again.

        409 `proposal_ended` if somebody, or the rule, was faster.

        `reason`: Why, for the audit log: no names, numbers or addresses here.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/merge-proposals/{part(proposal_id)}/dismiss",
                ProposalAnswer,
                body=given({"reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def list_identity_rules(self) -> RulesListed:
        """Read how many identities a member may hold, and which propose a merge.

        Return the rules of each kind, the strongest first: limit, what is blocked, and whether it proposes.
        """
        return self._transport.call(Call("GET", "/v1/identity-rules", RulesListed))

    def change_identity_rules(
        self,
        *,
        based_on: int,
        kinds: Sequence[KindBody],
        reason: str,
        together_at_most: int | UnsetType = UNSET,
        automatic: bool | UnsetType = UNSET,
        automatic_after_minutes: int | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> RulesAnswer:
        """Let a new version of the rules be in force.

        Add a version; none is ever edited. What members hold stays, and what was proposed keeps its version.

        409 `identity_rules_stale` if somebody changed the rules in between.

        `based_on`: The version that was read before. `reason`: Why, for the audit log: no names, numbers or
        addresses here. `together_at_most`: A request that names more members speaks for none. `automatic`: Whether
        two are merged without staff, of whom at most one holds an account.
        """
        return self._transport.call(
            Call(
                "PUT",
                "/v1/identity-rules",
                RulesAnswer,
                body=given(
                    {
                        "based_on": based_on,
                        "kinds": kinds,
                        "reason": reason,
                        "together_at_most": together_at_most,
                        "automatic": automatic,
                        "automatic_after_minutes": automatic_after_minutes,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )
