"""Staff sign in: invited, by password and code, remembered, signed out; nobody learns who has an account."""

import asyncio
from datetime import timedelta

import pytest

from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.staff import service, store
from regulars.platform.auth.staff.contracts import CodeAsked, How, Opened
from regulars.platform.auth.staff.errors import (
    CodeRefused,
    LinkDead,
    PasswordWrong,
    SignInRefused,
    SignInStale,
)
from regulars.platform.auth.staff.permissions import PERMISSIONS, Role
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.db.database import Database
from tests.platform.staffing import (
    ELSEWHERE,
    EMAIL,
    HOME,
    PASSWORD,
    Person,
    Wall,
    audit,
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


async def test_an_invitation_becomes_an_account(database: Database, wall: Wall) -> None:
    invitation = await invite(database, " Mei@Shop.Example ", name=" Mei ")
    doors = staff_sign_in(database)
    assert (invitation.account.email, invitation.account.name, invitation.account.status) == (EMAIL, "Mei", "invited")
    assert await doors.enrolment_of(invitation.token) is None

    mei = Person(doors, wall, EMAIL)
    opened = await mei.accept(invitation)

    viewer = await doors.recognise(opened.token)
    assert viewer is not None
    assert (viewer.staff_id, viewer.roles, viewer.stores) == (invitation.account.staff_id, (Role.OWNER,), None)
    assert viewer.permissions == frozenset(PERMISSIONS)
    assert (viewer.may("staff:write"), viewer.sees_store("330"), viewer.sees_store(None)) == (True, True, True)
    assert viewer.actor == invitation.account.public_id.join(("staff:", ""))
    assert len(set(mei.recovery_codes)) == 10
    assert all(len(code) == 11 and code[5] == "-" for code in mei.recovery_codes)
    assert [action for _, action, _ in await audit(database)] == [
        "add_staff",
        "make_staff_link",
        "end_all_sessions",
        "set_up_sign_in",
        "sign_in",
    ]


async def test_a_link_is_good_once_and_for_a_week(database: Database, wall: Wall) -> None:
    doors, first = staff_sign_in(database), await invite(database)
    async with database.transaction() as tx:
        second = await service.renew_link(tx, first.account.staff_id)
    with pytest.raises(LinkDead):
        await doors.read_link(first.token)

    wall.advance(days=6, hours=23)
    assert (await doors.read_link(second.token)).email == EMAIL
    mei = Person(doors, wall, EMAIL)
    await mei.accept(second)
    for attempt in (doors.read_link(second.token), doors.choose_password(second.token, PASSWORD)):
        with pytest.raises(LinkDead):
            await attempt
    async with database.transaction() as tx:
        third = await service.renew_link(tx, first.account.staff_id)
    wall.advance(days=7)
    with pytest.raises(LinkDead):
        await doors.read_link(third.token)
    with pytest.raises(LinkDead):
        await doors.read_link("made up")


async def test_a_link_that_is_not_followed_to_its_end_changes_nothing(database: Database, mei: Person) -> None:
    async with database.transaction() as tx:
        link = await service.renew_link(tx, mei.staff_id)
    enrolment = await mei.doors.choose_password(link.token, "another good password")
    again = await mei.doors.enrolment_of(link.token)
    with pytest.raises(CodeRefused):
        await mei.doors.accept_link(link.token, "000000", HOME)

    assert again is not None
    assert (again.secret, again.uri) == (enrolment.secret, enrolment.uri)
    assert enrolment.uri == f"otpauth://totp/Regulars:mei%40shop.example?secret={enrolment.secret}&issuer=Regulars"
    opened = await mei.sign_in()
    assert await mei.doors.recognise(opened.token) is not None


async def test_a_followed_link_ends_what_was_before(database: Database, wall: Wall, mei: Person) -> None:
    before = await mei.sign_in()
    async with database.transaction() as tx:
        link = await service.renew_link(tx, mei.staff_id)
    after = Person(mei.doors, wall, EMAIL, "another good password")
    await after.accept(link)

    assert await mei.doors.recognise(before.token) is None
    with pytest.raises(SignInRefused):
        await mei.password_step()
    assert isinstance(await after.sign_in(), Opened)


async def test_the_password_alone_opens_nothing(mei: Person) -> None:
    asked = await mei.password_step()

    assert await mei.doors.recognise(asked.token) is None
    assert asked.expires_at == mei.wall.now + timedelta(minutes=5)
    opened = await mei.doors.with_code(asked.token, f" {mei.code()[:3]} {mei.code()[3:]}", HOME)
    assert opened.expires_at == mei.wall.now + timedelta(hours=12)
    assert [(s.how, s.agent) for s in await mei.doors.list_sessions(await mei.viewer(opened))] == [
        (How.CODE, "Firefox on Linux"),
        (How.INVITATION, "Firefox on Linux"),
    ]


async def test_every_refusal_looks_alike(database: Database, wall: Wall, mei: Person) -> None:
    """A wrong password, no such account, an invited one and a disabled one: the same answer, the same rows."""
    await invite(database, "invited@shop.example")
    gone = await person(database, wall, "gone@shop.example")
    async with database.transaction() as tx:
        await service.disable(tx, gone.staff_id, by=None)
    before = len(await audit(database))

    told = []
    for email in (EMAIL, "nobody@shop.example", "invited@shop.example", "gone@shop.example", "no\0address"):
        with pytest.raises(SignInRefused) as refusal:
            await mei.doors.with_password(email, "wrong password", ELSEWHERE)
        told.append((refusal.value.code, refusal.value.data, refusal.value.pointer))
    with pytest.raises(SignInRefused):
        await mei.doors.with_password("gone@shop.example", PASSWORD, ELSEWHERE)

    assert set(map(repr, told)) == {repr(("sign_in_refused", {}, None))}
    assert [action for _, action, _ in (await audit(database))[before:]] == ["refuse_sign_in"] * 6


async def test_unknown_accounts_cost_the_same_hash(mei: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str | None] = []
    work = mei.doors.hashing._work

    def watched(password: str, kept: str | None) -> str:
        hashed.append(kept)
        return work(password, kept)

    monkeypatch.setattr(mei.doors.hashing, "_work", watched)
    await mei.doors.hashing.verify("x", None)  # the first time makes the hash of nobody
    hashed.clear()

    for email in (EMAIL, "nobody@shop.example"):
        with pytest.raises(SignInRefused):
            await mei.doors.with_password(email, "wrong password", ELSEWHERE)

    assert len(hashed) == 2
    assert all(kept and kept.startswith("$argon2id$v=19$m=8,t=1,p=1$") for kept in hashed)


@pytest.mark.parametrize("email", [EMAIL, "nobody@shop.example"])
async def test_guessing_gets_slower_whether_the_account_exists_or_not(
    database: Database, mei: Person, email: str
) -> None:
    waits = []
    for _ in range(9):
        with pytest.raises(SignInRefused):
            await mei.doors.with_password(email, "wrong password", ELSEWHERE)
        waits.append(0)
        try:
            await staff_sign_in(database).with_password(email, "wrong password", ELSEWHERE)  # another process
        except TooManyAttempts as blocked:
            wait = blocked.data["retry_after_seconds"]
            assert isinstance(wait, int)
            waits[-1] = wait
            mei.wall.advance(seconds=wait)
        except SignInRefused:
            pass

    assert waits == [0, 0, 30, 60, 120, 240, 480, 480, 900]


async def test_a_blocked_account_refuses_the_right_password_too_and_then_forgets(mei: Person) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await mei.doors.with_password(EMAIL, "wrong password", ELSEWHERE)
    with pytest.raises(TooManyAttempts):
        await mei.password_step(ELSEWHERE)
    mei.wall.advance(seconds=30)
    await mei.sign_in(ELSEWHERE)

    for _ in range(5):  # right once, so all is forgiven
        with pytest.raises(SignInRefused):
            await mei.doors.with_password(EMAIL, "wrong password", ELSEWHERE)


async def test_nobody_elsewhere_keeps_the_owner_out(mei: Person) -> None:
    """Somebody tries the owner's account for two days, whenever they may; the owner signs in all the same."""
    end, blocked = mei.wall.now + timedelta(days=2), 0
    while mei.wall.now < end:
        try:
            await mei.doors.with_password(EMAIL, "wrong password", ELSEWHERE)
        except TooManyAttempts as refusal:
            wait = refusal.data["retry_after_seconds"]
            assert isinstance(wait, int)
            mei.wall.advance(seconds=wait)
            blocked += 1
            if blocked % 40 == 0:
                assert isinstance(await mei.password_step(), CodeAsked)
        except SignInRefused:
            pass
    assert blocked > 80


async def test_many_places_cannot_keep_out_a_browser_that_is_known(mei: Person) -> None:
    known = (await mei.sign_in()).known
    mine = Browser(address="192.0.2.7", known=known)
    for n in range(60):
        with pytest.raises((SignInRefused, TooManyAttempts)):
            await mei.doors.with_password(EMAIL, "wrong password", Browser(address=f"203.0.113.{n}"))
    with pytest.raises(TooManyAttempts):
        await mei.password_step()

    opened = await mei.sign_in(mine)

    assert opened.known not in {"", known}
    for _ in range(5):  # its own tries count, too
        with pytest.raises(SignInRefused):
            await mei.doors.with_password(EMAIL, "wrong password", mine)
    with pytest.raises(TooManyAttempts):
        await mei.password_step(mine)


async def test_a_known_browser_is_known_for_its_accounts_only(database: Database, wall: Wall, mei: Person) -> None:
    li = await person(database, wall, "li@shop.example")
    known = (await mei.sign_in()).known
    for cookie in (known, known[:-4] + "AAA=", f"x.{known}", "made up" * 500, "é.é"):
        with pytest.raises(SignInRefused):
            await li.doors.with_password(li.email, "wrong password", Browser(address="192.0.2.8", known=cookie))
    with pytest.raises(TooManyAttempts):
        await li.doors.with_password(li.email, PASSWORD, Browser(address="192.0.2.8", known=known))

    both = (await li.sign_in(Browser(address="192.0.2.7", known=known))).known
    browsers = mei.doors.known
    assert [browsers.nonce(both, one) is not None for one in (EMAIL, li.email, "others@shop.example")] == [
        True,
        True,
        False,
    ]
    wall.advance(days=180)
    assert browsers.nonce(both, EMAIL) is None


async def test_the_password_once_more_is_counted_by_the_session(mei: Person) -> None:
    """Whoever tries the account from outside does not keep its owner from changing the password, nor the reverse."""
    viewer, other = await mei.viewer(await mei.sign_in()), await mei.viewer(await mei.sign_in())
    for n in range(60):
        with pytest.raises((SignInRefused, TooManyAttempts)):
            await mei.doors.with_password(EMAIL, "wrong password", Browser(address=f"203.0.113.{n}"))
    for _ in range(5):
        with pytest.raises(PasswordWrong):
            await mei.doors.renew_recovery_codes(other, "wrong password")
    with pytest.raises(TooManyAttempts):
        await mei.doors.renew_recovery_codes(other, PASSWORD)

    assert len(await mei.doors.renew_recovery_codes(viewer, PASSWORD)) == 10


async def test_who_is_refused_leaves_nothing_behind(database: Database, mei: Person) -> None:
    for n in range(25):
        with pytest.raises((SignInRefused, TooManyAttempts)):
            await mei.doors.with_password(f"guess{n}@shop.example", "wrong password", ELSEWHERE)
    async with database.transaction() as tx:
        assert (await tx.rows("SELECT count(*) FROM attempts"))[0][0] == 20 + 20 + 1


async def test_one_place_cannot_try_every_account(mei: Person) -> None:
    for n in range(20):
        with pytest.raises(SignInRefused):
            await mei.doors.with_password(f"guess{n}@shop.example", "wrong password", ELSEWHERE)

    with pytest.raises(TooManyAttempts) as blocked:
        await mei.doors.with_password("fresh@shop.example", "wrong password", ELSEWHERE)
    assert blocked.value.data == {"retry_after_seconds": 30}
    assert isinstance(await mei.password_step(HOME), CodeAsked)
    with pytest.raises(TooManyAttempts):  # its own success would not have helped
        await mei.password_step(ELSEWHERE)


async def test_a_clock_put_back_locks_nobody_out(mei: Person) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await mei.doors.with_password(EMAIL, "wrong password", ELSEWHERE)
    mei.wall.advance(days=-300)

    assert isinstance(await mei.password_step(), CodeAsked)


async def test_a_hundred_guesses_at_once_are_a_hundred_guesses(mei: Person) -> None:
    async def guess() -> str:
        try:
            await mei.doors.with_password(EMAIL, "wrong password", ELSEWHERE)
        except (SignInRefused, TooManyAttempts) as refusal:
            return refusal.code
        return "in"

    told = await asyncio.gather(*[guess() for _ in range(24)])

    assert sorted(told) == ["sign_in_refused"] * 5 + ["too_many_attempts"] * 19


async def test_without_the_row_of_attempts_they_would_be_fewer(
    mei: Person, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same guesses without waiting for the row; two read the tally before one counts."""
    from regulars.platform.auth.throttle import store as counted

    gate = "CROSS JOIN (SELECT pg_advisory_xact_lock_shared(4711)) AS gate ORDER BY"
    monkeypatch.setattr(counted, "LOCK", counted.LOCK.replace("FOR UPDATE OF a", "").replace("ORDER BY", gate))

    async def guess() -> str:
        try:
            await mei.doors.with_password(EMAIL, "wrong password", ELSEWHERE)
        except (SignInRefused, TooManyAttempts) as refusal:
            return refusal.code
        return "in"

    told = [await guess()]  # now there is a row to read
    async with database.transaction() as tx:
        await tx.rows("SELECT pg_advisory_xact_lock(4711)")
        guesses = [asyncio.create_task(guess()) for _ in range(24)]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while (await tx.rows(waiting))[0][0] < 2:
            await asyncio.sleep(0.005)
    told += await asyncio.gather(*guesses)

    assert told.count("sign_in_refused") > 5


async def test_a_code_is_good_once_and_for_half_a_minute_more_or_less(mei: Person) -> None:
    code = mei.code()
    await mei.doors.with_code((await mei.password_step()).token, code, HOME)
    with pytest.raises(CodeRefused):
        await mei.doors.with_code((await mei.password_step()).token, code, HOME)

    mei.wall.advance(seconds=90)
    for wrong in (mei.code(steps=-2), mei.code(steps=2), "", "12345", "１２３４５６"):
        with pytest.raises(CodeRefused):
            await mei.doors.with_code((await mei.password_step()).token, wrong, ELSEWHERE)
        async with mei.doors._database.transaction() as tx:
            tx.write("DELETE FROM attempts")
    await mei.doors.with_code((await mei.password_step()).token, mei.code(steps=-1), HOME)
    await mei.doors.with_code((await mei.password_step()).token, mei.code(steps=1), HOME)
    with pytest.raises(CodeRefused):  # none before the newest used one
        await mei.doors.with_code((await mei.password_step()).token, mei.code(), HOME)


async def test_codes_cannot_be_guessed(mei: Person) -> None:
    asked = await mei.password_step()
    for _ in range(5):
        with pytest.raises(CodeRefused):
            await mei.doors.with_code(asked.token, "000000", HOME)
    with pytest.raises(SignInStale):
        await mei.doors.with_code(asked.token, mei.code(), HOME)
    with pytest.raises(TooManyAttempts):  # the password is no way around
        await mei.doors.with_code((await mei.password_step()).token, mei.code(), HOME)
    mei.wall.advance(seconds=30)
    assert isinstance(await mei.sign_in(), Opened)


async def test_a_step_ends(mei: Person) -> None:
    asked = await mei.password_step()
    mei.wall.advance(minutes=5)
    for token in (asked.token, "made up", ""):
        with pytest.raises(SignInStale):
            await mei.doors.with_code(token, mei.code(), HOME)


async def test_a_recovery_code_is_good_once(database: Database, mei: Person) -> None:
    typed = f" {mei.recovery_codes[3].lower().replace('0', 'o').replace('1', 'l')} "
    opened = await mei.doors.with_code((await mei.password_step()).token, typed, HOME)
    with pytest.raises(CodeRefused):
        await mei.doors.with_code((await mei.password_step()).token, mei.recovery_codes[3], HOME)

    assert (await mei.doors.list_sessions(await mei.viewer(opened)))[0].how is How.RECOVERY
    async with database.transaction() as tx:
        assert await store.count_recovery_codes(tx, mei.staff_id) == 9


async def test_a_session_ends_when_it_is_left_alone_or_old(mei: Person) -> None:
    opened = await mei.sign_in()
    for _ in range(25):
        assert await mei.doors.recognise(opened.token) is not None
        mei.wall.advance(minutes=28)
    assert await mei.doors.recognise(opened.token) is not None  # 11 h 40 min
    mei.wall.advance(minutes=21)
    assert await mei.doors.recognise(opened.token) is None  # 12 h, though it was used

    idle = await mei.sign_in()
    mei.wall.advance(minutes=29)
    assert await mei.doors.recognise(idle.token) is not None
    mei.wall.advance(minutes=30, seconds=1)
    assert await mei.doors.recognise(idle.token) is None
    assert await mei.doors.recognise("") is None
    assert await mei.doors.recognise("made up" * 1000) is None


async def test_signing_in_makes_a_fresh_token_and_ends_the_one_brought_along(mei: Person) -> None:
    """No fixation: a token that was there before the sign-in is worth nothing after it."""
    planted = await mei.sign_in(ELSEWHERE)
    opened = await mei.sign_in(Browser(address="192.0.2.7", token=planted.token))

    assert opened.token != planted.token
    assert await mei.doors.recognise(planted.token) is None
    assert await mei.doors.recognise(opened.token) is not None
