"""Somebody proves to hold a value, by a code or a link. What a merge brought is proved from inside only."""

from collections.abc import Sequence
from uuid import UUID

from regulars.members.consent.lapsing import lapse
from regulars.members.contracts import IdentityKind
from regulars.members.identity import service, store
from regulars.members.identity.rules import normalise
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.vault.cipher import blind_index
from regulars.platform.vault.contracts import Vault


async def prove(
    tx: Transaction, vault: Vault, member_id: UUID, kind: IdentityKind, canonical: str, *, from_inside: bool = False
) -> None:
    """Note that somebody has proved to hold a value, now; nothing where it is not the member's (any more).

    Nor, unless `from_inside` (by who is signed in as the member), where it came by a merge and nobody had proved it.
    """
    store.note_proof(tx, member_id, blind_index(vault.pepper, kind, canonical), tx.now, from_inside=from_inside)
    if kind is IdentityKind.EMAIL:
        await lapse(tx, member_id)


async def came_unproved(tx: Transaction, vault: Vault, member_id: UUID, kind: IdentityKind, canonical: str) -> bool:
    """Say whether a normalised value came to a member by a merge, and nobody has proved it before or since."""
    return await store.came_unproved(tx, member_id, blind_index(vault.pepper, kind, canonical))


async def identities_not_proved(tx: Transaction, member_ids: Sequence[UUID]) -> set[UUID]:
    """Return which identities of members a merge brought while nobody had proved them, and nobody has since.

    No letter asks to prove them: a link could not. Raises nothing. Source: member_identities, member_merges.
    """
    return await store.all_unproved(tx, member_ids)


async def email_came_unproved(tx: Transaction, vault: Vault, member_id: UUID, address: str) -> bool:
    """Say whether an address is the member's, or of whom the id means by now, by a merge and by nobody's proof."""
    found = normalise(IdentityKind.EMAIL, address, None)
    if isinstance(found, DomainError):
        return False
    owner = await service.owner_of(tx, vault, IdentityKind.EMAIL, found.canonical)
    if owner is None or owner != (await service.meant(tx, member_id))[0]:
        return False
    return await came_unproved(tx, vault, owner, IdentityKind.EMAIL, found.canonical)


def prove_identity(tx: Transaction, member_id: UUID, identity_id: UUID) -> None:
    """Note that somebody has proved to hold the value of an identity, now; the caller sees to what follows.

    Nothing is noted where it came by a merge and nobody had proved it: the proof comes from outside.
    """
    store.note_proof_of(tx, member_id, identity_id, tx.now)


async def prove_email(tx: Transaction, vault: Vault, member_id: UUID, address: str) -> bool:
    """Note that a member has proved, now, to hold an e-mail address; False if it is not the member's (any more).

    Raises nothing. Source: identities, member_identities.
    """
    found = normalise(IdentityKind.EMAIL, address, None)
    if (
        isinstance(found, DomainError)
        or await service.owner_of(tx, vault, IdentityKind.EMAIL, found.canonical) != member_id
    ):
        return False
    if await came_unproved(tx, vault, member_id, IdentityKind.EMAIL, found.canonical):
        return False  # whoever reads the letter may be the stranger whose address it is
    await prove(tx, vault, member_id, IdentityKind.EMAIL, found.canonical)
    return True
