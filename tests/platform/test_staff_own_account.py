"""What staff change of their own, what ends with it, what may be a password, and what is kept of any of it."""

import asyncio

import psycopg
import pytest

from regulars.platform.auth.staff import service, sessions, store
from regulars.platform.auth.staff.contracts import Opened, Status
from regulars.platform.auth.staff.errors import (
    CodeRefused,
    LinkDead,
    PasswordGuessable,
    PasswordTooShort,
    PasswordWrong,
    SignInRefused,
    SignInStale,
)
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError, NotFound, TemporarilyUnavailable
from tests.platform.staffing import (
    ELSEWHERE,
    EMAIL,
    HOME,
    PASSWORD,
    Person,
    Wall,
    invite,
    person,
    staff_sign_in,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


@pytest.fixture
async def mei(database: Database, wall: Wall) -> Person:
    return await person(database, wall)


async def test_sessions_are_listed_and_ended(database: Database, wall: Wall, mei: Person) -> None:
    other = await person(database, wall, "li@shop.example")
    one, two = await mei.sign_in(), await mei.sign_in(ELSEWHERE)
    viewer = await mei.viewer(one)
    assert len(await mei.doors.list_sessions(viewer)) == 3

    async with database.transaction(actor=viewer.actor) as tx:
        with pytest.raises(NotFound):  # somebody else's
            await sessions.end_session(tx, other.staff_id, two.session_id)
        await sessions.end_session(tx, mei.staff_id, two.session_id)
    assert await mei.doors.recognise(two.token) is None
    async with database.transaction() as tx:
        await sessions.sign_out(tx, one.token)
        await sessions.sign_out(tx, "made up")
    assert await mei.doors.recognise(one.token) is None
    async with database.transaction() as tx:
        assert await sessions.end_all_sessions(tx, mei.staff_id) == 1
    assert other.opened is not None
    assert await mei.doors.recognise(other.opened.token) is not None


async def test_changing_the_password_signs_out_everywhere_else(mei: Person) -> None:
    asked, here, there = await mei.password_step(), await mei.sign_in(), await mei.sign_in(ELSEWHERE)
    viewer = await mei.viewer(here)
    with pytest.raises(PasswordWrong) as refusal:
        await mei.doors.change_password(viewer, "wrong password", "a fresh password 7")
    assert refusal.value.pointer == "/current_password"
    with pytest.raises(PasswordGuessable):
        await mei.doors.change_password(viewer, PASSWORD, PASSWORD)

    renewed = await mei.doors.change_password(viewer, PASSWORD, "a fresh password 7")

    assert [await mei.doors.recognise(token) for token in (here.token, there.token)] == [None, None]
    found = await mei.doors.recognise(renewed.token)
    assert found is not None
    assert (found.session_id, renewed.expires_at) == (here.session_id, here.expires_at)
    with pytest.raises(SignInRefused):
        await mei.password_step()
    with pytest.raises(SignInStale):
        await mei.doors.with_code(asked.token, mei.code(), HOME)
    mei.password = "a fresh password 7"
    assert isinstance(await mei.sign_in(), Opened)


async def test_a_changed_second_factor_replaces_the_old_one(mei: Person) -> None:
    opened = await mei.sign_in()
    viewer = await mei.viewer(opened)
    enrolment = await mei.doors.begin_second_factor(viewer)
    old, old_codes = mei.secret, mei.recovery_codes
    assert (await mei.doors.show_second_factor(viewer, enrolment.token)).secret == enrolment.secret
    for token, code in ((enrolment.token, "000000"), ("made up", mei.code()), (enrolment.token[:-8], mei.code())):
        with pytest.raises((CodeRefused, SignInStale)):
            await mei.doors.change_second_factor(viewer, PASSWORD, token, code)
    mei.secret = enrolment.secret

    renewed, mei.recovery_codes = await mei.doors.change_second_factor(viewer, PASSWORD, enrolment.token, mei.code())

    assert await mei.doors.recognise(opened.token) is None
    assert await mei.doors.recognise(renewed.token) is not None
    with pytest.raises(CodeRefused):
        await mei.doors.with_code((await mei.password_step()).token, old_codes[0], HOME)
    mei.wall.advance(seconds=30)
    new, mei.secret = mei.secret, old
    with pytest.raises(CodeRefused):
        await mei.doors.with_code((await mei.password_step()).token, mei.code(), HOME)
    mei.secret = new
    assert isinstance(await mei.sign_in(), Opened)


async def test_an_enrolment_is_its_own_account_s_and_soon_over(database: Database, wall: Wall, mei: Person) -> None:
    other = await person(database, wall, "li@shop.example")
    enrolment = await mei.doors.begin_second_factor(await mei.viewer())

    assert mei.doors.factors.secret_of(other.staff_id, enrolment.token) is None
    wall.advance(minutes=15)
    assert mei.doors.factors.secret_of(mei.staff_id, enrolment.token) is None


async def test_recovery_codes_are_renewed_with_the_password(mei: Person) -> None:
    viewer = await mei.viewer()
    with pytest.raises(PasswordWrong):
        await mei.doors.renew_recovery_codes(viewer, "wrong password")

    fresh = await mei.doors.renew_recovery_codes(viewer, PASSWORD)

    assert not set(fresh) & set(mei.recovery_codes)
    with pytest.raises(CodeRefused):
        await mei.doors.with_code((await mei.password_step()).token, mei.recovery_codes[0], HOME)


@pytest.mark.parametrize(
    ("password", "refused"),
    [
        ("eleven char", PasswordTooShort),
        ("aaaaaaaaaaaaaaaa", PasswordGuessable),
        ("mei@shop.example", PasswordGuessable),
        ("Mei.Shop-Example1", PasswordGuessable),
        ("twelve chars", None),
        ("密码要有十二个字才够长了", None),
    ],
)
async def test_passwords(database: Database, password: str, refused: type[DomainError] | None) -> None:
    doors, invitation = staff_sign_in(database), await invite(database)
    if refused is None:
        assert (await doors.choose_password(invitation.token, password)).secret
        return
    with pytest.raises(refused) as refusal:
        await doors.choose_password(invitation.token, password)
    assert refusal.value.pointer == "/password"


async def test_only_hashes_and_sealed_secrets_are_kept(database: Database, database_url: str, mei: Person) -> None:
    opened, asked = await mei.sign_in(), await mei.password_step()
    link = await invite(database, "li@shop.example")
    secrets = [PASSWORD, mei.secret, opened.token, asked.token, link.token, *mei.recovery_codes]
    secrets += [code.replace("-", "") for code in mei.recovery_codes]

    kept = ""
    tables = ("staff_accounts", "staff_sessions", "staff_steps", "staff_links", "staff_recovery_codes", "attempts")
    with psycopg.connect(database_url) as connection:
        for table in (*tables, "audit_entries"):
            for row in connection.execute(f"SELECT * FROM {table}").fetchall():
                kept += repr([bytes(v) if isinstance(v, memoryview) else v for v in row])
        (address,) = connection.execute(
            "SELECT count(*) FROM attempts WHERE subject::text LIKE '%192.0.2%'"
        ).fetchone() or (1,)

    assert [secret for secret in secrets if secret in kept or secret.encode().hex() in kept] == []
    assert address == 0
    assert "$argon2id$" in kept
    assert "192.0.2.7" not in kept


async def test_a_hash_made_with_other_costs_is_made_anew(database: Database, mei: Person) -> None:
    from regulars.platform.auth.staff.hashing import PasswordHashing

    mei.doors.hashing = PasswordHashing(kib=16, rounds=1, lanes=1)
    await mei.sign_in()

    async with database.transaction() as tx:
        secrets = await store.select_by_email(tx, EMAIL)
    assert secrets is not None
    assert secrets.password_hash is not None
    assert "m=16,t=1,p=1" in secrets.password_hash
    assert isinstance(await mei.sign_in(), Opened)


async def test_too_many_hashes_at_once_are_refused_not_queued(mei: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.platform.auth.staff.hashing._WAITING_AT_MOST", 2)
    answers = await asyncio.gather(*[mei.doors.hashing.verify("x", None) for _ in range(4)], return_exceptions=True)

    assert [answer for answer in answers if isinstance(answer, TemporarilyUnavailable)]
    assert await mei.doors.hashing.verify("x", None) is False


async def test_what_ended_is_forgotten(database: Database, mei: Person) -> None:
    await mei.sign_in()
    await mei.password_step()
    await invite(database, "li@shop.example")
    mei.wall.advance(days=15)

    async with database.transaction() as tx:
        assert await sessions.forget_ended(tx, at_most=100) is False
        counts = [
            (await tx.rows(f"SELECT count(*) FROM {table}"))[0][0]
            for table in ("staff_sessions", "staff_steps", "staff_links")
        ]
    assert counts == [0, 0, 0]


async def test_a_disabled_account_is_out_at_once(database: Database, wall: Wall, mei: Person) -> None:
    li = await person(database, wall, "li@shop.example", Role.CARE)
    opened, asked = await li.sign_in(), await li.password_step()
    async with database.transaction() as tx:
        link = await service.renew_link(tx, li.staff_id)
        await service.disable(tx, li.staff_id, by=mei.staff_id)

    assert await li.doors.recognise(opened.token) is None
    with pytest.raises(SignInStale):
        await li.doors.with_code(asked.token, li.code(), HOME)
    with pytest.raises(LinkDead):
        await li.doors.read_link(link.token)
    async with database.transaction() as tx:
        assert (await service.enable(tx, li.staff_id)).status is Status.ACTIVE
    assert isinstance(await li.sign_in(), Opened)
