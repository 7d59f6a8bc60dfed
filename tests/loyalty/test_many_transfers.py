"""Sums of members with many transfers are what the transfers give, and what is told with them is told without."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, Posting, Redeem
from regulars.platform.rollups.service import bring_up_to_date
from tests.loyalty.programme import HOUR, Programme, us_day

pytestmark = pytest.mark.anyio
INSTANT = timedelta(microseconds=1)
RAW = """
SELECT t.kind, count(*), sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)::bigint
FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id
WHERE t.member_id = %s AND w.code = %s AND t.recorded_at <= %s GROUP BY t.kind ORDER BY min(t.seq)
"""


async def busy(programme: Programme, member: UUID, numbers: range, began: datetime, chance: Random) -> None:
    """Post so many, several in an instant."""
    facts: list[Accrue | Redeem] = []
    for number in numbers:
        at = began + number // 3 * HOUR
        dice = chance.random()
        if number == 0 or dice < 0.5:
            facts.append(Accrue(member_id=member, wallet="points", amount=9, reference=f"{number}", recorded_at=at))
        elif dice < 0.8:
            facts.append(Redeem(member_id=member, wallet="points", amount=1, reference=f"{number}", recorded_at=at))
        else:
            facts.append(Accrue(member_id=member, wallet="growth", amount=2, reference=f"{number}", recorded_at=at))
    posted = await programme.post(*facts)
    assert all(isinstance(one, Posting) for one in posted), posted


async def roll_up(programme: Programme, *, anew: bool = False) -> None:
    async with programme.database.transaction(set_based=True) as tx:
        await bring_up_to_date(tx, api.BOOKS, anew=anew)


async def told(programme: Programme, member: UUID, wallet: str, at: datetime) -> list[tuple[str, int, int]]:
    async with programme.database.transaction() as tx:
        why = await api.explain_balance(tx, programme.configuration, member, wallet, at)
    values = [reason.values for reason in why.reasons if reason.rule == "balance.moved"]
    return [(str(one["kind"]), int(str(one["transfers"])), int(str(one["amount"]))) for one in values]


async def kept(programme: Programme) -> list[tuple[object, ...]]:
    return await programme.rows("SELECT * FROM book_sums ORDER BY member_id, seq, wallet_id, kind")


async def test_a_balance_is_told_as_from_the_rows_wherever_the_sums_have_come_to(programme: Programme) -> None:
    many, few = await programme.members(2)
    began, chance, done = us_day("2017-01-02"), Random(5), 0
    await busy(programme, few, range(50), began, chance)
    for count in (100, 155, 1, 1, 300, 260):
        await busy(programme, many, range(done, done + count), began, chance)
        done += count
        if count != 260:
            await roll_up(programme)
    once = await kept(programme)
    instants = [began - INSTANT, *[began + chance.randrange(done // 3 + 2) * HOUR for _ in range(40)]]
    asked = [
        (wallet, at + late) for at in instants for late in (-INSTANT, timedelta()) for wallet in ("points", "growth")
    ]

    assert [row[1] for row in await programme.rows("SELECT DISTINCT member_id, seq FROM book_sums ORDER BY 2")] == [
        256,
        512,
    ]
    assert [await told(programme, many, *one) for one in asked] == [
        await programme.rows(RAW, (many, *one)) for one in asked
    ]
    assert await programme.problems() == {}
    await roll_up(programme)
    assert [row for row in await kept(programme) if row[1] != 768] == once, "what is kept never changes"
    assert [await told(programme, many, *one) for one in asked] == [
        await programme.rows(RAW, (many, *one)) for one in asked
    ]
    twice = await kept(programme)
    await roll_up(programme, anew=True)
    assert await kept(programme) == twice
    assert Counter(row[0] for row in twice).keys() == {many}, "nothing is kept of who has few"


async def test_a_sum_that_is_off_is_found(programme: Programme) -> None:
    (member,) = await programme.members(1)
    await busy(programme, member, range(600), us_day("2017-01-02"), Random(5))
    await roll_up(programme)
    assert await programme.problems() == {}
    for change in (
        "UPDATE book_sums SET units = units + 1 WHERE seq = 256 AND kind = 'redeem'",
        "DELETE FROM book_sums WHERE seq = 512 AND kind = 'redeem'",
        "UPDATE book_sums SET recorded_at = recorded_at + interval '1 hour' WHERE seq = 256",
    ):
        await programme.execute(change)
        found = await programme.problems()
        await roll_up(programme, anew=True)
        assert list(found) == ["books rolled up"]
        assert found["books rolled up"][0].startswith("book_sums, mbr_")
        assert await programme.problems() == {}
