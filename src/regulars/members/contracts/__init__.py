"""What other domains see of members."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from regulars.members.contracts.consents import (
    CONSENT_PREFIX,
    Confirmation,
    Consent,
    ConsentChannel,
    ConsentGiven,
    ConsentLogged,
    ConsentOffered,
    ConsentSwitch,
    Decision,
    LogPlace,
    LogWanted,
    Purpose,
    ToConfirm,
)
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.rollups.contracts import Standing

MEMBER_PREFIX = "mbr"
IDENTITY_PREFIX = "idn"

__all__ = [  # what stands in a file of its own
    "CONSENT_PREFIX",
    "Confirmation",
    "Consent",
    "ConsentChannel",
    "ConsentGiven",
    "ConsentLogged",
    "ConsentOffered",
    "ConsentSwitch",
    "Decision",
    "LogPlace",
    "LogWanted",
    "Purpose",
    "ToConfirm",
]


class MemberStatus(StrEnum):
    """Whether a member takes part."""

    ACTIVE = "active"
    ERASED = "erased"


class IdentityKind(StrEnum):
    """What kind of value points to a member."""

    PHONE = "phone"
    EMAIL = "email"
    CARD = "card"
    EXTERNAL = "external"
    OPENID = "openid"


class IdentityValue(Struct, frozen=True):
    """A value as a caller writes it. Personal data: never logged, never part of an event or an error."""

    kind: IdentityKind
    value: str

    def __repr__(self) -> str:
        return f"IdentityValue(kind={self.kind.value!r}, value=…)"


class Identity(Struct, frozen=True, kw_only=True):
    """One identity of a member, without its value. `added_at` and `verified_at` are programme instants (UTC)."""

    identity_id: UUID
    kind: IdentityKind
    added_at: datetime
    verified_at: datetime | None


class IdentityShown(Identity, frozen=True, kw_only=True):
    """One identity with its value: in the clear or masked; None once the member's key is destroyed."""

    value: str | None


class MemberRef(Struct, frozen=True, kw_only=True):
    """A member as the books know one. `signed_up_at` is when it happened (UTC).

    `merged_into` is who this member is now, after a merge.
    """

    member_id: UUID
    market: str
    status: MemberStatus
    signed_up_at: datetime
    merged_into: UUID | None = None

    @property
    def stands_for(self) -> UUID:
        """Who is meant by this member's id: the member, or the one into whom it was merged."""
        return self.merged_into or self.member_id


class Member(MemberRef, frozen=True, kw_only=True):
    """A member without personal data. `recorded_at` is when we learned of the sign-up (UTC)."""

    language: str
    recorded_at: datetime
    channel: str
    store_id: str | None
    identities: tuple[Identity, ...]


class SignUp(Struct, frozen=True, kw_only=True):
    """A wish to become a member.

    `member_id` is given where it follows from a fact (`platform.ids.derived_id`), so that a repeat of the fact meets
    the same member; None makes a new one. The instants (UTC) default to the transaction's; `language` to the market's.
    """

    market: str
    identities: tuple[IdentityValue, ...]
    channel: str
    store_id: str | None = None
    language: str | None = None
    member_id: UUID | None = None
    signed_up_at: datetime | None = None
    recorded_at: datetime | None = None


class AddIdentity(Struct, frozen=True, kw_only=True):
    """A wish that a member can also be found by another value."""

    member_id: UUID
    identity: IdentityValue


class RemoveIdentity(Struct, frozen=True, kw_only=True):
    """A wish that a member can no longer be found by one of the identities."""

    member_id: UUID
    identity_id: UUID


class Calendar(StrEnum):
    """The calendar by which a birthday returns."""

    SOLAR = "solar"
    LUNAR = "lunar"


class Birthday(Struct, frozen=True, kw_only=True):
    """A birthday by its calendar; the year (of that calendar's new year) may be unknown."""

    month: int
    day: int
    year: int | None = None
    calendar: Calendar = Calendar.SOLAR


class Profile(Struct, frozen=True, kw_only=True):
    """Personal data that a member gave. `version` counts the changes; 0 is a member who gave none."""

    display_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    birthday: Birthday | None = None
    version: int = 0


class ProfileChange(Struct, frozen=True, kw_only=True):
    """What to change of a profile: left out stays, None clears. `language` is the member's, and cannot be cleared."""

    display_name: str | UnsetType | None = UNSET
    given_name: str | UnsetType | None = UNSET
    family_name: str | UnsetType | None = UNSET
    birthday: Birthday | UnsetType | None = UNSET
    language: str | UnsetType = UNSET


class ChangeProfile(Struct, frozen=True, kw_only=True):
    """A wish to change what a member told."""

    member_id: UUID
    change: ProfileChange


class ProfileChanged(Struct, frozen=True, kw_only=True):
    """What was changed: the fields by name, never their values, and the profile's version now."""

    member_id: UUID
    version: int
    changed: tuple[str, ...]


# --- getting in -----------------------------------------------------------------------------------------------------


