"""Members out of a file: a row is a sign-up, and who is there already stays as they are."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from regulars.members.contracts import MEMBER_PREFIX, IdentityKind, Member, SignUp
from regulars.members.identity import service
from regulars.members.identity.errors import IdentityTaken
from regulars.members.identity.schemas import SignUpBody, sign_up_of
from regulars.members.proposals import service as proposals
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.reading import json_decoder, read_json
from regulars.platform.ids import new_id, public_id
from regulars.platform.imports.contracts import Brought, Field, Folded, ImportKind, Values
from regulars.platform.vault.contracts import Vault

_IDENTITIES: Final = tuple(kind.value for kind in IdentityKind)
_PLAIN: Final = ("market", "channel", "store_id", "language", "signed_up_at")
_FIELDS: Final = {
    **{name: Field() for name in ("market", "channel", "store_id", "language")},
    "signed_up_at": Field("instant"),
    **{name: Field(personal=True) for name in _IDENTITIES},
    "identities": Field("json", personal=True),
}

_read = partial(read_json, json_decoder(SignUpBody))


def members_imported() -> ImportKind:
    """Return how members are imported."""
    return ImportKind(name="members", scope="members:write", fields=_FIELDS, fold=_fold, read=_sign_up, apply=_apply)


def _fold(rows: Sequence[Values]) -> Folded:
    values = rows[0]
    given: list[Any] = list(values["identities"]) if isinstance(values.get("identities"), list) else []
    fields = {"/identities": "identities"}
    for name in _IDENTITIES:
        if name in values:
            fields[f"/identities/{len(given)}"] = name
            given.append({"kind": name, "value": values[name]})
    body = {name: values[name] for name in _PLAIN if name in values}
    return Folded(body | {"identities": given}, fields)


def _sign_up(body: bytes, _: datetime) -> SignUp:
    return sign_up_of(_read(body), new_id())


async def _apply(tx: Transaction, vault: Vault, wishes: Sequence[SignUp]) -> list[Brought | DomainError]:
    outcomes = await service.sign_up(tx, vault, wishes)
    await proposals.note(tx, vault, outcomes)
    return [_brought(wish, outcome) for wish, outcome in zip(wishes, outcomes, strict=True)]


def _brought(wish: SignUp, outcome: Member | DomainError) -> Brought | DomainError:
    """Say of a sign-up whose every value finds one and the same member that the member is there already."""
    if isinstance(outcome, Member):
        return Brought(public_id(MEMBER_PREFIX, outcome.member_id))
    if isinstance(outcome, IdentityTaken) and outcome.named is not None:
        owners = set(outcome.named.owners.values())
        if len(owners) == 1 and len(outcome.named.owners) == len(set(wish.identities)):
            return Brought(public_id(MEMBER_PREFIX, owners.pop()), known=True)
    return outcome
