"""From which address a request comes, where proxies stand in front of us."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

from regulars.platform.settings import SettingError

Network = IPv4Network | IPv6Network
_NOWHERE: Final = "?"


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
    while chain and _is_in(address, networks):
        address = chain.pop()
    return address


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
