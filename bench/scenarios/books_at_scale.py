"""Statement, liability, lineage and explanations with a million members and fifty million transfers, by HTTP and below.

Each question is asked of thousands of members or instants, over 1 and over 8 connections, in turn in each round; beside
it stands the limit: one connection that reads the same rows by their keys, or the roll-up whole. What counts is p99.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import msgspec
import psycopg
from rich.console import Console

from bench.big_books import HOT, MARKETS, TRANSFERS_A_MEMBER, make, patterns
from bench.book_proofs import Answers, answers_are_right, books_hold
from bench.book_questions import Lookup, ask_all
from bench.figures import Budget, Row, row
from bench.multiplied import Times, multiply
from bench.options import Options
from bench.programme import founded, member_id
from bench.server import BenchBroken, fire, product
from regulars.demo.programme import MARKET
from regulars.loyalty import api as loyalty
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.embedded import acquire
from regulars.platform.embedded.server import wait_until_stopped
from regulars.platform.rollups import service as rollups

P99_MS: Final = Budget(most=50)
CONNECTIONS: Final = (1, 8)
_LIMIT_SECONDS: Final = 1.0  # at most
_MADE: Final = "books.json"
_SIZES: Final = """
SELECT pg_size_pretty(pg_database_size(current_database())), (SELECT count(*) FROM ledger_transfers),
       (SELECT count(*) FROM lots), (SELECT count(*) FROM lot_uses), (SELECT count(*) FROM settlements)
"""


class Made(msgspec.Struct):
    """Books that lie in a folder, finished."""

    times: Times
    now: datetime
    token: str
    seconds: float


@dataclass(slots=True)
class Taken:
    """What the rounds gave for one question over so many connections: p99 and p50, and the limit's."""

    p99: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)


def books_at_scale(options: Options) -> list[Row]:
    """Make the books, or take those that were kept; prove them; measure. Raises BenchBroken."""
    home = options.home or Path(tempfile.mkdtemp(prefix="regulars-bench-"))
    say = Console(stderr=True).log
    try:
        if not (home / _MADE).exists():
            _make(home, options.crowd, say)
        return asyncio.run(_measured(home, options, say))
    finally:
        wait_until_stopped(home)
        if options.home is None:
            shutil.rmtree(home, ignore_errors=True)


def _make(home: Path, members: int, say: Callable[[str], None]) -> None:
    """Make the books in three starts of PostgreSQL: patterns; copies, whose files need no log; roll-ups."""
    began, now = perf_counter(), wall_now()
    token, wanted = asyncio.run(_patterns(home, members, now, say))
    wait_until_stopped(home)
    with acquire(home) as server:
        times = _times(server.url, members, len([one for one in wanted if one.number < HOT]))
        say(f"writing {times.members:,} members")
        multiply(server.url, times, say)
        _log_changes(server.url, logged=True)
    wait_until_stopped(home)
    asyncio.run(_roll_up(home, times.members, say))
    seconds = round(perf_counter() - began)
    (home / _MADE).write_bytes(msgspec.json.encode(Made(times, now, token, seconds)))
    say(f"made in {seconds} s")


async def _patterns(home: Path, members: int, now: datetime, say: Callable[[str], None]) -> tuple[str, Sequence[Any]]:
    wanted = patterns(members, MARKET)
    async with founded(home, MARKETS, now - _began(now)) as site:
        say(f"letting {len(wanted):,} patterns live for two years")
        await make(site, wanted, now, say)
        await books_hold(site.database, 0)
        _log_changes(site.url, logged=False)
        return site.token, wanted


def _began(now: datetime) -> datetime:
    """Return an instant before the first of all facts."""
    return datetime(now.year - 2, now.month, 1, tzinfo=now.tzinfo)


