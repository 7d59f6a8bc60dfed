"""What of signing in is good once, wanted twice at the same moment; and each once more with its guard taken away."""

import asyncio
from collections.abc import Awaitable

import pytest

from regulars.platform.auth.staff import service, store
from regulars.platform.auth.staff.contracts import Opened, Welcome
from regulars.platform.auth.staff.errors import CodeRefused, LastOwner, LinkDead
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from tests.platform.staffing import HOME, Person, Wall, invite, person, staff_sign_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


@pytest.fixture
async def mei(database: Database, wall: Wall) -> Person:
    return await person(database, wall)


async def at_once(*tries: Awaitable[object]) -> list[object]:
    """Do all of it at once; return what each gave or was refused with."""
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, DomainError):
            raise outcome
    return list(outcomes)


def sign_ins(outcomes: list[object]) -> int:
    return sum([isinstance(outcome, Opened | Welcome) for outcome in outcomes])


async def same_code_twice(mei: Person, code: str) -> list[object]:
    steps = [await mei.password_step() for _ in range(2)]
    return await at_once(*[mei.doors.with_code(step.token, code, HOME) for step in steps])


async def test_a_code_signs_one_of_two_in(mei: Person) -> None:
    outcomes = await same_code_twice(mei, mei.code())

    assert sign_ins(outcomes) == 1
    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, Opened)] == [CodeRefused]


async def test_a_recovery_code_signs_one_of_two_in(mei: Person) -> None:
    outcomes = await same_code_twice(mei, mei.recovery_codes[0])

    assert sign_ins(outcomes) == 1


@pytest.mark.parametrize("what", ["code", "recovery"])
async def test_without_their_guards_a_code_would_sign_both_in(
    mei: Person, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The negative control: whether the code was used is no longer asked."""
    unguarded = store.TAKE_TOTP_STEP.replace("AND totp_step < %s", "AND %s > 0")
    monkeypatch.setattr(store, "TAKE_TOTP_STEP", unguarded)
    monkeypatch.setattr(store, "TAKE_RECOVERY_CODE", store.TAKE_RECOVERY_CODE.replace("AND used_at IS NULL", ""))

    assert sign_ins(await same_code_twice(mei, mei.code() if what == "code" else mei.recovery_codes[0])) == 2


async def follow_twice(database: Database, wall: Wall) -> list[object]:
    mei, invitation = (
        Person(staff_sign_in(database), wall, "li@shop.example"),
        await invite(database, "li@shop.example"),
    )
    mei.secret = (await mei.doors.choose_password(invitation.token, mei.password)).secret
    return await at_once(*[mei.doors.accept_link(invitation.token, mei.code(), HOME) for _ in range(2)])


async def test_a_link_lets_one_of_two_in(database: Database, wall: Wall) -> None:
    outcomes = await follow_twice(database, wall)

    assert sign_ins(outcomes) == 1
    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, Welcome)] == [LinkDead]


async def test_without_its_guard_a_link_would_let_both_in(
    database: Database, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: whether the link was used is no longer asked."""
    monkeypatch.setattr(store, "USE_LINK", store.USE_LINK.replace("AND used_at IS NULL", ""))
    monkeypatch.setattr(store, "LOCK_LINK", store.LOCK_LINK.replace("AND l.used_at IS NULL", ""))
    keep = store.USE_LINK.replace(", password_hash = NULL, sealed_totp = NULL", "")
    monkeypatch.setattr(store, "USE_LINK", keep)

    assert sign_ins(await follow_twice(database, wall)) == 2


async def demote(database: Database, who: Person, by: Person) -> object:
    async with database.transaction() as tx:
        return await service.change_access(
            tx, who.staff_id, by=by.staff_id, name="Li", language="en", roles=[Role.CARE], stores=None
        )


async def test_two_owners_cannot_demote_one_another(database: Database, wall: Wall, mei: Person) -> None:
    li = await person(database, wall, "li@shop.example", Role.OWNER)

    outcomes = await at_once(demote(database, mei, li), demote(database, li, mei))

    assert [type(outcome) for outcome in outcomes if isinstance(outcome, DomainError)] == [LastOwner]
    async with database.transaction() as tx:
        owners = [one.email for one in await service.list_accounts(tx) if Role.OWNER in one.roles]
    assert len(owners) == 1


async def test_without_holding_the_owners_nobody_would_be_left(
    database: Database, wall: Wall, mei: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: each looks before the other has written."""
    li = await person(database, wall, "li@shop.example", Role.OWNER)
    monkeypatch.setattr(store, "LOCK_OWNERS", store.LOCK_OWNERS.replace("FOR NO KEY UPDATE", ""))
    both, looked = asyncio.Event(), 0
    look = store.lock_owners

    async def look_together(tx: object) -> object:
        nonlocal looked
        found = await look(tx)  # type: ignore[arg-type] # as it came
        looked += 1
        if looked == 2:
            both.set()
        await both.wait()
        return found

    monkeypatch.setattr(store, "lock_owners", look_together)

    outcomes = await at_once(demote(database, mei, li), demote(database, li, mei))

    assert not [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
    async with database.transaction() as tx:
        assert not [one.email for one in await service.list_accounts(tx) if Role.OWNER in one.roles]
