"""The liability at an instant is what the raw transfers say, wherever the roll-up has come to, to the microsecond."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, Adjust, Posting
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.ids import derived_id
from regulars.platform.markets.contracts import Market, PrivacyRegime
from regulars.platform.markets.service import define_market
from regulars.platform.rollups.service import bring_up_to_date
from tests.loyalty.programme import START, Programme, accrue, us_day

pytestmark = pytest.mark.anyio
# Local days begin at every five minutes somewhere, and up to 25 hours apart.
ZONES = {"KI": "Pacific/Kiritimati", "NP": "Asia/Kathmandu", "IN": "Asia/Kolkata", "AS": "Pacific/Pago_Pago"}
SPAN, INSTANT = timedelta(minutes=5), timedelta(microseconds=1)
RAW = """
SELECT w.code, m.market, sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)::bigint,
       sum(t.debt_change)::bigint
FROM ledger_transfers AS t JOIN members AS m ON m.member_id = t.member_id JOIN wallets AS w ON w.wallet_id = t.wallet_id
WHERE t.recorded_at <= %s GROUP BY 1, 2
"""
Sums = dict[tuple[str, str], tuple[int, int]]


async def everywhere(programme: Programme) -> list[UUID]:
    """Return two members of each market."""
    found = await programme.members(2)
    async with programme.database.transaction() as tx:
        for code, zone in ZONES.items():
            market = Market(
                code=code,
                country=code,
                currency="USD",
                time_zone=zone,
                language="en",
                privacy_regime=PrivacyRegime.OTHER,
            )
            await define_market(tx, market)
        wishes = [
            SignUp(
                market=code,
                identities=(IdentityValue(IdentityKind.EXTERNAL, f"test:{code}-{number}"),),
                channel="store",
                member_id=derived_id(START, code, str(number)),
                signed_up_at=START,
                recorded_at=START,
            )
            for code in ZONES
            for number in range(2)
        ]
        signed_up = await members.sign_up(tx, programme.vault, wishes)
    assert all(isinstance(member, Member) for member in signed_up), signed_up
    return found + [wish.member_id for wish in wishes if wish.member_id is not None]


async def roll_up(programme: Programme) -> None:
    async with programme.database.transaction(set_based=True) as tx:
        await bring_up_to_date(tx, api.BOOKS)


async def stand_at(programme: Programme, at: datetime) -> None:
    async with programme.database.transaction() as tx:
        programme.database.clock.follow(await set_programme_clock(tx.connection, at, ticking=False))


async def told(programme: Programme, at: datetime) -> Sums:
    async with programme.database.transaction() as tx:
        found = await api.liability_at(tx, programme.configuration, at)
    sums = {(one.wallet, one.market): (one.held.balance, one.held.debt) for one in found}
    return {place: both for place, both in sums.items() if both != (0, 0)}


async def raw(programme: Programme, at: datetime) -> Sums:
    rows = await programme.rows(RAW, (at,))
    sums = {(wallet, market): (balance, debt) for wallet, market, balance, debt in rows}
    return {place: both for place, both in sums.items() if both != (0, 0)}


@pytest.mark.parametrize("seed", range(4))
async def test_at_any_instant_whatever_is_rolled_up(programme: Programme, seed: int) -> None:
    chance, at = Random(seed), datetime(2017, 1, 27, tzinfo=UTC)
    people, instants = await everywhere(programme), {at}
    for step in range(120):
        at += chance.choice((timedelta(), INSTANT, chance.random() * SPAN, chance.random() * timedelta(hours=20)))
        if chance.random() < 0.3:
            at = datetime.fromtimestamp(at.timestamp() // 300 * 300 + 300 - chance.choice((0, 0, 1e-6)), UTC)
        instants |= {at, at - INSTANT, at + INSTANT}
        member = chance.choice(people)
        fact = (
            Accrue(member_id=member, wallet="growth", amount=step + 1, reference=f"{step}", recorded_at=at)
            if chance.random() < 0.3
            else Adjust(
                member_id=member,
                wallet="points",
                amount=chance.randrange(1, 10**6),
                reference=f"{step}",
                reason="a test",
                recorded_at=at,
            )
        )
        (posted,) = await programme.post(fact)
        assert isinstance(posted, Posting), posted
        if chance.random() < 0.05:
            await roll_up(programme)
    await stand_at(programme, at + timedelta(days=3))
    asked = [*chance.sample(sorted(instants), 60), at, at + timedelta(days=2)]

    assert [await told(programme, each) for each in asked] == [await raw(programme, each) for each in asked]
    await roll_up(programme)
    assert [await told(programme, each) for each in asked] == [await raw(programme, each) for each in asked]


async def test_what_commits_after_the_roll_up_passed_its_instant_is_counted(programme: Programme) -> None:
    quick, slow = await programme.members(2)
    early, late, now = us_day("2017-01-20"), us_day("2017-02-20"), us_day("2017-03-10")
    await programme.one(accrue(quick, "before", early, 1))
    await roll_up(programme)
    async with programme.database.transaction(set_based=True) as tx:
        await api.post(tx, programme.configuration, [accrue(slow, "running", early, 100)])
        await tx.flush()
        await programme.one(accrue(quick, "beside", late, 10))
        await roll_up(programme)
        await stand_at(programme, now)
        meanwhile = [await told(programme, at) for at in (early, late, now)]
    committed = [await told(programme, at) for at in (early - INSTANT, early, late, now)]
    await roll_up(programme)

    points = ("points", "US")
    assert meanwhile == [{points: (1, 0)}, {points: (11, 0)}, {points: (11, 0)}]
    assert committed == [{}, {points: (101, 0)}, {points: (111, 0)}, {points: (111, 0)}]
    assert [await told(programme, at) for at in (early - INSTANT, early, late, now)] == committed


async def test_one_row_that_is_off_is_found_in_each_roll_up(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "a", us_day("2017-01-20"), 100))
    await programme.one(accrue(member, "b", us_day("2017-02-20"), 100))
    await stand_at(programme, us_day("2017-03-10"))
    await roll_up(programme)
    assert await programme.problems() == {}
    for table, first in (("days", "2017-01-20"), ("months", "2017-01-01"), ("minutes", "2017-01-20")):
        where = f"{'month' if table == 'months' else 'day'} = '{first}'"
        await programme.execute(f"UPDATE points_{table} SET units = units + 1 WHERE {where}")
        found = await programme.problems()
        await programme.execute(f"UPDATE points_{table} SET units = units - 1 WHERE {where}")
        assert list(found) == ["books rolled up"]
        assert [one.partition(":")[0] for one in found["books rolled up"]] == [f"points_{table}, {first}"]
    await programme.execute("DELETE FROM points_minutes", "DELETE FROM points_months WHERE month > '2017-01-15'")
    assert len((await programme.problems())["books rolled up"]) == 3
