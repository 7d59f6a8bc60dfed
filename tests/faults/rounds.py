"""One round: load, one kill at a random moment, recovery by itself, and every check."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import httpx

from regulars.platform.db.database import Database
from regulars.platform.outbox.service import backlog
from tests.faults import victims
from tests.faults.books import is_worked, problems_of, read_books
from tests.faults.load import Load, Operation, line
from tests.faults.product import DEADLINE_SECONDS, LOOK_SECONDS, Product, Shop, until_true

CLIENTS = 12
MEMBERS = 8
RECOVERY_SECONDS = 30.0  # from the kill to the first answer to something asked after it
LATEST_KILL_SECONDS = 1.0
AFTER_SECONDS = 0.3
REPLAYED_AGAIN = 150
EXPECTED_REFUSALS = {"insufficient_points"}


@dataclass(frozen=True)
class Round:
    """What was killed, when after the load's first answers, and how it went."""

    kind: str
    moment: float
    killed: int
    recovered: float
    operations: int
    retried: int
    gave_up: int
    unheard: int

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.kind:<11} killed {self.killed} at {self.moment:.3f} s, answers again after {self.recovered:.2f} s; "
            f"{self.operations} operations, {self.retried} retried, {self.gave_up} given up, "
            f"{self.unheard} carried out before anybody heard of it"
        )


@dataclass
class Rounds:
    """Rounds on one product, one after the other; the books go on, and so do the checks of all that was ever told."""

    product: Product
    shop: Shop
    load: Load
    random: Random
    done: list[Round] = field(default_factory=list)

    async def run(self, kind: str) -> Round:
        """Run one round and check everything."""
        first = self.load.acknowledged()
        moment = self.random.uniform(0, LATEST_KILL_SECONDS)
        killed, at = 0, 0.0

        async def meanwhile(is_over: Callable[[], bool]) -> None:
            nonlocal killed, at
            await until_true(lambda: is_over() or self.load.acknowledged() >= first + CLIENTS)
            began = time.monotonic()
            await until_true(lambda: is_over() or time.monotonic() >= began + moment)
            killed, at = kill(self.product, kind, self.random), time.monotonic()
            await until_true(
                lambda: is_over() or len(self.load.answered_since(at)) >= CLIENTS, seconds=RECOVERY_SECONDS
            )
            settled = time.monotonic() + AFTER_SECONDS
            await until_true(lambda: is_over() or time.monotonic() >= settled)

        mine = await self.send(meanwhile)
        retried, gave_up = sum(one.attempts > 1 for one in mine), sum(one.gave_up for one in mine)
        recovered = min(one.answered for one in self.load.answered_since(at)) - at
        unheard = sum(one.answer is not None and one.answer.replayed for one in mine)
        result = Round(kind, moment, killed, recovered, len(mine), retried, gave_up, unheard)
        self.done.append(result)
        print(f"round {len(self.done)}: {result}", flush=True)  # noqa: T201 - seen when it fails, and with -s
        assert killed, f"there was no {kind} to kill"
        await self.check(mine)
        return result

    async def send(self, meanwhile: Callable[[Callable[[], bool]], Awaitable[None]]) -> list[Operation]:
        """Send load until `meanwhile` ends (it is told whether the load has broken off); return what was sent."""
        before = len(self.load.operations)
        loading = asyncio.create_task(self.load.run(CLIENTS))
        try:
            await meanwhile(loading.done)
        finally:
            self.load.stopping = True
            await asyncio.wait([loading], timeout=DEADLINE_SECONDS)
        loading.result()
        return self.load.operations[before:]

    async def check(self, mine: list[Operation]) -> None:
        """Check the round's answers again, and the books as a whole; then every program is up again."""
        assert not self.load.mishaps, self.load.mishaps[:3]
        assert set(self.load.refusals) <= EXPECTED_REFUSALS, self.load.refusals
        await self.check_replays(mine)
        await self.check_drained()
        found = problems_of(read_books(self.shop.url), self.shop, self.load.operations)
        assert not found, f"{len(found)} problems: {found[:10]}"
        verified = self.product.ask("verify", "--json")
        assert verified["ok"], [one for one in verified["checks"] if not one["ok"]]
        await until_true(lambda: is_worked(self.shop.url))
        for program in self.product.programs.values():
            assert set(program.ended) <= {-9}, f"{program.name} ended by itself: {program.ended}"

    async def check_replays(self, mine: list[Operation]) -> None:
        """A key that is sent again gives what was acknowledged first, to the byte."""
        answered = [one for one in mine if one.answer is not None]
        async with line() as own:
            for operation in self.random.sample(answered, min(REPLAYED_AGAIN, len(answered))):
                again = await self.load.send(operation, own)
                assert again is not None, "the product stopped answering"
                assert operation.answer is not None
                assert again.replayed, f"{operation.key} was carried out anew"
                assert (again.status, again.body) == (operation.answer.status, operation.answer.body), operation.key

    async def check_drained(self) -> None:
        """The worker carries every event by itself."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        async with Database(self.shop.url, pool_size=1) as database:
            while True:
                async with database.transaction() as tx:
                    left = await backlog(tx)
                if left.is_drained and not left.parked and not left.waiting:
                    return
                assert time.monotonic() < deadline, f"the worker does not catch up: {left}"
                await asyncio.sleep(LOOK_SECONDS)


def kill(product: Product, kind: str, random: Random) -> int:
    """Kill what `kind` names by SIGKILL, everything in random order; return how many processes."""
    home = product.home
    programs = product.programs
    if kind in programs:
        programs[kind].kill()
        return 1
    if kind == victims.POSTMASTER:
        return victims.kill_all(victims.postmasters(home))
    if kind == victims.BACKEND:
        return victims.kill_all(victims.backends(home)[-1:])
    if kind == victims.SUPERVISOR:
        return victims.kill_all(victims.supervisors(home))
    server = [*victims.supervisors(home), *victims.postmasters(home), *victims.backends(home)]
    numbers = [*server, *[program.process.pid for program in programs.values() if program.process is not None]]
    return victims.kill_all(random.sample(numbers, len(numbers)))


@asynccontextmanager
async def rounds_on(product: Product, seed: int) -> AsyncIterator[Rounds]:
    """Give rounds on a product whose programs were started, once it is ready."""
    random, shop = Random(seed), product.shop
    assert shop is not None, "prepare it first"
    headers = {"Authorization": f"Bearer {shop.token}"}
    async with (
        product.tended(),
        httpx.AsyncClient(base_url=product.address, headers=headers, timeout=DEADLINE_SECONDS) as http,
    ):
        load = Load(shop, product.address, http, random)
        await load.until_ready()
        yield Rounds(product, shop, load, random)