def _log_changes(url: str, *, logged: bool) -> None:
    """Let PostgreSQL log everything, as by itself, or not what is written into new files; from its next start."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting, value in (("wal_level", "minimal"), ("max_wal_senders", "0")):
            told = f"ALTER SYSTEM RESET {setting}" if logged else f"ALTER SYSTEM SET {setting} = {value}"
            connection.execute(told.encode())


def _times(url: str, members: int, ordinary: int) -> Times:
    """Return how often to write the patterns: ordinary ones as many as asked for, hot ones until it is enough."""
    each = -(-members // ordinary)
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FILTER (WHERE member_id < %(hot)s), count(*) FILTER (WHERE member_id >= %(hot)s) "
        (rows,) = connection.execute(query.encode() + b"FROM ledger_transfers", {"hot": member_id(HOT)}).fetchall()
    lacking = TRANSFERS_A_MEMBER * members - rows[0] * each
    return Times(ordinary, len(patterns(members, MARKET)) - ordinary, each, max(-(-lacking // rows[1]), 1))


async def _roll_up(home: Path, members: int, say: Callable[[str], None]) -> None:
    with acquire(home) as server:
        async with Database(server.url, pool_size=2) as database:
            async with database.transaction() as tx:
                await rollups.bring_up_to_date(tx, loyalty.BOOKS, anew=True)
            say("rolled up")
            async with database.transaction() as tx:
                await tx.rows("ANALYZE")
            await books_hold(database, members)
            say("the books hold")
            async with database.transaction() as tx:
                ((size, *counts),) = await tx.rows(_SIZES)
            say("{}: {:,} transfers, {:,} lots, {:,} uses, {:,} settlements".format(size, *counts))
        _checkpoint(server.url)


def _checkpoint(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


async def _measured(home: Path, options: Options, say: Callable[[str], None]) -> list[Row]:
    made = msgspec.json.decode((home / _MADE).read_bytes(), type=Made)
    with acquire(home) as server:
        asked = ask_all(server.url, made.times, made.now)
        last, hottest = made.times.ordinary * made.times.each, HOT + made.times.hot * made.times.hot_each - 1
        some = [member_id(number) for number in (1, 2, 3, last, HOT, HOT + 1, hottest)]
        with product(home, also=["--no-work"]) as (port, _):
            async with Database(server.url, pool_size=2) as database:
                with closing(Answers(port, made.token)) as answers:
                    await answers_are_right(database, answers, some, made.now)
            say("the answers are right")
            taken = {(one.name, count): Taken() for one in asked for count in CONNECTIONS}
            for _ in range(options.rounds):
                for one in asked:
                    limit = _limit(server.url, one.lookups, min(options.seconds, _LIMIT_SECONDS))
                    for count in CONNECTIONS:
                        _round(port, one.requests(made.token), count, options.seconds, taken[one.name, count])
                        taken[one.name, count].limit.append(limit)
    return [_row(name, count, found) for (name, count), found in taken.items()]


def _round(port: int, requests: list[bytes], connections: int, seconds: float, taken: Taken) -> None:
    result = fire(port, requests, connections=connections, seconds=seconds, cycle=True)
    longer = 1_000 * seconds  # where no answer came within the round
    taken.p99.append(result.p99_ms or longer)
    taken.p50.append(result.p50_ms or longer)
    taken.loads.append(os.getloadavg()[0])


def _limit(url: str, lookups: Sequence[Lookup], seconds: float) -> float:
    """Return the p99, in milliseconds, of one connection that reads the rows and does nothing with them."""
    times = []
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        cursor = connection.cursor(binary=True)
        for measured in (False, True):
            until = perf_counter() + seconds
            while perf_counter() < until:
                for lookup in lookups:
                    began = perf_counter()
                    for text, parameters in lookup:
                        cursor.execute(text.encode(), parameters)
                        cursor.fetchall()
                    if measured:
                        times.append(1_000 * (perf_counter() - began))
                    if perf_counter() > until:
                        break
    if not times:
        raise BenchBroken("the limit read nothing")
    times.sort()
    return times[int(len(times) * 0.99)]


def _row(name: str, connections: int, taken: Taken) -> Row:
    note = f"p50 {median(taken.p50):.1f} ms; load {min(taken.loads):.1f} to {max(taken.loads):.1f}"
    what = f"{name}, {connections} connection{'s' if connections > 1 else ''}"
    return row(what, "ms", taken.p99, taken.limit, budget=P99_MS, note=note)
