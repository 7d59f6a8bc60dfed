"""Members live together: formed, joined, left, led, named, dissolved; kept as history; erased; verified."""

from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.members import api
from regulars.members.contracts.refusals import MemberGone
from regulars.members.households.errors import (
    HouseholdDissolved,
    HouseholdFull,
    HouseholdNameImpossible,
    InAnotherHousehold,
    NotInHousehold,
)
from regulars.members.households.standing import Standing
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id
from regulars.platform.vault.local import LocalVault
from tests.members.erasing import erase, texts_of_everything, where
from tests.members.living import LIMIT, Living, roles

pytestmark = pytest.mark.anyio


@pytest.fixture
def living(shop: Database, vault: LocalVault) -> Living:
    return Living(shop, vault)


async def everything(living: Living) -> list[list[tuple[object, ...]]]:
    tables = ("households", "household_members", "household_changes", "outbox")
    return [sorted(await living.rows(f"SELECT * FROM {table}"), key=repr) for table in tables]


async def test_a_household_from_its_beginning_to_its_end(living: Living) -> None:
    one, two, three = await living.members(3)
    formed = await living.form(one, two)
    home = formed.household_id

    assert roles(formed) == [(one, "head"), (two, "member")]
    assert roles(await living.join(home, three)) == [(one, "head"), (two, "member"), (three, "member")]
    assert await living.of(one, two, three, new_id()) == [home, home, home, None]
    assert roles(await living.lead(home, three)) == [(three, "head"), (one, "member"), (two, "member")]
    left = await living.leave(home, three)
    assert (left.head_id, roles(left)) == (one, [(one, "head"), (two, "member")])  # whoever is there longest
    ended = await living.dissolve(home)
    assert (ended.state, ended.head_id, ended.members) == ("dissolved", None, ())
    assert await living.of(one, two, three) == [None, None, None]
    assert await living.history(home) == [
        ("formed", None, one),
        ("joined", one, one),
        ("joined", two, one),
        ("joined", three, one),
        ("head_changed", three, three),
        ("left", three, one),
        ("head_changed", one, one),
        ("left", two, one),
        ("left", one, None),
        ("dissolved", None, None),
    ]
    assert await living.problems() == {}


async def test_what_changes_nothing_writes_nothing(living: Living) -> None:
    one, two = await living.members(2)
    home = (await living.form(one, two)).household_id
    before = await everything(living)

    assert roles(await living.join(home, two)) == roles(await living.lead(home, one))
    assert await everything(living) == before


async def test_what_is_refused_leaves_nothing(living: Living) -> None:
    one, two, three, *others = await living.members(8)
    home = (await living.form(one, two)).household_id
    elsewhere = (await living.form(three)).household_id
    gone = (await living.form(others[0])).household_id
    await living.dissolve(gone)
    before = await everything(living)

    with pytest.raises(InAnotherHousehold):
        await living.join(home, three)
    with pytest.raises(InAnotherHousehold):
        await living.form(others[0], two)
    with pytest.raises(HouseholdFull) as full:
        await living.form(*others)
    assert full.value.data == {"limit": LIMIT, "count": 5}
    with pytest.raises(NotInHousehold):
        await living.leave(home, three)
    with pytest.raises(NotInHousehold):
        await living.lead(elsewhere, one)
    with pytest.raises(HouseholdDissolved):
        await living.join(gone, others[0])
    with pytest.raises(HouseholdDissolved):
        await living.dissolve(gone)
    with pytest.raises(NotFound):
        await living.join(new_id(), others[0])
    with pytest.raises(NotFound):
        await living.form(new_id())
    for name in ("", " Wang", "W\n", "x" * 81):
        with pytest.raises(HouseholdNameImpossible):
            await living.rename(home, name)
    assert await everything(living) == before


async def test_no_more_live_there_than_the_limit(living: Living) -> None:
    head, *others = await living.members(LIMIT + 1)
    home = (await living.form(head, *others[: LIMIT - 1])).household_id

    with pytest.raises(HouseholdFull) as full:
        await living.join(home, others[-1])
    assert full.value.data == {"limit": LIMIT, "count": LIMIT}


async def test_the_database_itself_lets_nobody_live_twice(living: Living) -> None:
    one, two = await living.members(2)
    home = (await living.form(one)).household_id
    await living.form(two)

    with pytest.raises(psycopg.errors.UniqueViolation):
        await living.rows(f"INSERT INTO household_members VALUES ('{two}', '{home}', now()) RETURNING 1")


