"""Staff as the tests need them: an owner who can sign in, a clock that stands, codes of a phone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
import pytest

from regulars.platform import clock
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.staff import service
from regulars.platform.auth.staff.contracts import CodeAsked, Invitation, NewAccount, Opened, Viewer
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.limits import Terms
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.auth.staff.sign_in import StaffSignIn
from regulars.platform.db.database import Database

PEPPER = bytes(range(32))
TERMS = Terms(idle=timedelta(minutes=30), longest=timedelta(hours=12))
BEGIN = datetime(2026, 5, 4, 8, 0, 5, tzinfo=UTC)
PASSWORD = "correct horse battery"
EMAIL = "mei@shop.example"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HOME = Browser(address="192.0.2.7", user_agent=FIREFOX)
ELSEWHERE = Browser(address="198.51.100.9")


class Wall:
    """The wall clock of a test: it stands until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: datetime = BEGIN) -> None:
        self.now = at
        monkeypatch.setattr(clock, "wall_now", lambda: self.now)

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


def staff_sign_in(database: Database) -> StaffSignIn:
    """Return the doors of staff, with hashes that cost little."""
    return StaffSignIn(database, PEPPER, TERMS, PasswordHashing(kib=8, rounds=1, lanes=1))


async def invite(database: Database, email: str = EMAIL, *roles: Role, **more: Any) -> Invitation:  # noqa: ANN401 - fields
    async with database.transaction(actor="cli") as tx:
        wish = NewAccount(**({"email": email, "name": "Mei", "roles": roles or (Role.OWNER,)} | more))
        return await service.invite(tx, wish)


class Person:
    """Somebody of staff who has set up password and phone."""

    def __init__(self, doors: StaffSignIn, wall: Wall, email: str, password: str = PASSWORD) -> None:
        self.doors, self.wall, self.email, self.password = doors, wall, email, password
        self.staff_id = UUID(int=0)
        self.secret = ""
        self.recovery_codes: tuple[str, ...] = ()
        self.opened: Opened | None = None

    def code(self, *, steps: int = 0) -> str:
        """The code that the phone shows now, or so many half minutes from now."""
        return pyotp.TOTP(self.secret).at(self.wall.now + timedelta(seconds=30 * steps))

    async def accept(self, invitation: Invitation) -> Opened:
        """Follow a link to its end."""
        self.staff_id = invitation.account.staff_id
        self.secret = (await self.doors.choose_password(invitation.token, self.password)).secret
        welcome = await self.doors.accept_link(invitation.token, self.code(), HOME)
        self.recovery_codes, self.opened = welcome.recovery_codes, welcome.opened
        self.wall.advance(seconds=30)  # that code is used
        return welcome.opened

    async def password_step(self, browser: Browser = HOME) -> CodeAsked:
        asked = await self.doors.with_password(self.email, self.password, browser)
        assert isinstance(asked, CodeAsked)
        return asked

    async def sign_in(self, browser: Browser = HOME) -> Opened:
        """Sign in with password and phone; the next code is another one."""
        opened = await self.doors.with_code((await self.password_step(browser)).token, self.code(), browser)
        self.wall.advance(seconds=30)
        return opened

    async def viewer(self, opened: Opened | None = None) -> Viewer:
        found = await self.doors.recognise((opened or self.opened or await self.sign_in()).token)
        assert found is not None
        return found


async def person(
    database: Database,
    wall: Wall,
    email: str = EMAIL,
    *roles: Role,
    **more: Any,  # noqa: ANN401 - fields of NewAccount
) -> Person:
    """Return somebody of staff who was invited and has set up password and phone."""
    somebody = Person(staff_sign_in(database), wall, email)
    await somebody.accept(await invite(database, email, *roles, **more))
    return somebody


async def audit(database: Database) -> list[tuple[str, str, str]]:
    """Return actor, action and detail of all that was noted, in order."""
    async with database.transaction() as tx:
        return [
            tuple(row) for row in await tx.rows("SELECT actor, action, detail FROM audit_entries ORDER BY entry_id")
        ]
