"""Members come to be, and are found by what they call themselves."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from msgspec.structs import replace
from psycopg.errors import UniqueViolation

from regulars.domain_events.members import IdentityAdded, IdentityRemoved, MemberSignedUp
from regulars.members.consent.lapsing import lapse
from regulars.members.contracts import (
    MEMBER_PREFIX,
    AddIdentity,
    Identity,
    IdentityKind,
    IdentityShown,
    IdentityValue,
    Member,
    MemberRef,
    MemberStatus,
    RemoveIdentity,
    SignUp,
)
from regulars.members.contracts.identity_rules import IdentityRules
from regulars.members.contracts.refusals import MemberGone
from regulars.members.identity import store
from regulars.members.identity.errors import (
    IdentityMissing,
    IdentityTaken,
    InstantImpossible,
    JustMerged,
    LastIdentity,
    MemberErased,
    MemberExists,
    Named,
    TooManyIdentities,
)
from regulars.members.identity.rules import MAX_IDENTITIES, Normalised, mask, normalise, reveal
from regulars.members.identity.store import KeptIdentity
from regulars.members.identity_rules.rules import problem_of
from regulars.members.identity_rules.service import rules_in_force
from regulars.members.public_ids import field_of
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id, public_id
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.errors import UnknownMarket
from regulars.platform.markets.service import find_market, market
from regulars.platform.vault.cipher import blind_index, seal, unseal
from regulars.platform.vault.contracts import Vault, VaultBroken

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)  # how far the clock of a till may be fast
TRIES = 5

Result = TypeVar("Result")


@dataclass(slots=True)
class _Candidate:
    """A sign-up that is possible in itself: whether the values are free is still to be seen.

    `against` is what the rules about identities have against it, if nobody signed up so before. `is_dated`: it says
    itself when it was, so that a repeat of it says the same.
    """

    member: Member
    values: dict[bytes, Normalised]
    against: DomainError | None
    is_dated: bool

    @property
    def identities(self) -> Iterable[tuple[bytes, Normalised, Identity]]:
        return zip(self.values, self.values.values(), self.member.identities, strict=True)


async def sign_up(tx: Transaction, vault: Vault, sign_ups: Sequence[SignUp]) -> list[Member | DomainError]:
    """Make a member of each, in order, as if alone; see `members.api.sign_up`."""
    rules = await rules_in_force(tx)
    prepared = [await _prepare(tx, vault, wish, rules) for wish in sign_ups]
    return await _until_nobody_interferes(tx, lambda: _settle(tx, vault, prepared))


async def known_members(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, MemberRef]:
    """Return those of the ids that are members."""
    return await store.select_refs(tx, member_ids)


async def who_is(tx: Transaction, member_id: UUID) -> UUID:
    """Return who is meant by a member's id: the member, or the one into whom it was merged; unknown ids as they are."""
    ref = (await store.select_refs(tx, [member_id])).get(member_id)
    return member_id if ref is None else ref.stands_for


async def meant(tx: Transaction, member_id: UUID, *, lock: bool = False) -> tuple[UUID, Market]:
    """Return who is meant by an id, and their market, holding the member's row when asked to.

    That is the member, or the one into whom it was merged. Raises NotFound, MemberGone.
    """
    if lock:
        found = await store.lock_member(tx, member_id)
    else:
        ref = (await store.select_refs(tx, [member_id])).get(member_id)
        found = (ref.market, ref.status, ref.merged_into) if ref else None
    if found is None:
        raise NotFound
    code, status, merged_into = found
    if status is MemberStatus.ERASED:
        raise MemberGone
    return (member_id, await market(tx, code)) if merged_into is None else await meant(tx, merged_into, lock=lock)


async def hold(tx: Transaction, member_id: UUID) -> None:
    """Hold a member's row, whoever the member is by now; nothing where there is none."""
    await store.lock_member(tx, member_id)


async def member_market(tx: Transaction, member_id: UUID, *, lock: bool = False) -> Market:
    """Return the market of a member, holding the member's row when asked to.

    Raises NotFound, MemberGone, and JustMerged for who is part of another member by now.
    """
    one, where = await meant(tx, member_id, lock=lock)
    if one != member_id:
        raise JustMerged(member=public_id(MEMBER_PREFIX, one))
    return where


async def resolve(
    tx: Transaction, vault: Vault, values: Sequence[IdentityValue], market_code: str | None = None
) -> list[UUID | DomainError | None]:
    """Return whose each value is; see `members.api.resolve`."""
    country = (await market(tx, market_code)).country if market_code is not None else None
    sought: list[bytes | DomainError] = []
    for value in values:
        normalised = normalise(value.kind, value.value, country)
        if isinstance(normalised, DomainError):
            sought.append(normalised)
        else:
            sought.append(blind_index(vault.pepper, value.kind, normalised.canonical))
    owners = await store.select_owners(tx, [found for found in sought if isinstance(found, bytes)])
    return [owners.get(found) if isinstance(found, bytes) else found for found in sought]


