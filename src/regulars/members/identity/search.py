"""Finding members by whatever somebody types: an id of ours, or any identity, in full."""

from uuid import UUID

from regulars.members.contracts import MEMBER_PREFIX, IdentityKind, IdentityValue
from regulars.members.identity import service
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import parse_public_id
from regulars.platform.markets.service import list_markets
from regulars.platform.vault.contracts import Vault

_LONGEST = 320


async def find_by_any(tx: Transaction, vault: Vault, text: str) -> list[UUID]:
    """Return whose a text is, read as a member id and as every kind of identity; see `members.api.find_by_any`."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return []
    named = parse_public_id(MEMBER_PREFIX, text)
    if named is not None:
        return list(await service.known_members(tx, [named]))
    markets = [market.code for market in await list_markets(tx)]
    found: dict[UUID, None] = {}
    kinds = [kind for kind in IdentityKind if kind is not IdentityKind.EMAIL or "@" in text]
    for market in markets:  # a number without a country code is read as each market's own
        owners = await service.resolve(tx, vault, [IdentityValue(kind, text) for kind in kinds], market)
        found.update({owner: None for owner in owners if isinstance(owner, UUID)})
        kinds = [IdentityKind.PHONE]
    return list(found)
