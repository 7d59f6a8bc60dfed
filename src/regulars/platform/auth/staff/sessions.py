"""Sessions of staff: opened, recognised, listed, ended."""

from datetime import timedelta
from uuid import UUID

from regulars.platform import clock
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.browsers import agent_family
from regulars.platform.auth.contracts import STAFF_PREFIX, Browser
from regulars.platform.auth.staff import store
from regulars.platform.auth.staff.contracts import SESSION_PREFIX, Account, How, Opened, Session, Viewer
from regulars.platform.auth.staff.contracts import viewer_of as viewer
from regulars.platform.auth.staff.limits import SEEN_EVERY, Terms
from regulars.platform.auth.staff.rules import still_open
from regulars.platform.auth.tokens import hash_of, new_token
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id, public_id


def note(tx: Transaction, staff_id: UUID, action: str, *, actor: str | None = None, detail: str = "") -> None:
    """Write into the audit log what was done to an account, by its owner unless `actor` says otherwise."""
    subject = public_id(STAFF_PREFIX, staff_id)
    tx.audit(
        AuditEntry(
            actor=actor or f"staff:{subject}",
            action=action,
            subject=subject,
            request_id=tx.request_id,
            detail=detail,
        )
    )


def open_session(tx: Transaction, account: Account, how: How, terms: Terms, browser: Browser) -> Opened:
    """Open a session under a fresh token, and end the one whose token the browser brought along."""
    now, token, session_id = clock.wall_now(), new_token(), new_id()
    expires_at = now + terms.longest
    if browser.token:
        tx.write(store.DELETE_PRESENTED, (hash_of(browser.token),))
    session = Session(
        session_id=session_id,
        how=how,
        agent=agent_family(browser.user_agent),
        made_at=now,
        last_seen_at=now,
        expires_at=expires_at,
    )
    store.insert_session(tx, account.staff_id, hash_of(token), session)
    tx.write(store.NOTE_SIGN_IN, (now, account.staff_id))
    note(tx, account.staff_id, "sign_in", detail=f"{how.value} {public_id(SESSION_PREFIX, session_id)}")
    return Opened(token=token, staff_id=account.staff_id, session_id=session_id, expires_at=expires_at)


async def recognise(tx: Transaction, token: str, terms: Terms) -> Viewer | None:
    """Return who is signed in by a token; None if nobody (any more). Notes that the session was used."""
    now = clock.wall_now()
    found = await store.select_signed_in(tx, hash_of(token)) if token else None
    if found is None or not still_open(
        last_seen_at=found.last_seen_at, expires_at=found.expires_at, now=now, idle=terms.idle
    ):
        return None
    if now - found.last_seen_at >= min(SEEN_EVERY, terms.idle / 4):
        tx.write(store.NOTE_SEEN, (now, hash_of(token), now))
    return viewer(found.account, found.session_id)


async def list_sessions(tx: Transaction, staff_id: UUID, terms: Terms) -> list[Session]:
    """Return where an account is signed in, the last used first."""
    now = clock.wall_now()
    return await store.select_sessions(tx, staff_id, now, now - terms.idle)


async def end_session(tx: Transaction, staff_id: UUID, session_id: UUID, *, actor: str | None = None) -> None:
    """End one session of this account. Raises NotFound, also for a session of somebody else."""
    if not await store.take(tx, store.DELETE_SESSION, (staff_id, session_id)):
        raise NotFound
    note(tx, staff_id, "end_session", actor=actor, detail=public_id(SESSION_PREFIX, session_id))


async def end_all_sessions(
    tx: Transaction, staff_id: UUID, *, but: UUID | None = None, actor: str | None = None
) -> int:
    """Sign an account out everywhere, but for one session if named; return how many were ended."""
    ended = await store.delete_sessions(tx, staff_id, but=but)
    note(tx, staff_id, "end_all_sessions", actor=actor, detail=str(ended))
    return ended


async def sign_out(tx: Transaction, token: str) -> None:
    """End the session of this token, if there is one."""
    for staff_id, session_id in await tx.rows(store.DELETE_PRESENTED, (hash_of(token),)):
        note(tx, staff_id, "sign_out", detail=public_id(SESSION_PREFIX, session_id))


async def forget_ended(tx: Transaction, *, at_most: int) -> bool:
    """Delete sessions, steps and links that ended more than a week ago; True if there may be more."""
    return await store.delete_ended(tx, clock.wall_now() - timedelta(days=7), at_most)