class DeliverCode(Protocol):
    """How a one-time code reaches whoever asked for it (`engagement.api.code_delivery`; wired in entrypoints).

    It is written in the transaction and sent after the commit; neither address nor code may lie anywhere in the clear.
    """

    async def __call__(
        self,
        tx: Transaction,
        *,
        channel: str,
        address: str,
        code: str,
        language: str,
        member_id: UUID | None,
        is_known: bool,
        erases: bool,
    ) -> UUID:
        """Send it by `email` or `sms`; `is_known`: the browser that asks proved the address before.

        `erases`: who enters it is erased, and not signed in; the message says so.

        Raises what the channel refuses with (503).
        """
        ...


class CodeWanted(Struct, frozen=True, kw_only=True):
    """A wish for a one-time code to a phone or an e-mail address; `market` (a code) reads phones without a country."""

    identity: IdentityValue
    market: str
    language: str


class CodeSent(Struct, frozen=True, kw_only=True):
    """A code is on its way, whether or not a member has the address.

    `ticket` is for a cookie of this browser, in which alone the code is good; `shown` is the address, masked.
    """

    ticket: str
    shown: str
    expires_at: datetime
    resend_in_seconds: int

    def __repr__(self) -> str:
        return "CodeSent(…)"


class MemberOpened(Struct, frozen=True, kw_only=True):
    """A session of a member. `token` is the cookie's value, told this once; not `remembered`: one visit.

    `known` is the cookie by which this browser is told apart from now on, see `platform.auth.known`.
    """

    token: str
    member_id: UUID
    session_id: UUID
    remembered: bool
    expires_at: datetime
    known: str = ""

    def __repr__(self) -> str:
        return f"MemberOpened(member_id={self.member_id})"


class SignUpOpen(Struct, frozen=True, kw_only=True):
    """The code was right and nobody has the address yet: whoever holds the ticket may sign up until `expires_at`."""

    shown: str
    expires_at: datetime


class SignUpByCode(Struct, frozen=True, kw_only=True):
    """What somebody who proved an address tells to become a member; of the consents offered, those given."""

    language: str
    display_name: str | None = None
    consents: tuple[ConsentOffered, ...] = ()


class MemberViewer(Struct, frozen=True, kw_only=True):
    """A member who is signed in; `parted` is how often others were parted from the member, which card codes know.

    Signed in means that a fresh code was entered, at `signed_in_at` (wall clock, UTC).
    """

    member_id: UUID
    session_id: UUID
    market: str
    language: str
    signed_in_at: datetime
    parted: int = 0

    @property
    def actor(self) -> str:
        """Who acts, for transactions and the audit log: `member:mbr_…`."""
        return f"member:{public_id(MEMBER_PREFIX, self.member_id)}"


class Device(Struct, frozen=True, kw_only=True):
    """A place where a member is signed in. `agent` is browser and system, e.g. `Safari on iPhone` (wall clock)."""

    session_id: UUID
    agent: str
    remembered: bool
    made_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class CardCode(Struct, frozen=True, kw_only=True):
    """One code of the member card, shown from `starts_at` (wall clock) for `shown_seconds`."""

    code: str
    starts_at: datetime
    shown_seconds: int

    def __repr__(self) -> str:
        return f"CardCode(starts_at={self.starts_at})"


# --- at the counter of a shop ---------------------------------------------------------------------------------------


class MemberSearch(Struct, frozen=True, kw_only=True):
    """What somebody who sees some members only looks for. `by` is the actor of their session.

    `while_typing`: what is sent as it is typed is looked for only once it is a whole phone number or e-mail address.
    """

    text: str
    by: str
    while_typing: bool = False


class LookUp(Struct, frozen=True, kw_only=True):
    """Somebody is looked up at a counter: `typed` is what the scanner or the assistant typed (never logged).

    `device` is the actor that asks (`device:dev_…`), `assistant` whoever of staff is signed in there (or empty).
    """

    typed: str
    market: str
    store_id: str
    device: str
    assistant: str = ""

    def __repr__(self) -> str:
        return f"LookUp(device={self.device!r}, typed=…)"


class CounterGreeting(Struct, frozen=True, kw_only=True):
    """How a member is greeted: the name's first character only, and whether their birthday is today or this week."""

    name: str | None = None
    birthday: Literal["today", "week"] | None = None


class WalkIn(Struct, frozen=True, kw_only=True):
    """Somebody at a counter becomes a member. `form_id` is the form's on which it was written.

    The same form with the same value is the same wish; with another value it is somebody else's. `consents` are the
    wording versions agreed to, of those offered for the kind; others are passed over. `language` is that in which they
    were shown, `double_opt_in` what counts only once it is confirmed (`members.api.double_opt_in`).
    """

    form_id: UUID
    kind: IdentityKind
    value: str
    market: str
    store_id: str
    device: str
    name: str | None = None
    consents: tuple[str, ...] = ()
    assistant: str = ""
    language: str | None = None
    double_opt_in: frozenset[Purpose] = frozenset()

    def __repr__(self) -> str:
        return f"WalkIn(form_id={self.form_id}, …)"


class MemberFigures(Struct, frozen=True, kw_only=True):
    """Members at the end of a period and of the one before, and those who joined in each.

    `standing` tells up to when the figures hold; None: nothing has been rolled up yet.
    """

    members: int
    members_before: int
    joined: int
    joined_before: int
    standing: Standing | None
