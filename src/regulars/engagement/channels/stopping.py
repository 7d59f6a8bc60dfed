"""Ending notices with one click (RFC 8058): the link in a notice names its member, and nobody can make one up.

Opening the link changes nothing, as mail scanners open every link; only a POST does.
"""

import hmac
from uuid import UUID

from regulars.engagement.channels.rules import NEEDS_NO_REFUSAL
from regulars.engagement.channels.store import Stored
from regulars.engagement.contracts import MessageKind
from regulars.members import api as members
from regulars.members.contracts import ConsentChannel, ConsentGiven, Decision, Purpose
from regulars.platform.auth.tokens import read_sealed, write_sealed
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.vault.cipher import key_for
from regulars.platform.vault.contracts import Vault

STOP_PATH = "/stop"
WORDING = "stop-link:1"
_ID_BYTES, _MAC_BYTES = 16, 16


def stop_url(vault: Vault, public_url: str | None, message: Stored) -> str | None:
    """Return the link that ends such messages; None for what a member cannot be without, or if we have no address."""
    if public_url is None or not message.to_member or MessageKind(message.kind) not in NEEDS_NO_REFUSAL:
        return None
    return f"{public_url}{STOP_PATH}/{stop_token(vault, message.recipient_id)}"


def stop_token(vault: Vault, member_id: UUID) -> str:
    """Return what names a member in a link."""
    return write_sealed(member_id.bytes + _mac(vault, member_id.bytes))


def member_of(vault: Vault, token: str) -> UUID:
    """Return whom a link names. Raises NotFound for one that we did not write."""
    content = read_sealed(token)
    if content is None:
        raise NotFound
    member, mac = content[:_ID_BYTES], content[_ID_BYTES:]
    if len(member) != _ID_BYTES or not hmac.compare_digest(mac, _mac(vault, member)):
        raise NotFound
    return UUID(bytes=member)


async def stop_notices(tx: Transaction, vault: Vault, token: str) -> None:
    """Withdraw a member's consent to service messages by e-mail. Raises NotFound."""
    member_id = member_of(vault, token)
    given = ConsentGiven(
        member_id=member_id,
        purpose=Purpose.SERVICE,
        channel=ConsentChannel.EMAIL,
        decision=Decision.WITHDRAWN,
        wording_version=WORDING,
        where="email",
        actor="member",
    )
    if member_id in await members.withdrawn(tx, [member_id], Purpose.SERVICE, ConsentChannel.EMAIL):
        return
    (outcome,) = await members.record_consents(tx, [given])
    if isinstance(outcome, DomainError):
        raise outcome


def _mac(vault: Vault, member: bytes) -> bytes:
    return hmac.digest(key_for(vault.pepper, "stop-notices"), member, "sha256")[:_MAC_BYTES]
