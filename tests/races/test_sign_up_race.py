"""What two want at the same moment: a phone number goes to one member, the last identity stays, no change is lost.

The locks are the primary key of `identities` and the member's row.
"""

import asyncio
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from regulars.members import api
from regulars.members.contracts import (
    AddIdentity,
    ChangeProfile,
    Identity,
    Member,
    Profile,
    ProfileChange,
    RemoveIdentity,
)
from regulars.members.identity import store
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import derived_id
from regulars.platform.vault.local import LocalVault
from tests.members.people import NEW_YEAR, card, define_markets, email, lookup, phone, rows, sign_up, signed_up, wish
from tests.races.conftest import WAITING

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(database: Database) -> Database:
    await define_markets(database)
    return database


async def two_at_once(shop: Database, vault: LocalVault, *, expect_wait: bool) -> list[Member | DomainError]:
    """Let a second sign-up look while the first has written and not yet committed; return both outcomes."""
    async with shop.transaction() as tx:
        (first,) = await api.sign_up(tx, vault, [wish(phone())])
        await tx.flush()
        second = asyncio.create_task(sign_up(shop, vault, wish(phone("+86 138 0013 8000"), email())))
        while not second.done() and await waiting(shop) == 0:
            await asyncio.sleep(0.005)
        assert second.done() is not expect_wait
    return [first, *await second]


async def waiting(shop: Database) -> int:
    return int((await rows(shop, WAITING))[0][0])  # a transaction of its own: within one, this view stands still


async def test_the_second_of_two_at_once_is_refused(shop: Database, vault: LocalVault) -> None:
    first, second = await two_at_once(shop, vault, expect_wait=True)

    assert isinstance(first, Member)
    assert isinstance(second, DomainError)
    assert (second.code, second.pointer) == ("identity_taken", "/identities/0/value")
    assert await lookup(shop, vault, phone()) == first.member_id
    assert await lookup(shop, vault, email()) is None
    assert await rows(shop, "SELECT count(*) FROM members") == [(1,)]
    assert await rows(shop, "SELECT count(*) FROM outbox") == [(1,)]


async def test_without_the_key_both_would_get_the_number(shop: Database, vault: LocalVault) -> None:
    """The negative control: the same two, with the lock off."""
    async with shop.transaction() as tx:
        tx.write("ALTER TABLE identities DROP CONSTRAINT identities_pkey")

    first, second = await two_at_once(shop, vault, expect_wait=False)

    assert isinstance(first, Member)
    assert isinstance(second, Member)
    assert await rows(shop, "SELECT count(*) FROM identities WHERE kind = 'phone'") == [(2,)]


async def test_of_twenty_at_once_one_becomes_a_member(shop: Database, vault: LocalVault) -> None:
    outcomes = [
        outcome
        for batch in await asyncio.gather(
            *[sign_up(shop, vault, wish(card(f"1{n:07}"), phone()), wish(phone())) for n in range(20)]
        )
        for outcome in batch
    ]

    members = [outcome for outcome in outcomes if isinstance(outcome, Member)]
    assert len(outcomes) == 40
    assert len(members) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, DomainError)} == {"identity_taken"}
    assert await lookup(shop, vault, phone()) == members[0].member_id
    assert await rows(shop, "SELECT count(*) FROM members") == [(1,)]
    assert await rows(shop, "SELECT count(*) FROM identities") == [(len(members[0].identities),)]


async def test_the_same_facts_from_four_sides_at_once_make_each_member_once(
    shop: Database, vault: LocalVault, tmp_path: Path
) -> None:
    facts = [
        wish(card(f"1{n:07}"), phone(f"+86 1391{n:07}"), member_id=derived_id(NEW_YEAR, str(n)), signed_up_at=NEW_YEAR)
        for n in range(150)
    ]
    random = Random(7)
    other_vaults = [LocalVault(tmp_path / "vault") for _ in range(3)]  # as other processes would open it

    answers = await asyncio.gather(
        *[sign_up(shop, one, *random.sample(facts, len(facts))) for one in (vault, *other_vaults)]
    )

    expected = {derived_id(NEW_YEAR, str(n)) for n in range(150)}
    for answer in answers:
        assert {outcome.member_id for outcome in answer if isinstance(outcome, Member)} == expected
    assert await rows(shop, "SELECT count(*) FROM members") == [(150,)]
    assert await rows(shop, "SELECT count(*) FROM outbox") == [(150,)]
    assert await rows(shop, "SELECT count(*) FROM member_identities") == [(300,)]
    async with shop.transaction() as tx:
        shown = await api.show_members(tx, vault, sorted(expected), clear=True)
    assert {identities[1].value for _, identities in shown} == {f"+861391{n:07}" for n in range(150)}
    for one in other_vaults:
        one.close()


