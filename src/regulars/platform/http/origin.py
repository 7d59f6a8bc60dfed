"""From which address a request comes, where proxies stand in front of us."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from regulars.platform.auth.contracts import Network
from regulars.platform.settings import SettingError

logger = logging.getLogger(__name__)

_NOWHERE: Final = "?"
_NOTE: Final = "unknown-proxy"


def networks_in(setting: str) -> tuple[Network, ...]:
    """Read the proxies that are believed. Raises SettingError."""
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in setting.split(",") if part.strip())
    except ValueError as error:
        raise SettingError(
            "REGULARS_TRUSTED_PROXIES", f"says {setting!r}", "Write addresses or networks, with commas between."
        ) from error


def address_of(scope: Mapping[str, Any], believed: Iterable[Network]) -> str:
    """Return the caller's address: the last one in the chain of `X-Forwarded-For` that no believed proxy wrote.

    What a caller writes into the header itself stands further left, and is never reached.
    """
    client = scope.get("client")
    address = str(client[0]) if client else _NOWHERE
    networks = tuple(believed)
    if not networks:
        return address
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    chain = [part.strip() for part in forwarded.decode("latin-1").split(",") if part.strip()]
    while chain and is_in(address, networks):
        address = chain.pop()
    return address


class Origins:
    """Says where requests come from; notes, once, a proxy that is not believed.

    Behind such a proxy everybody is one place, and whatever is limited by place is limited for all of them together.
    The note is a file in the program's folder, for `doctor`, which is another process.
    """

    def __init__(self, setting: str, home: Path) -> None:
        self._believed = networks_in(setting)
        self._home = home
        self._looks = True

    def address_of(self, scope: Mapping[str, Any]) -> str:
        """Return the caller's address."""
        if self._looks:
            self._look(scope)
        return address_of(scope, self._believed)

    def _look(self, scope: Mapping[str, Any]) -> None:
        client = scope.get("client")
        if client is None or not any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
            return
        peer = str(client[0])
        if is_in(peer, self._believed):
            return
        self._looks = False
        logger.warning(
            "X-Forwarded-For comes from %s, which REGULARS_TRUSTED_PROXIES does not name: "
            "if that is your proxy, everybody behind it counts as one place where sign-ins are limited",
            peer,
        )
        with suppress(OSError):
            (self._home / _NOTE).write_text(peer, encoding="utf-8")


def proxy_not_believed(setting: str, home: Path) -> str | None:
    """Return the address of the proxy that was noted last, if it still is not believed."""
    try:
        peer = (home / _NOTE).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return None if is_in(peer, networks_in(setting)) else peer


def is_in(address: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether an address, as text, lies in one of some networks; what is no address lies in none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    # Who listens for both kinds of addresses sees the older ones as `::ffff:203.0.113.7`.
    plain = (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
    return any(plain in network for network in networks)
