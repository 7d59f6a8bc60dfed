"""`regulars demo`: replay the year, say what it came to, and what to try."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from regulars.commerce import api as commerce
from regulars.demo import finished
from regulars.demo.dataset import load_households, load_year
from regulars.demo.facts import member_id_of
from regulars.demo.finished import Finished, input_of
from regulars.demo.invitation import invite
from regulars.demo.key import key_to_try
from regulars.demo.people import NEAR_MISS, PEOPLE, STAFF, demo_password, let_people_in, name_everybody, staff_email
from regulars.demo.programme import PROGRAMMES, Programme
from regulars.demo.replay import AnotherReplay, ProgrammeInUse, Replay
from regulars.demo.summary import Summary, summarise
from regulars.demo.visit import RETURNED, STORE, order_of, visit
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from regulars.platform.verification.service import verify

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

CANNOT_GO_ON = 2
TENTHS = 10


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands above the demo and helps it: `recover` brings a lost database back where that is ours to do, `tidy`
    does the work that would else be left to a worker (relaying events, sealing the audit log).
    """

    recover: "Callable[[], Awaitable[None]] | None" = None
    tidy: "Callable[[Database], Awaitable[None]] | None" = None


@dataclass(frozen=True, slots=True)
class Served:
    """A demo that can be served: who may sign in, as pages want to know it, and what to say once it answers."""

    people: dict[str, Any]
    announce: Callable[[str], None]


class Figures(Summary, kw_only=True):
    """The year's figures, with how long it took and whether the books balance."""

    seconds_replay: float
    seconds_total: float
    books_balanced: bool


@dataclass(slots=True)
class _Outcome:
    """What a start of the demo came to; `is_proven_now` unless the books were proven at an earlier one."""

    figures: Figures
    is_proven_now: bool
    token: str = ""
    people: dict[str, Any] = field(default_factory=dict)


def run_demo(
    settings: Settings,
    url: str,
    *,
    programme: str,
    as_json: bool,
    will_serve: bool,
    started: float | None = None,
    surroundings: Surroundings = Surroundings(),
) -> Served:
    """Replay the year into the migrated database at `url`; returns what there is to serve, and to say then.

    A year that was replayed is not walked anew: its figures were recorded with its end. Who asks for the figures alone,
    or as JSON, gets the books proven as they stand now; who comes to be served waits for that only until it held once.
    `started` is the `perf_counter` of the command's start. Figures go to stdout (the last line is the JSON object if
    asked for), progress and troubles to stderr.
    """
    began = perf_counter() if started is None else started
    console = Console(stderr=True)
    try:
        outcome = uvloop.run(
            _replayed(
                settings,
                url,
                PROGRAMMES[programme],
                console,
                surroundings,
                will_serve=will_serve,
                is_asked=as_json or not will_serve,
            )
        )
    except (AnotherReplay, ProgrammeInUse) as error:
        console.print(str(error))
        raise SystemExit(CANNOT_GO_ON) from error
    figures = outcome.figures
    figures.seconds_total = round(perf_counter() - began, 2)
    if as_json:
        sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
        sys.stdout.flush()
    else:
        _print_figures(figures, is_proven_now=outcome.is_proven_now)
    if not figures.books_balanced:
        console.print("[bold red]The books do not balance.[/] See `regulars verify`.")
        raise SystemExit(1)
    invited = demo_password(settings)
    return Served(outcome.people, lambda address: invite(Console(), address, outcome.token, invited))


async def _replayed(
    settings: Settings,
    url: str,
    programme: Programme,
    console: Console,
    surroundings: Surroundings,
    *,
    will_serve: bool,
    is_asked: bool,
) -> _Outcome:
    """Replay the year unless that was done, prove its books if that is asked for or was not done, and let people in."""
    vault = LocalVault(settings.home / "vault")
    try:
        async with Database(
            url, pool_size=settings.pool_size, lock_timeout_ms=settings.patient_lock_timeout_ms
        ) as database:
            replayed = await asyncio.to_thread(input_of, programme)
            seconds = 0.0
            while (done := await _finished(database, vault, programme, replayed)) is None:
                seconds += await _replay(
                    database, vault, programme, replayed, console=console, recover=surroundings.recover
                )
            is_proven_now = is_asked or not done.books_balanced
            balanced = done.books_balanced
            if is_proven_now:
                balanced = await _prove(database, programme, console, surroundings.tidy)
            else:
                _tell(console, "The year was replayed before, and its books were proven: going on where it was")
            outcome = _Outcome(_figures(done.summary, seconds, balanced=balanced), is_proven_now)
            if will_serve and balanced:  # what is wrong is left as it is, to be looked at
                _tell(console, "Letting people in")
                outcome.token = await key_to_try(database, settings.home)
                await let_people_in(database, vault, settings, stores=(STORE,))
                await name_everybody(database, vault, await asyncio.to_thread(load_households))
                await visit(database)
                outcome.people = await _people(database, settings)
            return outcome
    finally:
        vault.close()


