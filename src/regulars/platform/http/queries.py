"""Queries are read as strictly as bodies: a parameter that nobody knows is refused, not passed over.

Else `?dryrun=true`, a slip for `dry_run`, would write what was only to be tried.
"""

from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from regulars.platform.http.errors import FieldUnknown

if TYPE_CHECKING:  # private to Litestar, and named only in a signature
    from litestar._kwargs import KwargsModel


class KnownQueries:
    """Which query parameters each route takes, learnt as the framework reads its handlers."""

    def __init__(self) -> None:
        self._names: dict[int, frozenset[str]] = {}

    def learn(self, handler: HTTPRouteHandler, parameters: "KwargsModel") -> None:
        """Take over what was read of a handler."""
        self._names[id(handler)] = frozenset([parameter.field_alias for parameter in parameters.expected_query_params])

    async def refuse_unknown(self, request: Request[Any, Any, Any]) -> None:  # Litestar would take a thread
        """Refuse a request that gives a parameter its route does not take. Raises FieldUnknown."""
        if not request.scope["query_string"]:
            return
        known = self._names.get(id(request.route_handler), frozenset())
        for name in request.query_params:
            if name not in known:
                raise FieldUnknown(pointer=f"/query/{name}", field=name)
