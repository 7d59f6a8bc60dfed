"""Hot routes answered where their bytes arrive: no task, no ASGI messages between the parser and the edge.

Half of what a posting costs the web process is HTTP (docs/performance.md). uvicorn's protocol keeps its part: parsing,
keep-alive, pipelining, shutting down. Ours steps in for one request at a time, and only when all of it lies in one
read: a hot path without a query, and no `Expect`, no upgrade, nothing before it that is still being answered. Whatever
else comes goes uvicorn's own way, to the same edge.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from regulars.platform.http.edge import Edge, Whence
from regulars.platform.http.hot import Taken

IDLE_SECONDS = 0.1  # within which what a caller sent before it knew arrives


class DirectCycle:
    """What uvicorn's protocol sees of a request that is answered directly, in place of its own cycle.

    Its names are uvicorn's: later requests of the connection wait while `response_complete` is false, a shutdown turns
    `keep_alive` off, a lost connection sets `disconnected`.
    """

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self) -> None:
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.message_event = asyncio.Event()


class DirectProtocol(HttpToolsProtocol):
    """One connection."""

    _taken: tuple[Taken, str] | None = None
    _closing = False
    _body = b""

    @property
    def _edge(self) -> Edge:
        return cast("Edge", self.app)

    def shutdown(self) -> None:
        """End the connection after the answer under way; an idle one after a moment.

        What a caller has sent by then is answered, with the word that the connection closes.
        """
        self._closing = True
        if self._is_idle():
            self.loop.call_later(IDLE_SECONDS, self._close_if_idle)
        else:
            super().shutdown()

    def _is_idle(self) -> bool:
        under_way = cast("DirectCycle | None", self.cycle)
        return under_way is None or under_way.response_complete

    def _close_if_idle(self) -> None:
        if self._is_idle() and not self.transport.is_closing():
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Take bytes off the connection; a hot request that is not complete by now goes uvicorn's way."""
        super().data_received(data)
        if self._taken is not None:
            self._taken = None
            self._go_on_as_usual(self._body)

    def on_message_begin(self) -> None:
        """Begin a request; its ASGI scope is made when it turns out to need one."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Decide which way a request goes."""
        parser, before = self.parser, cast("DirectCycle | None", self.cycle)
        if (
            (before is None or before.response_complete)
            and not self.expect_100_continue
            and not parser.should_upgrade()
            and parser.should_keep_alive()
            and parser.get_http_version() == "1.1"
        ):
            self._taken = self._edge.find(parser.get_method(), self.url)
            if self._taken is not None:
                self._body = b""
                return
        self._go_on_as_usual()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._taken is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """Let the edge carry out what is complete."""
        if self._taken is None:
            super().on_message_complete()
            return
        (taken, parameter), self._taken = self._taken, None
        if not self._edge.takes(self._body):
            self._go_on_as_usual(self._body)
            super().on_message_complete()
            return
        cycle = DirectCycle()
        cycle.keep_alive = not self._closing
        self.cycle = cast("Any", cycle)
        whence = Whence(self.client, self.headers)

        def tell(status: int, lines: bytes, body: bytes) -> None:
            self._tell(cycle, status, lines, body)

        self._edge.carry_out(taken, parameter, whence, self._body, tell)

    def _go_on_as_usual(self, body: bytes = b"") -> None:
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)
        super().on_headers_complete()
        if self._closing and self.cycle is not None:
            self.cycle.keep_alive = False
        if body:
            super().on_body(body)

    def _tell(self, cycle: DirectCycle, status: int, head: bytes, body: bytes) -> None:
        if cycle.disconnected:
            return
        lines = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            lines += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += (head, b"\r\n", body)
        self.transport.write(b"".join(lines))
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
