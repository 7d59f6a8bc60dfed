"""What other rooms see of proposals: two members who may be one person, why, and what came of it."""

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

from regulars.members.contracts import IdentityKind
from regulars.members.contracts.identity_rules import IdentityRules
from regulars.members.contracts.merging import Merge

ProposalState = Literal["open", "confirmed", "automatic", "done", "dismissed", "superseded", "undone"]
EvidenceRule = Literal["named_together", "value_of_other"]
# Why the rule does not merge by itself; `unproved`: it would lead to what somebody has, on nobody's proof; `outdated`:
# what was seen names what is no more; `waits` is a refusal that may pass.
ForStaff = Literal["accounts", "off", "outdated", "over_limit", "parted", "unproved", "waits"]


MemberId = UUID
IdentityId = UUID


class Held(NamedTuple):
    """A value that a request named: whose it is, as which identity of theirs."""

    member_id: UUID
    identity_id: UUID
    kind: IdentityKind


class Pair(NamedTuple):
    """Two members whom one request named, the one with the older id first; of each the strongest value it named.

    A member who was to be given the other's value has none here.
    """

    rule: EvidenceRule
    first: UUID
    other: UUID
    of_first: Held | None
    of_other: Held | None

    def rank(self, rules: IdentityRules) -> int:
        """Return how strongly it speaks: as its weaker value (0 strongest)."""
        return max(rules.rank(one.kind) for one in (self.of_first, self.of_other) if one is not None)


class Evidence(Struct, frozen=True, kw_only=True):
    """Why two members may be one person, as often as it was seen. Kinds, and which identities; never a value.

    `named_together`: one request named an identity of each. `value_of_other`: one member was to be given an identity of
    the other; the one who was has no `kind` here.
    """

    rule: EvidenceRule
    kind: IdentityKind | None
    identity_id: UUID | None
    other_kind: IdentityKind | None
    other_identity_id: UUID | None
    seen_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    rules_version: int


class Proposal(Struct, frozen=True, kw_only=True):
    """Two members who may be one person; `member_id` is the one with the older id.

    `rank` is the place of the strongest evidence's weaker kind in the rules (0 strongest). `for_staff` says why the
    rule leaves it to staff; `examine_at` (wall clock) is when the rule looks next, None if it does not. What ended it:
    `ended_by`, `end_reason`, and `merge_id`, where a merge did.
    """

    proposal_id: UUID
    member_id: UUID
    other_id: UUID
    state: ProposalState
    rank: int
    seen_count: int
    opened_at: datetime
    last_seen_at: datetime
    examine_at: datetime | None = None
    for_staff: ForStaff | None = None
    obstacle: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    merge_id: UUID | None = None


class ProposalsWanted(NamedTuple):
    """Which proposals are wanted, the last seen first: in a state, of a member, from behind one."""

    state: ProposalState | None = None
    member_id: UUID | None = None
    before: tuple[datetime, UUID] | None = None
    limit: int = 50


class ProposalRead(Struct, frozen=True, kw_only=True):
    """A proposal with all that was seen, who holds an account, and who would stay.

    `is_bare`: neither holds one, and nothing is known of either but how to find them.
    """

    proposal: Proposal
    evidence: tuple[Evidence, ...]
    survivor_id: UUID
    accounts: tuple[UUID, ...]
    is_bare: bool


class ConfirmProposal(Struct, frozen=True, kw_only=True):
    """A wish of staff that the two be merged; without a survivor, who holds an account stays, else who was first.

    `absorbed_id` is who goes over, where whoever wishes it has said so: it must be the other of the two.
    """

    proposal_id: UUID
    actor: str
    reason: str
    survivor_id: UUID | None = None
    absorbed_id: UUID | None = None
    dry_run: bool = False


class DismissProposal(Struct, frozen=True, kw_only=True):
    """A wish of staff that the two stay two: the same, or weaker, evidence proposes them no more."""

    proposal_id: UUID
    actor: str
    reason: str


class Confirmed(Struct, frozen=True, kw_only=True):
    """A proposal that was carried out, or would be, and the merge."""

    proposal: Proposal
    merge: Merge
