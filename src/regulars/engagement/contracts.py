"""What others see of messages: what they are about, where they go, and how they stand."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

MESSAGE_PREFIX: Final = "msg"
CODE_VALID_FOR: Final = timedelta(minutes=10)


class MessageKind(StrEnum):
    """What a message is about."""

    CODE = "code"
    RECEIPT = "receipt"
    RETURN_SETTLED = "return_settled"
    TIER_UP = "tier_up"
    EXPIRING_POINTS = "expiring_points"
    CONFIRM_ADDRESS = "confirm_address"
    CONFIRM_CONSENT = "confirm_consent"
    POINTS_SENT = "points_sent"
    POINTS_RECEIVED = "points_received"
    POINTS_TAKEN_BACK = "points_taken_back"
    WEBHOOK_DISABLED = "webhook_disabled"


class MessageChannel(StrEnum):
    """The way a message takes. `inbox` is the member's own page; it needs no address."""

    EMAIL = "email"
    SMS = "sms"
    INBOX = "inbox"


class MessageState(StrEnum):
    """How a message stands.

    `queued`: is sent at `due_at`, for the first time or again. `sent`: the provider took it (what `inbox` holds is sent
    at once). `parked`: refused for good, or tried too often; a person may resend or cancel it. `failed`: given up.
    """

    QUEUED = "queued"
    SENT = "sent"
    PARKED = "parked"
    FAILED = "failed"


# --- what messages tell: the figures of the fact, as it was decided ------------------------------------------------


class CodeFacts(Struct, frozen=True, kw_only=True, tag="code"):
    """A one-time code, for how many minutes it is valid, and whether who enters it is erased instead of signed in."""

    code: str
    valid_minutes: int
    erases: bool = False

    def __repr__(self) -> str:
        return "CodeFacts(…)"


class ReceiptFacts(Struct, frozen=True, kw_only=True, tag="receipt"):
    """A paid order: amounts in minor units of `currency`, points in units, and when those earned can be spent."""

    order_id: str
    occurred_at: datetime
    channel: str
    store_name: str | None
    total_minor: int
    currency: str
    points_used: int
    points_earned: int
    debt_repaid: int
    available_at: datetime | None
    expires_at: datetime | None
    recorded_at: datetime


class ReturnFacts(Struct, frozen=True, kw_only=True, tag="return_settled"):
    """A settled return: what came back and what of it in money (minor units), points given back, taken back, and owed.

    `money_back_minor` None: an event from before this was said.
    """

    order_id: str
    occurred_at: datetime
    store_name: str | None
    returned_minor: int
    currency: str
    points_given_back: int
    points_clawed_back: int
    to_debt: int
    money_back_minor: int | None = None


class TierFacts(Struct, frozen=True, kw_only=True, tag="tier_up"):
    """A tier reached, by code, and how many points a unit of money earns there for each one of the lowest tier."""

    tier: str
    from_tier: str
    multiplier: int


class ExpiringFacts(Struct, frozen=True, kw_only=True, tag="expiring_points"):
    """Points that run out at an instant if they are not used before."""

    points: int
    expires_at: datetime


class ConfirmFacts(Struct, frozen=True, kw_only=True, tag="confirm_address"):
    """What the link of a confirmation carries (empty: no link)."""

    token: str

    def __repr__(self) -> str:
        return "ConfirmFacts(…)"


class ConfirmConsentFacts(Struct, frozen=True, kw_only=True, tag="confirm_consent"):
    """Which consent is to be confirmed, in the words that were shown, and what the link carries (empty: no link).

    While the letter waits to be written there are neither words nor link.
    """

    consent_id: UUID
    wording: str = ""
    token: str = ""

    def __repr__(self) -> str:
        return f"ConfirmConsentFacts(consent_id={self.consent_id}, …)"


class PointsSentFacts(Struct, frozen=True, kw_only=True, tag="points_sent"):
    """Points that the member gave to another."""

    points: int
    at: datetime


class PointsReceivedFacts(Struct, frozen=True, kw_only=True, tag="points_received"):
    """Points that another member gave."""

    points: int
    at: datetime


class PointsTakenBackFacts(Struct, frozen=True, kw_only=True, tag="points_taken_back"):
    """Points that went back to who had given them (`had_given`: the member), `owed` by who had got them; `expired`
    ran out before.
    """

    had_given: bool
    points: int
    owed: int
    expired: int
    at: datetime


class WebhookDisabledFacts(Struct, frozen=True, kw_only=True, tag="webhook_disabled"):
    """A webhook that is delivered to no more, for staff: its receiver asked for that, or nothing got through."""

    webhook_id: str
    name: str
    wants_no_more: bool
    at: datetime
    failing_since: datetime | None


Facts = (
    CodeFacts
    | ReceiptFacts
    | ReturnFacts
    | TierFacts
    | ExpiringFacts
    | ConfirmFacts
    | ConfirmConsentFacts
    | PointsSentFacts
    | PointsReceivedFacts
    | PointsTakenBackFacts
    | WebhookDisabledFacts
)


# --- what others are shown -----------------------------------------------------------------------------------------


class Row(Struct, frozen=True, kw_only=True):
    """One figure of a letter with its label; `strong` is the one it is about."""

    label: str
    value: str
    strong: bool = False


class Letter(Struct, frozen=True, kw_only=True):
    """A message in words of one language, without any form. `preview` is what mail programs show beside the subject."""

    subject: str
    preview: str
    heading: str
    lead: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    code: str | None = None
    note: str | None = None
    button: tuple[str, str] | None = None
    why: str = ""


class AddressRefused(Struct, frozen=True, kw_only=True):
    """An e-mail address that its server refused as nobody's: nothing is sent there until it is proved or changed.

    `at` by the programme clock; `answer` is what the server said, without addresses.
    """

    identity_id: UUID
    at: datetime
    answer: str


class MessageRef(Struct, frozen=True, kw_only=True):
    """A message without what it says. Instants: `occurred_at` and `read_at` by the programme clock, others by the wall.

    `member_id` is None for a message to a bare address. `answer` is what the provider said last, without addresses.
    """

    message_id: UUID
    member_id: UUID | None
    kind: MessageKind
    channel: MessageChannel
    state: MessageState
    language: str
    attempts: int
    answer: str
    occurred_at: datetime
    written_at: datetime
    due_at: datetime | None
    sent_at: datetime | None
    read_at: datetime | None


class Message(Struct, frozen=True, kw_only=True):
    """A message with its words; both None once they cannot be read any more (key destroyed, content wiped).

    `address` is masked unless asked for in the clear; `inbox` has none.
    """

    ref: MessageRef
    letter: Letter | None
    address: str | None


class MessagesPage(Struct, frozen=True, kw_only=True):
    """Messages, the latest first; `next_before` continues them (None: there are no more)."""

    messages: tuple[Message, ...]
    next_before: UUID | None


class RenderedMail(Struct, frozen=True, kw_only=True):
    """A message as a mail program shows it: subject, HTML and plain text."""

    subject: str
    html: str
    text: str


class MessageCounts(Struct, frozen=True, kw_only=True):
    """How many messages wait, are parked, or were given up; `oldest_due_seconds` is how late the latest one is."""

    queued: int
    parked: int
    failed: int
    oldest_due_seconds: float
