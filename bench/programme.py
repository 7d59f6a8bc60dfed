"""The programme that the bench runs: members with points, a shop, a policy, a key; made by the domains' own doors."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from regulars.commerce import api as commerce
from regulars.demo.programme import EASY, MARKET
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, SignUp
from regulars.platform.auth import service as keys
from regulars.platform.auth.contracts import SCOPES
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.migrate import migrate
from regulars.platform.embedded import acquire
from regulars.platform.errors import DomainError
from regulars.platform.ids import public_id
from regulars.platform.markets import service as markets
from regulars.platform.markets.contracts import Market
from regulars.platform.vault.local import LocalVault

AT_ONCE = 1000
LOTS_EACH = 5
POINTS_A_LOT = 10**7
STORE = "330"
EARLY = timedelta(days=60)
IN_FORCE = timedelta(days=400)  # the policy, so long


@dataclass(frozen=True, slots=True)
class Site:
    """A deployment under test. Accruals, redemptions and orders go to members of their own.

    So that a round of one does not change what the other has to read.
    """

    home: Path
    url: str
    database: Database
    token: str
    members: int

    @property
    def earners(self) -> range:
        """Who gets points, by number."""
        return range(self.members)

    @property
    def spenders(self) -> range:
        """Who has points, in five lots, and spends them."""
        return range(self.members, 2 * self.members)

    @property
    def shoppers(self) -> range:
        """Who buys."""
        return range(2 * self.members, 3 * self.members)


def member_id(number: int) -> UUID:
    """Return a member's id; `limits.sql` computes the same one."""
    return UUID(f"01900000-0000-7000-8000-{number:012x}")


def public(number: int) -> str:
    """Return a member's id as the API writes it."""
    return public_id("mbr", member_id(number))


@dataclass(frozen=True, slots=True)
class Founded:
    """A deployment with a market, a shop, a policy and a key, and without members."""

    url: str
    database: Database
    vault: LocalVault
    token: str


@asynccontextmanager
async def founded(home: Path, also: Sequence[Market] = (), in_force: timedelta = IN_FORCE) -> AsyncIterator[Founded]:
    """Make a deployment in an empty home, with more markets if named, and keep its PostgreSQL running."""
    with acquire(home) as server:
        migrate(server.url)
        vault = LocalVault(home / "vault")
        try:
            async with Database(server.url, pool_size=4) as database:
                yield Founded(server.url, database, vault, await _found(database, vault, also, in_force))
        finally:
            vault.close()


@asynccontextmanager
async def opened(home: Path, members_of_each_kind: int) -> AsyncIterator[Site]:
    """Make a deployment with members in an empty home and keep its PostgreSQL running."""
    async with founded(home) as made:
        database = made.database
        site = Site(home, made.url, database, made.token, members_of_each_kind)
        await _sign_up(database, made.vault, range(3 * members_of_each_kind))
        await _give_points(database, site)
        async with database.transaction() as tx:
            found = await tx.rows(
                "SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting("
                "'full_page_writes')"
            )
        assert found == [("on", "on", "on")], "a limit is measured with PostgreSQL's own defaults"
        yield site


async def _found(database: Database, vault: LocalVault, also: Sequence[Market], in_force: timedelta) -> str:
    async with database.transaction(actor="bench") as tx:
        await members.claim_vault(tx, vault)
        for market in (MARKET, *also):
            await markets.define_market(tx, market)
        loyalty.define_standard_wallets(tx)
        await loyalty.activate_policy(tx, EASY.policy, wall_now() - in_force)
        await commerce.define_stores(tx, [commerce.Store(STORE, MARKET.code, "The bench's shop")])
        _, token = await keys.create_key(tx, label="bench", scopes=sorted(SCOPES), requests_per_second=0)
        return token


async def _sign_up(database: Database, vault: LocalVault, numbers: Sequence[int]) -> None:
    at = wall_now() - EARLY
    for start in range(0, len(numbers), AT_ONCE):
        wishes = [
            SignUp(
                market=MARKET.code,
                identities=(IdentityValue(IdentityKind.EXTERNAL, f"bench:{number}"),),
                channel="store",
                member_id=member_id(number),
                signed_up_at=at,
                recorded_at=at,
            )
            for number in numbers[start : start + AT_ONCE]
        ]
        async with database.transaction(actor="bench") as tx:
            _refuse_refusals(await members.sign_up(tx, vault, wishes))


async def _give_points(database: Database, site: Site) -> None:
    """Let everybody have a wallet, and spenders five lots that mature and expire at different times."""
    now = wall_now()
    configuration = loyalty.Configuration()
    accruals = [_accrual(number, 0, 1, now) for number in (*site.earners, *site.shoppers)]
    accruals += [_accrual(number, lot, POINTS_A_LOT, now) for number in site.spenders for lot in range(LOTS_EACH)]
    for start in range(0, len(accruals), AT_ONCE):
        async with database.transaction(actor="bench", set_based=True) as tx:
            _refuse_refusals(await loyalty.post(tx, configuration, accruals[start : start + AT_ONCE]))
    async with database.transaction() as tx:
        await tx.rows("ANALYZE")


def _accrual(number: int, lot: int, amount: int, now: datetime) -> Accrue:
    at = now - timedelta(days=30 - lot)
    return Accrue(
        member_id=member_id(number),
        wallet="points",
        amount=amount,
        reference=f"prepared-{lot}",
        effective_at=at,
        expires_at=now + timedelta(days=200 + lot),
    )


def _refuse_refusals(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, DomainError):
            raise result
