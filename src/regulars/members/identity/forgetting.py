"""Some of what finds a member is forgotten: what came with somebody else who is erased."""

from collections.abc import Collection
from uuid import UUID

from regulars.members.identity import store
from regulars.platform.db.transaction import Transaction


async def forget_identities(tx: Transaction, member_id: UUID, identity_ids: Collection[UUID]) -> None:
    """Forget some of what finds a member, and by what each was found; the caller holds the row."""
    for one in await store.select_identities(tx, member_id):
        if one.identity.identity_id in identity_ids:
            store.delete_identity(tx, one)
