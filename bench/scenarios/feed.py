"""The feed of events read page by page, beside a plain SELECT of the same rows."""

import http.client
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any, LiteralString

import msgspec
import psycopg

from bench import proofs
from bench.figures import Row, row
from bench.options import Options
from bench.programme import Site
from bench.server import ANSWER_SECONDS, HOST, BenchBroken, product
from regulars.platform.public_events.catalogue import BY_CLASS_NAME

PAGE = 500
_ROWS: LiteralString = """
SELECT seq, event_id, type, member_id, recorded_at, payload FROM outbox
WHERE seq > %s AND type = ANY (%s) ORDER BY seq LIMIT %s
"""


async def feed(site: Site, options: Options) -> list[Row]:
    """Measure `GET /v1/events?limit=500` from the first event on, one page after the other on one connection."""
    rates: list[float] = []
    pages: list[float] = []
    plain: list[float] = []
    plain_pages: list[float] = []
    for _ in range(options.rounds):
        with product(site.home) as (port, _):
            await proofs.drained(site)
            told, taken = _walk(_by_feed(port, site.token), options.seconds)
        rows, read = _walk(_by_select(site.url), options.seconds)
        _prove(told, rows)
        rates.append(len(told) / sum(taken))
        plain.append(len(rows) / sum(read))
        pages.append(median(taken) * 1000)
        plain_pages.append(median(read) * 1000)
    note = "the limit: a SELECT of the same rows by their numbers, without JSON and HTTP"
    return [
        row(f"events by the feed, pages of {PAGE}", "/s", rates, plain, note=note),
        row(f"events by the feed, a page of {PAGE}: p50", "ms", pages, plain_pages, note=note),
    ]


def _walk(pages: Iterator[tuple[list[str], float]], seconds: float) -> tuple[list[str], list[float]]:
    """Read on until time is up or nothing is left; return the ids of the events, and how long each full page took."""
    ids: list[str] = []
    taken: list[float] = []
    for page, took in pages:
        if len(page) < PAGE:
            break
        ids += page
        taken.append(took)
        if sum(taken) > seconds:
            break
    if not taken:
        raise BenchBroken(f"there are fewer than {PAGE} events")
    return ids, taken


def _by_feed(port: int, token: str) -> Iterator[tuple[list[str], float]]:
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    headers, cursor = {"Authorization": f"Bearer {token}"}, ""
    try:
        while True:
            began = perf_counter()
            connection.request("GET", f"/v1/events?limit={PAGE}{cursor}", headers=headers)
            response = connection.getresponse()
            body = response.read()
            took = perf_counter() - began
            if response.status != http.client.OK:
                raise BenchBroken(f"the feed answered {response.status}: {body[:300]!r}")
            page: Any = msgspec.json.decode(body)
            cursor = f"&cursor={page['next_cursor']}"
            yield [event["id"] for event in page["events"]], took
    finally:
        connection.close()


def _by_select(url: str) -> Iterator[tuple[list[str], float]]:
    told, last = list(BY_CLASS_NAME), 0
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        while True:
            began = perf_counter()
            rows = connection.execute(_ROWS, (last, told, PAGE)).fetchall()
            took = perf_counter() - began
            last = rows[-1][0] if rows else last
            yield [f"evt_{row[1].hex}" for row in rows], took


def _prove(told: list[str], rows: list[str]) -> None:
    """Raise BenchBroken unless the feed told what the table holds: each once, in the order of the table."""
    both = min(len(told), len(rows))
    if told[:both] != rows[:both] or len(set(told)) != len(told):
        raise BenchBroken("the feed and the table differ")
