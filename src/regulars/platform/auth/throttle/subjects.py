"""Whose attempts are counted: accounts, members' addresses, and the places that requests come from."""

from hmac import digest
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from regulars.platform.auth.throttle.rules import Policy
from regulars.platform.auth.throttle.service import Attempt
from regulars.platform.vault.cipher import key_for

_V6: Final = 6
_NEIGHBOURS_V6: Final = 64  # who has one address of IPv6 has all of its /64
_CUSTOMERS_V6: Final = 48  # and gets 65,536 of those for nothing
_NEIGHBOURS_V4: Final = 24


def place_of(address: str) -> str:
    """Return the place an address stands for: itself, or the /64 of IPv6. All that is no address is one place."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((found, _NEIGHBOURS_V6), strict=False))
    return str(found)


def neighbourhood_of(address: str) -> str:
    """Return the network that a place lies in, which one customer may have whole: a /48 of IPv6, a /24 of IPv4."""
    place = place_of(address)
    if place == "?":
        return place
    network = ip_network(place)
    return str(network.supernet(new_prefix=_CUSTOMERS_V6 if network.version == _V6 else _NEIGHBOURS_V4))


class Counters:
    """Names what is counted by a keyed hash: the table of attempts holds neither addresses nor places."""

    def __init__(self, pepper: bytes) -> None:
        self._key = key_for(pepper, "attempts")

    def attempt(self, policy: Policy, subject: str) -> Attempt:
        """Return one attempt by (or on) a subject."""
        return Attempt(policy, digest(self._key, f"{policy.bucket}\x00{subject}".encode(), "sha256"))

    def at(self, policy: Policy, address: str) -> Attempt:
        """Return one attempt from the place of an address."""
        return self.attempt(policy, place_of(address))

    def around(self, policy: Policy, address: str) -> Attempt:
        """Return one attempt from the neighbourhood of an address."""
        return self.attempt(policy, neighbourhood_of(address))
