"""Sessions of members on their devices: opened, recognised, listed, forgotten."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import token_bytes
from typing import Final
from uuid import UUID

from regulars.members.access import store
from regulars.members.access.limits import PROOF_LASTS, REMEMBERED_LASTS, SEEN_EVERY, VISIT_IDLE, VISIT_LASTS
from regulars.members.contracts import MEMBER_PREFIX, Device, MemberOpened, MemberViewer
from regulars.platform import clock
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.browsers import agent_family
from regulars.platform.auth.contracts import Browser
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id, public_id
from regulars.platform.settings import Settings

SESSION_PREFIX: Final = "mbs"
_ID_BYTES: Final = 16
_SECRET_BYTES: Final = 32
_TOKEN_BYTES: Final = 2 * _ID_BYTES + _SECRET_BYTES


async def open_session(tx: Transaction, member_id: UUID, browser: Browser, *, remember: bool) -> MemberOpened:
    """Open a session under a fresh token, and end the one whose token the browser brought along."""
    now, session_id, secret = clock.wall_now(), new_id(), token_bytes(_SECRET_BYTES)
    await sign_out(tx, browser.token)
    device = Device(
        session_id=session_id,
        agent=agent_family(browser.user_agent),
        remembered=remember,
        made_at=now,
        last_seen_at=now,
        expires_at=now + (REMEMBERED_LASTS if remember else VISIT_LASTS),
    )
    store.insert_session(tx, member_id, sha256(secret).digest(), device)
    note(tx, member_id, "member_sign_in", public_id(SESSION_PREFIX, session_id))
    return MemberOpened(
        token=urlsafe_b64encode(member_id.bytes + session_id.bytes + secret).decode(),
        member_id=member_id,
        session_id=session_id,
        remembered=remember,
        expires_at=device.expires_at,
    )


def forget_unseen(tx: Transaction, member_id: UUID, browser: Browser, since: datetime) -> None:
    """End what was opened in the same kind of browser since then and never used: the answer that opened it got lost."""
    tx.write(store.DELETE_UNSEEN, (member_id, agent_family(browser.user_agent), since))


async def recognise(tx: Transaction, settings: Settings, token: str) -> MemberViewer | None:
    """Return who is signed in by a token; None if nobody (any more). Notes that the session was used."""
    parts = _parts(token)
    if parts is None:
        return None
    member_id, session_id, secret_hash = parts
    kept, now = await store.select_session(tx, member_id, session_id), clock.wall_now()
    if kept is None or not compare_digest(kept.secret_hash, secret_hash):
        return None
    idle = _idle(settings) if kept.remembered else VISIT_IDLE
    if now >= kept.expires_at or now - kept.last_seen_at >= idle:
        return None
    if now - kept.last_seen_at >= SEEN_EVERY:
        tx.write(store.NOTE_SEEN, (now, member_id, session_id, now))
    return MemberViewer(
        member_id=member_id,
        session_id=session_id,
        market=kept.market,
        language=kept.language,
        parted=kept.parted,
        signed_in_at=kept.made_at,
    )


def proved_recently(viewer: MemberViewer) -> bool:
    """Say whether a member entered a fresh code so recently that nobody else will sit there by now."""
    return clock.wall_now() - viewer.signed_in_at < PROOF_LASTS


async def is_signed_in(tx: Transaction, token: str, member_id: UUID) -> bool:
    """Say whether a token is that of a session of this member that was used within the last two hours."""
    parts, now = _parts(token), clock.wall_now()
    if parts is None or parts[0] != member_id:
        return False
    kept = await store.select_session(tx, parts[0], parts[1])
    return (
        kept is not None
        and compare_digest(kept.secret_hash, parts[2])
        and now < kept.expires_at
        and now - kept.last_seen_at < VISIT_IDLE
    )


def claimed(token: str) -> UUID | None:
    """Return whose session a token says that it is, which nobody has checked yet; None if it is no token."""
    parts = _parts(token)
    return None if parts is None else parts[0]


async def list_devices(tx: Transaction, settings: Settings, member_id: UUID) -> list[Device]:
    """Return where a member is signed in, the last used first."""
    now = clock.wall_now()
    return await store.select_devices(tx, member_id, now, now - _idle(settings), now - VISIT_IDLE)


async def forget_device(tx: Transaction, member_id: UUID, session_id: UUID) -> None:
    """Sign a member out of one device. Raises NotFound, also for a device of somebody else."""
    if not await store.delete_session(tx, member_id, session_id):
        raise NotFound
    note(tx, member_id, "forget_device", public_id(SESSION_PREFIX, session_id))


async def sign_out(tx: Transaction, token: str) -> None:
    """End the session of this token, if there is one."""
    parts = _parts(token)
    if parts is not None and await store.delete_presented(tx, *parts):
        note(tx, parts[0], "member_sign_out", public_id(SESSION_PREFIX, parts[1]))


async def sign_out_everywhere(tx: Transaction, member_id: UUID, *, but: UUID | None = None) -> int:
    """Sign a member out of every device, but for one if named; return of how many."""
    ended = await store.delete_sessions(tx, member_id, but)
    note(tx, member_id, "member_sign_out_everywhere", str(ended))
    return ended


async def forget_ended(tx: Transaction, *, at_most: int) -> bool:
    """Delete codes and sessions that ended more than a week ago; True if there may be more."""
    return await store.delete_old(tx, clock.wall_now() - timedelta(days=7), at_most)


def forget_members(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """End every session of members, and forget what is known of their devices: of who is erased, merged or parted."""
    store.delete_all(tx, member_ids)


def note(tx: Transaction, member_id: UUID, action: str, detail: str = "") -> None:
    """Write into the audit log what a member did."""
    subject = public_id(MEMBER_PREFIX, member_id)
    tx.audit(
        AuditEntry(actor=f"member:{subject}", action=action, subject=subject, request_id=tx.request_id, detail=detail)
    )


def _parts(token: str) -> tuple[UUID, UUID, bytes] | None:
    """Return member, session and hash of the secret of a token; None if it is none."""
    try:
        content = b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    if len(content) != _TOKEN_BYTES:
        return None
    ids, secret = content[: 2 * _ID_BYTES], content[2 * _ID_BYTES :]
    return UUID(bytes=ids[:_ID_BYTES]), UUID(bytes=ids[_ID_BYTES:]), sha256(secret).digest()


def _idle(settings: Settings) -> timedelta:
    return timedelta(days=settings.member_session_days)
