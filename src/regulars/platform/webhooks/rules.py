"""Pure decisions about deliveries: what counts as taken, when is tried again, when an endpoint is left alone."""

from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from regulars.platform.webhooks.contracts import Endpoint

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

TRY_FOR: Final = timedelta(days=3)
DISABLE_AFTER: Final = timedelta(days=5)
_SHORTEST: Final = timedelta(seconds=5)
_LONGEST: Final = timedelta(hours=12)
_LONGEST_ASKED: Final = timedelta(hours=24)
_GROWTH: Final = 1.5
# So many deliveries in a row have failed: one at a time finds out for all.
DOWN_AFTER: Final = 5
_DOWN_PAUSES: Final = (5, 15, 60, 300, 900, 1800)
_FIRST_SUCCESS, _FIRST_REDIRECT, GONE = 200, 300, 410
_MAY_ASK_FOR_TIME: Final = frozenset({429, 503})
_HIGHEST_PORT: Final = 65_535
_URL_LENGTH: Final = 2_000


def without_query(url: str) -> str:
    """Return an address as the audit log keeps it: without its query, which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}{'?…' if parts.query else ''}"


def endpoint_in_words(endpoint: Endpoint) -> str:
    """Return what an endpoint is, for the audit log."""
    return f"{without_query(endpoint.url)}; {' '.join(endpoint.types) or 'all types'}"


def change_in_words(before: Endpoint, after: Endpoint) -> str:
    """Return what of an endpoint is other than it was, for the audit log; of descriptions only that they differ."""
    told = []
    if before.url != after.url:
        same = without_query(before.url) == without_query(after.url)
        told.append(f"url {without_query(before.url)} -> {without_query(after.url)}{', another query' if same else ''}")
    if before.types != after.types:
        told.append(f"types {' '.join(before.types) or 'all'} -> {' '.join(after.types) or 'all'}")
    if before.description != after.description:
        told.append("description")
    if before.state != after.state:
        told.append(f"{before.state} -> {after.state}")
    return "; ".join(told) or "nothing"


def rotation_in_words(endpoint: Endpoint) -> str:
    """Return for how long the secret before signs beside a new one, for the audit log."""
    until = endpoint.old_secret_until
    return "the old one ends at once" if until is None else f"the old one until {until.isoformat(timespec='seconds')}"


def is_taken(status: int | None) -> bool:
    """Tell whether an answer says that the event was taken: 2xx alone."""
    return status is not None and _FIRST_SUCCESS <= status < _FIRST_REDIRECT


def pause_after(tried_for: timedelta, spread: float, asked_seconds: int | None = None) -> timedelta:
    """Return how long to wait after a failure: half as long again as has been tried already, 5 seconds to 12 hours.

    That is 5 s, 8 s, 20 s, 50 s and so on. `spread` (0 to 1) makes it a fifth less or more.
    """
    pause = min(max(tried_for * _GROWTH, _SHORTEST), _LONGEST) * (0.8 + 0.4 * spread)
    return pause if asked_seconds is None else min(max(pause, timedelta(seconds=asked_seconds)), _LONGEST_ASKED)


def may_ask_for_time(status: int | None) -> bool:
    """Tell whether `Retry-After` counts beside this status."""
    return status in _MAY_ASK_FOR_TIME


def is_given_up(first_tried_at: datetime, again_at: datetime) -> bool:
    """Tell whether a delivery is tried no more: it has been for three days."""
    return again_at - first_tried_at > TRY_FOR


def rest_of_endpoint(failures: int, spread: float) -> timedelta | None:
    """Return for how long an endpoint is left alone after so many failures in a row; None: it is not."""
    if failures < DOWN_AFTER:
        return None
    seconds = _DOWN_PAUSES[min(failures - DOWN_AFTER, len(_DOWN_PAUSES) - 1)]
    return timedelta(seconds=seconds * (0.8 + 0.4 * spread))


def is_failing_for_good(failing_since: datetime | None, now: datetime) -> bool:
    """Tell whether an endpoint is disabled: nothing has got through for five days."""
    return failing_since is not None and now - failing_since >= DISABLE_AFTER


# --- addresses ------------------------------------------------------------------------------------------------------


def networks_in(text: str) -> tuple[Network, ...]:
    """Read networks with commas between them. Raises ValueError."""
    return tuple([ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip()])


def plain(address: Address) -> Address:
    """Return the IPv4 address that a mapped IPv6 one stands for, else the address."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


_UNICAST: Final = ip_network("2000::/3")


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to somebody on the public internet.

    An IPv6 address that carries an IPv4 one within (mapped, 6to4, Teredo, NAT64) is none: it may lead anywhere.
    """
    if isinstance(address, IPv6Address):
        carries = address.ipv4_mapped or address.sixtofour or address.teredo
        return address in _UNICAST and address.is_global and carries is None
    return address.is_global and not (address.is_multicast or address.is_reserved)


def is_listed(address: Address, networks: tuple[Network, ...]) -> bool:
    """Tell whether the settings name a network that an address is in."""
    found = plain(address)
    return any(found.version == one.version and found in one for one in networks)


def address_in(host: str) -> Address | None:
    """Return the address that a host is written as; None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def split_url(text: str) -> SplitResult | None:
    """Read an address to which can be sent; None if it is none."""
    if len(text) > _URL_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        found = urlsplit(text)
        port = found.port
    except ValueError:
        return None
    usable = found.scheme in {"http", "https"} and found.hostname and found.username is None and not found.fragment
    return found if usable and (port is None or 0 < port <= _HIGHEST_PORT) else None


def host_of(url: str) -> str:
    """Return what the header `Host` says of an address."""
    found = urlsplit(url)
    return found.netloc.rpartition("@")[2].lower()
