"""What members tell about themselves: sealed, changed field by field, masked for those who need not read it."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from regulars.members import api
from regulars.members.contracts import Birthday, Calendar, ChangeProfile, Profile, ProfileChange, ProfileChanged
from regulars.members.profile.rules import changed_fields, check, lay_over, masked
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id
from regulars.platform.vault.contracts import VaultBroken
from regulars.platform.vault.local import LocalVault
from tests.members.people import contents, phone, rows, signed_up

BIRTHDAY = Birthday(month=8, day=15, year=1988, calendar=Calendar.LUNAR)


async def change(shop: Database, vault: LocalVault, member_id: UUID, change: ProfileChange) -> ProfileChanged:
    async with shop.transaction() as tx:
        return await api.change_profile(tx, vault, ChangeProfile(member_id=member_id, change=change))


async def read(shop: Database, vault: LocalVault, member_id: UUID, *, clear: bool = True) -> Profile:
    async with shop.transaction() as tx:
        return (await api.read_profiles(tx, vault, [member_id], clear=clear)).get(member_id, Profile())


@pytest.mark.anyio
async def test_fields_left_out_stay_and_none_clears(shop: Database, vault: LocalVault) -> None:
    member_id = (await signed_up(shop, vault, phone())).member_id
    assert await read(shop, vault, member_id) == Profile()

    first = await change(
        shop, vault, member_id, ProfileChange(display_name="芳芳", family_name="王", birthday=BIRTHDAY)
    )
    second = await change(shop, vault, member_id, ProfileChange(display_name=None, given_name="芳"))
    third = await change(shop, vault, member_id, ProfileChange(language="en"))

    assert (first.version, first.changed) == (1, ("display_name", "family_name", "birthday"))
    assert (second.version, second.changed) == (2, ("display_name", "given_name"))
    assert (third.version, third.changed) == (2, ("language",))
    assert await read(shop, vault, member_id) == Profile(
        given_name="芳", family_name="王", birthday=BIRTHDAY, version=2
    )
    assert await read(shop, vault, member_id, clear=False) == Profile(given_name="芳**", family_name="王**", version=2)
    assert await rows(shop, "SELECT language FROM members") == [("en",)]
    ((sealed,),) = await rows(shop, "SELECT sealed_profile FROM member_profiles")
    assert "王".encode() not in sealed


@pytest.mark.anyio
async def test_without_a_key_a_profile_is_empty(shop: Database, vault: LocalVault) -> None:
    member_id = (await signed_up(shop, vault, phone())).member_id
    await change(shop, vault, member_id, ProfileChange(display_name="芳芳"))

    await vault.destroy(member_id)

    assert await read(shop, vault, member_id) == Profile()
    with pytest.raises(DomainError, match="member_gone"):
        await change(shop, vault, member_id, ProfileChange(display_name="again"))


@pytest.mark.anyio
async def test_a_document_cannot_be_moved_to_another_member_or_version(shop: Database, vault: LocalVault) -> None:
    first = (await signed_up(shop, vault, phone())).member_id
    await change(shop, vault, first, ProfileChange(display_name="芳芳"))

    await rows(shop, "UPDATE member_profiles SET version = 2 RETURNING version")

    with pytest.raises(VaultBroken):
        await read(shop, vault, first)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (ProfileChange(display_name=" "), ("name_impossible", "/display_name", {"field": "display_name"})),
        (ProfileChange(given_name="a\u202eb"), ("name_impossible", "/given_name", {"field": "given_name"})),
        (ProfileChange(family_name="x" * 101), ("name_impossible", "/family_name", {"field": "family_name"})),
        (
            ProfileChange(birthday=Birthday(month=2, day=29, year=1900)),
            ("birthday_impossible", "/birthday", {"calendar": "solar", "first_year": 1900}),
        ),
        (ProfileChange(language="Deutsch!"), ("language_impossible", "/language", {})),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    shop: Database, vault: LocalVault, asked: ProfileChange, expected: tuple[object, ...]
) -> None:
    member_id = (await signed_up(shop, vault, phone())).member_id
    await change(shop, vault, member_id, ProfileChange(display_name="芳芳"))
    before = await contents(shop)

    with pytest.raises(DomainError) as met:
        await change(shop, vault, member_id, asked)

    assert (met.value.code, met.value.pointer, met.value.data) == expected
    assert await contents(shop) == before


@pytest.mark.anyio
async def test_nobody_has_no_profile_to_change(shop: Database, vault: LocalVault) -> None:
    missing = new_id()

    with pytest.raises(DomainError, match="not_found"):
        await change(shop, vault, missing, ProfileChange(display_name="芳芳"))

    assert await vault.keys_of([missing]) == {}
    assert await rows(shop, "SELECT * FROM member_profiles") == []


@pytest.mark.parametrize(
    ("birthday", "possible"),
    [
        (Birthday(month=2, day=29), True),
        (Birthday(month=2, day=29, year=2000), True),
        (Birthday(month=2, day=29, year=2001), False),
        (Birthday(month=2, day=30), False),
        (Birthday(month=2, day=30, calendar=Calendar.LUNAR), True),
        (Birthday(month=2, day=31, calendar=Calendar.LUNAR), False),
        (Birthday(month=12, day=31, year=1899), False),
        (Birthday(month=12, day=31, year=1900), True),
        (Birthday(month=1, day=1, year=2017), True),
        (Birthday(month=1, day=1, year=2018), False),
        (Birthday(month=0, day=1), False),
        (Birthday(month=13, day=1), False),
        (Birthday(month=1, day=0), False),
    ],
)
def test_birthdays_are_days_of_their_calendar(birthday: Birthday, *, possible: bool) -> None:
    assert (check(ProfileChange(birthday=birthday), 2017) is None) is possible


names = st.one_of(st.none(), st.text(min_size=1, max_size=20))
profiles = st.builds(Profile, display_name=names, given_name=names, family_name=names, version=st.integers(0, 9))
changes = st.builds(
    ProfileChange,
    display_name=st.one_of(st.just(UNSET), names),
    given_name=st.one_of(st.just(UNSET), names),
    family_name=st.one_of(st.just(UNSET), names),
    birthday=st.sampled_from([UNSET, None, BIRTHDAY]),
)


@given(profiles, changes)
def test_a_change_touches_what_it_names_and_nothing_else(profile: Profile, change: ProfileChange) -> None:
    after = lay_over(profile, change)

    named = changed_fields(change)
    for field in ("display_name", "given_name", "family_name", "birthday"):
        assert getattr(after, field) == (getattr(change, field) if field in named else getattr(profile, field))
    assert after.version == profile.version + 1
    assert masked(after).birthday is None
    for field in ("display_name", "given_name", "family_name"):
        name = getattr(after, field)
        assert getattr(masked(after), field) == (None if name is None else name[0] + "**")
