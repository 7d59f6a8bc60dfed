"""How calls are sent by callers who wait for the answer."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from regulars_client.calls import AnyPage, Call
from regulars_client.errors import NoAnswer
from regulars_client.retries import Course
from regulars_client.terms import Terms, read

Answer = TypeVar("Answer")
Row = TypeVar("Row")


def walk(ask: Callable[[str | None], AnyPage], rows: Callable[[AnyPage], Sequence[Row]]) -> Iterator[Row]:
    """Give the rows of all pages. The next page is asked for when it is needed."""
    cursor: str | None = None
    while True:
        page = ask(cursor)
        yield from rows(page)
        if not page.has_more:
            return
        cursor = page.next_cursor


class Download:
    """An answer that comes piece by piece, and is never in memory as a whole. To be used with `with`."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def media_type(self) -> str:
        """What it is: `text/csv`, for example."""
        return str(self._response.headers.get("content-type", ""))

    @property
    def rows(self) -> int | None:
        """How many rows come, where the answer tells it: those of an export do."""
        told = self._response.headers.get("regulars-rows")
        return None if told is None else int(told)

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes as they come. Raises NoAnswer if they break off."""
        try:
            yield from self._response.iter_bytes()
        except httpx.TransportError as error:
            raise NoAnswer(f"The answer broke off: {error}") from error

    def lines(self) -> Iterator[str]:
        """Give the lines of a text as they come. Raises NoAnswer if they break off."""
        try:
            yield from self._response.iter_lines()
        except httpx.TransportError as error:
            raise NoAnswer(f"The answer broke off: {error}") from error

    def save(self, path: Path) -> None:
        """Write all of it to a file, which stands there in full or not at all."""
        beside = path.with_name(f"{path.name}.part")
        with beside.open("wb") as file:
            file.writelines(self.pieces())
        beside.replace(path)

    def close(self) -> None:
        """Let the connection go."""
        self._response.close()


class Transport:
    """Sends calls: as often as it takes, with one key."""

    def __init__(self, http: httpx.Client, auth: httpx.Auth, base_url: str, terms: Terms) -> None:
        self._http, self._auth, self._base_url, self.terms = http, auth, base_url.rstrip("/"), terms

    def on(self, terms: Terms) -> "Transport":
        """Return one on other terms, over the same connections."""
        return Transport(self._http, self._auth, self._base_url, terms)

    def call(self, call: Call[Answer]) -> Answer:
        """Send a call and read its answer. Raises what `errors` lists."""
        return read(call, self._send(call, stream=False))

    def download(self, call: Call[bytes]) -> Download:
        """Send a call whose answer comes piece by piece. Raises what `errors` lists."""
        return Download(self._send(call, stream=True))

    def _send(self, call: Call[Answer], *, stream: bool) -> httpx.Response:
        course = Course(call, self.terms.retries)
        content, headers, query = call.content(), self.terms.headers(call), call.parameters()
        while True:
            request = self._http.build_request(
                call.method,
                self._base_url + call.path,
                params=query,
                content=content,
                headers=headers,
                timeout=course.timeout(self.terms.timeout_seconds),
            )
            try:
                response = self._http.send(request, auth=self._auth, stream=stream)
                if stream and not response.is_success:
                    response.read()
            except httpx.TransportError as error:
                pause: float | None = course.after_failure(error)
            else:
                pause = course.after(response)
                if pause is None:
                    return response
            time.sleep(pause or 0.0)


class Group:
    """Operations that belong together."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
