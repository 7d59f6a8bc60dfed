"""Accruals out of a file: opening balances, points of a partner. A row that comes again posts nothing again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from regulars.loyalty.contracts import Accrue
from regulars.loyalty.importing import store
from regulars.loyalty.ledger import service
from regulars.loyalty.ledger.schemas import AccrualBody, accrue_of
from regulars.loyalty.policy.service import Configuration
from regulars.members import api as members
from regulars.members.api import whose_rows
from regulars.members.contracts import MEMBER_PREFIX, MemberRef
from regulars.members.contracts.whose import FOUND_BY, WHOSE, Named, Whose
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.reading import json_decoder, read_json
from regulars.platform.ids import public_id
from regulars.platform.imports.contracts import Brought, Field, Folded, ImportKind, Values
from regulars.platform.vault.contracts import Vault

_NOBODY: Final = UUID(int=0)  # until it is known whose a row is
_PLAIN: Final = (
    "amount",
    "wallet",
    "reason",
    "reference",
    "effective_at",
    "available_at",
    "expires_at",
)
_FIELDS: Final = {
    **WHOSE,
    **{name: Field() for name in ("market", "wallet", "reason", "reference")},
    "amount": Field("whole"),
    **{name: Field("instant") for name in ("effective_at", "available_at", "expires_at")},
}

_encode = msgspec.json.Encoder().encode


class ImportedAccrual(AccrualBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row: an accrual, and whose it is. Without a reference its own content names it."""

    member_id: str | None = None
    phone: Named = None
    email: Named = None
    card: Named = None
    external: Named = None
    openid: Named = None
    market: str | None = None


class _Wish(NamedTuple):
    whose: Whose
    command: Accrue
    content: bytes


_read = partial(read_json, json_decoder(ImportedAccrual))


def accruals_imported(configuration: Configuration) -> ImportKind:
    """Return how accruals are imported."""
    return ImportKind(
        name="accruals",
        scope="ledger:write",
        fields=_FIELDS,
        fold=_fold,
        read=_accrual,
        apply=partial(_apply, configuration),
    )


def _fold(rows: Sequence[Values]) -> Folded:
    return Folded({name: value for name, value in rows[0].items() if name in _FIELDS})


def _accrual(body: bytes, now: datetime) -> _Wish:
    row = _read(body)
    whose = Whose(member_id=row.member_id, market=row.market, **{name: getattr(row, name) for name in FOUND_BY})
    return _Wish(whose, accrue_of(_NOBODY, row, now), _encode([getattr(row, name) for name in _PLAIN]))


async def _apply(
    configuration: Configuration, tx: Transaction, vault: Vault, wishes: Sequence[_Wish]
) -> list[Brought | DomainError]:
    found = await whose_rows(tx, vault, [wish.whose for wish in wishes])
    commands = await _addressed(
        tx,
        [(wish, member) for wish, member in zip(wishes, found, strict=True) if not isinstance(member, DomainError)],
    )
    known = await members.known_members(tx, [command.member_id for command in commands])
    facts = [
        ((command.member_id, command.reference), (_one(known, command.member_id), command.reference))
        for command in commands
    ]
    before = set(await store.posted(tx, list({fact for each in facts for fact in each})))
    results = iter(zip(await service.post(tx, configuration, commands), facts, strict=True))
    outcomes: list[Brought | DomainError] = []
    for member in found:
        if isinstance(member, DomainError):
            outcomes.append(member)
            continue
        result, booked = next(results)
        if isinstance(result, DomainError):
            outcomes.append(result)
        else:
            subject = public_id(MEMBER_PREFIX, member)
            outcomes.append(Brought(subject, known=not before.isdisjoint(booked), detail=result.reference))
            before |= set(booked)
    return outcomes


async def _addressed(tx: Transaction, rows: Sequence[tuple[_Wish, UUID]]) -> list[Accrue]:
    """Return an accrual for each row, to the one member to whom it was posted before, if it was.

    Who was found by a number when a file first came may be part of another by now, to whom the number leads: the row is
    theirs still, and not one more for whoever they became. What was addressed to them since stands in those books.
    """
    parts = await store.parts_of(tx, {member for _, member in rows})
    ways = [[_named(wish, one) for one in (member, *parts.get(member, ()))] for wish, member in rows]
    asked = {fact for way in ways if len(way) > 1 for one in way for fact in _places(way, one)}
    before = await store.posted(tx, list(asked))
    return [_posted_before(way, before) for way in ways]


def _posted_before(way: Sequence[Accrue], before: Mapping[tuple[UUID, str], int]) -> Accrue:
    """Return which of the same accrual to several was posted; of several the one that is the same, else the first."""
    posted = [one for one in way if any(fact in before for fact in _places(way, one))]
    same = [one for one in posted if one.amount in {before.get(fact) for fact in _places(way, one)}]
    return (*same, *posted, way[0])[0]


def _places(way: Sequence[Accrue], one: Accrue) -> list[tuple[UUID, str]]:
    """Return where an accrual may stand: in the books of whom it names, or of whom these are part."""
    return [(one.member_id, one.reference), (way[0].member_id, one.reference)]


def _one(known: Mapping[UUID, MemberRef], member_id: UUID) -> UUID:
    """Return in whose books a member's are: their own, or those of whom they were merged into."""
    return known[member_id].stands_for if member_id in known else member_id


def _named(wish: _Wish, member_id: UUID) -> Accrue:
    reference = wish.command.reference
    if not reference:
        reference = f"import:{sha256(member_id.bytes + wish.content).hexdigest()[:40]}"
    return msgspec.structs.replace(wish.command, member_id=member_id, reference=reference)
