"""How calls are sent on an event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
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


async def walk_async(
    ask: Callable[[str | None], Awaitable[AnyPage]], rows: Callable[[AnyPage], Sequence[Row]]
) -> AsyncIterator[Row]:
    """Give the rows of all pages. The next page is asked for when it is needed."""
    cursor: str | None = None
    while True:
        page = await ask(cursor)
        for row in rows(page):
            yield row
        if not page.has_more:
            return
        cursor = page.next_cursor


class AsyncDownload:
    """An answer that comes piece by piece, and is never in memory as a whole. To be used with `async with`."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def media_type(self) -> str:
        """What it is: `text/csv`, for example."""
        return str(self._response.headers.get("content-type", ""))

    @property
    def rows(self) -> int | None:
        """How many rows come, where the answer tells it: those of an export do."""
        told = self._response.headers.get("regulars-rows")
        return None if told is None else int(told)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the bytes as they come. Raises NoAnswer if they break off."""
        try:
            async for piece in self._response.aiter_bytes():
                yield piece
        except httpx.TransportError as error:
            raise NoAnswer(f"The answer broke off: {error}") from error

    async def lines(self) -> AsyncIterator[str]:
        """Give the lines of a text as they come. Raises NoAnswer if they break off."""
        try:
            async for line in self._response.aiter_lines():
                yield line
        except httpx.TransportError as error:
            raise NoAnswer(f"The answer broke off: {error}") from error

    async def save(self, path: Path) -> None:
        """Write all of it to a file, which stands there in full or not at all."""
        beside = path.with_name(f"{path.name}.part")
        file = await asyncio.to_thread(beside.open, "wb")
        try:
            async for piece in self.pieces():
                await asyncio.to_thread(file.write, piece)
        finally:
            await asyncio.to_thread(file.close)
        await asyncio.to_thread(beside.replace, path)

    async def close(self) -> None:
        """Let the connection go."""
        await self._response.aclose()


class AsyncTransport:
    """Sends calls: as often as it takes, with one key."""

    def __init__(self, http: httpx.AsyncClient, auth: httpx.Auth, base_url: str, terms: Terms) -> None:
        self._http, self._auth, self._base_url, self.terms = http, auth, base_url.rstrip("/"), terms

    def on(self, terms: Terms) -> "AsyncTransport":
        """Return one on other terms, over the same connections."""
        return AsyncTransport(self._http, self._auth, self._base_url, terms)

    async def call(self, call: Call[Answer]) -> Answer:
        """Send a call and read its answer. Raises what `errors` lists."""
        return read(call, await self._send(call, stream=False))

    async def download(self, call: Call[bytes]) -> AsyncDownload:
        """Send a call whose answer comes piece by piece. Raises what `errors` lists."""
        return AsyncDownload(await self._send(call, stream=True))

    async def _send(self, call: Call[Answer], *, stream: bool) -> httpx.Response:
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
                response = await self._http.send(request, auth=self._auth, stream=stream)
                if stream and not response.is_success:
                    await response.aread()
            except httpx.TransportError as error:
                pause: float | None = course.after_failure(error)
            else:
                pause = course.after(response)
                if pause is None:
                    return response
            await asyncio.sleep(pause or 0.0)


class Group:
    """Operations that belong together."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
