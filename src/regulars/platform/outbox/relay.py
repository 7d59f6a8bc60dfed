"""The relay: carries every event of the outbox to the handlers that react to its type; see docs/events.md."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, takewhile
from uuid import UUID

import msgspec

from regulars.domain_events.base import Event
from regulars.platform.clock import wall_now
from regulars.platform.db import snapshots
from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe, may_pass
from regulars.platform.db.snapshots import OUTBOX
from regulars.platform.db.transaction import Transaction
from regulars.platform.metrics.measures import RELAYED
from regulars.platform.outbox.contracts import Delivered, Handler, Reactions
from regulars.platform.outbox.dispatch import Dispatch, Entry, name_of
from regulars.platform.outbox.liveness import News, Wanted, is_live, wanted_by
from regulars.platform.outbox.store import relayed
from regulars.platform.outbox.store.relayed import Recorded

logger = logging.getLogger(__name__)

REACTIONS_READER = "reactions"
PAGE_SIZE = 1000
PATIENCE = 3
_SHORTEST_IDLE_SECONDS = 0.02
_LONGEST_IDLE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


class UnknownEvent(RuntimeError):
    """The next event is of a type that this release does not know: a newer one must relay it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler and the types it reacts to; a `live` one is handed news only.

    One that says what is `wanted` is handed that, and news of any age.
    """

    name: str
    handler: Handler
    types: frozenset[str]
    live: bool
    wanted: Wanted | None = None

    def is_for(self, news: News, recorded_at: datetime) -> bool:
        """Tell whether a fact recorded at that instant is for this handler."""
        return not self.live or news.has(recorded_at, of_any_age=self.wanted is not None)


def subscriptions(reactions: Reactions) -> list[Subscription]:
    """Turn the page of reactions round: each handler once, in order of appearance."""
    handlers: dict[str, Handler] = {}
    types: dict[str, set[str]] = {}
    for event, reacting in reactions.items():
        for handler in reacting:
            name = name_of(handler)
            if handlers.setdefault(name, handler) is not handler:
                raise ValueError(f"two handlers are called {name}")
            types.setdefault(name, set()).add(event.__name__)
    return [
        Subscription(name, handler, frozenset(types[name]), is_live(handler), wanted_by(handler))
        for name, handler in handlers.items()
    ]


class Relay:
    """Reads the outbox for one reader. Any number of processes may run one; one of them works at a time.

    `wall` tells the instant by which failed events are tried again.
    """

    def __init__(
        self,
        database: Database,
        reactions: Reactions,
        *,
        reader: str = REACTIONS_READER,
        page_size: int = PAGE_SIZE,
        wall: Callable[[], datetime] = wall_now,
    ) -> None:
        self._database = database
        self._reader = reader
        self._page_size = page_size
        self._wall = wall
        self._subscriptions = subscriptions(reactions)
        self._by_name = {subscription.name: subscription for subscription in self._subscriptions}
        self._types = frozenset([event.__name__ for event in reactions])
        self._decoders = {
            event.__name__: msgspec.json.Decoder(event) for event, reacting in reactions.items() if reacting
        }
        self._live_types = {kind for each in self._subscriptions if each.live for kind in each.types}
        self._lasting_types = {kind for each in self._subscriptions if not each.live for kind in each.types}
        self._interruptions = 0

    async def step(self) -> int:
        """Carry one page, and what is due of the events that failed, in one transaction; return how many events.

        Events that nobody wants at present are passed over and do not count. 0 when there is nothing to do, or another
        process does it. Raises UnknownEvent, RestoredElsewhere, the database's errors; then nothing has changed.
        """
        try:
            async with self._database.transaction(actor="relay", set_based=True) as tx:
                carried = await self._step(tx)
                if carried:
                    tx.count(RELAYED, number=carried)
        except Exception as error:
            self._interruptions += may_pass(error)
            raise
        self._interruptions = 0
        return carried

    async def drain(self) -> int:
        """Carry everything there is, and what is due; return how many events. Raises as `step` does."""
        total = 0
        while carried := await self.step():
            total += carried
        return total

    async def run(self, stop: asyncio.Event) -> None:
        """Carry events as they come until `stop` is set; outlives lost connections and failures of any kind."""
        idle, failures = _SHORTEST_IDLE_SECONDS, 0
        while not stop.is_set():
            try:
                carried = await self.step()
            except Exception as error:  # noqa: BLE001 - whatever it was, the events are still there to be carried
                failures += 1
                logger.warning("relay interrupted: %s", describe(error), extra={"reader": self._reader})
                await _pause(stop, min(0.1 * 2**failures, _LONGEST_PAUSE_SECONDS))
                continue
            failures = 0
            idle = _SHORTEST_IDLE_SECONDS if carried else min(idle * 2, _LONGEST_IDLE_SECONDS)
            if carried < self._page_size:  # under load the next page fills up meanwhile, at a commit less
                await _pause(stop, idle)

    # --- one step -------------------------------------------------------------------------------------------------

    async def _step(self, tx: Transaction) -> int:
        if not await snapshots.try_hold(tx, self._reader):
            return 0
        window = await snapshots.open_window(tx, self._reader, OUTBOX)
        at = self._wall()
        retried = await self._retry(tx, at)
        if window is None:
            return retried
        wanted = await self._wanted(tx)
        unheeded = self._types - frozenset[str]().union(*wanted.values())
        found = await relayed.read_page(tx, window, unheeded, self._page_size + 1)
        page = found[: self._page_size]
        known = list(takewhile(lambda row: row.type in self._decoders, page))
        if page and not known:
            raise UnknownEvent(page[0].type)
        await self._hand_out(tx, known, wanted, at)
        is_last = len(known) == len(found)
        snapshots.advance(tx, self._reader, OUTBOX, window, window.end_seq if is_last else known[-1].seq)
        return retried + len(known)

    async def _wanted(self, tx: Transaction) -> dict[str, frozenset[str]]:
        """Return which types each handler wants, asked behind the window: who wants one by then is handed all of it."""
        return {
            each.name: each.types if each.wanted is None else each.types & await each.wanted(tx)
            for each in self._subscriptions
        }

    async def _hand_out(
        self, tx: Transaction, page: Sequence[Recorded], wanted_of: Mapping[str, frozenset[str]], at: datetime
    ) -> None:
        news = await News.at(tx) if self._live_types & {row.type for row in page} else News(None)
        entries = [
            (row.type, self._entry(row, 0), row.recorded_at)
            for row in page
            if row.type in self._lasting_types or news.has(row.recorded_at, of_any_age=True)
        ]
        if not entries:
            return
        members = {entry.member_id for _, entry, _ in entries if entry.member_id is not None}
        held: dict[str, set[UUID]] = {}
        for name, member_id in await relayed.held_members(tx, self._by_name, members):
            held.setdefault(name, set()).add(member_id)
        for subscription in self._subscriptions:
            wanted = [
                entry
                for kind, entry, recorded_at in entries
                if kind in wanted_of[subscription.name] and subscription.is_for(news, recorded_at)
            ]
            if wanted:
                dispatch = self._dispatch(tx, subscription, held.get(subscription.name, set()), at)
                await dispatch.run(wanted)
                self._note(tx, subscription, dispatch, at)

    async def _retry(self, tx: Transaction, at: datetime) -> int:
        """Try again what is due, with what stands behind it; return how many got through."""
        due = await relayed.read_due(tx, self._reader, self._by_name, at, self._page_size)
        through = 0
        news = await News.at(tx) if any(self._by_name[held.handler].live for held in due) else News(None)
        for name, group in groupby(sorted(due, key=lambda held: held.handler), key=lambda held: held.handler):
            subscription = self._by_name[name]
            found = list(group)
            passed_over = (
                [held.recorded.seq for held in found if not subscription.is_for(news, held.recorded.recorded_at)]
                if subscription.live
                else []
            )
            entries = [
                self._entry(held.recorded, held.attempts) for held in found if held.recorded.seq not in passed_over
            ]
            dispatch = self._dispatch(tx, subscription, set(), at)
            await dispatch.run(entries)
            self._note(tx, subscription, dispatch, at)
            relayed.release(tx, name, [*passed_over, *[entry.seq for entry in dispatch.done]])
            members = {held.recorded.member_id for held in found if held.recorded.member_id is not None}
            relayed.move_up(tx, name, members, at)
            through += len(passed_over) + len(dispatch.done)
        return through

    def _dispatch(self, tx: Transaction, subscription: Subscription, held: set[UUID], at: datetime) -> Dispatch:
        return Dispatch(
            tx, subscription.handler, held, at, patient=self._interruptions < PATIENCE, tracer=self._database.tracer
        )

    def _note(self, tx: Transaction, subscription: Subscription, dispatch: Dispatch, at: datetime) -> None:
        if dispatch.setbacks:
            relayed.park(tx, self._reader, subscription.name, dispatch.setbacks, at)
            for setback in dispatch.setbacks:
                if setback.error:
                    logger.warning(
                        "event %s: %s", setback.state, setback.error,
                        extra={"handler": subscription.name, "seq": setback.seq, "attempts": setback.attempts},
                    )  # fmt: skip

    def _entry(self, row: Recorded, attempts: int) -> Entry:
        return Entry(row.seq, row.event_id, row.member_id, attempts, self._read(row), row.traceparent)

    def _read(self, row: Recorded) -> Delivered[Event] | None:
        decoder = self._decoders.get(row.type)
        if decoder is None:
            return None
        with suppress(msgspec.DecodeError):
            return Delivered(row.event_id, decoder.decode(row.payload))
        return None


async def run_relay(database: Database, reactions: Reactions, stop: asyncio.Event) -> None:
    """Relay events to the handlers of `reactions` until `stop` is set."""
    await Relay(database, reactions).run(stop)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
