"""Routes whose signatures are read when they are first asked for.

Litestar reads the signature of every handler, and makes a model of it, while an application is made; and it goes
through all routes again for each that is registered. Of several hundred that is most of what making one takes.

Nor are the markers of parameters copied any more each time that an annotation names one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg, ParameterKwarg
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler, HTTPScope, Method, Receive, Send

if TYPE_CHECKING:  # private to Litestar, and named only in signatures
    from litestar._kwargs import KwargsModel

Told = Callable[[HTTPRouteHandler, "KwargsModel"], None]


class Owned(NamedTuple):
    """Handlers whose hooks and options are those of a router, which has no routes of its own."""

    owner: Router
    handlers: Sequence[ControllerRouterHandler]


class LateRoute(HTTPRoute):
    """A route of which each handler is read once it is asked; `told` is called with what was read."""

    __slots__ = ("_app", "_read", "_told")

    def __init__(self, app: Litestar, path: str, handlers: list[HTTPRouteHandler], told: Told) -> None:
        super().__init__(path=path, route_handlers=handlers)
        self._app = app
        self._told = told
        self._read: set[Method] = set()
        for handler in self.route_handlers:
            for method in handler.http_methods:
                if method in self.route_handler_map:
                    raise ValueError(f"two handlers answer {method} {path}")
                self.route_handler_map[method] = (handler, cast("KwargsModel", None))

    async def handle(self, scope: HTTPScope, receive: Receive, send: Send) -> None:  # type: ignore[override]  # as above
        """Answer a request."""
        if scope["method"] not in self._read:
            self.read(scope["method"])
        await super().handle(scope, receive, send)

    def read(self, method: Method) -> None:
        """Read the handler of a method."""
        handler, _ = self.route_handler_map[method]
        handler.on_registration(self._app)
        model = handler.create_kwargs_model(path_parameters=self.path_parameters)
        self.route_handler_map[method] = (handler, model)
        self._read.add(method)
        self._told(handler, model)


def _hash_of(marker: BodyKwarg | ParameterKwarg) -> int:
    return hash((type(marker), marker.title, marker.ge, marker.le))


# Litestar copies all fields of a marker to hash it, and typing hashes the marker of each annotation: half of what
# it takes to declare our operations. Equal markers keep equal hashes.
for _kind in (BodyKwarg, ParameterKwarg):
    _kind.__hash__ = _hash_of  # type: ignore[assignment, method-assign]  # that is the point


def register_late(app: Litestar, offered: Iterable[HTTPRouteHandler | Owned], told: Told) -> None:
    """Put routes into an application that was made without them.

    Raises ValueError if two would answer the same, TypeError for what is no handler of requests.
    """
    by_path: dict[str, list[HTTPRouteHandler]] = {}
    for owner, handler in _each(app, offered):
        handler.owner = owner
        for path in handler.paths:
            by_path.setdefault(path, []).append(handler)
    for path, handlers in by_path.items():
        route = LateRoute(app, path, handlers, told)
        app.routes.append(route)
        for plugin in app.plugins.receive_route:
            plugin.receive_route(route)
    app.asgi_router.construct_routing_trie()


def read_all(app: Litestar) -> None:
    """Read every handler, for whoever wants to know of all."""
    for route in app.routes:
        if isinstance(route, LateRoute):
            for method in route.route_handler_map:
                route.read(method)


def _each(app: Litestar, offered: Iterable[HTTPRouteHandler | Owned]) -> Iterator[tuple[Router, HTTPRouteHandler]]:
    for one in offered:
        if isinstance(one, Owned):
            one.owner.owner = app
        owner, handlers = one if isinstance(one, Owned) else (app, [one])
        for handler in handlers:
            if not isinstance(handler, HTTPRouteHandler):
                raise TypeError(f"{handler} answers no requests")
            yield owner, handler
