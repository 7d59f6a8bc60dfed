"""A transfer that is taken back leaves what a later return decides by: what comes back is of its order again."""

from uuid import UUID

import pytest

from regulars.loyalty.contracts import Accrue, Posting
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.giving import back, given, policy_of
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.previewing import clock_at
from tests.loyalty.programme import DAY, NOON, Programme, extend, order
from tests.loyalty.programme import back as returned

pytestmark = pytest.mark.anyio


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    programme = await Programme.begin(database, vault, policy_of())
    clock_at(database, NOON)
    return programme


async def lots(programme: Programme, member: UUID) -> list[tuple[int, str | None]]:
    found = await programme.rows(
        "SELECT remaining, order_id FROM lots "
        f"WHERE member_id = '{member}' AND remaining > 0 ORDER BY expires_at, lot_no"
    )
    return [(remaining, order_id) for remaining, order_id in found]


async def bought(programme: Programme, member: UUID) -> None:
    """100 points of order A, and later 100 that run out before them."""
    await programme.one(order(member, "A", NOON, 10_000))
    clock_at(programme.database, NOON + 40 * DAY)
    gift = Accrue(member_id=member, wallet="points", amount=100, reference="gift", expires_at=NOON + 60 * DAY)
    await programme.post(gift)


@pytest.mark.parametrize("times", [0, 1])
async def test_a_return_takes_what_it_would_have_taken(programme: Programme, times: int) -> None:
    one, two = await programme.members(2)
    await bought(programme, one)
    for _ in range(times):
        done = await given(programme, one, two, 200)
        assert await lots(programme, two) == [(100, None), (100, None)]
        assert (await back(programme, one, done)).returned == 200
    assert await lots(programme, one) == [(100, None), (100, "A")]

    await programme.one(returned(one, "A", NOON + 41 * DAY, 10_000))

    assert await lots(programme, one) == [(100, None)]
    assert await programme.problems() == {}


async def test_what_was_spent_meanwhile_comes_back_as_of_its_order_too(programme: Programme) -> None:
    one, two = await programme.members(2)
    await bought(programme, one)
    await programme.post(Accrue(member_id=two, wallet="points", amount=30, reference="own"))
    done = await given(programme, one, two, 200)
    third = (await programme.members(3))[2]
    await given(programme, two, third, 200)

    taken = await back(programme, one, done)

    assert (taken.returned, taken.covered, taken.shortfall) == (0, 30, 170)
    assert await lots(programme, one) == [(100, None), (100, "A")]
    assert await programme.problems() == {}


async def test_only_the_order_of_who_is_part_of_the_giver_now(programme: Programme) -> None:
    """Parted, the two are strangers: an order's id is the code on its receipt."""
    survivor, absorbed, other = await programme.members(3)
    await bought(programme, absorbed)
    wish = merge_of(survivor, absorbed, NOON + 40 * DAY)
    await merge(programme, wish)
    await programme.execute(f"UPDATE members SET merged_into = '{survivor}' WHERE member_id = '{absorbed}'")
    first, second = await given(programme, survivor, other, 150), await given(programme, survivor, other, 50)

    await back(programme, survivor, first)
    assert await lots(programme, survivor) == [(100, None), (50, "A")]
    await undo(programme, wish, NOON + 40 * DAY)
    await programme.execute("UPDATE members SET merged_into = NULL")
    await back(programme, survivor, second)

    assert all(of is None for _, of in await lots(programme, survivor))
    assert await programme.problems() == {}


async def test_what_was_extended_meanwhile_has_not_run_out(programme: Programme) -> None:
    one, two = await programme.members(2)
    await bought(programme, one)
    done = await given(programme, one, two, 200)
    for lot_no in (1, 2):
        later = extend(two, lot_no, NOON + 41 * DAY, NOON + 700 * DAY, f"later-{lot_no}")
        assert isinstance((await programme.post(later))[0], Posting)
    ((newest,),) = await programme.rows(f"SELECT max(lot_no) FROM lots WHERE member_id = '{two}'")
    again = extend(two, newest, NOON + 200 * DAY, NOON + 900 * DAY, "again")
    assert isinstance((await programme.post(again))[0], Posting)
    clock_at(programme.database, NOON + 200 * DAY)
    looked = await back(programme, one, done, dry_run=True)

    taken = await back(programme, one, done)

    assert (looked.returned, taken.returned, taken.covered, taken.shortfall, taken.expired) == (200, 200, 0, 0, 0)
    assert await lots(programme, one) == [(100, None), (100, "A")]
    ends = await programme.rows("SELECT expires_at FROM lots WHERE remaining > 0 ORDER BY 1")
    assert ends == [(NOON + 700 * DAY,), (NOON + 900 * DAY,)]
    assert await programme.problems() == {}


@pytest.mark.parametrize("order_id", ["NULL", "'B'"])
async def test_another_order_or_none_is_found(programme: Programme, order_id: str) -> None:
    one, two = await programme.members(2)
    await bought(programme, one)
    await back(programme, one, await given(programme, one, two, 200))

    await programme.execute(f"UPDATE lots SET order_id = {order_id} WHERE remaining > 0 AND order_id = 'A'")

    assert "moves between members" in await programme.problems()
