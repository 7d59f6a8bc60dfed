"""Whose a row of a file is: a member's id, or what the member is found by."""

from collections.abc import Sequence
from uuid import UUID

from regulars.members.contracts import IdentityKind, IdentityValue
from regulars.members.contracts.whose import FOUND_BY, Whose
from regulars.members.identity.service import resolve
from regulars.members.public_ids import member_id_in
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.imports.errors import MemberNotFound, MemberNotNamed
from regulars.platform.vault.contracts import Vault


async def whose_rows(tx: Transaction, vault: Vault, rows: Sequence[Whose]) -> list[UUID | DomainError]:
    """Return the member of each row, in order, or why there is none; a round trip for each market that is named.

    Given, not raised: MemberNotNamed, MemberNotFound, UnknownMarket and what `members.api.resolve` gives (422),
    NotFound for what is no id. Whether somebody has the id is not asked. Source: identities.
    """
    found: list[UUID | DomainError | None] = [None] * len(rows)
    sought: dict[str | None, list[tuple[int, str, IdentityValue]]] = {}
    for at, row in enumerate(rows):
        if row.member_id is not None:
            found[at] = _by_id(row.member_id)
            continue
        by = next((name for name in FOUND_BY if getattr(row, name)), None)
        if by is None:
            found[at] = MemberNotNamed(pointer="/member_id")
        else:
            sought.setdefault(row.market, []).append((at, by, IdentityValue(IdentityKind(by), getattr(row, by))))
    for market, asked in sought.items():
        try:
            owners = await resolve(tx, vault, [value for _, _, value in asked], market)
        except DomainError as refusal:
            owners = [type(refusal)(pointer="/market", **refusal.data) for _ in asked]
        for (at, by, _), owner in zip(asked, owners, strict=True):
            found[at] = MemberNotFound(pointer=f"/{by}") if owner is None else owner
            if isinstance(owner, DomainError) and owner.pointer is None:
                owner.pointer = f"/{by}"
    return [MemberNotNamed(pointer="/member_id") if one is None else one for one in found]


def _by_id(text: str) -> UUID | DomainError:
    try:
        return member_id_in(text)
    except DomainError as refusal:
        refusal.pointer = "/member_id"
        return refusal
