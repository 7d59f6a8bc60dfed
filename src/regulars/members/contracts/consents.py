"""What other domains see of consent: what was decided, in which words, and what still waits for its confirmation."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

CONSENT_PREFIX = "cns"


class Purpose(StrEnum):
    """What a member's data may be used for."""

    SERVICE = "service"
    MARKETING = "marketing"
    RESEARCH = "research"
    PROFILING = "profiling"
    SHARING = "sharing"


class ConsentChannel(StrEnum):
    """How a member may be reached; `any` for purposes that reach nobody (profiling, sharing)."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    WECHAT = "wechat"
    PHONE = "phone"
    POST = "post"
    ANY = "any"


class Decision(StrEnum):
    """What happened to a consent. Only `given` is consent.

    `requested` waits until it is confirmed from the address itself, `lapsed` was confirmed from an address that is not
    the member's (or not the one that mail goes to) any more.
    """

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    REQUESTED = "requested"
    LAPSED = "lapsed"


class Confirmation(StrEnum):
    """How it is known that a consent is of whoever holds the address.

    `link`: by the link of a letter sent there. `code`: by a one-time code sent there, at the same sitting. `elsewhere`:
    by another system that can prove it, before the consent reached us.
    """

    LINK = "link"
    CODE = "code"
    ELSEWHERE = "elsewhere"


class ConsentGiven(Struct, frozen=True, kw_only=True):
    """A decision as it reaches us. `wording_version` names the text the member saw; `effective_at` defaults to now.

    `where` is the programme's channel and `store_id` the shop in which it was made; `actor` who recorded it. `language`
    is that of the text (BCP 47), `wording` the text itself, where it is not one of ours. `confirmation` and
    `identity_id` (the address) are given where it is confirmed already.
    """

    member_id: UUID
    purpose: Purpose
    channel: ConsentChannel
    decision: Decision
    wording_version: str
    where: str
    actor: str
    store_id: str | None = None
    effective_at: datetime | None = None
    language: str | None = None
    wording: str | None = None
    confirmation: Confirmation | None = None
    identity_id: UUID | None = None


class Consent(Struct, frozen=True, kw_only=True):
    """A decision as it stands in the books, never edited; instants are UTC.

    `wording` is the text as it was shown, in `language`; "" where we were told its version only. `identity_id` is the
    address that was asked or has confirmed, `request_id` the request that this one confirms.
    """

    consent_id: UUID
    purpose: Purpose
    channel: ConsentChannel
    decision: Decision
    wording_version: str
    where: str
    store_id: str | None
    actor: str
    effective_at: datetime
    recorded_at: datetime
    language: str | None = None
    wording: str = ""
    confirmation: Confirmation | None = None
    identity_id: UUID | None = None
    request_id: UUID | None = None


class ConsentOffered(Struct, frozen=True, kw_only=True):
    """A consent that sign-up asks for: its wording (an English sentence, translated), and the version of that."""

    purpose: Purpose
    channel: ConsentChannel
    wording_version: str
    wording: str


class ConsentSwitch(Struct, frozen=True, kw_only=True):
    """A consent as its member sees it: whether it is given, since when (None: never decided), and in which words.

    `wording` is an English sentence to be translated, that agreed to or, where it is off, that offered; or the text as
    it was shown elsewhere; "" where the words are not known. `version` names them, `asked_version` those in which it is
    decided anew. `request` waits for its confirmation until `open_until` (wall clock; None: its letter's time is over).
    `is_lapsed`: it was given from another address. `has_address` is False where nobody could confirm it. `history` is
    everything that was decided, the latest first.
    """

    purpose: Purpose
    channel: ConsentChannel
    is_on: bool
    decided_at: datetime | None
    wording: str
    asked_version: str
    version: str = ""
    request: Consent | None = None
    open_until: datetime | None = None
    is_lapsed: bool = False
    has_address: bool = True
    history: tuple[Consent, ...] = ()


class ToConfirm(Struct, frozen=True, kw_only=True):
    """What a letter asks to confirm: a consent to a purpose in these words, from the address `identity_id`.

    `token` is what the letter's link carries, told this once ("" where a link is only looked at); `is_confirmed`: it
    was, and stands. `open_until` by the wall clock.
    """

    member_id: UUID
    consent_id: UUID
    purpose: Purpose
    channel: ConsentChannel
    wording: str
    wording_version: str
    identity_id: UUID
    open_until: datetime
    token: str = ""
    is_confirmed: bool = False

    def __repr__(self) -> str:
        return f"ToConfirm(consent_id={self.consent_id}, …)"


# --- the log of everybody's decisions ---------------------------------------------------------------------------------


class LogPlace(NamedTuple):
    """Where a page of the log ends: the next one goes on from behind it."""

    recorded_at: datetime
    consent_id: UUID


class LogWanted(Struct, frozen=True, kw_only=True):
    """Which decisions are wanted, the last to become known first, from behind `before`; None narrows nothing.

    `first` and `until` are instants of `recorded_at`, the first included.
    """

    member_id: UUID | None = None
    purpose: Purpose | None = None
    channel: ConsentChannel | None = None
    decision: Decision | None = None
    first: datetime | None = None
    until: datetime | None = None
    before: LogPlace | None = None
    limit: int = 50


class ConsentLogged(Struct, frozen=True):
    """A decision with whose it is."""

    member_id: UUID
    consent: Consent
