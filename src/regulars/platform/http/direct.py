"""Hot routes answered where their bytes arrive: no task, no ASGI messages between the parser and the edge.

Half of what a posting costs the web process is HTTP (docs/performance.md). uvicorn's protocol keeps its part: parsing,
keep-alive, pipelining, shutting down. Ours steps in for one request at a time, and only when all of it lies in one
read: a hot path without a query, and no `Expect`, no upgrade, nothing before it that is still being answered. Whatever
else comes goes uvicorn's own way, to the same edge.

uvicorn bounds neither how large the head of a request may be nor how long it may take to come; anybody could fill the
memory, or take all places, without a key. Here both are bounded.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from regulars.platform.http.edge import Edge, Whence
from regulars.platform.http.hot import Taken

IDLE_SECONDS = 0.1  # within which what a caller sent before it knew arrives
HEAD_BYTES: Final = 65_536  # request line and headers
HEAD_SECONDS = 30.0  # from the first byte to the last; what a new connection may take for both

_HEAD_TOO_LARGE: Final = "The head of the request is larger than 65536 bytes."
_HEAD_TOO_SLOW: Final = "The head of the request did not arrive within 30 s."


class HeadTooLarge(Exception):
    """The head of a request is larger than anybody's needs to be."""


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
    _in_head = True  # or before one
    _head_too_large = False
    _arrived = 0  # bytes since the last request was complete
    _head_due: asyncio.TimerHandle | None = None

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

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - uvicorn's own signature differs from asyncio's
        """Take a connection, and await a request for a while."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes off the connection; a hot request that is not complete by now goes uvicorn's way."""
        self._arrived += len(data)
        super().data_received(data)
        if self._taken is not None:
            self._taken = None
            self._go_on_as_usual(self._body)
        if self._in_head and self._arrived and not self.transport.is_closing():
            if self._arrived > HEAD_BYTES:
                self._refuse(431, _HEAD_TOO_LARGE)
            elif self._head_due is None:
                self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or too much of one, and close."""
        if self._head_too_large:
            self._refuse(431, _HEAD_TOO_LARGE)
        else:
            self._refuse(400, msg)

    def _refuse(self, status: int, sentence: str) -> None:
        length = b"content-length: %d\r\n" % len(sentence)
        head = [STATUS_LINE[status], b"content-type: text/plain; charset=utf-8\r\n", length, b"connection: close\r\n"]
        self.transport.write(b"".join([*head, b"\r\n", sentence.encode()]))
        self.transport.close()

    def _await_head(self) -> None:
        self._head_due = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _head_is_there(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _head_is_late(self) -> None:
        self._head_due = None
        if self.transport.is_closing():
            return
        if not self._is_idle():  # what came before is being answered, and is not to be cut off
            self._await_head()
        elif self._arrived:
            self._refuse(408, _HEAD_TOO_SLOW)
        else:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a request; its ASGI scope is made when it turns out to need one."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Decide which way a request goes. Raises HeadTooLarge."""
        self._in_head = False
        if self._head_due is not None:
            self._head_is_there()
        if self._arrived > HEAD_BYTES and self._head_size() > HEAD_BYTES:
            self._head_too_large = True
            raise HeadTooLarge
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

    def _head_size(self) -> int:
        return len(self.url) + sum([len(name) + len(value) + len(": \r\n") for name, value in self.headers])

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._taken is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """Let the edge carry out what is complete."""
        self._in_head, self._arrived = True, 0
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
