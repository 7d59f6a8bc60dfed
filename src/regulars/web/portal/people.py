"""Other members as a member may see them: by the first sign of a name, else by what is left of a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import digest
from typing import Final
from uuid import UUID

from regulars.members import api as members
from regulars.members.contracts import Profile
from regulars.members.contracts.households import Household
from regulars.platform.db.transaction import Transaction
from regulars.platform.vault.cipher import key_for
from regulars.platform.vault.contracts import Vault

_TOKEN_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Housemate:
    """Somebody who lives with a member. `hint` is masked, empty if nothing is known; `token` stands in forms.

    The token tells this member's browser who is meant, and means nothing to anybody else.
    """

    member_id: UUID
    token: str
    hint: str
    is_head: bool
    since: datetime


async def housemates(tx: Transaction, vault: Vault, member_id: UUID, home: Household) -> list[Housemate]:
    """Return who else lives in a member's household, the head first, then in the order in which they came."""
    others = [one for one in home.members if one.member_id != member_id]
    hints = await hints_of(tx, vault, [one.member_id for one in others])
    return [
        Housemate(
            member_id=one.member_id,
            token=token_of(vault, member_id, one.member_id),
            hint=hints.get(one.member_id, ""),
            is_head=one.role == "head",
            since=one.since,
        )
        for one in others
    ]


async def hints_of(
    tx: Transaction, vault: Vault, member_ids: Sequence[UUID], *, numbers: bool = True
) -> dict[UUID, str]:
    """Return by what members are told apart: the first sign of a name, else with `numbers` a masked number or address.

    Who does not live with somebody is not to learn a number of theirs by another one.
    """
    if not member_ids:
        return {}
    profiles = await members.read_profiles(tx, vault, member_ids, clear=False)
    found = {member_id: name_hint(profile) for member_id, profile in profiles.items()}
    nameless = [member_id for member_id in member_ids if not found.get(member_id)]
    if nameless and numbers:
        for member, identities in await members.show_members(tx, vault, nameless, clear=False):
            found[member.member_id] = next((one.value for one in identities if one.value), "")
    return found


def name_hint(masked: Profile | None) -> str:
    """Return what is left of a masked name: that by which one is called, else the family's where it comes first."""
    if masked is None:
        return ""
    family, given = masked.family_name, masked.given_name
    if masked.display_name or family is None or given is None:
        return masked.display_name or family or given or ""
    return f"{given} {family}" if family.isascii() else family


def token_of(vault: Vault, member_id: UUID, other_id: UUID) -> str:
    """Return by what a form of a member names somebody else."""
    return digest(key_for(vault.pepper, "housemate"), member_id.bytes + other_id.bytes, "sha256")[:_TOKEN_BYTES].hex()
