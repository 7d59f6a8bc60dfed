"""The engine's replay as tests run it: of some households, in this process or in one that can be killed."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from regulars.demo.dataset import Year, load_year
from regulars.demo.facts import member_id_of
from regulars.demo.programme import END, PROGRAMMES
from regulars.demo.replay import BATCH_SIZE, Replay
from regulars.demo.summary import Summary, summarise
from regulars.loyalty import api as loyalty
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault

from .oracle import is_in_the_tenth

ALL = range(1, 2501)


@dataclass(frozen=True)
class Scope:
    """Which households a test replays."""

    name: str
    households: frozenset[int] | None

    def year(self) -> Year:
        """Read their baskets."""
        return load_year(self.households)


FULL = Scope("full", None)
TENTH = Scope("tenth", frozenset(household for household in ALL if is_in_the_tenth(household)))
SCOPES = {scope.name: scope for scope in (FULL, TENTH)}


@dataclass(frozen=True)
class Standing:
    """How a household stands at the year's end, as the engine's books say."""

    tier: int
    available: int
    pending: int
    growth: int
    debt: int


async def replay(database: Database, folder: Path, scope: Scope, programme: str, batch_size: int = BATCH_SIZE) -> None:
    """Replay the scope's year; the vault stands in `folder`."""
    vault = LocalVault(folder / "vault")
    try:
        await Replay(database, vault, scope.year(), PROGRAMMES[programme], batch_size=batch_size).run()
    finally:
        vault.close()


async def summary(database: Database, scope: Scope) -> Summary:
    """Return what the books say of the scope's year."""
    async with database.transaction() as tx:
        return await summarise(tx, scope.year())


async def standings(database: Database, households: list[int]) -> dict[int, Standing]:
    """Return how households stand at the year's end."""
    async with database.transaction() as tx:
        found = {one.member_id: one for one in await loyalty.standings(tx, END)}
    return {
        household: Standing(one.rank, one.available, one.pending, one.growth, one.debt)
        for household in households
        for one in [found[member_id_of(household)]]
    }


async def replay_aloud(url: str, folder: Path, scope: Scope, programme: str, batch_size: int) -> None:
    """Replay, and write a line for each batch, so that a test knows how far it has come.

    Before the next one an answer is read, unless nobody gives any: a test that is slow to read is not left behind.
    """
    told = 0

    def tell(orders: int) -> None:
        nonlocal told
        if told:
            sys.stdin.readline()
        told += orders
        sys.stdout.write(f"{orders}\n")
        sys.stdout.flush()

    vault = LocalVault(folder / "vault")
    async with Database(url) as database:
        await Replay(
            database, vault, scope.year(), PROGRAMMES[programme], batch_size=batch_size, on_progress=tell
        ).run()
    vault.close()


if __name__ == "__main__":
    given_url, given_folder, given_scope, given_programme, given_size = sys.argv[1:]
    asyncio.run(replay_aloud(given_url, Path(given_folder), SCOPES[given_scope], given_programme, int(given_size)))
