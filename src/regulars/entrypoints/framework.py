"""The framework as the API stands on it: routes, bodies and queries read strictly, refusals as problem documents."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ExceptionHandlersMap

from regulars.platform.http.bodies import StrictBody
from regulars.platform.http.late_routes import Owned, register_late
from regulars.platform.http.queries import KnownQueries


def framework_of(
    routes: Iterable[HTTPRouteHandler | Owned],
    exception_handlers: ExceptionHandlersMap,
    described: OpenAPIConfig | None = None,
    *,
    after_exception: Sequence[Callable[[Exception, Any], Awaitable[None]]] = (),
) -> Litestar:
    """Return the framework with these routes; `after_exception` sees what a route let out before it is answered.

    Raises ValueError if two of them would answer the same.
    """
    queries = KnownQueries()
    made = Litestar(
        dto=StrictBody,
        before_request=queries.refuse_unknown,
        exception_handlers=exception_handlers,
        after_exception=list(after_exception),
        openapi_config=described,
        logging_config=None,
        pdb_on_exception=False,
        debug=False,
    )
    register_late(made, routes, queries.learn)
    return made
