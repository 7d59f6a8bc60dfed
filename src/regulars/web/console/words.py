"""What the console calls tiers, channels, states and kinds; days of filters; ids in short."""

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from babel import Locale

from regulars.loyalty.api import tier_label
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id, public_id
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
PAYMENTS: Final[dict[str, str]] = {
    "card": mark("Bank card"),
    "cash": mark("Cash"),
    "points": mark("Points"),
    "gift_card": mark("Gift card"),
    "wechat": mark("WeChat Pay"),
    "alipay": mark("Alipay"),
}
_FIRST_HAN: Final = "\u4e00"
_TIER_TONES: Final[tuple[Tone, ...]] = ("neutral", "info", "warning", "primary")


def tier_badge(code: str, rank: int) -> Badge:
    """Return a tier as a badge."""
    return Badge(tier_label(code), _TIER_TONES[min(rank, len(_TIER_TONES) - 1)])


def channel_name(channel: str, language: str) -> str:
    """Return what a channel is called."""
    return in_language(CHANNELS.get(channel, channel), language)


def payment_name(method: str, language: str) -> str:
    """Return what a way to pay is called; one that shops made up goes by their word."""
    return in_language(PAYMENTS.get(method, method), language)


def state_badge(state: str, returned_minor: int = 0, total_minor: int = 0) -> Badge:
    """Return an order's state as a badge; of a paid one of which something came back, that (amounts in minor units)."""
    if returned_minor and state in {"paid", "fulfilled"}:
        all_of_it = returned_minor >= total_minor
        return Badge(mark("Returned"), "error") if all_of_it else Badge(mark("Partly returned"), "warning")
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


def member_id_in(public: str) -> UUID:
    """Read a member's id. Raises NotFound."""
    found = parse_public_id(MEMBER_PREFIX, public)
    if found is None:
        raise NotFound
    return found


def member_tabs(public: str, language: str, *, merges: bool = False) -> list[tuple[str, str, None]]:
    """Return the ways between the pages of one member; `merges` for who may merge."""
    home = f"/console/members/{public}"
    named = (
        (mark("Overview"), home),
        (mark("Points statement"), f"{home}/points"),
        (mark("Orders"), f"{home}/orders"),
        (mark("Timeline"), f"{home}/timeline"),
        (mark("Why"), f"{home}/why"),
        (mark("Privacy"), f"{home}/privacy"),
        *(((mark("Merges"), f"{home}/merges"),) if merges else ()),
    )
    return [(in_language(label, language), path, None) for label, path in named]


def member_path(member_id: UUID) -> str:
    """Return where a member's page is."""
    return f"/console/members/{public_id(MEMBER_PREFIX, member_id)}"


def member_link(member_id: UUID) -> Link:
    """Return a member's id, shortened, as a link to the page."""
    return Link(f"{MEMBER_PREFIX}_…{member_id.hex[-6:]}", member_path(member_id))


def order_link(order_id: str) -> Link:
    """Return an order's id as a link to its page."""
    return Link(order_id, f"/console/orders/{order_id}")


def days_of(filters: Mapping[str, str], name: str) -> tuple[date | None, date | None]:
    """Return the days between which a filter of days lies, both included; None has no bound."""
    first, last = filters.get(f"{name}_from"), filters.get(f"{name}_to")
    return (date.fromisoformat(first) if first else None), (date.fromisoformat(last) if last else None)
