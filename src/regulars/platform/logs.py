"""Structured logs: one JSON object a line, to stderr, without personal data.

What is logged of a request is its method, the template of its route, status, duration, request id and key id: never
the path itself, its query, headers or body. Of an exception: its type, where it was raised, and the first line of its
message with addresses and long numbers blotted out (PostgreSQL quotes values in the lines after it).
"""

import logging
import re
import sys
from asyncio import get_running_loop
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from traceback import extract_tb
from typing import Any, Final, TextIO

import msgspec

from regulars.platform.clock import wall_now

LOGGER: Final = logging.getLogger("regulars")
_FLUSH_SECONDS = 0.1
_MAX_FRAMES = 20
_PERSONAL = re.compile(r"\S*@\S*|\+?\d(?:[\d -]{4,})\d")
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


def blot(text: str) -> str:
    """Return the first line of a message without what looks like an address or a long number."""
    return _PERSONAL.sub("…", text.partition("\n")[0])


class JsonFormatter(logging.Formatter):
    """One line of JSON a record; `extra={"fields": {...}}` adds members to it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": blot(record.getMessage()),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = describe_exception(record.exc_info[1])
        return _encode(line).decode()


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Return type, message and place of an exception, and of what caused it."""
    told: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "message": blot(str(error)),
        "trace": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)][
            -_MAX_FRAMES:
        ],
    }
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        told["cause"] = describe_exception(cause)
    return told


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process, libraries' included, as JSON lines to `stream` (stderr)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(level.upper())
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # its start and stop are told by ourselves


class RequestLine(msgspec.Struct):
    """One answered request."""

    at: datetime
    level: str
    logger: str
    method: str
    route: str
    status: int
    ms: float
    request_id: str
    key_id: str


Answered = tuple[str, str, int, float, str, str]  # method, template of the route, status, seconds, request id, key id


class RequestLog:
    """One line a request, written together ten times a second: a system call each would cost more than the edge."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._logger = logging.getLogger("regulars.requests")
        self._stream = stream
        self._waiting: list[tuple[datetime, Answered]] = []

    @property
    def wanted(self) -> bool:
        """Whether requests are logged at the configured level."""
        return self._logger.isEnabledFor(logging.INFO)

    def note(self, answered: Answered) -> None:
        """Log one request that was answered just now."""
        if not self._waiting:
            get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        self._waiting.append((wall_now(), answered))

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            stream = self._stream or sys.stderr
            with suppress(OSError):  # a full disk, for one: the requests were answered all the same
                stream.write(_lines(waiting))
                stream.flush()


def _lines(waiting: Sequence[tuple[datetime, Answered]]) -> str:
    lines = [
        RequestLine(
            at, "info", "regulars.requests", method, route, status, round(seconds * 1000, 3), request_id, key_id
        )
        for at, (method, route, status, seconds, request_id, key_id) in waiting
    ]
    return _encode_lines(lines).decode()
