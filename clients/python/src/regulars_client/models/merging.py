"""Of `client.merging`.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class ProposalAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.merging.dismiss_proposal`: say that two members who were proposed are two."""

    proposal_id: str
    members: list[str]
    state: str
    rank: int
    seen_count: int
    opened_at: datetime
    last_seen_at: datetime
    automatic_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    reason: str | None
    merge_id: str | None


class ConsentChosen(Struct, frozen=True, kw_only=True):
    """Part of `MergeAnswer`."""

    purpose: str
    channel: str
    decision: str
    before: str | None


class WalletMoved(Struct, frozen=True, kw_only=True):
    """Part of `MergeAnswer`."""

    wallet: str
    units: int
    lots: int
    debt: int
    survivor_before: int
    survivor_after: int


class TierMoved(Struct, frozen=True, kw_only=True):
    """Part of `MergeAnswer`."""

    survivor_before: str
    survivor_after: str
    absorbed_before: str | None
    absorbed_after: str | None


class HouseholdMovedAnswer(Struct, frozen=True, kw_only=True):
    """Part of `MergeAnswer`."""

    household_id: str
    takes_over: bool


class MergeAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.merging.merge_members`: let another member become part of this one."""

    merge_id: str | None
    survivor: str
    absorbed: str
    state: str
    actor: str
    reason: str
    recorded_at: datetime
    identities: list[str]
    unproved: list[str] = []
    filled: list[str]
    consents: list[ConsentChosen]
    wallets: list[WalletMoved]
    tier: TierMoved
    household: HouseholdMovedAnswer | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None
    undo_reason: str | None = None


class ConfirmedAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.merging.confirm_proposal`: merge two members who were proposed."""

    proposal: ProposalAnswer
    merge: MergeAnswer


class EvidenceAnswer(Struct, frozen=True, kw_only=True):
    """Part of `ProposalAnswerRead`."""

    rule: str
    kind: str | None
    other_kind: str | None
    seen_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    rules_version: int


class KindAnswer(Struct, frozen=True, kw_only=True):
    """Part of `RulesAnswer`."""

    kind: str
    limit: int
    proposes: bool
    refuses_repeated: bool
    blocked: list[str]


class KindBody(Struct, frozen=True, kw_only=True):
    """Part of `client.merging.change_identity_rules`."""

    kind: Literal["phone", "email", "card", "external", "openid"]
    limit: int
    """Values a member may hold; of ids of other systems for each namespace."""
    proposes: bool | UnsetType = UNSET
    """Whether such a value may speak for two members being one."""
    refuses_repeated: bool | UnsetType = UNSET
    """Whether a value of one character over and over is nobody's (phones: last nine digits)."""
    blocked: Sequence[str] | UnsetType = UNSET
    """Values that are nobody's; `*` stands for any characters."""


class MergesAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.merging.list`: list the merges of a member."""

    member_id: str
    parts: list[str]
    merges: list[MergeAnswer]


class Told(Struct, frozen=True, kw_only=True):
    """Part of `ProposalAnswerRead`."""

    rule: str
    values: dict[str, str | int | None]
    sentence: str


class ProposalAnswerRead(Struct, frozen=True, kw_only=True):
    """The answer of `client.merging.get_proposal`: read why two members may be one person."""

    proposal_id: str
    members: list[str]
    state: str
    rank: int
    seen_count: int
    opened_at: datetime
    last_seen_at: datetime
    automatic_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    reason: str | None
    merge_id: str | None
    evidence: list[EvidenceAnswer]
    accounts: list[str]
    survivor: str
    why: list[Told]


class ProposalsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.merging.list_proposals`: list members who may be one person."""

    proposals: list[ProposalAnswer]
    has_more: bool
    next_cursor: str | None


class RulesAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.merging.change_identity_rules`: let a new version of the rules be in force."""

    version: int
    kinds: list[KindAnswer]
    together_at_most: int
    automatic: bool
    automatic_after_minutes: int
    actor: str
    reason: str
    recorded_at: datetime | None


class RulesListed(Struct, frozen=True, kw_only=True):
    """The answer of `client.merging.list_identity_rules`: read how many identities a member may hold, and which
    propose a merge.
    """

    in_force: RulesAnswer
    versions: list[RulesAnswer]


class WalletReturned(Struct, frozen=True, kw_only=True):
    """Part of `UndoneAnswer`."""

    wallet: str
    returned: int
    covered: int
    shortfall: int
    expired: int
    kept: int
    debt: int
    survivor_before: int
    survivor_after: int
    absorbed_after: int


class UndoneAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.merging.undo`: let two members who were merged be two again."""

    merge_id: str
    survivor: str
    absorbed: str
    state: str
    recorded_at: datetime
    identities: list[str]
    cleared: list[str]
    consents: list[ConsentChosen]
    wallets: list[WalletReturned]
    tier: TierMoved
    household: HouseholdMovedAnswer | None = None
