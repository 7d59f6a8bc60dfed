"""A correction above the limit is asked for, and posted once somebody else approves it in time."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs
from psycopg import AsyncConnection
from psycopg.errors import CheckViolation, ForeignKeyViolation

from regulars.loyalty import api
from regulars.loyalty.adjustments.store import page
from regulars.loyalty.contracts import Posting, RequestsWanted
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
from regulars.platform.auth.errors import MayBeOnePerson
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
    with pytest.raises(MayBeOnePerson):
        await one(careful, answer(member, "care:1", NOON + DAY, "cli:li"))

    approved = await one(careful, answer(member, "care:1", NOON + DAY))

    assert (approved.state, approved.answered_by, approved.transfer_no) == ("approved", "wu", 1)
    assert await careful.points(member, NOON + DAY) == (500, 500, 0, 0, 0)
    ((basis, kind),) = await careful.rows("SELECT basis, kind FROM ledger_transfers")
    assert (kind, read_basis(basis)) == ("adjust", {"reason": "counted anew", "by": "li", "approved_by": "wu"})
    for again in (answer(member, "care:1", NOON + DAY), answer(member, "care:1", NOON + DAY, approve=False)):
        with pytest.raises(RequestOver):
            await one(careful, again)
    async with careful.database.transaction() as tx:
        assert await api.adjustment_requests(tx, RequestsWanted(member_id=member)) == [approved]
        assert await api.adjustment_requests(tx, RequestsWanted(state="open")) == []
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
        "UPDATE adjustment_requests SET asked_by = 'wu'",
    ],
)
async def test_verify_finds_what_was_not_approved(careful: Programme, corruption: str) -> None:
    member = await careful.member()
    await decide(careful, ask(member, "a", NOON, 500), answer(member, "a", NOON))
    for constraint in ("two_persons_check", "member_id_request_id_asked_by_fkey"):  # the database refuses most of it
        await careful.execute(f"ALTER TABLE adjustment_answers DROP CONSTRAINT adjustment_answers_{constraint}")
    await careful.execute(corruption)
    assert "adjustments as approved" in await careful.problems()


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("UPDATE adjustment_answers SET answered_by = asked_by", CheckViolation),
        ("UPDATE adjustment_answers SET asked_by = 'nobody'", ForeignKeyViolation),
        ("UPDATE adjustment_requests SET asked_by = 'wu'", ForeignKeyViolation),
        ("DELETE FROM adjustment_requests", ForeignKeyViolation),
    ],
)
async def test_the_database_refuses_an_answer_by_who_asked(
    careful: Programme, change: str, refused: type[Exception]
) -> None:
    """The rule stands twice: nobody's own request is answered, and none is said to be another's."""
    member = await careful.member()
    await decide(careful, ask(member, "a", NOON, 500), answer(member, "a", NOON))
    with pytest.raises(refused):
        await careful.execute(change)
    assert await careful.problems() == {}


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


# --- pages of requests --------------------------------------------------------------------------------------------


async def test_requests_are_paged_to_their_end(careful: Programme) -> None:
    members = await careful.members(2)
    for number in range(5):
        await decide(careful, ask(members[number % 2], f"r{number}", NOON, 200 + number))
    async with careful.database.transaction() as tx:
        found, wanted = list[str](), RequestsWanted(limit=2)
        while shown := await api.adjustment_requests(tx, wanted):
            found += [one.reference for one in shown]
            wanted = structs.replace(wanted, after=(shown[-1].asked_at, shown[-1].request_id))
        one_members = await api.adjustment_requests(tx, RequestsWanted(member_id=members[0]))
    assert sorted(found) == [f"r{number}" for number in range(5)]
    assert {one.member_id for one in one_members} == {members[0]}


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (RequestsWanted(after=(NOON + 9_000 * DAY, UUID(int=0))), "adjustment_requests_asked_at_idx"),
        (
            RequestsWanted(after=(NOON + 9_000 * DAY, UUID(int=0)), asked_by="key:3"),
            "adjustment_requests_asked_by_idx",
        ),
    ],
)
async def test_a_page_of_requests_reads_no_more_than_it_tells(
    careful: Programme, wanted: RequestsWanted, index: str
) -> None:
    """However many requests there are, the next page begins where the last one ended, by an index."""
    await careful.execute(
        "INSERT INTO adjustment_requests (member_id, request_id, wallet_id, amount, reason, reference, asked_by, "
        "asked_at, expires_at, policy_version, command_hash) SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, 'x', "
        "n::text, 'key:' || n % 50, '2017-03-01Z'::timestamptz + n * interval '1 hour', "
        "'2099-01-01Z', 1, 'x' FROM generate_series(1, 20000) AS n"
    )
    statement = page(wanted, NOON)
    async with await AsyncConnection.connect(careful.database.url, autocommit=True) as connection:
        await connection.execute("ANALYZE adjustment_requests")
        rows = await (
            await connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.text}", statement.parameters)
        ).fetchall()
    read = [one for one in scans(rows[0][0][0]["Plan"]) if one.get("Relation Name") == "adjustment_requests"]
    assert [one["Index Name"] for one in read] == [index]
    assert sum(one["Actual Rows"] for one in read) <= wanted.limit


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan's nodes."""
    yield plan
    for part in plan.get("Plans", []):
        yield from scans(part)
