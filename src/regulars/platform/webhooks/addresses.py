"""Where webhooks may go: public addresses, and the networks that the settings name.

A name is resolved once for each connection, every address found is judged, and the connection is made to one of them:
that the name leads elsewhere a moment later does not help.
"""

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpcore
from httpcore import AsyncNetworkBackend, AsyncNetworkStream, ConnectError

from regulars.platform.errors import DomainError
from regulars.platform.webhooks import rules
from regulars.platform.webhooks.errors import WebhookHostUnknown, WebhookUrlImpossible, WebhookUrlNotAllowed
from regulars.platform.webhooks.rules import Address, Network

_RESOLVING_AT_ONCE: Final = 64
_RESOLVING_SECONDS: Final = 5.0  # while somebody waits for a verdict
_resolvers = ThreadPoolExecutor(_RESOLVING_AT_ONCE, thread_name_prefix="webhook-names")


class OffLimits(ConnectError):
    """A name leads where webhooks must not go."""


class Guard:
    """Judges where webhooks may go."""

    def __init__(self, networks: str) -> None:
        self._networks: tuple[Network, ...] = rules.networks_in(networks)

    async def check(self, url: str) -> None:
        """Refuse an address to which nothing is sent.

        Raises WebhookUrlImpossible, WebhookUrlNotAllowed, WebhookHostUnknown (422).
        """
        if (refusal := await self.judge(url)) is not None:
            raise refusal

    async def judge(self, url: str) -> DomainError | None:
        """Return with what an address is refused, see `check`; None if it is not."""
        found = rules.split_url(url)
        if found is None or found.hostname is None:
            return WebhookUrlImpossible(pointer="/url")
        host = found.hostname
        try:
            async with asyncio.timeout(_RESOLVING_SECONDS):
                addresses = await self.resolve(host, found.port or 443)
        except OSError:  # TimeoutError is one, too
            return WebhookHostUnknown(pointer="/url", host=host[:64])
        if not self.may_reach(addresses, is_encrypted=found.scheme == "https"):
            return WebhookUrlNotAllowed(pointer="/url", host=host[:64])
        return None

    def may_reach(self, addresses: Iterable[Address], *, is_encrypted: bool) -> bool:
        """Tell whether every one of the addresses may be reached so; without encryption only listed ones."""
        found = list(addresses)
        return bool(found) and all(
            rules.is_listed(one, self._networks) or (is_encrypted and rules.is_public(one)) for one in found
        )

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Return every address of a host. Raises OSError if nobody knows one."""
        if (literal := rules.address_in(host)) is not None:
            return [literal]
        loop = asyncio.get_running_loop()
        told = await loop.run_in_executor(
            _resolvers, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        )
        found = [rules.address_in(str(one[4][0]).partition("%")[0]) for one in told]
        return [one for one in dict.fromkeys(found) if one is not None]


class GuardedBackend(AsyncNetworkBackend):
    """Connects to addresses that were judged, and to nothing else. The name stays what TLS and `Host` speak of."""

    def __init__(self, guard: Guard, *, is_encrypted: bool) -> None:
        self._guard = guard
        self._is_encrypted = is_encrypted
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Any = None,  # noqa: ANN401 - httpcore's own signature
    ) -> AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._guard.resolve(host, port)
        except OSError:  # TimeoutError is one, too
            raise ConnectError("no address") from None
        if not self._guard.may_reach(addresses, is_encrypted=self._is_encrypted):
            raise OffLimits("the name leads where webhooks must not go")
        failure: Exception = ConnectError("no address")
        for address in addresses[:4]:
            try:
                return await self._plain.connect_tcp(
                    str(address), port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(self, *_: Any, **__: Any) -> AsyncNetworkStream:  # noqa: ANN401 - httpcore's own
        raise OffLimits("webhooks go to addresses")

    async def sleep(self, seconds: float) -> None:
        await self._plain.sleep(seconds)
