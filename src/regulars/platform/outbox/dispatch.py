"""Handing events to one handler, so that an event that fails harms only itself and those of its member behind it."""

import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from regulars.platform.db.failures import describe, is_nobodys_fault, may_pass
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.outbox.contracts import Delivered, Handler, ParkedState
from regulars.platform.outbox.store import relayed
from regulars.platform.outbox.store.relayed import Setback

if TYPE_CHECKING:
    from regulars.platform.traces.tracer import Tracer

MAX_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 600.0

_random = Random()  # noqa: S311 - spreads retries, guards nothing


class UnreadableEvent(Exception):
    """The payload does not fit the event's class."""


class Entry(NamedTuple):
    """One event on its way to a handler.

    `delivered` is None if its payload could not be read, `origin` the trace it came of, where that is known.
    """

    seq: int
    event_id: UUID
    member_id: UUID | None
    attempts: int
    delivered: Delivered[Any] | None
    origin: str | None = None


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failures: doubling from 5 seconds up to 10 minutes, a quarter more or less."""
    seconds = min(_FIRST_PAUSE_SECONDS * 2 ** (attempts - 1), _LONGEST_PAUSE_SECONDS)
    return timedelta(seconds=seconds * _random.uniform(0.75, 1.25))


def name_of(handler: Handler) -> str:
    """Return the stable name under which marks and parked events know a handler, e.g. `members.handlers.welcome`."""
    name = str(getattr(handler, "__name__", ""))
    if not name.isidentifier():
        raise TypeError(f"a handler is a function with a name of its own, not {handler!r}")
    return f"{handler.__module__.removeprefix('regulars.')}.{name}"


def explain(error: Exception) -> str:
    """Say what failed and where, without any data."""
    kind = error.code if isinstance(error, DomainError) else describe(error)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    place = f" in {ours[-1].name}, line {ours[-1].lineno}" if ours else ""
    return kind + place


@dataclass
class Dispatch:
    """One handler's part of one page. `held` are the members with an earlier event that has not got through.

    What is nobody's fault (a lost connection, a full disk) aborts the page, and so does what was buffered before.
    A `patient` dispatch lets failures that may pass (a deadlock, a lock not got) abort the page, to be done again as
    a whole; an impatient one treats them like any other.
    """

    tx: Transaction
    handler: Handler
    held: set[UUID]
    at: datetime
    patient: bool = True
    tracer: "Tracer | None" = None
    done: list[Entry] = field(default_factory=list)
    setbacks: list[Setback] = field(default_factory=list)

    async def run(self, entries: Sequence[Entry]) -> None:
        """Hand over what may go; halve and try again until the entry that fails stands alone."""
        entries = self._let_pass(entries)
        if not entries:
            return
        await self.tx.flush()  # what fails here is no event's: the whole page is undone
        try:
            with self._traced(entries):
                async with self.tx.savepoint():
                    await self._hand_over(entries)
        except Exception as error:
            if is_nobodys_fault(error) or (self.patient and may_pass(error)):
                raise
            if len(entries) == 1:
                self._fail(entries[0], error)
            else:
                middle = len(entries) // 2
                await self.run(entries[:middle])
                await self.run(entries[middle:])
        else:
            self.done.extend(entries)

    def _traced(self, entries: Sequence[Entry]) -> AbstractContextManager[None]:
        if self.tracer is None:
            return nullcontext()
        return self.tracer.handling(name_of(self.handler), [entry.origin for entry in entries], len(entries))

    def _let_pass(self, entries: Sequence[Entry]) -> list[Entry]:
        passing = []
        for entry in entries:
            if entry.member_id is None or entry.member_id not in self.held:
                passing.append(entry)
            else:
                self.setbacks.append(Setback(entry.seq, entry.member_id, "waiting", entry.attempts, None, ""))
        return passing

    async def _hand_over(self, entries: Sequence[Entry]) -> None:
        fresh = await relayed.mark_handled(self.tx, name_of(self.handler), [entry.event_id for entry in entries])
        events = []
        for entry in entries:
            if entry.delivered is None:
                raise UnreadableEvent
            if entry.event_id in fresh:
                events.append(entry.delivered)
        if events:
            await self.handler(self.tx, events)

    def _fail(self, entry: Entry, error: Exception) -> None:
        attempts = entry.attempts + 1
        gives_up = attempts >= MAX_ATTEMPTS
        again = None if gives_up else self.at + pause_after(attempts)
        state: ParkedState = "parked" if gives_up else "retrying"
        self.setbacks.append(Setback(entry.seq, entry.member_id, state, attempts, again, explain(error)))
        if entry.member_id is not None:
            self.held.add(entry.member_id)
