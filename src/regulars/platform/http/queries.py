"""Queries are read as strictly as bodies: a parameter that nobody knows is refused, not passed over.

Else `?dryrun=true`, a slip for `dry_run`, would write what was only to be tried.
"""

from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from regulars.platform.http.asked import asked
from regulars.platform.http.errors import FieldUnknown
from regulars.platform.http.openapi import is_read
from regulars.platform.http.sparse import FIELDS, Form, form_of, wanted_in

if TYPE_CHECKING:  # private to Litestar, and named only in a signature
    from litestar._kwargs import KwargsModel


class KnownQueries:
    """Which query parameters each route takes, learnt as the framework reads its handlers."""

    def __init__(self) -> None:
        self._names: dict[int, frozenset[str]] = {}
        self._forms: dict[int, Form] = {}

    def learn(self, handler: HTTPRouteHandler, parameters: "KwargsModel") -> None:
        """Take over what was read of a handler."""
        self._names[id(handler)] = frozenset([parameter.field_alias for parameter in parameters.expected_query_params])
        self._forms[id(handler)] = form_of(handler) if is_read(handler) else None

    async def refuse_unknown(self, request: Request[Any, Any, Any]) -> None:  # Litestar would take a thread
        """Refuse a request that gives a parameter its route does not take; note which fields it wants.

        Raises FieldUnknown, AnswerFieldUnknown, TooManyFields.
        """
        if not request.scope["query_string"]:
            return
        known = self._names.get(id(request.route_handler), frozenset())
        form = self._forms.get(id(request.route_handler))
        for name in request.query_params:
            if name == FIELDS and form is not None and name not in known:
                asked(request.scope).fields = wanted_in(",".join(request.query_params.getall(FIELDS)), form)
            elif name not in known:
                raise FieldUnknown(pointer=f"/query/{name}", field=name)
