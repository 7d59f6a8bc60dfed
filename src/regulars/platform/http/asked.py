"""What the edge knows of a request before any route sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from regulars.platform.auth.contracts import Principal
from regulars.platform.auth.errors import AddressNotAllowed
from regulars.platform.errors import NotAllowed, NotAuthenticated
from regulars.platform.http.origin import is_in
from regulars.platform.http.quotas import Quota, Quotas
from regulars.platform.http.sparse import Wanted
from regulars.platform.http.versions import Header, Older, Turn, Versions
from regulars.platform.texts import negotiate

if TYPE_CHECKING:
    from opentelemetry.trace import Span

SCOPE_KEY: Final = "regulars"  # where it lies in the ASGI scope


@lru_cache(maxsize=256)
def language_of(accept_language: bytes) -> str:
    """Return the language for an `Accept-Language` header."""
    return negotiate(accept_language.decode("latin-1"))


@dataclass(slots=True)
class Asked:
    """One request at the edge: its id, its headers that matter, its body, who asks, and what makes the hash of it.

    `address` tells where it comes from, if somebody needs to know; `quotas` are where it is counted, if anywhere, and
    `quota` what is left there. `span` traces it, where traces are wanted. Of the answer only some `fields` may be
    wanted; `expand` puts into it what is to be given along.

    `versions` are those of the address that is asked, if it has any. Which is spoken the request says (`version`), or
    else the key: `older` is that one, unless it is the latest, and `turn` how the operation was spoken then, if
    otherwise.
    """

    request_id: str
    authorization: bytes
    accept_language: bytes
    idempotency_key: bytes | None
    body: bytes
    authenticate: Callable[[bytes], Awaitable[Principal]]
    hash_request: Callable[[str, str, bytes, bytes], bytes]
    principal: Principal | None = None
    address: Callable[[], str] = str
    quotas: Quotas | None = None
    quota: Quota | None = None
    span: "Span | None" = None
    fields: Wanted | None = None
    expand: Callable[[Any], Awaitable[None]] | None = None
    versions: Versions | None = None
    version: str = ""
    older: Older | None = None
    turn: Turn | None = None

    @property
    def language(self) -> str:
        """The language of the answer."""
        return language_of(self.accept_language) if self.accept_language else "en"

    async def authorise(self, scope: str) -> Principal:
        """Return who asks.

        Raises NotAuthenticated (401), AddressNotAllowed, NotAllowed (403), RateLimited (429), KeyVersionUnknown (400).
        """
        return self.admit(self.principal or await self.authenticate(self.authorization), scope)

    async def identify(self) -> Principal:
        """Return who asks, whatever they may. Raises what `authorise` does, but for NotAllowed."""
        return self.let_in(self.principal or await self.authenticate(self.authorization))

    def admit(self, principal: Principal, scope: str) -> Principal:
        """Take note of who asks. Raises what `let_in` does, and NotAllowed (403)."""
        self.let_in(principal)
        if not principal.may(scope):
            raise NotAllowed(scope=scope)
        return principal

    def let_in(self, principal: Principal) -> Principal:
        """Take note of who asks, whatever they may.

        Raises AddressNotAllowed (403), RateLimited (429), KeyVersionUnknown (400).
        """
        self.principal = principal
        if principal.networks and not is_in(address := self.address(), principal.networks):
            raise AddressNotAllowed(address=address)
        if self.quotas is not None and self.quota is None:
            self.quota = self.quotas.of(principal)
            if self.quota is not None:
                self.quota.take()
        if self.versions is not None and not self.version and principal.api_version != self.versions.latest:
            self.older = self.versions.of_key(principal.api_version)
        return principal

    def speak(self, versions: Versions, named: bytes | None) -> None:
        """Take note of the version that a request names, if it does. Raises VersionUnknown (400)."""
        self.versions = versions
        if named is not None:
            self.version = versions.named(named)
            self.older = versions.older(self.version)

    def take_operation(self, operation: str) -> None:
        """Take note of what is asked for, of somebody who speaks an older version."""
        self.turn = None if self.older is None else self.older.turns.get(operation)

    @property
    def answered(self) -> tuple[Header, ...]:
        """The header that names the version of the answer, where there are versions."""
        return () if self.versions is None else ((self.older or self.versions).answered,)

    @property
    def wants_another(self) -> bool:
        """Whether the answer is to be another than the route gives it."""
        return self.fields is not None or self.expand is not None or self.turn is not None

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
