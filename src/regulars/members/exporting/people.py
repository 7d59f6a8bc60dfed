"""Members' own data in exports: read as it is sealed, opened when a file is written out."""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from regulars.members.contracts import IdentityKind
from regulars.members.exporting import store
from regulars.members.identity.rules import reveal
from regulars.members.profile.service import opened_profile
from regulars.members.public_ids import field_of
from regulars.platform.db.transaction import Transaction
from regulars.platform.exports.contracts import Cell, Column, People
from regulars.platform.texts import mark
from regulars.platform.vault.cipher import unseal

_COLUMNS: Final = {
    "phone": Column(mark("The member's first phone number, with its country code.")),
    "email": Column(mark("The member's first e-mail address.")),
    "card": Column(mark("The member's first card number.")),
    "external": Column(mark("The member's first number in another system.")),
    "openid": Column(mark("The member's first WeChat OpenID.")),
    "identities": Column(mark("Everything by which the member is found, as the API takes it."), form="json"),
    "display_name": Column(mark("What the member wants to be called.")),
    "given_name": Column(mark("The member's given name.")),
    "family_name": Column(mark("The member's family name.")),
    "birthday": Column(mark("The member's birthday, in the calendar it was given in."), form="json"),
}


async def _sealed(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, Cell]:
    """Return what is sealed of each member: the identities, and the profile with its version."""
    if not member_ids:
        return {}
    identities, profiles = await store.sealed(tx, member_ids)
    found: dict[UUID, list[Cell]] = {}
    for member_id, identity_id, kind, value in identities:
        found.setdefault(member_id, [[], None])[0].append([identity_id.hex, kind, b64encode(value).decode()])
    for member_id, version, profile in profiles:
        found.setdefault(member_id, [[], None])[1] = [version, b64encode(profile).decode()]
    return dict(found)


def _opened(key: bytes, member_id: UUID, cell: Cell) -> Mapping[str, Cell]:
    """Open what was sealed of a member, column by column."""
    identities, profile = cell
    told: dict[str, Cell] = {}
    values = []
    for identity_id, kind, sealed in identities:
        written = unseal(key, b64decode(sealed), member_id=member_id, field=field_of(UUID(identity_id)))
        value = reveal(IdentityKind(kind), written.decode())
        told.setdefault(kind, value)
        values.append({"kind": kind, "value": value})
    if profile is not None:
        version, sealed = profile
        known = opened_profile(key, member_id, version, b64decode(sealed))
        told |= {name: getattr(known, name) for name in ("display_name", "given_name", "family_name")}
        told["birthday"] = msgspec.to_builtins(known.birthday)
    return told | {"identities": values}


PEOPLE: Final = People(columns=_COLUMNS, sealed=_sealed, opened=_opened)
