"""Of `client.members`.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from regulars_client.models.shared import ConsentAnswer, Problem


class BatchedConsent(Struct, frozen=True, kw_only=True):
    """Part of `client.members.record_consents`."""

    purpose: Literal["service", "marketing", "research", "profiling", "sharing"]
    channel: Literal["email", "sms", "push", "wechat", "phone", "post", "any"]
    decision: Literal["given", "withdrawn"]
    wording_version: str
    """Which text the member saw."""
    where: str
    """The channel in which it was decided."""
    store_id: str | UnsetType | None = UNSET
    effective_at: datetime | UnsetType | None = UNSET
    wording: str | UnsetType | None = UNSET
    language: str | UnsetType | None = UNSET
    confirmed_elsewhere: bool | UnsetType = UNSET
    member_id: str


class IdentityBody(Struct, frozen=True, kw_only=True):
    """Part of `client.members.sign_up`."""

    kind: Literal["phone", "email", "card", "external", "openid"]
    value: str
    """A phone number (E.164, or as written in the market), an e-mail address, a card number, or namespace:id for ids
    of other systems and openids.
    """


class BatchedSignUp(Struct, frozen=True, kw_only=True):
    """Part of `client.members.sign_up_members`."""

    market: str
    """A market of the programme."""
    identities: Sequence[IdentityBody]
    channel: str
    """Where: online, store, app, partner, ..."""
    store_id: str | UnsetType | None = UNSET
    """The shop, if it was in one."""
    language: str | UnsetType | None = UNSET
    """A language tag (BCP 47)."""
    signed_up_at: datetime | UnsetType | None = UNSET
    """RFC 3339, with its time zone."""
    reference: str


class ConfirmationAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.confirm_consent`: confirm a consent by what a letter's link carries."""

    member_id: str
    request_id: str
    purpose: str
    channel: str
    wording_version: str
    wording: str


class ConsentRowAnswer(Struct, frozen=True, kw_only=True):
    """Part of `ConsentBatchAnswer`."""

    member_id: str
    purpose: str
    channel: str
    decision: str
    status: int
    consent: ConsentAnswer | None = None
    problem: Problem | None = None


class ConsentBatchAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.record_consents`: record what many members decided on consent."""

    recorded: int
    refused: int
    rows: list[ConsentRowAnswer]


class ConsentHistoryAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.list_consent_history`: read everything that a member decided on consent."""

    history: list[ConsentAnswer]
    has_more: bool
    next_cursor: str | None


class IdentityAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.add_identity`: let a member be found by one more value."""

    identity_id: str
    kind: str
    added_at: datetime
    verified_at: datetime | None


class MemberAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.sign_up`: sign a member up."""

    member_id: str
    market: str
    status: str
    language: str
    signed_up_at: datetime
    recorded_at: datetime
    channel: str
    store_id: str | None
    identities: list[IdentityAnswer]


class ProfileChangedAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.change_profile`: change what a member told."""

    member_id: str
    version: int
    changed: list[str]


class SignUpRowAnswer(Struct, frozen=True, kw_only=True):
    """Part of `SignUpBatchAnswer`."""

    reference: str
    status: int
    member: MemberAnswer | None = None
    problem: Problem | None = None


class SignUpBatchAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.sign_up_members`: sign many members up."""

    signed_up: int
    refused: int
    rows: list[SignUpRowAnswer]
