"""A correction above the limit is asked for, and posted once somebody else approves it in time."""

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.contracts import Posting
from regulars.loyalty.errors import (
    AlreadyAskedFor,
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
from tests.loyalty.joining import merge, merge_of
from tests.loyalty.programme import DAY, EASY, HOUR, NOON, Programme, accrue, adjust

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


async def test_one_reference_is_corrected_once_whichever_way_it_came(careful: Programme) -> None:
    """Refused for want of a second person, asked for and approved under the same reference, and retried."""
    member = await careful.member()
    with pytest.raises(ApprovalNeeded):
        await careful.one(adjust(member, "case-4711", NOON, 200))
    await one(careful, ask(member, "case-4711", NOON, 200))
    with pytest.raises(AlreadyAskedFor):
        await careful.one(adjust(member, "case-4711", NOON, 200))
    approved = await one(careful, answer(member, "case-4711", NOON + DAY))
    await careful.activate(structs.replace(EASY, adjustments=AdjustmentPolicy(approve_above=1_000)), NOON + 2 * DAY)

    again = await careful.one(adjust(member, "case-4711", NOON + 3 * DAY, 200))

    assert isinstance(again, Posting)
    assert (again.seq, again.balance, again.recorded_at) == (approved.transfer_no, 200, NOON + DAY)
    assert await careful.points(member, NOON + 3 * DAY) == (200, 200, 0, 0, 0)
    with pytest.raises(ReferenceReused):
        await careful.one(adjust(member, "case-4711", NOON + 3 * DAY, 201))
    assert await careful.problems() == {}


async def test_below_the_limit_a_reference_is_corrected_once_too(careful: Programme) -> None:
    member = await careful.member()
    await careful.one(adjust(member, "direct", NOON, 50))
    with pytest.raises(ReferenceReused):
        await one(careful, ask(member, "direct", NOON, 50))
    await one(careful, ask(member, "asked", NOON, 50))
    await one(careful, answer(member, "asked", NOON))
    assert isinstance(await careful.one(adjust(member, "asked", NOON, 50)), Posting)
    assert await careful.points(member, NOON) == (100, 100, 0, 0, 0)
    assert await careful.problems() == {}


async def test_what_was_not_approved_is_not_posted_under_its_reference(careful: Programme) -> None:
    """Somebody said no, or nobody answered: another wish has a reference of its own."""
    member = await careful.member()
    await decide(careful, ask(member, "refused", NOON, 50), ask(member, "late", NOON, 50))
    await one(careful, answer(member, "refused", NOON + DAY, approve=False))
    for reference, state in (("refused", "refused"), ("late", "expired")):
        with pytest.raises(RequestOver) as caught:
            await careful.one(adjust(member, reference, NOON + 3 * DAY, 50))
        assert caught.value.data["state"] == state
    assert await careful.points(member, NOON + 3 * DAY) == (0, 0, 0, 0, 0)


async def test_a_reference_is_corrected_once_for_who_is_part_of_another(careful: Programme) -> None:
    survivor, absorbed = await careful.members(2)
    await one(careful, ask(absorbed, "before", NOON, 50))
    await one(careful, answer(absorbed, "before", NOON))
    await careful.one(adjust(absorbed, "direct", NOON, 50))
    await merge(careful, merge_of(survivor, absorbed, NOON + HOUR))
    await one(careful, ask(survivor, "after", NOON + 2 * HOUR, 50))
    await one(careful, answer(survivor, "after", NOON + 2 * HOUR))
    for reference in ("before", "after"):
        assert isinstance(await careful.one(adjust(absorbed, reference, NOON + DAY, 50)), Posting)
    with pytest.raises(ReferenceReused):
        await one(careful, ask(absorbed, "direct", NOON + DAY, 50))
    assert await careful.points(survivor, NOON + DAY) == (150, 150, 0, 0, 0)
    assert await careful.problems() == {}


async def test_verify_finds_what_was_corrected_both_ways(careful: Programme) -> None:
    member = await careful.member()
    await careful.one(adjust(member, "direct", NOON, 50))
    await decide(careful, ask(member, "asked", NOON, 50), answer(member, "asked", NOON))
    assert await careful.problems() == {}
    await careful.execute("UPDATE adjustment_requests SET reference = 'direct'")
    (found,) = (await careful.problems())["adjustments as approved"]
    assert "direct: 50 were corrected directly, and 50 asked for under the same reference" in found


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
