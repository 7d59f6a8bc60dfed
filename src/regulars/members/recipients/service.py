"""Whom a member means by a number, an address or a card. Who tries many is slowed, whatever is found."""

from uuid import UUID

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.recipients import SeekRecipient
from regulars.members.counter.rules import cleaned, possible_values
from regulars.members.identity import service as identity
from regulars.members.recipients.limits import SOUGHT, SOUGHT_AROUND, SOUGHT_FROM
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.auth.throttle.subjects import Counters
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.vault.contracts import Vault


async def seek(tx: Transaction, vault: Vault, wish: SeekRecipient) -> UUID | TooManyAttempts | None:
    """Find whom a member means; see `members.api.recipients`."""
    counters = Counters(vault.pepper)
    blocked = await throttle.count(
        tx,
        counters.attempt(SOUGHT, wish.member_id.hex),
        counters.at(SOUGHT_FROM, wish.address),
        counters.around(SOUGHT_AROUND, wish.address),
    )
    if blocked:
        return blocked
    values = possible_values(cleaned(wish.typed))
    owners = await identity.resolve(tx, vault, values, wish.market)
    meant = {owner for owner in owners if isinstance(owner, UUID)}
    found = meant.pop() if len(meant) == 1 else None  # digits that are a phone here and a card there mean neither
    tx.audit(
        AuditEntry(
            actor=wish.actor,
            action="seek_recipient",
            subject=public_id(MEMBER_PREFIX, wish.member_id if found is None else found),
            request_id=tx.request_id,
            detail="nobody" if found is None else "found",
        )
    )
    return found
