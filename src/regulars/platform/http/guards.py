"""Scopes of routes: `@get(..., guards=[requires("ledger:read")])`."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from regulars.platform.auth.contracts import SCOPES, Principal
from regulars.platform.http.asked import asked


class Requires:
    """A Litestar guard: lets in who has `scope`, refuses with 401 or 403 who has not."""

    def __init__(self, scope: str) -> None:
        if scope not in SCOPES:
            raise ValueError(f"unknown scope {scope!r}")
        self.scope = scope

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Raise NotAuthenticated (401) or NotAllowed (403)."""
        await asked(connection.scope).authorise(self.scope)


class RequiresKey:
    """A Litestar guard: lets in who has any valid key; the route decides what of it they may see."""

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Raise NotAuthenticated (401)."""
        await asked(connection.scope).identify()


def requires_key() -> RequiresKey:
    """Return the guard for whoever has a key."""
    return RequiresKey()


def requires(scope: str) -> Requires:
    """Return the guard for a scope of platform.auth.contracts.SCOPES."""
    return Requires(scope)


def principal_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    """Return who asks, on a guarded route."""
    return asked(connection.scope).client
