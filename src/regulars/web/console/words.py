"""What the console calls tiers, channels, states and kinds; instants of days; ids in short."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import Locale

from regulars.loyalty.api import tier_label
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.ids import public_id
from regulars.web.kit.cells import Badge, Link, Tone
from regulars.web.kit.texts import in_language, mark

CHANNELS: Final[dict[str, str]] = {
    "store": mark("In a store"),
    "online": mark("Online"),
    "app": mark("App"),
    "partner": mark("Partner"),
    "social": mark("Social shop"),
    "phone": mark("By telephone"),
}
STATES: Final[dict[str, tuple[str, Tone]]] = {
    "open": (mark("Open"), "neutral"),
    "placed": (mark("Placed"), "info"),
    "paid": (mark("Paid"), "success"),
    "fulfilled": (mark("Fulfilled"), "success"),
    "cancelled": (mark("Cancelled"), "error"),
}
WALLETS: Final[dict[str, str]] = {"points": mark("Points"), "growth": mark("Growth")}
IDENTITIES: Final[dict[str, str]] = {
    "phone": mark("Phone"),
    "email": mark("E-mail"),
    "card": mark("Card number"),
    "external": mark("External id"),
    "openid": mark("OpenID"),
}
_FIRST_HAN: Final = "\u4e00"
_TIER_TONES: Final[tuple[Tone, ...]] = ("neutral", "info", "warning", "primary")


def tier_badge(code: str, rank: int) -> Badge:
    """Return a tier as a badge."""
    return Badge(tier_label(code), _TIER_TONES[min(rank, len(_TIER_TONES) - 1)])


def channel_name(channel: str, language: str) -> str:
    """Return what a channel is called."""
    return in_language(CHANNELS.get(channel, channel), language)


def state_badge(state: str) -> Badge:
    """Return an order's state as a badge."""
    return Badge(*STATES[state])


def wallet_name(code: str, language: str) -> str:
    """Return what a wallet is called; one of a programme's own goes by its code."""
    return in_language(WALLETS.get(code, code), language)


def language_name(tag: str, language: str) -> str:
    """Return what a language (a BCP 47 tag) is called."""
    return Locale.parse(tag, sep="-").get_language_name(language) or tag


def full_name(given: str | None, family: str | None) -> str:
    """Return a name as its people write it: the family first, and joined, in Chinese; else the given name first."""
    parts = [one for one in (family, given) if one]
    if parts and not parts[0][0].isascii() and parts[0][0] >= _FIRST_HAN:
        return "".join(parts)
    return " ".join(reversed(parts))


def member_path(member_id: UUID) -> str:
    """Return where a member's page is."""
    return f"/console/members/{public_id(MEMBER_PREFIX, member_id)}"


def member_link(member_id: UUID) -> Link:
    """Return a member's id, shortened, as a link to the page."""
    return Link(f"{MEMBER_PREFIX}_…{member_id.hex[-6:]}", member_path(member_id))


def order_link(order_id: str) -> Link:
    """Return an order's id as a link to its page."""
    return Link(order_id, f"/console/orders/{order_id}")


def span_of(filters: Mapping[str, str], name: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Return the instants between which a filter's days lie in a time zone: from, and before."""
    first, last = filters.get(f"{name}_from"), filters.get(f"{name}_to")
    since = day_start(date.fromisoformat(first), zone) if first else None
    until = day_start(date.fromisoformat(last) + timedelta(days=1), zone) if last and last < "9999" else None
    return since, until


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day begins in a time zone."""
    return datetime.combine(day, time(), zone).astimezone(UTC) if day.year > 1 else datetime(1, 1, 2, tzinfo=UTC)
