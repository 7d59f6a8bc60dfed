"""`GET /metrics` of the web process, for keys that may read it."""

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from regulars.platform.http.guards import requires
from regulars.platform.services import Services

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


def metrics_route(services: Services) -> HTTPRouteHandler:
    """Return the route that tells what this process measured, and how the deployment stands."""

    @get("/metrics", include_in_schema=False, guards=[requires("metrics:read")])
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        from regulars.platform.health.figures import figures_of  # noqa: PLC0415 - as above
        from regulars.platform.metrics import exposition  # noqa: PLC0415 - Prometheus's library costs 60 ms

        found = await figures_of(services.database)

        def tell() -> Iterator["Metric"]:
            return chain(
                exposition.of_process(services.database),
                exposition.of_web(services.requests, services.lanes),
                exposition.of_deployment(found),
            )

        text, media_type = exposition.render(tell, request.headers.get("accept", ""))
        return Response(text, media_type=media_type, headers={"cache-control": "no-store"})

    return metrics
