"""Direct postings are numbered with the lock; whatever comes of them, the books are as if each had come alone."""

from datetime import datetime
from random import Random
from uuid import UUID

import pytest
from msgspec import structs

from regulars.loyalty.contracts import Accrue, Adjust, Redeem
from regulars.platform.clock import ClockSetting
from tests.loyalty.programme import DAY, HARD, NOON, Programme, accrue, adjust, order, redeem

pytestmark = pytest.mark.anyio
Command = Accrue | Redeem | Adjust


def commands(member: UUID, at: datetime, random: Random) -> list[Command]:
    """Return what is posted, refused and repeated, in any order."""
    made: list[Command] = []
    for number in range(random.randint(1, 6)):
        amount = random.choice([1, 40, 5_000])
        reference = f"{at:%d%H}-{random.randint(0, number)}"
        choices: list[Command] = [
            accrue(member, reference, at, amount),
            redeem(member, reference, at, amount),
            adjust(member, reference, at, random.choice([-amount, amount]), "growth"),
        ]
        made.append(random.choice(choices))
    return made


async def books_of(programme: Programme, member: UUID) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: [tuple(value for value in row if value != member) for row in rows if member in row]
        for table, rows in (await programme.books()).items()
    }


@pytest.mark.parametrize("seed", range(4))
async def test_numbers_taken_with_the_lock_leave_the_books_of_numbers_taken_one_by_one(
    programme: Programme, seed: int
) -> None:
    await programme.activate(HARD, NOON - DAY)
    told, together, alone = await programme.members(3)
    for member in (told, together, alone):
        await programme.one(order(member, f"O-{member.hex}", NOON, 130_000))
    for turn in range(8):
        at = NOON + turn * 16 * DAY  # reviews fall between
        programme.database.clock.follow(ClockSetting(at, at, ticking=False))
        plan = commands(told, at, Random(seed * 100 + turn))
        await programme.post(*plan)
        unnamed = [structs.replace(command, recorded_at=None) for command in plan]
        await programme.post(*[structs.replace(command, member_id=together) for command in unnamed])
        for command in unnamed:
            await programme.post(structs.replace(command, member_id=alone))
    assert await programme.problems() == {}
    expected = await books_of(programme, told)
    for member in (together, alone):
        found = await books_of(programme, member)
        for table in ("member_books", "member_wallets", "lot_uses"):
            assert found[table] == expected[table]
        for table in ("ledger_transfers", "lots", "tier_changes"):
            assert [_without_order(row) for row in found[table]] == [_without_order(row) for row in expected[table]]


def _without_order(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(value for value in row if not (isinstance(value, str) and "O-" in value))


async def test_a_refused_posting_leaves_the_book_as_it_was(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "A", NOON, 10))
    before = await programme.books()
    programme.database.clock.follow(ClockSetting(NOON + DAY, NOON + DAY, ticking=False))

    await programme.post(structs.replace(redeem(member, "R", NOON, 11), recorded_at=None))
    await programme.post(structs.replace(accrue(member, "A", NOON, 10), recorded_at=None))

    assert await programme.books() == before
