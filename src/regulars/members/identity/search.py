"""Finding members by whatever somebody types: an id of ours, or any identity, in full."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from regulars.members.contracts import MEMBER_PREFIX, IdentityKind, IdentityValue, MemberSearch
from regulars.members.identity import service
from regulars.members.identity.limits import FOUND_WEIGHS, SEARCHED
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.auth.throttle.subjects import Counters
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.markets.service import list_markets
from regulars.platform.vault.contracts import Vault

_LONGEST: Final = 320
_TYPED_IN_FULL: Final = (IdentityKind.PHONE, IdentityKind.EMAIL)


async def find_by_any(tx: Transaction, vault: Vault, text: str) -> list[UUID]:
    """Return whose a text is, read as a member id and as every kind of identity; see `members.api.find_by_any`."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return []
    named = parse_public_id(MEMBER_PREFIX, text)
    if named is not None:
        return [found.stands_for for found in (await service.known_members(tx, [named])).values()]
    kinds = [kind for kind in IdentityKind if kind is not IdentityKind.EMAIL or "@" in text]
    return await _by_identity(tx, vault, text, kinds)


async def find_counted(tx: Transaction, vault: Vault, wish: MemberSearch) -> list[UUID] | TooManyAttempts:
    """Find whose a text is for somebody who may not see everybody; see `members.api.find_counted`."""
    text = wish.text.strip()
    if not text or len(text) > _LONGEST or parse_public_id(MEMBER_PREFIX, text) is not None:
        return await find_by_any(tx, vault, text)
    kinds = list(IdentityKind)
    if wish.while_typing:
        kinds = await _typed_in_full(tx, vault, text)
        if not kinds:
            return []
    attempt = Counters(vault.pepper).attempt(SEARCHED, wish.by)
    if blocked := await throttle.count(tx, attempt):
        return blocked
    found = await _by_identity(tx, vault, text, kinds) if wish.while_typing else await find_by_any(tx, vault, text)
    if found:
        await throttle.forgive(tx, attempt, weight=FOUND_WEIGHS)
    tx.audit(
        AuditEntry(
            actor=wish.by,
            action="search_member",
            subject=public_id(MEMBER_PREFIX, found[0]) if found else "nobody",
            request_id=tx.request_id,
            detail=f"{len(found)} found",
        )
    )
    return found


async def _by_identity(tx: Transaction, vault: Vault, text: str, kinds: Sequence[IdentityKind]) -> list[UUID]:
    found: dict[UUID, None] = {}
    for market in await list_markets(tx):  # a number without a country code is read as each market's own
        owners = await service.resolve(tx, vault, [IdentityValue(kind, text) for kind in kinds], market.code)
        found.update({owner: None for owner in owners if isinstance(owner, UUID)})
        kinds = [kind for kind in kinds if kind is IdentityKind.PHONE]
    return list(found)


async def _typed_in_full(tx: Transaction, vault: Vault, text: str) -> list[IdentityKind]:
    """Return as what a text can be a whole phone number or e-mail address: not one that is still being typed."""
    markets = [market.code for market in await list_markets(tx)]
    return [
        kind
        for kind in _TYPED_IN_FULL
        if any(
            [
                not isinstance(await service.index_of(tx, vault, IdentityValue(kind, text), market), DomainError)
                for market in markets
            ]
        )
    ]
