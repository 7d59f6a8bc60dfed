"""How staff get in: password, then code; and what they change of their own.

Every method opens its own transactions, because an attempt must be counted before it is made and stay counted when it
fails, and because no connection may be held while a password is hashed. A refusal is raised after the commit.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from msgspec.structs import replace

from regulars.platform import clock
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.known import KnownBrowsers
from regulars.platform.auth.staff import sessions, store
from regulars.platform.auth.staff.contracts import (
    Account,
    CodeAsked,
    Enrolment,
    How,
    Opened,
    Session,
    Status,
    Viewer,
    Welcome,
)
from regulars.platform.auth.staff.errors import (
    CodeRefused,
    LinkDead,
    PasswordGuessable,
    PasswordWrong,
    SignInRefused,
    SignInStale,
)
from regulars.platform.auth.staff.factors import Factors
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.limits import (
    CODE,
    CODE_KNOWN,
    CONFIRMED,
    LINK_TRIES,
    PASSWORD_ANYWHERE,
    PASSWORD_HERE,
    PASSWORD_KNOWN,
    PLACE,
    STEP_LASTS,
    STEP_TRIES,
    Terms,
)
from regulars.platform.auth.staff.rules import email_sought, password_fault
from regulars.platform.auth.staff.store import Secrets
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.service import Attempt
from regulars.platform.auth.throttle.subjects import Counters, place_of
from regulars.platform.auth.tokens import hash_of, new_token
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError

NOBODY: Final = UUID(int=0)  # whose sign-in is refused when there is no such account, at the same cost
Result = TypeVar("Result")
Read = Callable[[Transaction], Awaitable[Secrets | None]]


class StaffSignIn:
    """The doors of staff."""

    def __init__(self, database: Database, pepper: bytes, terms: Terms, hashing: PasswordHashing | None = None) -> None:
        self._database = database
        self.terms = terms
        self.hashing = hashing or PasswordHashing()
        self.factors = Factors(pepper)
        self.counters = Counters(pepper)
        self.known = KnownBrowsers(pepper, "staff")

    async def recognise(self, token: str) -> Viewer | None:
        """Return who is signed in by a session token; None if nobody (any more)."""
        if not token:
            return None
        async with self._database.transaction() as tx:
            return await sessions.recognise(tx, token, self.terms)

    async def with_password(self, email: str, password: str, browser: Browser) -> Opened | CodeAsked:
        """Take e-mail and password; answers with a request for the code, or a session for accounts without one.

        Raises SignInRefused (401), TooManyAttempts (429), TemporarilyUnavailable (503), and tells by none of them, nor
        by the time it takes, whether there is such an account.
        """
        sought = email_sought(email)
        counted = self._password_attempts(sought, browser)
        secrets = await self._counted(counted, lambda tx: store.select_by_email(tx, sought))
        usable = secrets if secrets and secrets.account.status is Status.ACTIVE else None
        right = await self.hashing.verify(password, usable.password_hash if usable else None)
        async with self._database.transaction() as tx:
            staff_id = secrets.account.staff_id if secrets else NOBODY
            current = await store.select_secrets(tx, staff_id, lock=True)
            outcome: Opened | CodeAsked | DomainError
            if usable is None or not right or current is None or not _is_same(current, usable):
                sessions.note(tx, staff_id, "refuse_sign_in", detail="password")
                outcome = SignInRefused()
            else:
                await self._took_back(tx, counted)
                outcome = self._after_password(tx, current, browser)
        if isinstance(outcome, DomainError):
            raise outcome
        if usable and usable.password_hash and self.hashing.is_outdated(usable.password_hash):
            await self._hash_anew(usable, password)
        return outcome

    def _after_password(self, tx: Transaction, secrets: Secrets, browser: Browser) -> Opened | CodeAsked:
        if secrets.sealed_totp is None:
            return self._opened(tx, secrets.account, How.PASSWORD, browser)
        token, expires_at = new_token(), clock.wall_now() + STEP_LASTS
        tx.write(store.INSERT_STEP, (hash_of(token), secrets.account.staff_id, expires_at))
        return CodeAsked(token=token, expires_at=expires_at)

    async def with_code(self, step_token: str, code: str, browser: Browser) -> Opened:
        """Take the code of the phone, or a recovery code, after the password.

        Raises CodeRefused, SignInStale (401): then the password is asked for again; TooManyAttempts (429).
        """
        outcome: Opened | DomainError
        async with self._database.transaction() as tx:
            now = clock.wall_now()
            rows = await tx.rows(store.SELECT_STEP, (hash_of(step_token), now))
            secrets = await store.select_secrets(tx, rows[0][0], lock=True) if rows else None
            usable = secrets is not None and secrets.account.status is Status.ACTIVE
            tried = usable and await store.take(tx, store.TRY_STEP, (hash_of(step_token), STEP_TRIES))
            if not tried or secrets is None or secrets.sealed_totp is None:
                outcome = SignInStale()
            else:
                account = secrets.account
                counted = self._code_attempts(account, browser)
                blocked = await throttle.count(tx, *counted)
                how = None
                if blocked is None:
                    how = await self.factors.accept(tx, account.staff_id, secrets.sealed_totp, code)
                if how is None:
                    sessions.note(tx, account.staff_id, "refuse_sign_in", detail="code")
                    outcome = blocked or CodeRefused()
                else:
                    await self._took_back(tx, counted)
                    tx.write(store.DELETE_STEP, (hash_of(step_token),))
                    outcome = self._opened(tx, account, how, browser)
        return _or_raise(outcome)

    # --- one-time links -----------------------------------------------------------------------------------------

    async def read_link(self, token: str) -> Account:
        """Return the account to which a one-time link leads; reading changes nothing. Raises LinkDead (404)."""
        async with self._database.transaction() as tx:
            link = await store.select_link(tx, hash_of(token), clock.wall_now(), lock=False)
        if link is None:
            raise LinkDead
        return link.account

    async def choose_password(self, token: str, password: str) -> Enrolment:
        """Take the password for a linked account, and return the second factor to set up; the account waits for both.

        Raises LinkDead (404), PasswordTooShort, PasswordTooLong, PasswordGuessable (422), TemporarilyUnavailable.
        """
        account = await self.read_link(token)
        if problem := password_fault(password, email=account.email, name=account.name):
            raise problem
        password_hash = await self.hashing.hash(password)
        enrolment = self.factors.begin(account.staff_id, account.email)
        async with self._database.transaction() as tx:
            link = await store.select_link(tx, hash_of(token), clock.wall_now(), lock=True)
            if link is None:
                raise LinkDead
            sealed = self.factors.sealed(account.staff_id, enrolment.secret)
            if not await store.take(tx, store.PREPARE_LINK, (password_hash, sealed, hash_of(token))):
                raise LinkDead
        return enrolment

    async def enrolment_of(self, token: str) -> Enrolment | None:
        """Return the second factor that waits on a link to be set up, to show it again; None before the password.

        Raises LinkDead (404).
        """
        async with self._database.transaction() as tx:
            link = await store.select_link(tx, hash_of(token), clock.wall_now(), lock=False)
        if link is None:
            raise LinkDead
        if link.sealed_totp is None:
            return None
        account = link.account
        secret = self.factors.secret_in(account.staff_id, link.sealed_totp)
        return self.factors.shown(account.staff_id, account.email, secret)

    async def accept_link(self, token: str, code: str, browser: Browser) -> Welcome:
        """Take the first code of a linked account: password and second factor hold from now on, the link is used up.

        Every earlier session of the account ends. Raises LinkDead (404), CodeRefused (401).
        """
        outcome: Welcome | DomainError
        async with self._database.transaction() as tx:
            now = clock.wall_now()
            link = await store.select_link(tx, hash_of(token), now, lock=True)
            if link is None or link.sealed_totp is None or link.tries >= LINK_TRIES:
                outcome = LinkDead()
            else:
                outcome = await self._accepted(tx, token, link, code, browser)
        return _or_raise(outcome)

    async def _accepted(
        self, tx: Transaction, token: str, link: store.Link, code: str, browser: Browser
    ) -> Welcome | DomainError:
        staff_id, sealed = link.account.staff_id, link.sealed_totp or b""
        tx.write(store.TRY_LINK, (hash_of(token),))
        step = self.factors.step_of_code(self.factors.secret_in(staff_id, sealed), code)
        if step is None:
            return CodeRefused()
        if not await store.take(tx, store.USE_LINK, (clock.wall_now(), hash_of(token))):
            return LinkDead()
        tx.write(store.UPDATE_SECRETS, (link.password_hash, sealed, None, staff_id))
        tx.write(store.NOTE_TOTP_STEP, (step, staff_id))
        await sessions.end_all_sessions(tx, staff_id)
        codes = self.factors.new_recovery_codes(tx, staff_id)
        sessions.note(tx, staff_id, "set_up_sign_in")
        opened = self._opened(tx, link.account, How.INVITATION, browser)
        return Welcome(opened=opened, recovery_codes=codes)

    # --- one's own account --------------------------------------------------------------------------------------

    async def list_sessions(self, viewer: Viewer) -> list[Session]:
        """Return where the viewer is signed in, the last used first."""
        async with self._database.transaction() as tx:
            return await sessions.list_sessions(tx, viewer.staff_id, self.terms)

    async def recovery_codes_left(self, viewer: Viewer) -> int:
        """Return how many of the viewer's recovery codes were not used yet."""
        async with self._database.transaction() as tx:
            return await store.count_recovery_codes(tx, viewer.staff_id)

    async def change_password(self, viewer: Viewer, current: str, new: str) -> Opened:
        """Change the viewer's password; every other session ends, and this one goes on under a fresh token.

        Raises TooManyAttempts (429), PasswordWrong, and what `choose_password` says of passwords (422).
        """
        if problem := password_fault(new, email=viewer.email, name=viewer.name):
            raise problem
        if new == current:
            raise PasswordGuessable(pointer="/password")
        confirmed = await self._confirm(viewer, current)
        password_hash = await self.hashing.hash(new)
        async with self._database.transaction(actor=viewer.actor) as tx:
            await self._still(tx, confirmed)
            tx.write(store.UPDATE_HASH, (password_hash, viewer.staff_id))
            tx.write(store.END_LINKS, (clock.wall_now(), viewer.staff_id))
            await sessions.end_all_sessions(tx, viewer.staff_id, but=viewer.session_id)
            sessions.note(tx, viewer.staff_id, "change_password")
            return await self._renewed(tx, viewer)

    async def begin_second_factor(self, viewer: Viewer) -> Enrolment:
        """Return a fresh second factor to set up; nothing changes until `change_second_factor`."""
        return self.factors.begin(viewer.staff_id, viewer.email)

    async def show_second_factor(self, viewer: Viewer, enrolment_token: str) -> Enrolment:
        """Return the second factor that an enrolment's token carries, to show it again. Raises SignInStale (401)."""
        secret = self.factors.secret_of(viewer.staff_id, enrolment_token)
        if secret is None:
            raise SignInStale
        return self.factors.shown(viewer.staff_id, viewer.email, secret)

    async def change_second_factor(
        self, viewer: Viewer, password: str, enrolment_token: str, code: str
    ) -> tuple[Opened, tuple[str, ...]]:
        """Replace the viewer's second factor; returns a fresh token for this session, and new recovery codes.

        Every other session ends. Raises SignInStale, CodeRefused (401), PasswordWrong (422), TooManyAttempts (429).
        """
        confirmed = await self._confirm(viewer, password)
        secret = self.factors.secret_of(viewer.staff_id, enrolment_token)
        if secret is None:
            raise SignInStale
        step = self.factors.step_of_code(secret, code)
        if step is None:
            raise CodeRefused
        async with self._database.transaction(actor=viewer.actor) as tx:
            await self._still(tx, confirmed)
            tx.write(store.UPDATE_TOTP, (self.factors.sealed(viewer.staff_id, secret), viewer.staff_id))
            tx.write(store.NOTE_TOTP_STEP, (step, viewer.staff_id))
            codes = self.factors.new_recovery_codes(tx, viewer.staff_id)
            await sessions.end_all_sessions(tx, viewer.staff_id, but=viewer.session_id)
            sessions.note(tx, viewer.staff_id, "change_second_factor")
            return await self._renewed(tx, viewer), codes

    async def renew_recovery_codes(self, viewer: Viewer, password: str) -> tuple[str, ...]:
        """Return new recovery codes in place of the old ones. Raises PasswordWrong (422), TooManyAttempts (429)."""
        confirmed = await self._confirm(viewer, password)
        async with self._database.transaction(actor=viewer.actor) as tx:
            await self._still(tx, confirmed)
            sessions.note(tx, viewer.staff_id, "renew_recovery_codes")
            return self.factors.new_recovery_codes(tx, viewer.staff_id)

    # --- what they share ----------------------------------------------------------------------------------------

    async def _counted(self, attempts: tuple[Attempt, ...], read: Read) -> Secrets | None:
        """Count an attempt, commit it, and return what was read beside. Raises TooManyAttempts."""
        async with self._database.transaction() as tx:
            blocked = await throttle.count(tx, *attempts)
            found = await read(tx) if blocked is None else None
        if blocked is not None:
            raise blocked
        return found

    def _password_attempts(self, email: str, browser: Browser) -> tuple[Attempt, ...]:
        """Return what a password for an account counts as: by itself where its owner signed in before."""
        nonce = self.known.nonce(browser.known, email)
        if nonce is not None:
            return (self.counters.attempt(PASSWORD_KNOWN, f"{email} {nonce}"),)
        return (
            self.counters.attempt(PASSWORD_HERE, f"{email} {place_of(browser.address)}"),
            self.counters.attempt(PASSWORD_ANYWHERE, email),
            self.counters.at(PLACE, browser.address),
        )

    def _code_attempts(self, account: Account, browser: Browser) -> tuple[Attempt, ...]:
        nonce = self.known.nonce(browser.known, email_sought(account.email))
        if nonce is not None:
            return (self.counters.attempt(CODE_KNOWN, f"{account.staff_id.hex} {nonce}"),)
        return self.counters.attempt(CODE, account.staff_id.hex), self.counters.at(PLACE, browser.address)

    async def _took_back(self, tx: Transaction, counted: tuple[Attempt, ...]) -> None:
        """What was tried for the account is forgotten, as it was its owner; of the place, what that one tried."""
        throttle.forget(tx, [attempt for attempt in counted if attempt.policy is not PLACE])
        if at_place := [attempt for attempt in counted if attempt.policy is PLACE]:
            await throttle.forgive(tx, *at_place)

    def _opened(self, tx: Transaction, account: Account, how: How, browser: Browser) -> Opened:
        """Open a session, and know this browser from now on."""
        opened = sessions.open_session(tx, account, how, self.terms, browser=browser)
        return replace(opened, known=self.known.remember(browser.known, email_sought(account.email)))

    async def _confirm(self, viewer: Viewer, password: str) -> Secrets:
        """Ask for the password again, before something that whoever found an open browser must not do."""
        counted = (self.counters.attempt(CONFIRMED, viewer.session_id.hex),)
        secrets = await self._counted(counted, lambda tx: store.select_secrets(tx, viewer.staff_id))
        right = await self.hashing.verify(password, secrets.password_hash if secrets else None)
        async with self._database.transaction() as tx:
            if right:
                throttle.forget(tx, counted)
            else:
                sessions.note(tx, viewer.staff_id, "refuse_confirmation")
        if not right or secrets is None:
            raise PasswordWrong(pointer="/current_password")
        return secrets

    async def _still(self, tx: Transaction, confirmed: Secrets) -> None:
        """Hold the account, and make sure that it is as it was when the password was compared."""
        current = await store.select_secrets(tx, confirmed.account.staff_id, lock=True)
        if current is None or not _is_same(current, confirmed):
            raise PasswordWrong(pointer="/current_password")

    async def _renewed(self, tx: Transaction, viewer: Viewer) -> Opened:
        """Give the viewer's session a fresh token: whoever knew the old one is out."""
        token = new_token()
        tx.write(store.RENEW_SESSION, (hash_of(token), viewer.staff_id, viewer.session_id))
        open_now = await sessions.list_sessions(tx, viewer.staff_id, self.terms)
        ends = [session.expires_at for session in open_now if session.session_id == viewer.session_id]
        if not ends:  # it was ended meanwhile, elsewhere
            raise SignInRefused
        return Opened(token=token, staff_id=viewer.staff_id, session_id=viewer.session_id, expires_at=ends[0])

    async def _hash_anew(self, secrets: Secrets, password: str) -> None:
        fresh = await self.hashing.hash(password)
        async with self._database.transaction() as tx:
            tx.write(store.REPLACE_HASH, (fresh, secrets.account.staff_id, secrets.password_hash))


def _is_same(current: Secrets, before: Secrets) -> bool:
    """Whether the account may still sign in with what was compared, out of any transaction, a moment ago."""
    return current.account.status is Status.ACTIVE and current.password_hash == before.password_hash


def _or_raise(outcome: Result | DomainError) -> Result:
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome
