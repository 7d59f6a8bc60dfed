"""What a return may take: all, owing the rest; what there is; or what is still pending. Numbers by hand."""

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.contracts import ReturnSettlement
from regulars.loyalty.policy.contracts import ReturnPolicy
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import DAY, EASY, NOON, Programme, accrue, back, order, redeem

pytestmark = pytest.mark.anyio


async def begin(database: Database, vault: LocalVault, shortfall: str) -> Programme:
    returns = structs.replace(ReturnPolicy(), shortfall=shortfall)
    return await Programme.begin(database, vault, structs.replace(EASY, returns=returns))


@pytest.mark.parametrize(
    ("shortfall", "settled_for", "points"),
    [
        ("to_debt", (30, 70, 0), (-70, 0, 0, 70, 0)),
        ("within_balance", (30, 0, 70), (0, 0, 0, 0, 0)),
        ("only_pending", (0, 0, 100), (30, 30, 0, 0, 0)),
    ],
)
async def test_points_that_were_spent(
    database: Database,
    vault: LocalVault,
    shortfall: str,
    settled_for: tuple[int, int, int],
    points: tuple[int, ...],
) -> None:
    taken, to_debt, forgiven = settled_for
    programme = await begin(database, vault, shortfall)
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 10_000))
    await programme.one(redeem(member, "shop", NOON + 8 * DAY, 80))
    await programme.one(accrue(member, "gift", NOON + 8 * DAY, 10))

    settled = await programme.one(back(member, "A", NOON + 9 * DAY, 10_000))

    assert isinstance(settled, ReturnSettlement)
    assert (settled.points_clawed_back, settled.to_debt, settled.forgiven) == (taken + to_debt, to_debt, forgiven)
    assert await programme.points(member, NOON + 9 * DAY) == points
    async with programme.database.transaction() as tx:
        found = await api.lineage(tx, programme.configuration, member, "A")
        line = (await api.statement(tx, member, wallet="points", limit=1)).lines[0]
    told = [(row.kind, row.amount, row.debt_change) for row in found.transfers if row.wallet == "points"]
    assert told[1] == ("claw_back", -100, 100 - taken)
    assert told[2:] == ([("forgive", forgiven, -forgiven)] if forgiven else [])
    if forgiven:
        assert line.reason == f"{forgiven} points that return r1 of order A could not take back were forgiven."
    assert await programme.problems() == {}


@pytest.mark.parametrize("shortfall", ["to_debt", "within_balance", "only_pending"])
async def test_pending_points_are_taken_by_every_policy(database: Database, vault: LocalVault, shortfall: str) -> None:
    programme = await begin(database, vault, shortfall)
    member = await programme.member()
    await programme.one(accrue(member, "gift", NOON, 500))
    await programme.one(order(member, "A", NOON, 10_000))

    settled = await programme.one(back(member, "A", NOON + DAY, 4_000))

    assert isinstance(settled, ReturnSettlement)
    assert (settled.points_clawed_back, settled.to_debt, settled.forgiven) == (40, 0, 0)
    assert await programme.points(member, NOON + DAY) == (560, 500, 60, 0, 0)


async def test_the_policy_of_the_order_decides_not_that_of_the_return(database: Database, vault: LocalVault) -> None:
    programme = await begin(database, vault, "only_pending")
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 10_000))
    await programme.activate(EASY, NOON + 10 * DAY)

    settled = await programme.one(back(member, "A", NOON + 11 * DAY, 10_000))

    assert isinstance(settled, ReturnSettlement)
    assert (settled.points_clawed_back, settled.to_debt, settled.forgiven) == (0, 0, 100)
    assert await programme.points(member, NOON + 11 * DAY) == (100, 100, 0, 0, 0)
    assert await programme.problems() == {}


async def test_older_debt_is_neither_forgiven_nor_forgotten(database: Database, vault: LocalVault) -> None:
    programme = await begin(database, vault, "to_debt")
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 10_000))
    await programme.one(redeem(member, "shop", NOON + 8 * DAY, 100))
    await programme.one(back(member, "A", NOON + 9 * DAY, 10_000))
    returns = structs.replace(ReturnPolicy(), shortfall="within_balance")
    await programme.activate(structs.replace(EASY, returns=returns), NOON + 10 * DAY)
    await programme.one(order(member, "B", NOON + 11 * DAY, 10_000))

    settled = await programme.one(back(member, "B", NOON + 12 * DAY, 10_000))

    assert isinstance(settled, ReturnSettlement)
    assert (settled.points_clawed_back, settled.forgiven) == (0, 100)
    assert await programme.points(member, NOON + 12 * DAY) == (0, 0, 0, 0, 0)
    assert await programme.problems() == {}
