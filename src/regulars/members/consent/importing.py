"""Decisions on consent out of a file. What a member decided at an instant about a thing is recorded once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from msgspec import Meta
from msgspec.structs import replace

from regulars.members.consent import service, store
from regulars.members.consent.schemas import ConsentBody, wish_of
from regulars.members.consent.store import Decided
from regulars.members.consent.terms import DoubleOptIn
from regulars.members.contracts import MEMBER_PREFIX, ConsentGiven
from regulars.members.contracts.whose import FOUND_BY, WHOSE, Named, Whose
from regulars.members.identity.service import known_members
from regulars.members.whose import whose_rows
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.reading import json_decoder, read_json
from regulars.platform.ids import public_id
from regulars.platform.imports.contracts import Brought, Field, Folded, ImportKind, Values
from regulars.platform.vault.contracts import Vault

_NOBODY: Final = UUID(int=0)  # until it is known whose a row is
_FIELDS: Final = {
    **WHOSE,
    **{name: Field() for name in ("market", "purpose", "channel", "decision", "wording_version", "where", "store_id")},
    **{name: Field() for name in ("wording", "language")},
    "effective_at": Field("instant"),
    "confirmed_elsewhere": Field("json"),
}


class ImportedConsent(ConsentBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row: a decision, when it was made, and whose it is."""

    effective_at: Annotated[datetime, Meta(tz=True)]
    member_id: str | None = None
    phone: Named = None
    email: Named = None
    card: Named = None
    external: Named = None
    openid: Named = None
    market: str | None = None


class _Wish(NamedTuple):
    whose: Whose
    given: ConsentGiven


_read = partial(read_json, json_decoder(ImportedConsent))


def consents_imported(double_opt_in: DoubleOptIn) -> ImportKind:
    """Return how decisions on consent are imported."""
    return ImportKind(
        name="consents",
        scope="members:write",
        fields=_FIELDS,
        fold=_fold,
        read=_consent,
        apply=partial(_apply, double_opt_in),
        signed=_signed,
    )


def _fold(rows: Sequence[Values]) -> Folded:
    return Folded(dict(rows[0]))


def _consent(body: bytes, _: datetime) -> _Wish:
    row = _read(body)
    whose = Whose(member_id=row.member_id, market=row.market, **{name: getattr(row, name) for name in FOUND_BY})
    return _Wish(whose, wish_of(_NOBODY, row, ""))


def _signed(wish: _Wish, actor: str) -> _Wish:
    return _Wish(wish.whose, replace(wish.given, actor=actor))


async def _apply(
    double_opt_in: DoubleOptIn, tx: Transaction, vault: Vault, wishes: Sequence[_Wish]
) -> list[Brought | DomainError]:
    found = await whose_rows(tx, vault, [wish.whose for wish in wishes])
    members = await known_members(tx, [one for one in found if isinstance(one, UUID)])
    meant = [
        one if isinstance(one, DomainError) else members[one].stands_for if one in members else one for one in found
    ]
    ids = sorted({one for one in meant if isinstance(one, UUID)})
    await store.hold_members(tx, ids)  # so that nobody records the same meanwhile
    before = await store.select_facts(tx, ids)
    outcomes: list[Brought | DomainError | None] = []
    fresh: list[ConsentGiven] = []
    for wish, member in zip(wishes, meant, strict=True):
        if isinstance(member, DomainError):
            outcomes.append(member)
            continue
        given = replace(wish.given, member_id=member)
        if (fact := _fact(given)) in before:
            outcomes.append(Brought(public_id(MEMBER_PREFIX, member), known=True))
            continue
        before.add(fact)
        outcomes.append(None)
        fresh.append(given)
    recorded = await service.record_consents(tx, fresh, double_opt_in=double_opt_in)
    results = iter(zip(fresh, recorded, strict=True))
    return [_brought(*next(results)) if one is None else one for one in outcomes]


def _brought(given: ConsentGiven, outcome: object) -> Brought | DomainError:
    if isinstance(outcome, DomainError):
        return outcome
    detail = f"{given.purpose.value} {given.channel.value} {given.decision.value}"
    return Brought(public_id(MEMBER_PREFIX, given.member_id), detail=detail)


def _fact(given: ConsentGiven) -> Decided:
    assert given.effective_at is not None, "the body asks for it"  # noqa: S101 - tells the type checker
    return Decided(
        member_id=given.member_id,
        purpose=given.purpose.value,
        channel=given.channel.value,
        is_given=given.decision.value == "given",
        wording_version=given.wording_version,
        effective_at=given.effective_at.astimezone(UTC),
    )
