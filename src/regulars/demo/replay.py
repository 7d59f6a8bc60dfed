"""Replaying the year through the engine, as if it had run that year.

Facts go in order of time through two lanes, one for each half of the households, so that the engine decides on one
batch while the database writes the other. At each month's end the lanes wait for each other, and the jobs that time
brings on (reviews, expiries) run at that instant. Everything a batch does, its progress included, is one transaction;
every fact is posted at most once: so a replay can be stopped at any moment, run twice, or run by two processes at once.
Until the year is over the programme clock stands where the replay has come to, so that a worker or a web process that
somebody starts meanwhile neither expires nor reviews what is still to come.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from regulars.commerce import api as commerce
from regulars.commerce.contracts import PutOrder
from regulars.demo import store
from regulars.demo.dataset import Year
from regulars.demo.facts import SHARDS, Fact, Narrator, member_id_of
from regulars.demo.programme import END, MARKET, START, TIME_ZONE, Programme
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, SignUp
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.database import Database
from regulars.platform.db.failures import is_connection_lost, may_pass
from regulars.platform.db.programme_clock import hold_programme_clock, let_programme_clock_tick
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.markets import service as markets
from regulars.platform.vault.contracts import Vault

BATCH_SIZE = 1500
SIGN_UPS_AT_ONCE = 1000
DUE_AT_ONCE = 1000
TRIES = 20
Result = TypeVar("Result")
Job = Callable[[Transaction, loyalty.Configuration, datetime, int], Awaitable[int]]


class ReplayBroken(RuntimeError):
    """The engine refused a fact of the year."""


class AnotherReplay(RuntimeError):
    """The database holds the year under another programme."""

    def __init__(self, found: str, asked: str) -> None:
        super().__init__(
            f"This database holds the {found} programme's year, not the {asked} one's. "
            "Give each its own REGULARS_HOME, or remove the old one first."
        )


class ProgrammeInUse(RuntimeError):
    """The database holds a programme of its own, which a replay would spoil."""

    def __init__(self) -> None:
        super().__init__(
            "This database holds a programme that is in use. The demo wants a database of its own: "
            "give it another REGULARS_HOME, or another DATABASE_URL."
        )


@dataclass(slots=True)
class Replay:
    """One replay of a year under a programme.

    `on_progress` is told how many orders were just done; `at_end` is done in the transaction that ends the replay.
    """

    database: Database
    vault: Vault
    year: Year
    programme: Programme
    batch_size: int = BATCH_SIZE
    on_progress: Callable[[int], None] = lambda _: None
    recover: Callable[[], Awaitable[None]] | None = None
    at_end: Callable[[Transaction], Awaitable[None]] | None = None
    rules: commerce.Commerce = field(init=False)

    def __post_init__(self) -> None:
        """Start with nothing known of configuration and stores."""
        self.rules = commerce.Commerce(loyalty.Configuration())

    async def run(self) -> None:
        """Replay what has not been replayed yet, and leave the programme clock ticking from the year's end."""
        await self.prepare()
        done = await self._patiently(lambda tx: store.facts_done(tx, self.programme.name))
        tales = [_Tale(Narrator(self.year, self.programme, shard).tell()) for shard in range(SHARDS)]
        for shard, tale in enumerate(tales):
            self.on_progress(tale.skip(done.get(shard, 0)))
        for month_end in month_ends():
            await asyncio.gather(*[self._until(shard, tale, month_end) for shard, tale in enumerate(tales)])
            await self.time_passes(month_end)
        await self._patiently(self._finish)
        await self.database.follow_clock()

    async def prepare(self) -> None:
        """Set the programme up: market, wallets, policy, stores, and a member for each household."""
        await self._patiently(self._configure)
        await self._sign_everybody_up()

    async def _configure(self, tx: Transaction) -> None:
        await hold_programme_clock(tx.connection, START)  # locks its row: replays that begin at once come in turn
        replays = await store.replays(tx)
        if any(name != self.programme.name for name in replays):
            raise AnotherReplay(", ".join(replays), self.programme.name)
        await self.rules.configuration.follow(tx, (await tx.read(self.rules.configuration.question))[0])
        if not replays and self.rules.configuration.policies:
            raise ProgrammeInUse
        await members.claim_vault(tx, self.vault)
        store.advance(tx, self.programme.name, 0, 0)
        await markets.define_market(tx, MARKET)
        loyalty.define_standard_wallets(tx)
        if not self.rules.configuration.policies:  # else it stays as whoever tries the demo has changed it since
            await loyalty.activate_policy(tx, self.programme.policy, START)
        shops = sorted(set(self.year.stores.tolist()))
        await commerce.define_stores(tx, [commerce.Store(str(shop), MARKET.code, f"Store {shop}") for shop in shops])
        tx.audit(AuditEntry(actor=tx.actor, action="replay", subject=self.programme.name, reason="demo"))

    async def _sign_everybody_up(self) -> None:
        households = sorted(set(self.year.households.tolist()))
        for start in range(0, len(households), SIGN_UPS_AT_ONCE):
            wishes = [
                SignUp(
                    market=MARKET.code,
                    identities=(IdentityValue(IdentityKind.EXTERNAL, f"household:{household}"),),
                    channel="store",
                    member_id=member_id_of(household),
                    signed_up_at=START,
                    recorded_at=START,
                )
                for household in households[start : start + SIGN_UPS_AT_ONCE]
            ]

            async def sign_up(tx: Transaction, wishes: Sequence[SignUp] = wishes) -> None:
                for result in await members.sign_up(tx, self.vault, wishes):
                    if isinstance(result, DomainError):
                        raise ReplayBroken(str(result))

            await self._patiently(sign_up)

    async def _until(self, shard: int, tale: "_Tale", end: datetime) -> None:
        """Carry out a shard's facts before `end`, batch after batch."""
        while facts := tale.take(self.batch_size, end):
            position = tale.position

            async def post(tx: Transaction, facts: Sequence[Fact] = facts, position: int = position) -> None:
                for outcome in await commerce.apply(tx, self.rules, facts):
                    if isinstance(outcome, DomainError):
                        raise ReplayBroken(str(outcome))
                store.advance(tx, self.programme.name, shard, position)

            await self._patiently(post, by_keys=True)
            self.on_progress(_orders_among(facts))

    async def time_passes(self, at: datetime) -> None:
        """Let the jobs run as they would have at that instant, and move the clock on to it."""
        for job in (loyalty.review_due, loyalty.expire_due):

            async def catch_up(tx: Transaction, job: Job = job) -> int:
                return await job(tx, self.rules.configuration, at, DUE_AT_ONCE)

            while await self._patiently(catch_up, set_based=True):
                pass
        await self._patiently(lambda tx: hold_programme_clock(tx.connection, at))

    async def _finish(self, tx: Transaction) -> None:
        """Let the clock tick from the year's end; who replays a finished year again leaves it alone."""
        if self.at_end is not None:
            await self.at_end(tx)
        await let_programme_clock_tick(tx.connection, END)

    async def _patiently(
        self, work: Callable[[Transaction], Awaitable[Result]], *, set_based: bool = False, by_keys: bool = False
    ) -> Result:
        """Do work in a transaction, again when somebody was in the way or the database went away for a moment."""
        for _ in range(TRIES):
            try:
                async with self.database.transaction(actor="replay", set_based=set_based, by_keys=by_keys) as tx:
                    return await work(tx)
            except Exception as error:
                if is_connection_lost(error) and self.recover is not None:
                    await self.recover()
                elif not may_pass(error):
                    raise
        async with self.database.transaction(actor="replay", set_based=set_based, by_keys=by_keys) as tx:
            return await work(tx)


class _Tale:
    """A shard's facts, taken in pieces."""

    def __init__(self, facts: Iterator[Fact]) -> None:
        self._facts = facts
        self._next: Fact | None = next(facts, None)
        self.position = 0

    def skip(self, count: int) -> int:
        """Leave out what is done; returns how many orders that were."""
        if not count or self._next is None:
            return 0
        orders = _orders_among([self._next]) + _orders_among(islice(self._facts, count - 1))
        self._next = next(self._facts, None)
        self.position = count
        return orders

    def take(self, at_most: int, end: datetime) -> list[Fact]:
        """Return the next facts before `end`."""
        taken: list[Fact] = []
        fact = self._next
        while fact is not None and len(taken) < at_most and fact.recorded_at is not None and fact.recorded_at < end:
            taken.append(fact)
            fact = next(self._facts, None)
        self._next = fact
        self.position += len(taken)
        return taken


def _orders_among(facts: Iterable[Fact]) -> int:
    return sum(isinstance(fact, PutOrder) for fact in facts)


def month_ends() -> list[datetime]:
    """Return the first local midnight of each month from January 2017 to the end."""
    return [loyalty.month_start(2017, month, TIME_ZONE) for month in range(13)]
