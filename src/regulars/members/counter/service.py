"""Verbs of the counter. Refusals are given, not raised, where the try has to be counted."""

from datetime import date
from typing import Final
from uuid import UUID

from regulars.members.access.wording import OFFERED
from regulars.members.cards.service import open_card_code
from regulars.members.consent.service import record_consents
from regulars.members.contracts import (
    MEMBER_PREFIX,
    ChangeProfile,
    ConsentGiven,
    ConsentOffered,
    CounterGreeting,
    Decision,
    IdentityKind,
    IdentityValue,
    LookUp,
    MemberStatus,
    Profile,
    ProfileChange,
    SignUp,
    WalkIn,
)
from regulars.members.counter import rules
from regulars.members.counter.errors import NobodyFound
from regulars.members.counter.limits import FOUND_WEIGHS, LOOKED_UP
from regulars.members.identity import service as identity
from regulars.members.profile.rules import masked
from regulars.members.profile.service import change_profile, read_profiles
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.service import Attempt
from regulars.platform.auth.throttle.subjects import Counters
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import derived_id, made_at, public_id
from regulars.platform.vault.contracts import Vault

WHERE: Final = "store"


async def look_up(tx: Transaction, vault: Vault, wish: LookUp) -> UUID | DomainError:
    """Find who was scanned or typed; see `members.api.look_up_at_counter`."""
    attempt = _attempt(vault, wish.device)
    if blocked := await throttle.count(tx, attempt):
        return blocked
    text = rules.cleaned(wish.typed)
    if rules.is_card_code(text):
        how, found = "card code", await _by_card_code(tx, vault, text)
        if isinstance(found, UUID):  # the card itself was there: no guess
            await throttle.forgive(tx, attempt)
    else:
        how, found = await _by_value(tx, vault, text, wish.market)
        if isinstance(found, UUID):
            await throttle.forgive(tx, attempt, weight=FOUND_WEIGHS)
    known = isinstance(found, UUID)
    tx.audit(
        AuditEntry(
            actor=wish.device,
            action="look_up_member",
            subject=public_id(MEMBER_PREFIX, found) if isinstance(found, UUID) else f"store {wish.store_id}",
            reason=wish.assistant,
            request_id=tx.request_id,
            detail=f"store {wish.store_id}, by {how}" + ("" if known else ", nobody"),
        )
    )
    return found


async def forgive_look_up(tx: Transaction, vault: Vault, device: str) -> None:
    """Take back one look-up: a sale followed it."""
    await throttle.forgive(tx, _attempt(vault, device))


async def greeting(tx: Transaction, vault: Vault, member_id: UUID, today: date) -> CounterGreeting:
    """Say how to greet a member; see `members.api.greeting_at_counter`."""
    profile = (await read_profiles(tx, vault, [member_id], clear=True)).get(member_id)
    if profile is None:
        return CounterGreeting()
    hidden = masked(profile)
    return CounterGreeting(
        name=hidden.display_name or _initials(hidden),
        birthday=rules.birthday_near(profile.birthday, today),
    )


def _initials(hidden: Profile) -> str | None:
    """Return what is left of a masked name: the family's where it says most and comes first, else both."""
    family, given = hidden.family_name, hidden.given_name
    if family is None or given is None:
        return family or given
    return f"{given} {family}" if family.isascii() else family


def consents_offered(kind: IdentityKind) -> tuple[ConsentOffered, ...]:
    """Return what a walk-in is asked to agree to; see `members.api.consents_at_counter`."""
    return OFFERED[kind]


async def register_walk_in(tx: Transaction, vault: Vault, wish: WalkIn) -> UUID | DomainError:
    """Make a member of somebody at the counter; see `members.api.register_walk_in`."""
    value = IdentityValue(wish.kind, rules.cleaned(wish.value))
    member_id = await _id_for(tx, vault, wish, value)
    known = (await identity.known_members(tx, [member_id])).get(member_id)
    if known is not None and known.status is MemberStatus.ACTIVE:
        return member_id
    attempt = _attempt(vault, wish.device)
    if blocked := await throttle.count(tx, attempt):
        return blocked
    try:
        async with tx.savepoint():
            await _register(tx, vault, wish, member_id, value)
    except DomainError as refusal:
        _note(tx, wish, f"store {wish.store_id}", f"refused: {refusal.code}")
        return refusal
    await throttle.forgive(tx, attempt)
    _note(tx, wish, public_id(MEMBER_PREFIX, member_id), f"store {wish.store_id}, by {wish.kind.value}")
    return member_id


async def _id_for(tx: Transaction, vault: Vault, wish: WalkIn, value: IdentityValue) -> UUID:
    """Return the id that follows from form and value: a form sent again for another customer makes another member."""
    sought = await identity.index_of(tx, vault, value, wish.market)
    if isinstance(sought, DomainError):
        return wish.form_id  # signing up says what is wrong with it
    return derived_id(made_at(wish.form_id), wish.form_id.hex, sought.hex())


async def _register(tx: Transaction, vault: Vault, wish: WalkIn, member_id: UUID, value: IdentityValue) -> None:
    fresh = SignUp(
        market=wish.market,
        identities=(value,),
        channel=WHERE,
        store_id=wish.store_id,
        member_id=member_id,
    )
    (member,) = await identity.sign_up(tx, vault, [fresh])
    if isinstance(member, DomainError):
        raise member
    if wish.name:
        change = ProfileChange(display_name=rules.cleaned(wish.name))
        await change_profile(tx, vault, ChangeProfile(member_id=member_id, change=change))
    given = [
        ConsentGiven(
            member_id=member_id,
            purpose=offered.purpose,
            channel=offered.channel,
            decision=Decision.GIVEN,
            wording_version=offered.wording_version,
            where=WHERE,
            store_id=wish.store_id,
            actor=wish.device,
            language=wish.language,
        )
        for offered in OFFERED[wish.kind]
        if offered.wording_version in wish.consents
    ]
    for outcome in await record_consents(tx, given, double_opt_in=wish.double_opt_in):
        if isinstance(outcome, DomainError):
            raise outcome


async def _by_card_code(tx: Transaction, vault: Vault, text: str) -> UUID | DomainError:
    try:
        return await open_card_code(tx, vault, text)
    except DomainError as refusal:
        return refusal


async def _by_value(tx: Transaction, vault: Vault, text: str, market: str) -> tuple[str, UUID | DomainError]:
    values = rules.possible_values(text)
    found = await identity.resolve(tx, vault, values, market)
    for value, owner in zip(values, found, strict=True):
        if isinstance(owner, UUID):
            return value.kind.value, owner
    return " or ".join(value.kind.value for value in values), NobodyFound(pointer="/code")


def _note(tx: Transaction, wish: WalkIn, subject: str, detail: str) -> None:
    tx.audit(
        AuditEntry(
            actor=wish.device,
            action="register_walk_in",
            subject=subject,
            reason=wish.assistant,
            request_id=tx.request_id,
            detail=detail,
        )
    )


def _attempt(vault: Vault, device: str) -> Attempt:
    return Counters(vault.pepper).attempt(LOOKED_UP, device)
