"""The web process: Litestar behind our own edge, on uvicorn."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.metadata import version

import uvicorn
from litestar import Response, get

from regulars.entrypoints.companion import keep_worker
from regulars.entrypoints.framework import framework_of
from regulars.entrypoints.watch import stop_on_signals, watch_server
from regulars.entrypoints.wiring import Place, Web, opened, web
from regulars.platform.db.database import CONNECTION_LOST
from regulars.platform.health.errors import ShuttingDown
from regulars.platform.health.service import require_ready
from regulars.platform.http.direct import DirectProtocol
from regulars.platform.http.edge import Edge
from regulars.platform.http.hot import HotRoutes
from regulars.platform.http.mutations import request_hasher
from regulars.platform.http.openapi import description_of, openapi_config
from regulars.platform.http.refusals import EXCEPTION_HANDLERS
from regulars.platform.logs import RequestLog
from regulars.platform.markets.service import list_markets
from regulars.platform.metrics.routes import metrics_route
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.web.kit.demo import Demo
from regulars.web.kit.failures import Failures
from regulars.web.kit.kit import Kit

FOLLOW_CLOCK_SECONDS = 1.0


class PortTaken(Exception):
    """Another program listens there; the text says what to do."""


def create_app(services: Services, offered: Web, log: RequestLog | None = None) -> Edge:
    """Return the ASGI application of a deployment."""

    @get("/health", operation_id="getHealth", tags=["operations"], summary="Is the process alive?")
    async def health() -> dict[str, str]:
        """Answer as long as the process lives, whatever the database does."""
        return {"status": "alive"}

    @get("/ready", operation_id="getReadiness", tags=["operations"], summary="May it be used?")
    async def ready() -> dict[str, str]:
        """Answer 200 when the database answers and is migrated and the programme clock is known, else 503.

        So does a process that was told to end, at once.
        """
        if services.stopping.is_set():
            raise ShuttingDown
        schema = await require_ready(services.database)
        return {"status": "ready", "schema": schema, "programme_now": services.database.clock.now().isoformat()}

    requests = services.requests

    @get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response[bytes]:
        return Response(description_of(framework), media_type="application/json")

    failures = None if offered.kit is None else Failures(offered.kit)
    framework = framework_of(
        [health, ready, openapi, metrics_route(services), *offered.routes],
        EXCEPTION_HANDLERS if failures is None else {Exception: failures.on_failure},
        openapi_config(version("regulars")),
        after_exception=() if failures is None else (failures.after,),
    )
    return Edge(
        framework,
        authenticator=services.authenticator,
        hash_request=request_hasher(services.request_key),
        hot=HotRoutes.of(offered.hot),
        origins=services.origins,
        body_limit_bytes=services.settings.body_limit_bytes,
        log=log or RequestLog(),
        requests=requests,
        tracer=services.database.tracer,
        versions=services.versions,
    )


def listen(host: str, port: int) -> socket.socket:
    """Take the address. Raises PortTaken."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    taken = socket.socket(family, kind, protocol)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(address)
        taken.listen(2048)
    except OSError as error:
        taken.close()
        raise PortTaken(
            f"Regulars cannot listen on {host} port {port} ({error.strerror}). "
            f"End the program that uses it, or choose another port: --port {port + 1}, or REGULARS_PORT={port + 1}."
        ) from error
    taken.setblocking(False)  # noqa: FBT003 - its only parameter
    return taken


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: it would end the process before the lanes are drained."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    application: Edge, taken: socket.socket, stop: asyncio.Event, *, drain_seconds: float = 0, stop_seconds: int = 20
) -> None:
    """Serve until `stop` is set, for `drain_seconds` more, then finish what is being answered within `stop_seconds`."""
    server = _Server(
        uvicorn.Config(
            application,
            loop="none",
            http=DirectProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # nothing here asks for the caller's address
            timeout_graceful_shutdown=stop_seconds,
            backlog=2048,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[taken]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if drain_seconds:
        await asyncio.wait([serving], timeout=drain_seconds)
    server.should_exit = True
    await serving
    stop.set()


@asynccontextmanager
async def following_clock(services: Services, kit: Kit | None = None) -> AsyncIterator[None]:
    """Take over the programme clock anew every second: a replay in another process may move it.

    Pages learn beside it in which time zone the programme lives, once its first market is defined.
    """

    async def follow() -> None:
        while True:
            with suppress(*CONNECTION_LOST):  # requests will tell; the next second asks again
                await services.database.follow_clock()
                if kit is not None and kit.time_zone is None:
                    kit.time_zone = await _first_time_zone(services)
            await asyncio.sleep(FOLLOW_CLOCK_SECONDS)

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def _first_time_zone(services: Services) -> str | None:
    async with services.database.transaction() as tx:
        found = await list_markets(tx)
    return found[0].time_zone if found else None


def _spare_the_collector() -> None:
    """Leave what lives as long as the process out of garbage collection, and collect the rest less often.

    Hundreds of requests are under way at any moment: with the usual thresholds most collections find nothing but them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


async def run(
    settings: Settings,
    place: Place,
    taken: socket.socket,
    *,
    also_work: bool,
    announce: Callable[[], None],
    demo: Demo | None = None,
) -> None:
    """Run the web process until a signal stops it; with `also_work` a worker runs beside it.

    `announce` is called when requests are answered. Pages tell of the `demo`, if one is served.
    """
    stop = asyncio.Event()
    stop_on_signals(stop)
    log = RequestLog()
    async with opened(settings, place, traced_as="web") as services:
        services.stopping = stop
        offered = web(services, demo)
        serving = serve(
            create_app(services, offered, log),
            taken,
            stop,
            drain_seconds=settings.drain_seconds,
            stop_seconds=settings.stop_seconds,
        )
        tasks = [
            asyncio.create_task(serving),
            asyncio.create_task(watch_server(place, stop)),
        ]
        _spare_the_collector()
        announce()
        if also_work:
            tasks.append(asyncio.create_task(keep_worker(settings, stop)))
        try:
            async with following_clock(services, offered.kit):
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                stop.set()  # one of them ended, by a signal or by a fault: the others end with it
                await asyncio.wait(tasks)
            for task in done:
                task.result()
        finally:
            log.flush()
