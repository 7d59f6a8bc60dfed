"""A correction above the limit is asked for, and posted once somebody else approves it in time."""

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.errors import (
    ApprovalNeeded,
    InsufficientPoints,
    OwnRequest,
    ReferenceReused,
    RequestOver,
    UnknownRequest,
)
from regulars.loyalty.ledger.basis import read_basis
from regulars.loyalty.policy.contracts import AdjustmentPolicy
from regulars.loyalty.privacy.service import close_books
from regulars.members.contracts.refusals import MemberGone
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.adjusting import answer, ask, decide, one
from tests.loyalty.programme import DAY, EASY, NOON, Programme, accrue, adjust

pytestmark = pytest.mark.anyio
TWO_PERSONS = structs.replace(EASY, adjustments=AdjustmentPolicy(approve_above=100, answer_days=3))


@pytest.fixture
async def careful(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, TWO_PERSONS)


async def test_above_the_limit_nothing_is_posted_without_a_second_person(careful: Programme) -> None:
    member = await careful.member()
    await careful.one(adjust(member, "small", NOON, 100))
    for amount in (101, -101):
        with pytest.raises(ApprovalNeeded):
            await careful.one(adjust(member, "large", NOON, amount))
    assert await careful.points(member, NOON) == (100, 100, 0, 0, 0)


async def test_what_is_approved_is_posted_once_with_who_asked_and_who_agreed(careful: Programme) -> None:
    member = await careful.member()
    asked = await one(careful, ask(member, "care:1", NOON, 500))
    assert (asked.state, asked.expires_at, asked.asked_by) == ("open", NOON + 3 * DAY, "li")
    assert await careful.points(member, NOON) == (0, 0, 0, 0, 0)
    assert await one(careful, ask(member, "care:1", NOON, 500)) == asked
    with pytest.raises(ReferenceReused):
        await one(careful, ask(member, "care:1", NOON, 501))
    with pytest.raises(OwnRequest):
        await one(careful, answer(member, "care:1", NOON + DAY, "li"))

    approved = await one(careful, answer(member, "care:1", NOON + DAY))

    assert (approved.state, approved.answered_by, approved.transfer_no) == ("approved", "wu", 1)
    assert await careful.points(member, NOON + DAY) == (500, 500, 0, 0, 0)
    ((basis, kind),) = await careful.rows("SELECT basis, kind FROM ledger_transfers")
    assert (kind, read_basis(basis)) == ("adjust", {"reason": "counted anew", "by": "li", "approved_by": "wu"})
    for again in (answer(member, "care:1", NOON + DAY), answer(member, "care:1", NOON + DAY, approve=False)):
        with pytest.raises(RequestOver):
            await one(careful, again)
    async with careful.database.transaction() as tx:
        assert await api.adjustment_requests(tx, member_id=member) == [approved]
        assert await api.adjustment_requests(tx, is_open=True) == []
    assert await careful.problems() == {}


async def test_what_is_refused_or_not_answered_in_time_is_never_posted(careful: Programme) -> None:
    member = await careful.member()
    await decide(careful, ask(member, "a", NOON, 500), ask(member, "b", NOON, 500))
    refused = await one(careful, answer(member, "a", NOON + DAY, approve=False))
    assert (refused.state, refused.transfer_no) == ("refused", None)
    with pytest.raises(RequestOver) as caught:
        await one(careful, answer(member, "b", NOON + 3 * DAY))
    assert caught.value.data["state"] == "expired"
    with pytest.raises(UnknownRequest):
        await one(careful, answer(member, "c", NOON))
    assert await careful.points(member, NOON + 3 * DAY) == (0, 0, 0, 0, 0)
    assert await careful.problems() == {}


async def test_what_cannot_be_posted_stays_open(careful: Programme) -> None:
    member = await careful.member()
    await one(careful, ask(member, "a", NOON, -500))
    with pytest.raises(InsufficientPoints):
        await one(careful, answer(member, "a", NOON))
    await careful.one(accrue(member, "gift", NOON, 600))
    assert (await one(careful, answer(member, "a", NOON))).state == "approved"
    assert await careful.points(member, NOON) == (100, 100, 0, 0, 0)


async def test_a_batch_gives_what_singles_give(careful: Programme) -> None:
    first, second = await careful.members(2)
    together = await decide(
        careful,
        ask(first, "a", NOON, 500),
        answer(first, "a", NOON, "li"),
        answer(first, "a", NOON),
        answer(first, "a", NOON),
    )
    alone = [
        (await decide(careful, command))[0]
        for command in (
            ask(second, "a", NOON, 500),
            answer(second, "a", NOON, "li"),
            answer(second, "a", NOON),
            answer(second, "a", NOON),
        )
    ]
    shown = [getattr(result, "code", None) or getattr(result, "state", None) for result in together]
    assert shown == ["open", "own_request", "approved", "request_over"]
    assert [getattr(result, "code", None) or getattr(result, "state", None) for result in alone] == shown
    assert await careful.problems() == {}


@pytest.mark.parametrize(
    "corruption",
    [
        "UPDATE adjustment_answers SET answered_by = 'li'",
        "UPDATE adjustment_requests SET amount = 501",
        "DELETE FROM adjustment_answers",
        "DELETE FROM adjustment_requests",
    ],
)
async def test_verify_finds_what_was_not_approved(careful: Programme, corruption: str) -> None:
    member = await careful.member()
    await decide(careful, ask(member, "a", NOON, 500), answer(member, "a", NOON))
    await careful.execute(corruption)
    assert "adjustments as approved" in await careful.problems()


async def test_nothing_is_asked_for_who_was_erased(careful: Programme) -> None:
    member = await careful.member()
    await careful.one(accrue(member, "x", NOON, 100))
    before = await one(careful, ask(member, "before", NOON, 200))
    async with careful.database.transaction() as tx:
        await close_books(tx, [member])

    with pytest.raises(MemberGone):
        await one(careful, ask(member, "after", NOON + DAY, 200))
    assert await one(careful, ask(member, "before", NOON + DAY, 200)) == before
    assert (await one(careful, answer(member, "before", NOON + DAY, approve=False))).state == "refused"
    assert await careful.problems() == {}
