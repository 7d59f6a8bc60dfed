"""`python -m bench`: measure, prove, print. Exit code 1 if a proof failed; a missed budget is told, not punished."""

import argparse
import asyncio
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from bench import limits
from bench.figures import MET, Row
from bench.options import CONNECTIONS, Options
from bench.programme import Site, opened
from bench.scenarios import (
    batches,
    books_at_scale,
    card,
    counting,
    feed,
    hot_member,
    imports,
    many_keys,
    pages,
    postings,
    processes,
    reads,
    webhooks,
)
from bench.server import BenchBroken
from regulars.platform.embedded.server import wait_until_stopped

ON_A_SITE: dict[str, Callable[[Site, Options], Awaitable[list[Row]]]] = {
    "accruals": postings.accruals,
    "redemptions": postings.redemptions,
    "orders": postings.orders,
    "batch": batches.by_http,
    "post": batches.in_process,
    "imports": imports.imports,
    "hot": hot_member.hot_member,
    "reads": reads.reads,
    "feed": feed.feed,
    "keys": many_keys.many_keys,
    "webhooks": webhooks.webhooks,
    "card": card.card,
}
DEFAULTS = Options()
ALONE: dict[str, Callable[[Options], list[Row]]] = {
    "start": processes.start_up,
    "replay": processes.replay,
    "pages": pages.pages,
    "metrics": counting.metrics,
    "books": books_at_scale.books_at_scale,
}
ONLY_ASKED: tuple[str, ...] = ("books",)  # takes half an hour and 25 GB


class Report(msgspec.Struct):
    """Everything that was measured, and what failed its proof."""

    machine: str
    rounds: int
    seconds: float
    rows: list[Row]
    failures: dict[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for and print it."""
    asked = _parse(arguments)
    options = Options(
        rounds=asked.rounds,
        seconds=asked.seconds,
        members=asked.members or DEFAULTS.members,
        crowd=asked.members or DEFAULTS.crowd,
        connections=tuple(asked.connections or CONNECTIONS),
        home=asked.home,
    )
    chosen = asked.only or [name for name in [*ON_A_SITE, *ALONE] if name not in ONLY_ASKED]
    console = Console(stderr=True)
    report = Report(_machine(), options.rounds, options.seconds, [], {})
    on_a_site = [name for name in chosen if name in ON_A_SITE]
    if on_a_site:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_on_a_site(on_a_site, options, report, console))
    for name in chosen:
        if name in ALONE:
            console.log(f"measuring {name} ...")
            try:
                report.rows += ALONE[name](options)
            except BenchBroken as failure:
                report.failures[name] = str(failure)
    if asked.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _show(report)
    for name, why in report.failures.items():
        console.print(f"{name}: no figure, because {why}", style="bold red", markup=False)
    return 1 if report.failures else 0


async def _on_a_site(names: Sequence[str], options: Options, report: Report, console: Console) -> None:
    home = Path(tempfile.mkdtemp(prefix="regulars-bench-"))
    try:
        console.log(f"preparing {3 * options.members:,} members in {home} ...")
        async with opened(home, options.members) as site:
            limits.install(site)
            for name in names:
                console.log(f"measuring {name} ...")
                try:
                    report.rows += await ON_A_SITE[name](site, options)
                except BenchBroken as failure:
                    report.failures[name] = str(failure)
    finally:
        await asyncio.to_thread(wait_until_stopped, home)
        shutil.rmtree(home, ignore_errors=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=[*ON_A_SITE, *ALONE], help="may be given several times")
    parser.add_argument("--rounds", type=int, default=DEFAULTS.rounds, help="interleaved rounds; medians are shown")
    parser.add_argument("--seconds", type=float, default=DEFAULTS.seconds, help="seconds a figure and round")
    parser.add_argument(
        "--members", type=int, help="members of each kind (10,000), of pages and books in all (1,000,000)"
    )
    parser.add_argument("--home", type=Path, help="where books are made and stay; those that lie there are taken")
    parser.add_argument("--connections", type=int, action="append", help="instead of 1, 16, 64 and 256")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _show(report: Report) -> None:
    table = Table("what", "figure", "limit", "ratio", "budget", "verdict", box=None, pad_edge=False)
    table.title = f"{report.machine}; medians of {report.rounds} rounds of {report.seconds:g} s"
    for column in (1, 2, 3):
        table.columns[column].justify = "right"
    if any(line.note for line in report.rows):
        table.add_column("of it")
    for line in report.rows:
        table.add_row(
            line.name,
            f"{line.figure:,.4g} {line.unit}" if line.figure < 1000 else f"{line.figure:,.0f} {line.unit}",
            "" if line.limit is None else f"{line.limit:,.0f}",
            "" if line.ratio is None else f"{line.ratio:.2f}",
            line.budget,
            line.verdict,
            *([line.note] if len(table.columns) > 6 else []),
            style=None if line.verdict in {"", MET} else "bold yellow",
        )
    Console(width=None if sys.stdout.isatty() else 180).print(table)


if __name__ == "__main__":
    sys.exit(main())
