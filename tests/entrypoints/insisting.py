"""Callers who ask for a mutation once, or insist: at once in two processes, later again, and with something else."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

import httpx
import msgspec
import psycopg

KEY: Final = "idempotency-key"
REUSED: Final = "idempotency_key_reused"
REPLAYED: Final = "idempotency-replayed"
# What the key of a request without a body was not meant for.
ELSEWHERE: Final = ("POST", "/v1/policy-drafts", {"name": "Something else"})
_ID: Final = re.compile(r"[a-z]+_[0-9a-f]{32,}")
# Numbers that are drawn (a transaction that is tried again draws anew) tell nothing of an effect.
_NUMBERS: Final = """
    SELECT c.relname, coalesce(array_agg(a.attname::text) FILTER (
               WHERE c.relname NOT LIKE 'procrastinate%' AND a.attidentity = ''
                   AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                   AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE 'nextval%'), '{}')
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 1
"""


class Effect(NamedTuple):
    """What a request came to: its answer, and of each table how many rows more it has and what its numbers gained."""

    request: str
    status: int
    gained: "Look"


Look = dict[str, list[int]]


@dataclass
class Looker:
    """Looks at a whole database."""

    connection: "psycopg.Connection[tuple[Any, ...]]"
    _looks: bytes

    @classmethod
    @contextmanager
    def at(cls, url: str) -> Iterator[Self]:
        """Learn which tables there are."""
        with psycopg.connect(url, autocommit=True) as connection:
            looks = []
            for table, columns in connection.execute(_NUMBERS).fetchall():
                added = "".join([f", coalesce(sum({column}), 0)::bigint" for column in columns])
                written = "coalesce(sum(xmin::text::bigint), 0)::bigint"
                looks.append(f"SELECT '{table}', ARRAY[{written}, count(*){added}] FROM {table}")
            yield cls(connection, " UNION ALL ".join(looks).encode())

    def look(self) -> Look:
        """Return of each table by which transactions its rows were written, their number, and what they add up to."""
        return dict(self.connection.execute(self._looks, prepare=True).fetchall())


def gained(before: Look, after: Look) -> Look:
    """Return what came to the tables, whichever transactions wrote it; those that stayed are left out."""
    return {
        table: [now - then for then, now in zip(before[table], found, strict=True)][1:]
        for table, found in after.items()
        if found != before[table]
    }


@dataclass
class Once(httpx.AsyncBaseTransport):
    """Sends each request once, and notes what a mutation came to."""

    process: httpx.AsyncBaseTransport
    looker: Looker
    effects: list[Effect] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        if KEY not in request.headers:
            return await self.process.handle_async_request(request)
        before = self.looker.look()
        answer, after = await self._mutate(request)
        effect = Effect(f"{request.method} {request.url.path}", answer.status_code, gained(before, after))
        self.effects.append(effect)
        return answer

    async def _mutate(self, request: httpx.Request) -> tuple[httpx.Response, Look]:
        return await self.process.handle_async_request(request), self.looker.look()


@dataclass
class Insisting(Once):
    """Sends each mutation twice at once and a third time to another process; then again, and then not quite again."""

    other: httpx.AsyncBaseTransport = field(default_factory=httpx.AsyncHTTPTransport)

    async def _mutate(self, request: httpx.Request) -> tuple[httpx.Response, Look]:
        told = f"{request.method} {request.url.path} {request.content.decode()}"
        at_once = await asyncio.gather(*[_sent(way, request) for way in (self.process, self.process, self.other)])
        fresh = [answer for answer in at_once if REPLAYED not in answer.headers]
        assert len(fresh) == 1, (told, [(answer.status_code, answer.headers, answer.text) for answer in at_once])
        done = self.looker.look()
        again = [await _sent(way, request) for way in (self.process, self.other)]
        for answer in (*at_once, *again):
            assert (answer.status_code, answer.content) == (fresh[0].status_code, fresh[0].content), told
        assert all(answer.headers[REPLAYED] == "true" for answer in again), told
        await self._refuses_others(request, told)
        assert self.looker.look() == done, told
        return fresh[0], done

    async def _refuses_others(self, request: httpx.Request, told: str) -> None:
        if not request.content:
            method, path, body = ELSEWHERE
            elsewhere = _like(request, body, method=method, url=request.url.join(path))
            assert _code_of(await _sent(self.process, elsewhere)) == REUSED, told
            return
        for other in _others(msgspec.json.decode(request.content)):
            answer = await _sent(self.process, _like(request, other))
            assert answer.status_code in {404, 422}, (told, other, answer.text)
            if _code_of(answer) == REUSED:
                return
        raise AssertionError(f"no other body of {told} was refused for its key")


def _code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"]) if answer.status_code == 422 else ""


def _like(request: httpx.Request, body: Any, **other: Any) -> httpx.Request:  # noqa: ANN401 - any JSON there is
    headers = {name: value for name, value in request.headers.items() if name not in {"content-length", "host"}}
    return httpx.Request(**{"method": request.method, "url": request.url, **other}, json=body, headers=headers)


async def _sent(way: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    answer = await way.handle_async_request(
        httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
    )
    await answer.aread()
    return answer


def _others(body: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON there is
    """Give bodies in which one thing is another; words that are said first, for any others will do."""
    places = sorted(_places(body), key=lambda place: place[-1] not in {"reason", "note", "name", "description"})
    for place in places:
        made = msgspec.json.decode(msgspec.json.encode(body))
        inner = made
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = _another(inner[place[-1]])
        yield made


def _another(value: Any) -> Any:  # noqa: ANN401 - any JSON there is
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1] != "0" else "1") if _ID.fullmatch(value) else f"{value}x"
    return ["another"] if value == [] else []


def _places(value: Any, *before: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - any JSON there is
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        if isinstance(part, (dict, list)) and part:
            yield from _places(part, *before, name)
        else:
            yield (*before, name)