class ChangedMindError(Exception):
    """The first transaction ends without a commit."""


async def test_one_who_rolls_back_leaves_the_number_to_the_other(shop: Database, vault: LocalVault) -> None:
    second: list[asyncio.Task[list[Member | DomainError]]] = []

    async def sign_up_and_think_again() -> None:
        async with shop.transaction() as tx:
            await api.sign_up(tx, vault, [wish(phone())])
            second.append(asyncio.create_task(sign_up(shop, vault, wish(phone()))))
            while await waiting(shop) == 0:
                await asyncio.sleep(0.005)
            raise ChangedMindError

    with pytest.raises(ChangedMindError):
        await sign_up_and_think_again()

    (member,) = await second[0]
    assert isinstance(member, Member)
    assert await lookup(shop, vault, phone()) == member.member_id


async def test_a_value_added_to_two_members_at_once_goes_to_one(shop: Database, vault: LocalVault) -> None:
    members = [await signed_up(shop, vault, card(f"1{n:07}")) for n in range(6)]

    async def add(member: Member) -> Identity:
        async with shop.transaction() as tx:
            return await api.add_identity(tx, vault, AddIdentity(member_id=member.member_id, identity=phone()))

    outcomes = await asyncio.gather(*[add(member) for member in members], return_exceptions=True)

    won = [member for member, outcome in zip(members, outcomes, strict=True) if isinstance(outcome, Identity)]
    assert len(won) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, DomainError)} == {"identity_taken"}
    assert await lookup(shop, vault, phone()) == won[0].member_id
    assert await rows(shop, "SELECT count(*) FROM member_identities") == [(7,)]


async def remove_both_at_once(shop: Database, member: Member) -> list[Identity | BaseException]:
    async def remove(identity: Identity) -> Identity:
        async with shop.transaction() as tx:
            return await api.remove_identity(
                tx, RemoveIdentity(member_id=member.member_id, identity_id=identity.identity_id)
            )

    first, second = member.identities
    async with shop.transaction() as tx:
        done = await api.remove_identity(tx, RemoveIdentity(member_id=member.member_id, identity_id=first.identity_id))
        await tx.flush()
        removing = asyncio.create_task(remove(second))
        while not removing.done() and await waiting(shop) == 0:
            await asyncio.sleep(0.005)
    return [done, *await asyncio.gather(removing, return_exceptions=True)]


async def test_of_two_removals_at_once_one_leaves_the_last_identity(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, phone(), email())

    first, second = await remove_both_at_once(shop, member)

    assert first == member.identities[0]
    assert isinstance(second, DomainError)
    assert second.code == "last_identity"
    assert await rows(shop, "SELECT kind FROM member_identities") == [("email",)]


async def test_without_the_lock_both_removals_would_go_through(
    shop: Database, vault: LocalVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same two, without holding the member's row."""
    monkeypatch.setattr(store, "LOCK_MEMBER", store.LOCK_MEMBER.removesuffix(" FOR NO KEY UPDATE"))
    member = await signed_up(shop, vault, phone(), email())

    first, second = await remove_both_at_once(shop, member)

    assert [first, second] == list(member.identities)
    assert await rows(shop, "SELECT count(*) FROM member_identities") == [(0,)]


async def change_both_at_once(shop: Database, vault: LocalVault, member_id: UUID) -> Profile:
    async def change(wanted: ProfileChange) -> None:
        async with shop.transaction() as tx:
            await api.change_profile(tx, vault, ChangeProfile(member_id=member_id, change=wanted))

    async with shop.transaction() as tx:
        await api.change_profile(tx, vault, ChangeProfile(member_id=member_id, change=ProfileChange(family_name="王")))
        await tx.flush()
        changing = asyncio.create_task(change(ProfileChange(given_name="芳")))
        while not changing.done() and await waiting(shop) == 0:
            await asyncio.sleep(0.005)
    await changing
    async with shop.transaction() as tx:
        return (await api.read_profiles(tx, vault, [member_id], clear=True))[member_id]


async def test_two_changes_of_a_profile_at_once_are_both_kept(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, phone())

    profile = await change_both_at_once(shop, vault, member.member_id)

    assert profile == Profile(family_name="王", given_name="芳", version=2)


async def test_without_the_lock_one_of_two_changes_would_be_lost(
    shop: Database, vault: LocalVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same two, without holding the member's row."""
    monkeypatch.setattr(store, "LOCK_MEMBER", store.LOCK_MEMBER.removesuffix(" FOR NO KEY UPDATE"))
    member = await signed_up(shop, vault, phone())

    profile = await change_both_at_once(shop, vault, member.member_id)

    assert profile == Profile(given_name="芳", version=1)
