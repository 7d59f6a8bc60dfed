"""Facts and handlers for tests of the relay."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from regulars.domain_events.base import Event
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.contracts import Delivered
from regulars.platform.outbox.relay import Relay

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANNE, BO, CY = (UUID(int=number) for number in (1, 2, 3))


class Noted(Event, frozen=True, kw_only=True):
    """Something with a number happened to a member."""

    number: int


class Forgotten(Event, frozen=True, kw_only=True):
    """Something that nobody reacts to."""


def noted(member_id: UUID | None, number: int) -> Noted:
    return Noted(member_id=member_id, recorded_at=NOON, number=number)


async def publish(database: Database, *events: Event) -> None:
    async with database.transaction() as tx:
        tx.publish(*events)


@dataclass
class Notebook:
    """A handler that writes down what it is given, and fails where it is told to."""

    numbers: list[int] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    error: type[Exception] = RuntimeError

    async def note(self, tx: Transaction, events: Sequence[Delivered[Noted]]) -> None:
        for delivered in events:
            tx.write(
                "INSERT INTO effects (handler, number) VALUES ('note', %s)",
                (delivered.event.number,),
            )
        if any(delivered.event.number in self.broken for delivered in events):
            raise self.error("Anne's phone number is 555")
        await tx.flush()
        self.pages.append(len(events))
        self.numbers += [delivered.event.number for delivered in events]


@dataclass
class Watch:
    """A wall clock that tests move on."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def later(self, **parts: float) -> None:
        self.at += timedelta(**parts)


async def create_effects(database: Database) -> None:
    async with database.transaction() as tx:
        tx.write("CREATE TABLE effects (id bigserial PRIMARY KEY, handler text NOT NULL, number integer NOT NULL)")


async def effects(database: Database, handler: str = "note") -> list[int]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT number FROM effects WHERE handler = %s ORDER BY id", (handler,))
    return [number for (number,) in rows]


async def relayed(relay: Relay, notebook: Notebook) -> list[int]:
    """Drain, and return the numbers that came out of it."""
    before = len(notebook.numbers)
    await relay.drain()
    return notebook.numbers[before:]


async def until_somebody_waits(tx: Transaction) -> None:
    """Return when another connection to this database waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while (await tx.rows(waiting))[0][0] == 0:
        await asyncio.sleep(0.005)


async def restore_into_younger_server(database: Database) -> None:
    """Do to transaction ids what a logical restore does: what was stored is kept, and the server counts anew."""
    ahead = "(({0}::text::bigint) + 1000000000)::text::xid8"
    async with database.transaction() as tx:
        for table in ("outbox", "audit_entries"):
            tx.write(f"UPDATE {table} SET transaction_id = {ahead.format('transaction_id')}")
        for column in ("last_snapshot", "window_snapshot"):
            xmin, xmax = (ahead.format(f"pg_snapshot_{end}({column})") for end in ("xmin", "xmax"))
            tx.write(
                f"UPDATE relay_cursors SET {column} = ({xmin}::text || ':' || {xmax}::text || ':')::pg_snapshot"
                f" WHERE pg_snapshot_xmax({column}) > '1'"
            )
