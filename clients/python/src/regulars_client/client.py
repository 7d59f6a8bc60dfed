"""The clients: `Regulars` for callers who wait for the answer, `AsyncRegulars` for those on an event loop."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self, TypedDict, Unpack

import httpx
from msgspec import UNSET

from regulars_client.asynchronous import AsyncGroups
from regulars_client.asynchronous.transport import AsyncTransport
from regulars_client.blocking import Groups
from regulars_client.blocking.transport import Transport
from regulars_client.calls import Call
from regulars_client.credentials import ApiKey, ClientCredentials
from regulars_client.events import follow, follow_async
from regulars_client.exported import Row, rows_of, rows_of_async
from regulars_client.models import EventsAnswer
from regulars_client.retries import Retries
from regulars_client.terms import USER_AGENT, Terms

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Options(TypedDict, total=False):
    """What may hold for all calls, or, by `with_options`, for some.

    `language` is that of refusals, reasons and statements (`en`, `zh`). `purpose` says why personal data is read in the
    clear; the audit log keeps it. `timeout_seconds` is for each step of an attempt, `retries` for all of them.
    """

    language: str | None
    purpose: str | None
    timeout_seconds: float
    retries: Retries


def _auth(
    base_url: str, api_key: str | None, client_id: str | None, client_secret: str | None, scopes: Sequence[str]
) -> httpx.Auth:
    if api_key is not None and client_id is None and client_secret is None:
        return ApiKey(api_key)
    if api_key is None and client_id is not None and client_secret is not None:
        return ClientCredentials(base_url, client_id, client_secret, scopes)
    raise ValueError("give either api_key, or client_id and client_secret")


def _terms(application: str | None, options: Options) -> Terms:
    agent = USER_AGENT if application is None else f"{application} {USER_AGENT}"
    return replace(Terms(user_agent=agent), **options)


def _freely(
    method: str, path: str, query: Mapping[str, object] | None, body: object, idempotency_key: str | None
) -> Call[Any]:
    return Call(
        method.upper(),
        path,
        answer=object,
        query=query or {},
        body=body,
        takes_key=method.upper() not in _READS,
        key=idempotency_key,
    )


class Regulars(Groups):
    """A deployment of Regulars: `client.orders.put(...)`, `client.members.get(...)`. Safe to share among threads.

    It is reached with an API key, or with access tokens that are got for one (OAuth2: `client_id` is the key's id,
    `client_secret` the key; `scopes` a part of what it may). `application` names your program in the deployment's log.
    An `http_client` that was given stays yours to close. Close the client, or use it with `with`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        scopes: Sequence[str] = (),
        application: str | None = None,
        http_client: httpx.Client | None = None,
        **options: Unpack[Options],
    ) -> None:
        auth = _auth(base_url, api_key, client_id, client_secret, scopes)
        http = http_client or httpx.Client()
        self._own = http if http_client is None else None
        self._transport = Transport(http, auth, base_url, _terms(application, options))
        super().__init__(self._transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._own is not None:
            self._own.close()

    def with_options(self, **options: Unpack[Options]) -> "Regulars":
        """Return a client with other options, over the same connections: `client.with_options(language="zh")`."""
        other = object.__new__(Regulars)
        other._own = None
        other._transport = self._transport.on(replace(self._transport.terms, **options))
        Groups.__init__(other, other._transport)
        return other

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = UNSET,
        idempotency_key: str | None = None,
    ) -> Any:  # noqa: ANN401 # whatever JSON the deployment answers
        """Send a request that this version has no method for, as safely as any; the answer is its JSON."""
        return self._transport.call(_freely(method, path, query, body, idempotency_key))

    def follow_events(
        self,
        cursor: str | None = None,
        *,
        types: Sequence[str] = (),
        member_id: str | None = None,
        limit: int | None = None,
        until_idle: bool = False,
    ) -> Iterator[EventsAnswer]:
        """Give what happened behind a cursor, batch by batch, and wait for news; with `until_idle` end where none is.

        Without a cursor it begins with the first event there is, with `now` behind the last one. Keep the `next_cursor`
        of a batch once its events are dealt with: whoever begins there misses none. After a crash the batch comes once
        more, so look whether an event's `id` is done. Raises Gone if the cursor is of before a restore.
        """
        return follow(self.events, cursor, types=types, member_id=member_id, limit=limit, until_idle=until_idle)

    def export_rows(self, export_id: str) -> Iterator[Row]:
        """Give the rows of an export that is ready, one by one: a `dict` each, by column.

        They come as a stream and are never in memory as a whole. Where the stream breaks off it goes on behind the rows
        that arrived, as often as `retries` has attempts without a row between; each time is an entry of the audit log.
        Raises Conflict while the export is under way, Gone if its file is not kept any more, NoAnswer if it stays
        broken off.
        """
        return rows_of(self.exports, export_id, self._transport.terms.retries.attempts)


class AsyncRegulars(AsyncGroups):
    """A deployment of Regulars for programs on an event loop: `await client.orders.put(...)`.

    It is reached with an API key, or with access tokens that are got for one (OAuth2: `client_id` is the key's id,
    `client_secret` the key; `scopes` a part of what it may). `application` names your program in the deployment's log.
    An `http_client` that was given stays yours to close. Close the client, or use it with `async with`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        scopes: Sequence[str] = (),
        application: str | None = None,
        http_client: httpx.AsyncClient | None = None,
        **options: Unpack[Options],
    ) -> None:
        auth = _auth(base_url, api_key, client_id, client_secret, scopes)
        http = http_client or httpx.AsyncClient()
        self._own = http if http_client is None else None
        self._transport = AsyncTransport(http, auth, base_url, _terms(application, options))
        super().__init__(self._transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._own is not None:
            await self._own.aclose()

    def with_options(self, **options: Unpack[Options]) -> "AsyncRegulars":
        """Return a client with other options, over the same connections: `client.with_options(language="zh")`."""
        other = object.__new__(AsyncRegulars)
        other._own = None
        other._transport = self._transport.on(replace(self._transport.terms, **options))
        AsyncGroups.__init__(other, other._transport)
        return other

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = UNSET,
        idempotency_key: str | None = None,
    ) -> Any:  # noqa: ANN401 # whatever JSON the deployment answers
        """Send a request that this version has no method for, as safely as any; the answer is its JSON."""
        return await self._transport.call(_freely(method, path, query, body, idempotency_key))

    def follow_events(
        self,
        cursor: str | None = None,
        *,
        types: Sequence[str] = (),
        member_id: str | None = None,
        limit: int | None = None,
        until_idle: bool = False,
    ) -> AsyncIterator[EventsAnswer]:
        """Give what happened behind a cursor, batch by batch, and wait for news; with `until_idle` end where none is.

        Without a cursor it begins with the first event there is, with `now` behind the last one. Keep the `next_cursor`
        of a batch once its events are dealt with: whoever begins there misses none. After a crash the batch comes once
        more, so look whether an event's `id` is done. Raises Gone if the cursor is of before a restore.
        """
        return follow_async(self.events, cursor, types=types, member_id=member_id, limit=limit, until_idle=until_idle)

    def export_rows(self, export_id: str) -> AsyncIterator[Row]:
        """Give the rows of an export that is ready, one by one: a `dict` each, by column.

        They come as a stream and are never in memory as a whole. Where the stream breaks off it goes on behind the rows
        that arrived, as often as `retries` has attempts without a row between; each time is an entry of the audit log.
        Raises Conflict while the export is under way, Gone if its file is not kept any more, NoAnswer if it stays
        broken off.
        """
        return rows_of_async(self.exports, export_id, self._transport.terms.retries.attempts)
