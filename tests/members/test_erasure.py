"""A member is erased: asked for, waited for, withdrawn or carried out; what is left is a number."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from regulars.members import api
from regulars.members.contracts import (
    AddIdentity,
    ChangeProfile,
    ConsentChannel,
    ConsentGiven,
    Decision,
    MemberStatus,
    ProfileChange,
    Purpose,
)
from regulars.members.contracts.privacy import Loss, WithdrawErasure
from regulars.members.contracts.refusals import MemberGone
from regulars.members.identity.errors import MemberErased
from regulars.members.privacy.errors import NoErasureAsked
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id
from regulars.platform.vault.local import LocalVault
from tests.members.erasing import ask, erase, part, texts_of_everything, where
from tests.members.people import email, lookup, phone, rows, sign_up, signed_up, wish

pytestmark = pytest.mark.anyio

WAIT = timedelta(hours=72)
SECRETS = ("13800138000", "Wang.Fang", "wang.fang", "芳芳")


@pytest.fixture
async def wang(shop: Database, vault: LocalVault) -> UUID:
    member = await signed_up(shop, vault, phone(), email())
    async with shop.transaction() as tx:
        change = ProfileChange(display_name="芳芳", family_name="王")
        await api.change_profile(tx, vault, ChangeProfile(member_id=member.member_id, change=change))
    return member.member_id


async def withdraw(database: Database, member_id: UUID) -> None:
    async with database.transaction() as tx:
        await api.withdraw_erasure(tx, WithdrawErasure(member_id=member_id, actor="test"))


async def standing(database: Database, member_id: UUID) -> tuple[bool, str | None]:
    async with database.transaction() as tx:
        found = await api.erasure_standing(tx, (), WAIT, member_id)
    return found.is_erased, found.erasure.state if found.erasure else None


async def test_an_erased_member_is_a_number(shop: Database, vault: LocalVault, wang: UUID) -> None:
    await erase(shop, vault, wang)

    assert await standing(shop, wang) == (True, "carried_out")
    assert await lookup(shop, vault, phone()) is None
    assert await vault.keys_of([wang]) == {}
    async with shop.transaction() as tx:
        assert (await api.known_members(tx, [wang]))[wang].status is MemberStatus.ERASED
        assert await api.read_profiles(tx, vault, [wang], clear=True) == {}
        ((member, identities),) = await api.show_members(tx, vault, [wang], clear=True)
    assert (member.identities, identities) == ((), [])
    for table in ("identities", "member_identities", "member_profiles", "member_sessions"):
        assert await rows(shop, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert where(await texts_of_everything(shop), SECRETS) == []
    assert await rows(shop, "SELECT type FROM outbox WHERE type LIKE '%%Eras%%' ORDER BY seq") == [
        ("ErasureAsked",),
        ("MemberErased",),
    ]
    assert await rows(shop, "SELECT actor, reason FROM audit_entries WHERE action = 'erase_member'") == [
        ("test", "asked for it")
    ]


async def test_nothing_can_be_written_to_who_is_erased(shop: Database, vault: LocalVault, wang: UUID) -> None:
    await erase(shop, vault, wang)
    consent = ConsentGiven(
        member_id=wang,
        purpose=Purpose.MARKETING,
        channel=ConsentChannel.EMAIL,
        decision=Decision.GIVEN,
        wording_version="1",
        where="store",
        actor="test",
    )

    async with shop.transaction() as tx:
        with pytest.raises(MemberGone):
            await api.add_identity(tx, vault, AddIdentity(member_id=wang, identity=phone()))
    async with shop.transaction() as tx:
        with pytest.raises(MemberGone):
            await api.change_profile(tx, vault, ChangeProfile(member_id=wang, change=ProfileChange(display_name="芳")))
    async with shop.transaction() as tx:
        assert [type(one) for one in await api.record_consents(tx, [consent])] == [MemberGone]
    with pytest.raises(MemberGone):
        await ask(shop, wang)
    with pytest.raises(MemberGone):
        await withdraw(shop, wang)


async def test_the_values_are_free_and_the_number_is_not(shop: Database, vault: LocalVault, wang: UUID) -> None:
    ((signed_up_at,),) = await rows(shop, "SELECT signed_up_at FROM members")
    await erase(shop, vault, wang)

    again = await signed_up(shop, vault, phone(), email())
    assert again.member_id != wang
    assert await lookup(shop, vault, phone()) == again.member_id
    repeat = wish(phone("138 0013 8001"), member_id=wang, signed_up_at=signed_up_at)
    assert [type(one) for one in await sign_up(shop, vault, repeat)] == [MemberErased]


async def test_while_it_waits_it_can_be_withdrawn(shop: Database, vault: LocalVault, wang: UUID) -> None:
    asked = await ask(shop, wang, wait=WAIT)
    assert (await ask(shop, wang)).erasure_id == asked.erasure_id  # once more changes nothing, nor hurries it
    assert await standing(shop, wang) == (False, "waiting")
    assert await api.carry_out_due(shop, vault, (), at=asked.due_at - timedelta(seconds=1)) == 0

    await withdraw(shop, wang)

    assert await standing(shop, wang) == (False, "withdrawn")
    assert await api.carry_out_due(shop, vault, (), at=asked.due_at) == 0
    assert await lookup(shop, vault, phone()) == wang
    with pytest.raises(NoErasureAsked):
        await withdraw(shop, wang)
    later = await ask(shop, wang, wait=WAIT)
    assert await api.carry_out_due(shop, vault, (), at=later.due_at) == 1
    assert await standing(shop, wang) == (True, "carried_out")


async def test_who_is_nobody_cannot_be_erased(shop: Database) -> None:
    with pytest.raises(NotFound):
        await ask(shop, new_id())
    with pytest.raises(NotFound):
        await standing(shop, new_id())


async def test_what_will_be_lost_is_told_and_kept(shop: Database, wang: UUID) -> None:
    async def loses(_tx: Transaction, _member_id: UUID) -> list[Loss]:
        return [Loss("points", 120, 0)]

    async def erase_nothing(_tx: Transaction, _member_ids: object) -> None: ...

    parts = [replace(part(erase_nothing), loses=loses)]
    assert (await ask(shop, wang, wait=WAIT, parts=parts)).losses == (Loss("points", 120, 0),)
    async with shop.transaction() as tx:
        found = await api.erasure_standing(tx, parts, WAIT, wang)
    assert (found.losses, found.wait_hours) == ((Loss("points", 120, 0),), 72)
    assert found.erasure is not None
    assert found.erasure.losses == (Loss("points", 120, 0),)


async def test_a_crash_between_key_and_database_is_finished_later(
    shop: Database, vault: LocalVault, wang: UUID
) -> None:
    class Crash(BaseException): ...

    async def crash(_tx: Transaction, _member_ids: object) -> None:
        raise Crash

    await ask(shop, wang)
    with pytest.raises(Crash):
        await api.carry_out_due(shop, vault, [part(crash)])
    assert await vault.keys_of([wang]) == {}  # unreadable, though not cleared
    assert await standing(shop, wang) == (False, "under_way")
    with pytest.raises(NoErasureAsked):
        await withdraw(shop, wang)

    assert await api.carry_out_due(shop, vault, ()) == 1
    assert await standing(shop, wang) == (True, "carried_out")


async def test_the_journal_is_applied_to_a_database_that_never_heard(
    shop: Database, vault: LocalVault, wang: UUID
) -> None:
    await vault.destroy(wang)  # as after the restore of a backup from before anybody asked
    await vault.destroy(new_id())  # and of somebody who signed up after it
    other = await signed_up(shop, vault, phone("138 0013 8001"))

    assert await api.apply_journal(shop, vault, ()) == 1
    assert await api.apply_journal(shop, vault, ()) == 0

    assert await standing(shop, wang) == (True, "carried_out")
    assert await standing(shop, other.member_id) == (False, None)
    assert await rows(shop, "SELECT asked_by FROM erasures") == [("journal",)]


async def test_the_worker_erases_what_is_due_and_outlives_a_failure(
    shop: Database, vault: LocalVault, wang: UUID
) -> None:
    failures = [OSError("disk"), None]

    async def sometimes(_tx: Transaction, _member_ids: object) -> None:
        if problem := failures.pop(0):
            raise problem

    await ask(shop, wang)
    stop = asyncio.Event()
    working = asyncio.create_task(api.run_privacy(shop, vault, [part(sometimes)], stop))
    while not (await standing(shop, wang))[0]:
        await asyncio.sleep(0.01)
    stop.set()
    await working
    assert failures == []


async def test_an_erasure_that_fails_keeps_no_other_waiting(shop: Database, vault: LocalVault, wang: UUID) -> None:
    other = (await signed_up(shop, vault, email("li.na@example.com"))).member_id

    async def fails(_tx: Transaction, member_ids: Sequence[UUID]) -> None:
        if wang in member_ids:
            raise OSError("disk")

    for member_id in (wang, other):
        await ask(shop, member_id)

    assert await api.carry_out_due(shop, vault, [part(fails)], at=wall_now()) == 1
    assert [(await standing(shop, one))[0] for one in (wang, other)] == [False, True]
    assert await api.carry_out_due(shop, vault, (), at=wall_now()) == 1
    assert await standing(shop, wang) == (True, "carried_out")


async def test_verify_finds_what_an_erasure_left(shop: Database, vault: LocalVault, wang: UUID) -> None:
    check = next(one for one in api.checks() if one.name == "erased members")
    await erase(shop, vault, wang)
    async with shop.transaction() as tx:
        assert (await check.run(tx)).ok
        tx.write("INSERT INTO member_profiles VALUES (%s, 1, 'x', %s)", (wang, wall_now()))
    async with shop.transaction() as tx:
        found = await check.run(tx)
    assert not found.ok
    assert "there is still a profile" in str(found.problems[0])
