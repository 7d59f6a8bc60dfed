"""What the edge knows of a request before any route sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from regulars.platform.auth.contracts import Principal
from regulars.platform.errors import NotAllowed, NotAuthenticated
from regulars.platform.texts import negotiate

SCOPE_KEY: Final = "regulars"  # where it lies in the ASGI scope


@lru_cache(maxsize=256)
def language_of(accept_language: bytes) -> str:
    """Return the language for an `Accept-Language` header."""
    return negotiate(accept_language.decode("latin-1"))


@dataclass(slots=True)
class Asked:
    """One request at the edge: its id, its headers that matter, its body, who asks, and what makes the hash of it."""

    request_id: str
    authorization: bytes
    accept_language: bytes
    idempotency_key: bytes | None
    body: bytes
    authenticate: Callable[[bytes], Awaitable[Principal]]
    hash_request: Callable[[str, str, bytes, bytes], bytes]
    principal: Principal | None = None

    @property
    def language(self) -> str:
        """The language of the answer."""
        return language_of(self.accept_language) if self.accept_language else "en"

    async def authorise(self, scope: str) -> Principal:
        """Return who asks. Raises NotAuthenticated (401) or NotAllowed (403)."""
        return self.admit(self.principal or await self.authenticate(self.authorization), scope)

    async def identify(self) -> Principal:
        """Return who asks, whatever they may. Raises NotAuthenticated (401)."""
        self.principal = self.principal or await self.authenticate(self.authorization)
        return self.principal

    def admit(self, principal: Principal, scope: str) -> Principal:
        """Take note of who asks. Raises NotAllowed (403)."""
        self.principal = principal
        if not principal.may(scope):
            raise NotAllowed(scope=scope)
        return principal

    @property
    def client(self) -> Principal:
        """Who asks, after `authorise`. Raises NotAuthenticated on a route without a guard."""
        if self.principal is None:
            raise NotAuthenticated
        return self.principal


def asked(scope: Any) -> Asked:  # noqa: ANN401 - an ASGI scope: Litestar's and uvicorn's types differ
    """Return what the edge put into the ASGI scope of this request."""
    found: Asked = scope[SCOPE_KEY]
    return found
