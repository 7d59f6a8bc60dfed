"""How the platform stands: each look answers with one `Looked`, for `regulars doctor` and for the console alike.

A look reads, and changes nothing. Rooms above add looks of their own (`engagement.api.look_at_messages`).
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from regulars.platform.audit.service import sealing
from regulars.platform.clock import ClockSetting, wall_now
from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.migrate import head
from regulars.platform.db.programme_clock import read_setting
from regulars.platform.db.transaction import Transaction
from regulars.platform.health import rules, store
from regulars.platform.health.contracts import Ago, Bytes, Fact, Looked, Sentence, State, Told
from regulars.platform.logs import blot
from regulars.platform.outbox.service import backlog
from regulars.platform.settings import Settings
from regulars.platform.texts import mark

HEARTBEAT_SECONDS: Final = 30.0  # workers give a sign every 10 s; one that is silent for longer is taken for dead
LATE_SECONDS: Final = 60.0  # what waits for longer than this waits for a worker
CLOCKS_APART_SECONDS: Final = 2.0
_ANSWER_MILLISECONDS: Final = 3_000

Look = Callable[[Transaction], Awaitable[Looked]]


async def looked(name: str, look: Look, database: Database) -> Looked:
    """Look in a transaction of its own; a look that breaks, or takes longer than 3 s, is a finding itself."""
    try:
        async with database.transaction() as tx:
            store.hurry(tx, _ANSWER_MILLISECONDS)
            return await look(tx)
    except CONNECTION_LOST as error:
        said = Sentence(mark("could not be asked: {kind}"), {"kind": type(error).__qualname__})
        return Looked(name=name, state=State.TROUBLE, said=said, remedy=_DATABASE_REMEDY)
    except Exception as error:  # noqa: BLE001 - one look that breaks must not hide the others
        said = Sentence(mark("could not be asked: {kind}"), {"kind": f"{type(error).__qualname__}, {blot(str(error))}"})
        return Looked(
            name=name, state=State.TROUBLE, said=said, remedy=Sentence(mark("See docs/faults.md, or report it."))
        )


async def looked_together(looks: Mapping[str, Look], database: Database) -> dict[str, Looked]:
    """Look at several things, by name, in one transaction: half the round trips.

    Where one of them breaks it, each is looked at by itself, so that it does not hide the others.
    """
    try:
        async with database.transaction() as tx:
            store.hurry(tx, _ANSWER_MILLISECONDS)
            return {name: await look(tx) for name, look in looks.items()}
    except Exception:  # noqa: BLE001 - it is a finding, once it has been looked at by itself
        return {name: await looked(name, look, database) for name, look in looks.items()}


_DATABASE_REMEDY: Final = Sentence(mark("Check that PostgreSQL runs and that DATABASE_URL is right."))
_BUG_REMEDY: Final = Sentence(mark("See docs/faults.md, or report it."))
_START_WORKER: Final = mark("Start a worker: `regulars work`, or `regulars serve` without --no-work.")


async def look_at_worker(tx: Transaction) -> Looked:
    """Is a worker alive, and when was one last seen?"""
    found = await store.workers(tx, wall_now() - timedelta(seconds=HEARTBEAT_SECONDS))
    facts = (Fact(mark("Workers running"), found.alive), Fact(mark("Last seen"), found.last_at and Ago(found.last_at)))
    if found.alive:
        said = Sentence(mark("{count} running"), {"count": found.alive})
        return Looked(name="worker", state=State.WELL, said=said, facts=facts)
    said = Sentence(mark("none is running: events, messages and schedules stand still"))
    return Looked(name="worker", state=State.WARNING, said=said, remedy=Sentence(_START_WORKER), facts=facts)


async def look_at_events(tx: Transaction) -> Looked:
    """Do events get through, and in time?"""
    left = await backlog(tx)
    oldest = left.oldest_unread_seconds or 0.0
    said = Sentence(
        mark("{unread} events unread, {retrying} tried again, {parked} parked"),
        {"unread": left.unread, "retrying": left.retrying, "parked": left.parked},
    )
    facts = (
        Fact(mark("Not relayed yet"), left.unread),
        Fact(mark("The oldest has waited for"), timedelta(seconds=oldest) if left.unread else None),
        Fact(mark("Being tried again"), left.retrying),
        Fact(mark("Waiting behind another"), left.waiting),
        Fact(mark("Parked"), left.parked),
    )
    remedy = None
    if left.parked:
        remedy = Sentence(mark("See `regulars parked list`, mend the cause, then `regulars parked replay`."))
    elif oldest > LATE_SECONDS:
        remedy = Sentence(
            mark("The oldest event has waited for {seconds} s: start a worker (`regulars work`)."),
            {"seconds": round(oldest)},
        )
    return Looked(name="queues", state=rules.trouble_if(remedy), said=said, remedy=remedy, facts=facts)


async def look_at_jobs(tx: Transaction) -> Looked:
    """Are jobs done, and in time?"""
    found = await store.jobs(tx, wall_now())
    said = Sentence(
        mark("{due} jobs due, {running} running, {later} for later, {failed} failed"),
        {"due": found.due, "running": found.running, "later": found.later, "failed": found.failed},
    )
    facts = (
        Fact(mark("Due"), found.due),
        Fact(mark("Running"), found.running),
        Fact(mark("For later"), found.later),
        Fact(mark("Failed for good"), found.failed),
    )
    state, remedy = State.WELL, None
    if found.oldest_due_seconds > LATE_SECONDS:
        state = State.TROUBLE
        remedy = Sentence(
            mark("The oldest job has waited for {seconds} s: start a worker (`regulars work`)."),
            {"seconds": round(found.oldest_due_seconds)},
        )
    elif found.failed:
        state = State.WARNING
        remedy = Sentence(
            mark(
                "The worker's log says why they failed; mend the cause, then let them be tried again "
                "on the console's page of jobs."
            )
        )
    return Looked(name="jobs", state=state, said=said, remedy=remedy, facts=facts)


async def look_at_audit_log(tx: Transaction) -> Looked:
    """Does the sealer keep up with the audit log?"""
    found = await sealing(tx)
    said = Sentence(
        mark("{unsealed} entries not sealed yet, {seals} seals"),
        {"unsealed": found.unsealed, "seals": found.last_seal_no},
    )
    oldest = found.oldest_unsealed_seconds or 0.0
    facts = (
        Fact(mark("Seals"), found.last_seal_no),
        Fact(mark("Last sealed"), found.sealed_at and Ago(found.sealed_at)),
        Fact(mark("Entries not sealed yet"), found.unsealed),
        Fact(mark("The oldest has waited for"), timedelta(seconds=oldest) if found.unsealed else None),
    )
    remedy = None
    if oldest > LATE_SECONDS:
        remedy = Sentence(
            mark("The oldest entry has waited for {seconds} s: start a worker (`regulars work`)."),
            {"seconds": round(oldest)},
        )
    state = State.WELL if remedy is None else State.WARNING
    return Looked(name="audit log", state=state, said=said, remedy=remedy, facts=facts)


async def look_at_clock(tx: Transaction) -> Looked:
    """How does the programme clock stand beside the wall clock, and do the machines agree on the time?"""
    setting = await read_setting(tx.connection)
    databases, here = await store.clock(tx), wall_now()
    apart = (here - databases).total_seconds()
    said, state = _clock_said(setting, tx.now)
    remedy = None
    if state is not State.WELL:
        remedy = Sentence(mark("It ticks on when the replay ends; `regulars demo` ends one that was broken off."))
    if abs(apart) > CLOCKS_APART_SECONDS:
        state = State.TROUBLE
        remedy = Sentence(
            mark("This machine's clock and the database's are {seconds} s apart: let both follow a time server (NTP)."),
            {"seconds": round(abs(apart))},
        )
    facts = (
        Fact(mark("Programme clock"), tx.now),
        Fact(mark("Wall clock"), here),
        Fact(mark("Between the two"), _offset_said(setting)),
        Fact(mark("Drift"), _drift_said(setting)),
        Fact(
            mark("The database's clock"),
            Sentence(mark("{milliseconds} ms apart"), {"milliseconds": round(abs(apart) * 1000)}),
        ),
    )
    return Looked(name="clock", state=state, said=said, remedy=remedy, facts=facts)


def _clock_said(setting: ClockSetting | None, now: datetime) -> tuple[Sentence, State]:
    """Say how the programme clock stands. One that is held is worth knowing: nothing is news while it is."""
    instant = {"instant": now.isoformat(timespec="seconds")}
    if setting is not None and not setting.ticking:
        return Sentence(mark("the programme's instant is {instant}; a replay holds it"), instant), State.WARNING
    return Sentence(mark("the programme's instant is {instant}"), instant), State.WELL


def _offset_said(setting: ClockSetting | None) -> Told:
    """Return what lies between programme clock and wall clock; None where they are the same."""
    return None if setting is None or not setting.ticking else setting.wall_at - setting.programme_at


def _drift_said(setting: ClockSetting | None) -> Sentence:
    """Say whether the two clocks drift apart."""
    if setting is None:
        return Sentence(mark("none: the programme clock is the wall clock"))
    if setting.ticking:
        return Sentence(mark("none: it ticks at the same pace, set back by a replay"))
    return Sentence(mark("they drift apart: the programme clock stands still"))


async def look_at_database(tx: Transaction) -> Looked:
    """Which PostgreSQL is it, how large, how busy?"""
    found = await store.size(tx, wall_now())
    said = Sentence(mark("PostgreSQL {version}"), {"version": rules.version_said(found.version)})
    facts = (
        Fact(mark("PostgreSQL"), rules.version_said(found.version)),
        Fact(mark("Size"), Bytes(found.size_bytes)),
        Fact(
            mark("Connections"),
            Sentence(mark("{used} of {most}"), {"used": found.connections, "most": found.most_connections}),
        ),
        Fact(mark("Longest transaction"), timedelta(seconds=found.oldest_transaction_seconds)),
    )
    state, remedy = rules.database_judged(found)
    return Looked(name="version", state=state, said=said, remedy=remedy, facts=facts)


async def look_at_storage(tx: Transaction) -> Looked:
    """Does the database keep what is written, and find it again?"""
    found = await store.storage(tx)
    said = Sentence(
        mark("{encoding}, sorted by {collation}"), {"encoding": found.encoding, "collation": found.collation}
    )
    state, remedy = rules.storage_judged(found)
    return Looked(name="storage", state=state, said=said, remedy=remedy)


def look_at_connections(settings: Settings) -> Look:
    """Return the look whether the server takes the connections that the settings ask for."""
    wanted = settings.pool_size + rules.WORKER_CONNECTIONS

    async def look(tx: Transaction) -> Looked:
        most = (await store.size(tx, wall_now())).most_connections
        said = Sentence(
            mark("a web process and a worker take {wanted} of {most} at most"), {"wanted": wanted, "most": most}
        )
        remedy = rules.connections_judged(wanted, most)
        state = State.WELL if remedy is None else State.WARNING
        return Looked(name="connections", state=state, said=said, remedy=remedy)

    return look


async def look_at_schema(tx: Transaction) -> Looked:
    """Does the schema fit this release?"""
    found, needed = await store.select_revision(tx), head()
    facts = (Fact(mark("Regulars"), _release()), Fact(mark("Schema"), found))
    if found == needed:
        said = Sentence(mark("revision {revision}, as this release needs"), {"revision": found})
        return Looked(name="schema", state=State.WELL, said=said, facts=facts)
    said = Sentence(
        mark("revision {revision}; this release needs {needed}"), {"revision": found or "—", "needed": needed}
    )
    remedy = Sentence(mark("Run `regulars migrate`."))
    return Looked(name="schema", state=State.TROUBLE, said=said, remedy=remedy, facts=facts)


@cache
def _release() -> str:
    """Return the release that runs; asking reads a file each time."""
    return version("regulars")


async def look_at_disk(home: Path) -> Looked:
    """Is there room left where the embedded database stands?"""
    total, _, free = await asyncio.to_thread(shutil.disk_usage, home)
    said = Sentence(mark("{free} of {total} free"), {"free": str(Bytes(free)), "total": str(Bytes(total))})
    facts = (Fact(mark("Free"), Bytes(free)), Fact(mark("In all"), Bytes(total)))
    state = rules.disk_judged(free, total)
    remedy = None
    if state is not State.WELL:
        remedy = Sentence(
            mark("Make room, or move the data to a larger disk (REGULARS_HOME): a full disk stops the database.")
        )
    return Looked(name="disk", state=state, said=said, remedy=remedy, facts=facts)


# In the order in which they are told. `schema` comes first: nothing else can be asked of another one.
LOOKS: Final[dict[str, Look]] = {
    "schema": look_at_schema,
    "version": look_at_database,
    "clock": look_at_clock,
    "worker": look_at_worker,
    "queues": look_at_events,
    "jobs": look_at_jobs,
    "audit log": look_at_audit_log,
}
