"""What is known of members' e-mail addresses: which were asked to be confirmed, and which are nobody's.

Mail goes to proved addresses only: one that nobody proved may be a stranger's. Such a one gets a single letter with a
link; opening it changes nothing, as mail scanners open every link, and only the button on its page confirms. An address
that its server refuses as unknown is left alone until it is proved anew, or changed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hmac import digest
from uuid import UUID

import msgspec
from msgspec import Struct

from regulars.engagement.channels import rules, store
from regulars.engagement.channels.store import MailStanding
from regulars.engagement.contracts import AddressRefused
from regulars.members import api as members
from regulars.platform.auth.tokens import read_sealed, write_sealed
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.contracts import Vault, VaultBroken

LINK_LASTS = timedelta(days=30)
_FIELD = "confirm address"
_NOBODY = UUID(int=0)

Standings = dict[bytes, MailStanding]


class _Link(Struct, frozen=True):
    member_id: UUID
    address: str
    until: int


def hash_of(vault: Vault, address: str) -> bytes:
    """Return under what is known of an address, whoever reads the table."""
    return digest(key_for(vault.pepper, "mail address"), address.strip().casefold().encode(), "sha256")


async def standings(tx: Transaction, member_ids: Iterable[UUID]) -> dict[UUID, Standings]:
    """Return what is known of members' addresses, by member and hash."""
    found: dict[UUID, Standings] = {}
    for standing in await store.mail_standings(tx, sorted(member_ids)):
        found.setdefault(standing.member_id, {})[standing.address_hash] = standing
    return found


async def refused(tx: Transaction, vault: Vault, member_id: UUID) -> list[AddressRefused]:
    """Return a member's addresses to which nothing is sent; see `engagement.api.refused_addresses`."""
    known = {
        standing.address_hash: (standing.refused_at, standing.answer)
        for standing in await store.mail_standings(tx, [member_id])
        if standing.refused_at is not None
    }
    told = []
    for _, identities in await members.show_members(tx, vault, [member_id], clear=True) if known else ():
        for one in rules.emails_of(identities):
            at, answer = known.get(hash_of(vault, one.value or ""), (None, ""))
            if at is not None and rules.is_refused(one, at):
                told.append(AddressRefused(identity_id=one.identity_id, at=at, answer=answer))
    return told


async def note_refused(tx: Transaction, vault: Vault, member_id: UUID, address: str, answer: str) -> None:
    """Leave an address alone from now on: its server says that it is nobody's."""
    store.note_refused(tx, member_id, hash_of(vault, address), tx.now, answer)


async def is_first_asked(tx: Transaction, vault: Vault, member_id: UUID, address: str, at: datetime) -> bool:
    """Note that an address is asked to be confirmed; False if it was before."""
    return await store.note_asked(tx, member_id, hash_of(vault, address), at)


def confirm_token(vault: Vault, member_id: UUID, address: str) -> str:
    """Return what the link in the letter carries; nobody can make one up, or read the address in it."""
    until = int((wall_now() + LINK_LASTS).timestamp())
    content = msgspec.json.encode(_Link(member_id, address, until))
    return write_sealed(seal(key_for(vault.pepper, _FIELD), content, member_id=_NOBODY, field=_FIELD))


def address_in(vault: Vault, token: str) -> str:
    """Return the address that a link is about. Raises NotFound for one that we did not write, or too long ago."""
    return _link(vault, token).address


async def confirm(tx: Transaction, vault: Vault, token: str) -> None:
    """Note that whoever follows the link holds the address; see `engagement.api.confirm_address`."""
    link = _link(vault, token)
    if not await members.confirm_email(tx, vault, link.member_id, link.address):
        raise NotFound


def _link(vault: Vault, token: str) -> _Link:
    sealed = read_sealed(token)
    if sealed is None:
        raise NotFound
    try:
        content = unseal(key_for(vault.pepper, _FIELD), sealed, member_id=_NOBODY, field=_FIELD)
    except VaultBroken:
        raise NotFound from None
    link = msgspec.json.decode(content, type=_Link)
    if wall_now().timestamp() >= link.until:
        raise NotFound
    return link