async def _finished(database: Database, vault: LocalVault, programme: Programme, replayed: str) -> Finished | None:
    async with database.transaction(actor="demo") as tx:
        found = await finished.read(tx, programme, replayed)
        if found is not None:
            await members.claim_vault(tx, vault)
        return found


async def _replay(
    database: Database,
    vault: LocalVault,
    programme: Programme,
    replayed: str,
    *,
    console: Console,
    recover: "Callable[[], Awaitable[None]] | None",
) -> float:
    """Replay the year, and record with its end what it came to; returns the seconds up to there."""
    year = await asyncio.to_thread(load_year)
    began = ended = perf_counter()

    async def sum_up(tx: Transaction) -> None:
        nonlocal ended
        ended = perf_counter()
        finished.record(tx, programme, replayed, await summarise(tx, year))

    with _progress(console, len(year)) as advance:
        await Replay(database, vault, year, programme, on_progress=advance, recover=recover, at_end=sum_up).run()
    return ended - began


async def _prove(
    database: Database,
    programme: Programme,
    console: Console,
    tidy: "Callable[[Database], Awaitable[None]] | None",
) -> bool:
    """Run every check of the books as they stand now, and record what came of it."""
    if tidy is not None:
        _tell(console, "Sealing the audit log and rolling up the figures")
        await tidy(database)
    _tell(console, "Proving the books of the year")
    balanced = True
    async for finding in verify(database, [*loyalty.checks(), *commerce.checks()]):
        balanced = balanced and finding.ok
    async with database.transaction(actor="demo") as tx:
        finished.record_proof(tx, programme, balanced=balanced)
    return balanced


def _figures(summary: Summary, seconds: float, *, balanced: bool) -> Figures:
    return Figures(
        **msgspec.structs.asdict(summary),
        seconds_replay=round(seconds, 2),
        seconds_total=0.0,
        books_balanced=balanced,
    )


async def _people(database: Database, settings: Settings) -> dict[str, Any]:
    """Return who may sign in, and what there is to look at, with the tiers as they are now."""
    configuration = loyalty.Configuration()
    tiers: dict[str, str] = {}
    async with database.transaction() as tx:
        await loyalty.policy_in_force(tx, configuration)
        for person in PEOPLE:
            status = await loyalty.tier_status(tx, configuration, member_id_of(person.household), language="en")
            tiers[person.email] = status.tier
    return {
        "password": demo_password(settings),
        "staff": [{"email": staff_email(role), "role": role.value, "name": STAFF[role]} for role in Role],
        "members": [{"email": one.email, "name": one.name, "tier": tiers[one.email]} for one in PEOPLE],
        "store_id": STORE,
        "member_id": public_id("mbr", member_id_of(PEOPLE[0].household)),
        "order_id": order_of(PEOPLE[0]),
        "returned_order_id": order_of(RETURNED),
        "near_miss": NEAR_MISS.email,
    }


@contextmanager
def _progress(console: Console, orders: int) -> "Iterator[Callable[[int], None]]":
    columns = (
        SpinnerColumn(),
        TextColumn("Replaying the year"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("orders"),
        TimeElapsedColumn(),
    )
    if not console.is_terminal:
        yield _told_in_lines(console, orders)
        return
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("replay", total=orders)
        yield lambda done: bar.advance(task, done)


def _tell(console: Console, what: str) -> None:
    console.print(f"{what} …", highlight=False)


def _told_in_lines(console: Console, orders: int) -> Callable[[int], None]:
    """Return what tells the progress where no bar can be drawn: a line for each tenth."""
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        before, done = done, done + more
        if before * TENTHS // orders < done * TENTHS // orders:
            console.print(f"Replaying the year: {done:,} of {orders:,} orders", highlight=False)

    return advance


def _print_figures(figures: Figures, *, is_proven_now: bool) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, value in msgspec.structs.asdict(figures).items():
        if name == "digest":
            shown = f"{value[:16]}…"
        elif name == "books_balanced" and not is_proven_now:
            shown = f"{value}, when last proven"
        elif name == "tiers":
            shown = " / ".join(f"{count:,}" for count in value)
        else:
            shown = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        table.add_row(name.replace("_", " "), shown)
    Console().print(table)
