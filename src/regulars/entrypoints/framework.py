"""The framework as the API stands on it: routes, bodies and queries read strictly, refusals as problem documents."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler, ExceptionHandlersMap

from regulars.platform.http.bodies import StrictBody
from regulars.platform.http.queries import KnownQueries


def framework_of(
    routes: Sequence[ControllerRouterHandler],
    exception_handlers: ExceptionHandlersMap,
    described: OpenAPIConfig | None = None,
    *,
    after_exception: Sequence[Callable[[Exception, Any], Awaitable[None]]] = (),
) -> Litestar:
    """Return the framework with these routes; `after_exception` sees what a route let out before it is answered."""
    queries = KnownQueries()
    made = Litestar(
        route_handlers=list(routes),
        dto=StrictBody,
        before_request=queries.refuse_unknown,
        exception_handlers=exception_handlers,
        after_exception=list(after_exception),
        openapi_config=described,
        logging_config=None,
        pdb_on_exception=False,
        debug=False,
    )
    queries.learn(made)
    return made
