"""Who follows the link of a letter proves to hold its address, unless no link can."""

from uuid import UUID

from regulars.members.access.errors import AddressNotProved
from regulars.members.identity import proving
from regulars.platform.db.transaction import Transaction
from regulars.platform.vault.contracts import Vault


async def confirm_email(tx: Transaction, vault: Vault, member_id: UUID, address: str) -> bool:
    """Note what `prove_email` notes, of who follows the link of a letter; False as there.

    Raises AddressNotProved (403) where a merge brought the address, to whom the id means by now, and nobody had proved
    it: no link proves it. NotFound (404), MemberGone (410). Source: identities, member_identities, member_merges.
    """
    if await proving.prove_email(tx, vault, member_id, address):
        return True
    if await proving.email_came_unproved(tx, vault, member_id, address):
        raise AddressNotProved
    return False
