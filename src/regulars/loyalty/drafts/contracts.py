"""Drafts of policies: documents that are worked on until they are scheduled as a version, or given up."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from regulars.loyalty.policy.contracts import Policy

DRAFT_PREFIX = "pdr"

DraftState = Literal["draft", "proposed", "scheduled", "abandoned"]


class PolicyDraft(Struct, frozen=True, kw_only=True):
    """A draft as it stands. `revision` rises with each change: whoever changes it says which one they have seen.

    A draft that is `proposed` waits for a second person: `proposed_for` is the instant that was asked for. One that is
    `scheduled` became `version`. `note` is what was said last: why it was proposed, refused or abandoned. `based_on` is
    the latest version that whoever began or scheduled it has seen; `based_on_withdrawn_at`, when that was taken back.
    """

    draft_id: UUID
    name: str
    state: DraftState
    revision: int
    policy: Policy
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime
    proposed_for: datetime | None = None
    proposed_by: str = ""
    note: str = ""
    version: int | None = None
    based_on: int | None = None
    based_on_withdrawn_at: datetime | None = None


class DraftRevision(Struct, frozen=True, kw_only=True):
    """What a draft said once."""

    revision: int
    name: str
    policy: Policy
    changed_by: str
    changed_at: datetime


class WithdrawnBase(Struct, frozen=True, kw_only=True):
    """The version that an open draft was begun from, or last compared with, which was taken back; said in a sentence.

    What it said comes with the draft, unless it is changed.
    """

    version: int
    withdrawn_at: datetime
    said: str


class CreateDraft(Struct, frozen=True, kw_only=True):
    """Begin a draft: from a document, from a version (`from_version`), or else from the latest version."""

    name: str
    actor: str
    policy: Policy | None = None
    from_version: int | None = None


class ChangeDraft(Struct, frozen=True, kw_only=True):
    """Replace what a draft says. `revision` is the one that was seen."""

    draft_id: UUID
    revision: int
    name: str
    policy: Policy
    actor: str


class AbandonDraft(Struct, frozen=True, kw_only=True):
    """Give a draft up; it stays to be read."""

    draft_id: UUID
    actor: str
    reason: str = ""


class ScheduleDraft(Struct, frozen=True, kw_only=True):
    """Let a draft come into force at an instant; where a second person is needed, ask for that.

    `based_on` is the latest version that it was compared with; None: the one that it began from, unless that was
    withdrawn since. Where no version is left, it is the one that was withdrawn.
    """

    draft_id: UUID
    revision: int
    active_from: datetime
    actor: str
    reason: str = ""
    based_on: int | None = None


class AnswerDraft(Struct, frozen=True, kw_only=True):
    """Agree to what was proposed, which schedules it, or give it back as a draft.

    `revision` and `active_from` are those that were seen: nobody agrees to anything else.
    """

    draft_id: UUID
    agree: bool
    revision: int
    active_from: datetime
    actor: str
    note: str = ""


class WithdrawVersion(Struct, frozen=True, kw_only=True):
    """Take a version back before its instant comes."""

    version: int
    actor: str
    reason: str = ""


DraftCommand = CreateDraft | ChangeDraft | AbandonDraft | ScheduleDraft | AnswerDraft