async def index_of(
    tx: Transaction, vault: Vault, value: IdentityValue, market_code: str | None = None
) -> bytes | DomainError:
    """Return what a value is sought by: the same for every way of writing it. Given, not raised: what is wrong."""
    country = (await market(tx, market_code)).country if market_code is not None else None
    normalised = normalise(value.kind, value.value, country)
    if isinstance(normalised, DomainError):
        return normalised
    return blind_index(vault.pepper, value.kind, normalised.canonical)


async def owner_of(tx: Transaction, vault: Vault, kind: IdentityKind, canonical: str) -> UUID | None:
    """Return whose a normalised value is; None if nobody's."""
    sought = blind_index(vault.pepper, kind, canonical)
    return (await store.select_owners(tx, [sought])).get(sought)


async def show(
    tx: Transaction, vault: Vault, member_ids: Sequence[UUID], *, clear: bool
) -> list[tuple[Member, list[IdentityShown]]]:
    """Return members with the values of their identities, masked unless `clear`."""
    found = await store.select_members(tx, member_ids)
    keys = await vault.keys_of([member.member_id for member, _ in found])
    return [(member, [_shown(keys.get(member.member_id), one, clear=clear) for one in kept]) for member, kept in found]


async def add_identity(tx: Transaction, vault: Vault, wish: AddIdentity) -> Identity:
    """Let a member be found by one more value; see `members.api.add_identity`."""
    member_id, where = await meant(tx, wish.member_id, lock=True)
    wish = replace(wish, member_id=member_id)
    normalised = normalise(wish.identity.kind, wish.identity.value, where.country)
    if isinstance(normalised, DomainError):
        normalised.pointer = "/value"
        raise normalised
    rules = await rules_in_force(tx)
    return await _until_nobody_interferes(tx, lambda: _add(tx, vault, wish, normalised, rules))


async def _add(tx: Transaction, vault: Vault, wish: AddIdentity, value: Normalised, rules: IdentityRules) -> Identity:
    member_id, kind = wish.member_id, wish.identity.kind
    sought = blind_index(vault.pepper, kind, value.canonical)
    kept = await store.select_identities(tx, member_id)
    for found in kept:
        if found.blind_index == sought:
            return found.identity
    if problem := problem_of(rules, [(kind, value.written)], value.canonical, "/value"):
        raise problem
    if owners := await store.select_owners(tx, [sought]):
        raise IdentityTaken.by("/value", Named(owners, member_id))
    if len(kept) >= MAX_IDENTITIES:
        raise TooManyIdentities(limit=MAX_IDENTITIES)
    key = (await vault.make_keys([member_id])).get(member_id)
    if key is None:
        raise MemberGone
    held = [(kind, _shown(key, one, clear=False).value or "") for one in kept if one.identity.kind is kind]
    if over := problem_of(rules, [*held, (kind, value.written)], value.canonical, "/value"):
        raise over
    identity = Identity(identity_id=new_id(), kind=kind, added_at=tx.now, verified_at=None)
    store.insert_owners(tx, [(sought, kind, member_id)])
    store.insert_identities(tx, [_sealed(key, member_id, identity, sought, value.written)])
    tx.publish(
        IdentityAdded(member_id=member_id, recorded_at=tx.now, identity_id=identity.identity_id, kind=kind.value)
    )
    return identity


async def remove_identity(tx: Transaction, wish: RemoveIdentity) -> Identity:
    """Let a member no longer be found by a value; see `members.api.remove_identity`."""
    wish = replace(wish, member_id=(await meant(tx, wish.member_id, lock=True))[0])
    kept = await store.select_identities(tx, wish.member_id)
    found = next((one for one in kept if one.identity.identity_id == wish.identity_id), None)
    if found is None:
        raise NotFound
    if len(kept) == 1:
        raise LastIdentity
    store.delete_identity(tx, found)
    if found.identity.kind is IdentityKind.EMAIL:
        await lapse(tx, wish.member_id)
    tx.publish(
        IdentityRemoved(
            member_id=wish.member_id,
            recorded_at=tx.now,
            identity_id=wish.identity_id,
            kind=found.identity.kind.value,
        )
    )
    return found.identity


