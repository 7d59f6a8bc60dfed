"""What the framework costs when it does nothing: Litestar with one empty JSON route, served as the product is."""

import asyncio
import sys

import uvicorn
import uvloop
from litestar import Litestar, get

from bench.server import HOST
from regulars.entrypoints.http import listen


@get("/empty")
async def empty() -> dict[str, str]:
    """Answer an empty object."""
    return {}


async def serve(port: int) -> None:
    """Serve until a signal comes."""
    config = uvicorn.Config(
        Litestar(route_handlers=[empty], logging_config=None, debug=False, openapi_config=None),
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
    )
    await uvicorn.Server(config).serve(sockets=[listen(HOST, port)])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