async def test_the_name_is_sealed_under_the_heads_key_and_goes_along(living: Living) -> None:
    one, two = await living.members(2)
    home = (await living.form(one, two, name="王府")).household_id

    assert (await living.name(home), await living.name(home, clear=False)) == ("王府", "王**")
    assert where(await texts_of_everything(living.database), ["王府"]) == []
    await living.lead(home, two)
    assert (await living.rows("SELECT name_of FROM households")) == [(two,)]
    assert await living.name(home) == "王府"
    await living.rename(home, None)
    assert await living.name(home) is None
    assert (await living.now(home)).has_name is False


async def test_who_is_erased_leaves_and_the_head_passes_on(living: Living) -> None:
    one, two = await living.members(2)
    home = (await living.form(one, two, name="王府")).household_id
    await erase(living.database, living.vault, one)

    assert roles(await living.now(home)) == [(two, "head")]
    assert await living.name(home) is None
    with pytest.raises(MemberGone):
        await living.join(home, one)
    assert await living.problems() == {}
    await erase(living.database, living.vault, two)
    ended = await living.now(home)
    assert (ended.state, ended.members) == ("dissolved", ())
    assert await living.problems() == {}


async def test_where_a_member_lived_and_lives(living: Living) -> None:
    one, two = await living.members(2)
    first = (await living.form(one, two)).household_id
    await living.leave(first, one)
    second = (await living.form(one)).household_id

    async with living.database.transaction() as tx:
        found = await api.households.stays_of(tx, one)
    assert [(stay.household_id, stay.role, stay.until is None) for stay in found] == [
        (second, "head", True),
        (first, None, False),
    ]
    assert all(stay.until is None or stay.since <= stay.until for stay in found)


async def test_what_happens_is_told(living: Living) -> None:
    one, two = await living.members(2)
    home = (await living.form(one, two)).household_id
    await living.leave(home, one)
    told = await living.rows("SELECT type, member_id FROM outbox WHERE type LIKE '%%Household%%' ORDER BY seq")

    assert told == [
        ("HouseholdFormed", one),
        ("HouseholdJoined", one),
        ("HouseholdJoined", two),
        ("HouseholdLeft", one),
        ("HouseholdHeadChanged", two),
    ]


CORRUPTIONS = [
    "UPDATE household_members SET household_id = (SELECT max(household_id::text)::uuid FROM households)",
    "UPDATE household_members SET since = since - interval '1 day'",
    "DELETE FROM household_members",
    "UPDATE households SET head_id = (SELECT member_id FROM members ORDER BY 1 DESC LIMIT 1)",
    "UPDATE households SET last_change = last_change + 1",
    "UPDATE households SET head_id = NULL, dissolved_at = now()",
    "DELETE FROM household_changes WHERE change_no = 1",
    "UPDATE household_changes SET recorded_at = recorded_at - interval '1 day' WHERE change_no = 2",
    "UPDATE members SET status = 'erased'",
    "DELETE FROM households",
]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
async def test_each_corruption_is_found(living: Living, corruption: str) -> None:
    one, two, three, _ = await living.members(4)
    await living.form(one, two)
    await living.form(three)
    assert await living.problems() == {}

    await living.rows(corruption)
    assert "households" in await living.problems()


@given(st.lists(st.tuples(st.sampled_from(["join", "leave", "lead", "dissolve"]), st.integers(0, 4)), max_size=30))
@settings(max_examples=200, deadline=None)
def test_a_household_that_stands_has_a_head_who_lives_there(acts: list[tuple[str, int]]) -> None:
    people, now = [UUID(int=index + 1) for index in range(5)], wall_now()
    home = Standing(new_id(), None, 0, {})
    home.form(people[0], now)
    for act, index in acts:
        person = people[index]
        if home.dissolved_at is not None:
            break
        if act == "join" and person not in home.members:
            home.join(person, now)
        elif act == "leave" and person in home.members:
            home.leave(person, now)
        elif act == "lead" and person in home.members:
            home.pass_head(person)
        elif act == "dissolve":
            home.dissolve(now)
    assert (home.head_id in home.members) == (home.dissolved_at is None)
    assert bool(home.members) == (home.dissolved_at is None)
    assert [one.change_no for one in home.noted] == list(range(1, len(home.noted) + 1))
    lived: dict[UUID | None, bool] = {}
    for one in home.noted:
        if one.kind in {"joined", "left"}:
            lived[one.member_id] = one.kind == "joined"
    assert {member for member, there in lived.items() if there} == set(home.members)
