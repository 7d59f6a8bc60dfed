"""The worker's own metrics, at a port of their own: it answers no requests otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server

from regulars.platform.db.database import Database
from regulars.platform.metrics.exposition import of_process, registry_of


@contextmanager
def listening(database: Database, host: str, port: int) -> Iterator[int]:
    """Tell whoever asks at this address what this process measured; gives the port. Raises OSError if it is taken."""
    server, thread = start_http_server(port, host, registry_of(lambda: of_process(database)))
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