async def hand_over(
    tx: Transaction, vault: Vault, source: UUID, target: UUID, *, only: Collection[UUID] | None = None
) -> tuple[Identity, ...]:
    """Let what finds one member find another: all, or those of some ids; returns them. Both rows are held.

    Raises MemberGone where a key is destroyed. The limit of how many a member may have is not asked.
    """
    kept = [
        one for one in await store.select_identities(tx, source) if only is None or one.identity.identity_id in only
    ]
    if not kept:
        return ()
    keys = await vault.make_keys([source, target])
    if len(keys) < 2:  # noqa: PLR2004 - both of them
        raise MemberGone
    opened = [
        unseal(keys[source], one.sealed_value, member_id=source, field=_field(one.identity)).decode() for one in kept
    ]
    moved = [
        _sealed(keys[target], target, one.identity, one.blind_index, written)
        for one, written in zip(kept, opened, strict=True)
    ]
    store.hand_over(tx, source, moved)
    return tuple([one.identity for one in kept])


def set_language(tx: Transaction, member_id: UUID, language: str) -> None:
    """Set the language in which a member is spoken to."""
    store.update_language(tx, member_id, language)


async def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget every value of members, and by what each was found: anybody may give these values then."""
    await store.forget(tx, member_ids)


async def claim_vault(tx: Transaction, vault: Vault) -> None:
    """Tie the database to the vault; see `members.api.claim_vault`."""
    if await store.claim_vault(tx, vault.fingerprint) != vault.fingerprint:
        raise VaultBroken(
            "The members of this database were written with another vault: here nobody could be found or read, and one "
            "phone number could belong to two members. Point REGULARS_HOME to the folder that holds their vault."
        )


def check_instant(at: datetime, *, recorded_at: datetime, field: str) -> DomainError | None:
    """Say what is wrong with an instant that a caller gave, if anything."""
    latest = recorded_at + AHEAD
    if EARLIEST <= at <= latest:
        return None
    return InstantImpossible(
        pointer=f"/{field}", field=field, earliest=EARLIEST.isoformat(), latest=latest.isoformat(timespec="seconds")
    )


async def _prepare(tx: Transaction, vault: Vault, wish: SignUp, rules: IdentityRules) -> _Candidate | DomainError:
    """Check all that can be checked without looking at other members."""
    where = await find_market(tx, wish.market)
    if where is None:
        return UnknownMarket(pointer="/market", market=wish.market)
    if not wish.identities:
        return IdentityMissing(pointer="/identities")
    if len(wish.identities) > MAX_IDENTITIES:
        return TooManyIdentities(pointer="/identities", limit=MAX_IDENTITIES)
    recorded_at = wish.recorded_at or tx.now
    signed_up_at = wish.signed_up_at or recorded_at
    if problem := check_instant(signed_up_at, recorded_at=recorded_at, field="signed_up_at"):
        return problem
    values: dict[bytes, Normalised] = {}
    identities: list[Identity] = []
    held: list[tuple[IdentityKind, str]] = []
    against: DomainError | None = None
    fresh_ids = iter(sorted(new_id() for _ in wish.identities))  # in the given order, also within one millisecond
    for position, (kind, value) in enumerate((given.kind, given.value) for given in wish.identities):
        normalised = normalise(kind, value, where.country)
        if isinstance(normalised, DomainError):
            normalised.pointer = f"/identities/{position}/value"
            return normalised
        sought = blind_index(vault.pepper, kind, normalised.canonical)
        if sought not in values:
            held.append((kind, normalised.written))
            against = against or problem_of(rules, held, normalised.canonical, f"/identities/{position}/value")
            values[sought] = normalised
            identities.append(Identity(identity_id=next(fresh_ids), kind=kind, added_at=recorded_at, verified_at=None))
    return _Candidate(
        Member(
            member_id=wish.member_id or new_id(),
            market=where.code,
            status=MemberStatus.ACTIVE,
            language=wish.language or where.language,
            signed_up_at=signed_up_at,
            recorded_at=recorded_at,
            channel=wish.channel,
            store_id=wish.store_id,
            identities=tuple(identities),
        ),
        values,
        against,
        wish.signed_up_at is not None,
    )


async def _settle(
    tx: Transaction, vault: Vault, prepared: Sequence[_Candidate | DomainError]
) -> list[Member | DomainError]:
    """Decide who becomes a member, and write them."""
    candidates = [one for one in prepared if isinstance(one, _Candidate)]
    if not candidates:
        return [one for one in prepared if isinstance(one, DomainError)]
    owners, known = await store.select_owners_and_refs(
        tx,
        [sought for candidate in candidates for sought in candidate.values],
        [candidate.member.member_id for candidate in candidates],
    )
    erased: set[UUID] = set()
    while True:
        outcomes, fresh = _decide(prepared, dict(owners), known, erased)
        keys = await vault.make_keys([candidate.member.member_id for candidate in fresh])
        keyless = {candidate.member.member_id for candidate in fresh} - keys.keys()
        if not keyless:
            break
        erased |= keyless
    if fresh:
        _write(tx, fresh, keys)
    return await _with_identities(tx, outcomes, known)


def _decide(
    prepared: Sequence[_Candidate | DomainError],
    owners: dict[bytes, UUID],
    known: dict[UUID, Member],
    erased: set[UUID],
) -> tuple[list[Member | DomainError], list[_Candidate]]:
    """Go through the sign-ups in order: each sees what those before it took. Return outcomes, and who is new."""
    outcomes: list[Member | DomainError] = []
    fresh: dict[UUID, _Candidate] = {}
    for candidate in prepared:
        if isinstance(candidate, DomainError):
            outcomes.append(candidate)
            continue
        member = candidate.member
        earlier = known.get(member.member_id)
        if earlier is None and (before := fresh.get(member.member_id)):
            earlier = before.member
        taken = next((at for at, sought in enumerate(candidate.values) if sought in owners), None)
        if earlier is not None:
            same = _is_repeat(candidate, earlier, owners)
            gone = earlier.status is MemberStatus.ERASED
            outcomes.append(MemberErased() if gone else earlier if same else MemberExists())
        elif member.member_id in erased:
            outcomes.append(MemberErased())
        elif candidate.against is not None:
            outcomes.append(candidate.against)
        elif taken is not None:
            named = Named({sought: owners[sought] for sought in candidate.values if sought in owners})
            outcomes.append(IdentityTaken.by(f"/identities/{taken}/value", named))
        else:
            owners.update(dict.fromkeys(candidate.values, member.member_id))
            fresh[member.member_id] = candidate
            outcomes.append(member)
    return outcomes, list(fresh.values())


def _is_repeat(candidate: _Candidate, earlier: Member, owners: Mapping[bytes, UUID]) -> bool:
    """Say whether a sign-up is the one by which a member came to be; one without its moment is known by its values."""
    if earlier.market != candidate.member.market:
        return False
    if candidate.is_dated:
        return earlier.signed_up_at == candidate.member.signed_up_at
    return all(owners.get(sought) in {earlier.member_id, earlier.stands_for} for sought in candidate.values)


def _write(tx: Transaction, fresh: Sequence[_Candidate], keys: dict[UUID, bytes]) -> None:
    store.insert_owners(
        tx,
        [
            (sought, identity.kind, candidate.member.member_id)
            for candidate in fresh
            for sought, _, identity in candidate.identities
        ],
    )
    store.insert_members(tx, [candidate.member for candidate in fresh], wall_now())
    store.insert_identities(
        tx,
        [
            _sealed(keys[candidate.member.member_id], candidate.member.member_id, identity, sought, value.written)
            for candidate in fresh
            for sought, value, identity in candidate.identities
        ],
    )
    tx.publish(*[_signed_up(candidate.member) for candidate in fresh])


async def _with_identities(
    tx: Transaction, outcomes: Sequence[Member | DomainError], known: dict[UUID, Member]
) -> list[Member | DomainError]:
    """Give the members that were there already as they are now: with their identities, as whom they became part of."""
    if not known:
        return list(outcomes)
    asked = list({one.stands_for for one in known.values()})
    full = {member.member_id: member for member, _ in await store.select_members(tx, asked)}
    return [full.get(outcome.stands_for, outcome) if isinstance(outcome, Member) else outcome for outcome in outcomes]


async def _until_nobody_interferes(tx: Transaction, work: Callable[[], Awaitable[Result]]) -> Result:
    """Do the work again when somebody else took a value between looking and writing: now it can be seen."""
    for _ in range(TRIES - 1):
        try:
            async with tx.savepoint():
                return await work()
        except UniqueViolation:
            continue
    async with tx.savepoint():
        return await work()


def _signed_up(member: Member) -> MemberSignedUp:
    return MemberSignedUp(
        member_id=member.member_id,
        recorded_at=member.recorded_at,
        signed_up_at=member.signed_up_at,
        market=member.market,
        language=member.language,
        channel=member.channel,
        store_id=member.store_id,
        identity_kinds=tuple(identity.kind.value for identity in member.identities),
    )


def _sealed(key: bytes, member_id: UUID, identity: Identity, sought: bytes, written: str) -> KeptIdentity:
    sealed = seal(key, written.encode(), member_id=member_id, field=_field(identity))
    return KeptIdentity(member_id, identity, sought, sealed)


def _shown(key: bytes | None, kept: KeptIdentity, *, clear: bool) -> IdentityShown:
    """Open a value and show it, whole or masked; without a key there is nothing to show."""
    identity = kept.identity
    value: str | None = None
    if key is not None:
        written = unseal(key, kept.sealed_value, member_id=kept.member_id, field=_field(identity)).decode()
        value = reveal(identity.kind, written) if clear else mask(identity.kind, written)
    return IdentityShown(
        identity_id=identity.identity_id,
        kind=identity.kind,
        added_at=identity.added_at,
        verified_at=identity.verified_at,
        value=value,
    )


def _field(identity: Identity) -> str:
    return field_of(identity.identity_id)
