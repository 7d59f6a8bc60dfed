"""What callers send and get about proposals."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from regulars.members.contracts import MEMBER_PREFIX, IdentityKind
from regulars.members.contracts.merging import MERGE_PREFIX, PROPOSAL_PREFIX
from regulars.members.contracts.proposals import Evidence, EvidenceRule, Proposal, ProposalRead, ProposalState
from regulars.members.merging.schemas import DryRun, MergeAnswer, Reason
from regulars.platform.explaining.contracts import Explanation, Told
from regulars.platform.explaining.speech import Speech
from regulars.platform.ids import public_id


class ConfirmBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish that the two be merged."""

    reason: Reason
    survivor: Annotated[
        str | None,
        Meta(description="Who stays; left out, who holds an account, else who signed up first."),
    ] = None
    dry_run: DryRun = False


class DismissBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish that the two stay two."""

    reason: Reason


class EvidenceAnswer(Struct, frozen=True, kw_only=True):
    """What speaks for two members being one: kinds of identities, and how often it was seen.

    With `value_of_other` the kind of the one who was to be given the value is null.
    """

    rule: EvidenceRule
    kind: IdentityKind | None
    other_kind: IdentityKind | None
    seen_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    rules_version: int


class ProposalAnswer(Struct, frozen=True, kw_only=True):
    """Two members who may be one person, and what came of it; `rank` 0 is the strongest.

    `automatic_at` (wall clock) is when the rule looks at it next; null: it is left to staff, or has ended.
    """

    proposal_id: str
    members: list[str]
    state: ProposalState
    rank: int
    seen_count: int
    opened_at: datetime
    last_seen_at: datetime
    automatic_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    reason: str | None
    merge_id: str | None


class ProposalsAnswer(Struct, frozen=True, kw_only=True):
    """A page of proposals."""

    proposals: list[ProposalAnswer]
    has_more: bool
    next_cursor: str | None


class ProposalAnswerRead(ProposalAnswer, frozen=True, kw_only=True):
    """A proposal with why it was made, in the caller's language, who holds an account, and who would stay."""

    evidence: list[EvidenceAnswer]
    accounts: list[str]
    survivor: str
    why: list[Told]


class ConfirmedAnswer(Struct, frozen=True, kw_only=True):
    """A proposal that was carried out, or with `dry_run` would be, and the merge."""

    proposal: ProposalAnswer
    merge: MergeAnswer


def proposal_answer(one: Proposal) -> ProposalAnswer:
    """Write a proposal as callers get it."""
    return ProposalAnswer(
        proposal_id=public_id(PROPOSAL_PREFIX, one.proposal_id),
        members=[public_id(MEMBER_PREFIX, one.member_id), public_id(MEMBER_PREFIX, one.other_id)],
        state=one.state,
        rank=one.rank,
        seen_count=one.seen_count,
        opened_at=one.opened_at,
        last_seen_at=one.last_seen_at,
        automatic_at=one.examine_at,
        ended_at=one.ended_at,
        ended_by=one.ended_by,
        reason=one.end_reason,
        merge_id=None if one.merge_id is None else public_id(MERGE_PREFIX, one.merge_id),
    )


def proposal_answer_read(read: ProposalRead, why: Explanation, language: str) -> ProposalAnswerRead:
    """Write a proposal with all that is known of it."""
    told, speech = proposal_answer(read.proposal), Speech.of(why, language)
    return ProposalAnswerRead(
        **{name: getattr(told, name) for name in told.__struct_fields__},
        evidence=[_evidence(one) for one in read.evidence],
        accounts=[public_id(MEMBER_PREFIX, one) for one in read.accounts],
        survivor=public_id(MEMBER_PREFIX, read.survivor_id),
        why=[speech.tell(reason) for reason in why.reasons],
    )


def _evidence(one: Evidence) -> EvidenceAnswer:
    return EvidenceAnswer(
        rule=one.rule,
        kind=one.kind,
        other_kind=one.other_kind,
        seen_count=one.seen_count,
        first_seen_at=one.first_seen_at,
        last_seen_at=one.last_seen_at,
        rules_version=one.rules_version,
    )
