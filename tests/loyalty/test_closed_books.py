"""The books of who was erased: nothing new, returns still settle, time goes on, and they balance."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, Adjust, Redeem
from regulars.members.contracts.privacy import Loss
from regulars.members.contracts.refusals import MemberGone
from regulars.platform.errors import DomainError
from tests.loyalty.programme import DAY, NOON, Fact, Programme, back, order

pytestmark = pytest.mark.anyio


async def close(programme: Programme, *members: UUID) -> None:
    """Do what erasing does in the ledger."""
    async with programme.database.transaction() as tx:
        await api.PRIVACY.erase(tx, members)


def gift(member: UUID, amount: int = 100, reference: str = "gift") -> Accrue:
    return Accrue(member_id=member, wallet="points", amount=amount, reference=reference, recorded_at=NOON)


async def test_nothing_new_comes_in_and_what_was_there_is_told_again(programme: Programme) -> None:
    member, other = await programme.members(2)
    (first,) = await programme.apply(gift(member))
    await close(programme, member)
    before = await programme.books()

    facts: list[Fact] = [
        gift(member, reference="another"),
        Redeem(member_id=member, wallet="points", amount=1, reference="spend", recorded_at=NOON),
        Adjust(member_id=member, wallet="points", amount=1, reference="more", reason="x", recorded_at=NOON),
        order(member, "o-1", NOON, 10_000),
    ]
    refused = await programme.apply(*facts)

    assert [type(one) for one in refused] == [MemberGone] * 4
    assert await programme.books() == before
    assert await programme.apply(gift(member)) == [first]  # a retry of what was done before changes nothing
    assert (await programme.apply(gift(other)))[0] is not None
    assert await programme.problems() == {}


async def test_a_book_that_was_never_opened_is_closed_too(programme: Programme) -> None:
    (member,) = await programme.members(1)
    await close(programme, member)

    assert [type(one) for one in await programme.post(gift(member))] == [MemberGone]
    assert await programme.problems() == {}


async def test_what_was_bought_before_can_still_be_returned(programme: Programme) -> None:
    (member,) = await programme.members(1)
    await programme.apply(order(member, "o-1", NOON, 50_000))
    await close(programme, member)

    returned = await programme.apply(back(member, "o-1", NOON + DAY, 50_000))

    assert not isinstance(returned[0], DomainError)
    assert await programme.points(member, NOON + 2 * DAY) == (0, 0, 0, 0, 0)
    assert await programme.problems() == {}


async def test_time_goes_on_for_what_is_left(programme: Programme) -> None:
    (member,) = await programme.members(1)
    await programme.apply(order(member, "o-1", NOON, 150_000))
    async with programme.database.transaction() as tx:
        told = await api.PRIVACY.loses(tx, member)
    await close(programme, member)

    assert told == [Loss("points", 1500, 0), Loss("growth", 1500, 0)]
    assert await programme.expire(NOON + 500 * DAY) == 1
    assert (await programme.points(member, NOON + 501 * DAY))[0] == 0
    assert await programme.problems() == {}


async def test_verify_finds_books_left_open(programme: Programme) -> None:
    (member,) = await programme.members(1)
    await programme.post(gift(member))
    await programme.execute("UPDATE members SET status = 'erased'")

    found: dict[str, Sequence[str]] = {**await programme.problems()}

    assert list(found) == ["books of erased members"]
    assert "still open" in found["books of erased members"][0]
