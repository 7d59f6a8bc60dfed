"""The door of members: who they are, how they are found, what they told and allowed.

Every function takes the caller's transaction and never commits. Whatever reads or writes personal data takes the
`Vault` too; what the books need (`known_members`) does not. Instants are UTC, by the programme clock.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from uuid import UUID

from regulars.members.access import service as access
from regulars.members.access import sessions
from regulars.members.access.anew import prove_anew, request_own_code
from regulars.members.access.by_link import confirm_email
from regulars.members.access.sessions import proved_recently
from regulars.members.cards import service as cards
from regulars.members.consent import verification as consent_checks
from regulars.members.consent.confirming import (
    confirm_consent,
    consent_to_confirm,
    letter_to_confirm,
    send_letter_again,
)
from regulars.members.consent.service import consent_log, consents, may_send, record_consents, withdrawn
from regulars.members.consent.switches import consent_switches, switch_consent
from regulars.members.consent.terms import double_opt_in
from regulars.members.contracts import (
    AddIdentity,
    Birthday,
    CardCode,
    ChangeProfile,
    CodeSent,
    CodeWanted,
    ConsentOffered,
    DeliverCode,
    Device,
    Identity,
    IdentityShown,
    IdentityValue,
    Member,
    MemberFigures,
    MemberOpened,
    MemberRef,
    MemberSearch,
    MemberViewer,
    Profile,
    ProfileChanged,
    RemoveIdentity,
    SignUp,
    SignUpByCode,
    SignUpOpen,
)
from regulars.members.contracts.privacy import AskErasure, Erasure, ErasureStanding, Parts, WithdrawErasure
from regulars.members.counter.service import consents_offered as consents_at_counter
from regulars.members.counter.service import forgive_look_up, register_walk_in
from regulars.members.counter.service import greeting as greeting_at_counter
from regulars.members.counter.service import look_up as look_up_at_counter
from regulars.members.figures import service as figures
from regulars.members.households import door as households
from regulars.members.households import verification as household_checks
from regulars.members.identity import search
from regulars.members.identity import service as identity
from regulars.members.identity.health import look_at_members_keys
from regulars.members.identity.proving import identities_not_proved, prove_email
from regulars.members.merging.reading import ask_family, ask_merged, family, ids_of, list_merges, who_was
from regulars.members.merging.service import checks as merging_checks
from regulars.members.merging.service import merge_members, undo_merge
from regulars.members.privacy import erasing
from regulars.members.privacy import service as privacy
from regulars.members.privacy.erasing import apply_journal, carry_out_due
from regulars.members.privacy.exporting import (
    ask_export,
    gather_now,
    gather_waiting,
    list_all_exports,
    list_exports,
    open_export,
    read_export,
)
from regulars.members.privacy.page import export_page, formats_for
from regulars.members.privacy.running import run_privacy
from regulars.members.privacy.service import list_erasures
from regulars.members.profile import service as profile
from regulars.members.proposals import door as proposals
from regulars.members.proposals import verification as proposal_checks
from regulars.members.recipients import door as recipients
from regulars.members.whose import whose_rows
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.rollups.contracts import RollUp
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault
from regulars.platform.verification.contracts import Check

# Erasing, in transactions of its own, because a key is destroyed between two of them; see `members.privacy.erasing`.
# `carry_out_due(database, vault, parts, at=)` erases whose waiting time is over; `apply_journal(database, vault,
# parts)` erases again whom a restore brought back, before serving. `ask_export(tx, wish)` has everything about a member
# gathered (while it is, asking again changes nothing), `list_exports(tx, member_id)` and `read_export(tx, member_id,
# export_id)` tell of those of the last week, `open_export(tx, vault, member_id, export_id)` gives what was gathered,
# all in the clear: the caller notes who reads it and why. They raise NotFound (404), MemberGone (410), ExportNotReady
# (409); source: member_exports. `gather_waiting(database, vault, parts)` gathers, `run_privacy(..., stop)` does it all.
#
# Merging: `merge_members(tx, vault, parts, wish)` lets a member become part of another (name, profile, consents,
# books; `dry_run` tells what would be): the survivor's id stays, the other one means the survivor from then on. Raises
# NotFound (404), MemberGone (410), MergeOfOne (422), MergeAcrossMarkets, MergeWaitsForErasure and what the parts refuse
# with (409). `undo_merge` makes them two again as far as nothing changed since; besides UnknownMerge (404),
# MergeUndoneBefore and UndoOutOfOrder (409). Both hold both members' rows and publish a fact. `list_merges(tx,
# member_id)` tells of the merges of a member and of all who are part of it, the latest first, 200 at most (NotFound);
# `family(tx, member_id)` who is part of a member now, `ids_of` every id that means whom one means, `ask_family` and
# `ask_merged(tx, ids)` who is part of one, and its contrary, along with the next read, `who_was(tx, member_id, at)`
# whom an id meant at an instant. Source: members, member_merges, and the rooms' own. Doors: `households`, `proposals`.
__all__ = [
    "apply_journal",
    "ask_export",
    "ask_family",
    "ask_merged",
    "carry_out_due",
    "confirm_consent",
    "confirm_email",
    "consent_log",
    "consent_switches",
    "consent_to_confirm",
    "consents",
    "consents_at_counter",
    "double_opt_in",
    "export_page",
    "family",
    "forgive_look_up",
    "formats_for",
    "gather_now",
    "gather_waiting",
    "greeting_at_counter",
    "households",
    "identities_not_proved",
    "ids_of",
    "letter_to_confirm",
    "list_all_exports",
    "list_erasures",
    "list_exports",
    "list_merges",
    "look_at_members_keys",
    "look_up_at_counter",
    "may_send",
    "merge_members",
    "open_export",
    "proposals",
    "prove_anew",
    "prove_email",
    "proved_recently",
    "read_export",
    "recipients",
    "record_consents",
    "register_walk_in",
    "request_own_code",
    "run_privacy",
    "send_letter_again",
    "switch_consent",
    "undo_merge",
    "who_was",
    "whose_rows",
    "withdrawn",
]


async def sign_up(tx: Transaction, vault: Vault, sign_ups: Sequence[SignUp]) -> list[Member | DomainError]:
    """Make a member of each sign-up; one path for one and for thousands, set-based, a result for each in order.

    They are decided in the given order, each as if alone: the first of two that name the same value gets it. A sign-up
    whose `member_id` exists with the same market and `signed_up_at` (without one, with the same values) is a repeat of
    the same fact: it changes nothing and gives the member as it is now. Otherwise a value that belongs to anybody gives
    IdentityTaken (409), which says nothing of the other member. Also given, not raised: UnknownMarket, IdentityMissing,
    TooManyIdentities, PhoneImpossible, EmailImpossible, CardImpossible, ExternalIdImpossible, InstantImpossible (422),
    MemberExists, MemberErased (409). A refused sign-up leaves nothing.

    Keys are made before anything is written. Publishes MemberSignedUp. Source: identities, members.
    """
    return await identity.sign_up(tx, vault, sign_ups)


async def known_members(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, MemberRef]:
    """Return those of the ids that are members, with market and status; unknown ids are left out.

    One round trip for any number of ids. Raises nothing. Source: members.
    """
    return await identity.known_members(tx, member_ids)


async def who_is(tx: Transaction, member_id: UUID) -> UUID:
    """Return who is meant by a member's id: the member, or the one into whom it was merged; unknown ids as they are.

    One round trip. Raises nothing. Source: members.
    """
    return await identity.who_is(tx, member_id)


async def resolve(
    tx: Transaction, vault: Vault, values: Sequence[IdentityValue], market: str | None = None
) -> list[UUID | DomainError | None]:
    """Return whose each value is, in order: a member id, None if nobody's, or why it cannot be a value of its kind.

    `market` (a code) says how phone numbers without a country code are read; without it they give PhoneWithoutCountry.
    One round trip for any number of values. Raises UnknownMarket (422). Source: identities.
    """
    return await identity.resolve(tx, vault, values, market)


async def lookup(tx: Transaction, vault: Vault, value: IdentityValue, market: str | None = None) -> UUID | None:
    """Return whose the value is, or None; as `resolve`, for one value, and raising what is wrong with it (422)."""
    (found,) = await identity.resolve(tx, vault, [value], market)
    if isinstance(found, DomainError):
        found.pointer = "/value"
        raise found
    return found


async def find_by_any(tx: Transaction, vault: Vault, text: str) -> list[UUID]:
    """Return the members whom a text names in full: a member id (`mbr_…`), or an identity of any kind.

    Phone numbers without a country code are read as each market's own; usually one member, or none. One round trip a
    market. Raises nothing. Source: identities, members.
    """
    return await search.find_by_any(tx, vault, text)


async def find_counted(tx: Transaction, vault: Vault, wish: MemberSearch) -> list[UUID] | TooManyAttempts:
    """Return the members whom a text names in full, for somebody who may not see everybody: counted and logged.

    Logged is who was found by whom, never what was typed; a member id is neither counted nor logged. A refusal is
    given, not raised, because the try has to be counted: commit, then answer. Source: attempts, identities, members.
    """
    return await search.find_counted(tx, vault, wish)


async def show_members(
    tx: Transaction, vault: Vault, member_ids: Sequence[UUID], *, clear: bool
) -> list[tuple[Member, list[IdentityShown]]]:
    """Return members with the values of their identities, masked unless `clear`; unknown ids are left out.

    Only who may read personal data may ask for it in the clear. Without a key (destroyed) values are None. One round
    trip. Raises nothing. Source: members, member_identities.
    """
    return await identity.show(tx, vault, member_ids, clear=clear)


async def add_identity(tx: Transaction, vault: Vault, wish: AddIdentity) -> Identity:
    """Let a member be found by one more value; adding a value that the member has already changes nothing.

    Raises NotFound (404), IdentityTaken, TooManyIdentities (409), MemberGone (410), and what `sign_up` says of
    impossible values (422). Holds the member's row. Publishes IdentityAdded. Source: identities, member_identities.
    """
    return await identity.add_identity(tx, vault, wish)


async def remove_identity(tx: Transaction, wish: RemoveIdentity) -> Identity:
    """Let a member no longer be found by a value; anybody may then give it. The last identity stays.

    Raises NotFound (404), LastIdentity (409). Holds the member's row. Publishes IdentityRemoved. Source: identities,
    member_identities.
    """
    return await identity.remove_identity(tx, wish)


async def read_profiles(
    tx: Transaction, vault: Vault, member_ids: Sequence[UUID], *, clear: bool
) -> dict[UUID, Profile]:
    """Return what members told, masked unless `clear`; who told nothing, or has no key any more, is left out.

    Masked, names are their first character and the birthday is left out. One round trip. Raises nothing. Source:
    member_profiles.
    """
    return await profile.read_profiles(tx, vault, member_ids, clear=clear)


def ask_profiles(
    tx: Transaction, vault: Vault, member_ids: Sequence[UUID], *, clear: bool
) -> Callable[[], Awaitable[dict[UUID, Profile]]]:
    """Ask the same along with the next read of the transaction; what is returned gives the answer. Raises nothing."""
    return profile.ask_profiles(tx, vault, member_ids, clear=clear)


async def tell_birthday(tx: Transaction, vault: Vault, member_id: UUID, birthday: Birthday) -> ProfileChanged:
    """Take down the birthday that a member tells of themselves, once; `change_profile` may change it afterwards.

    Raises BirthdayFixed (409) where one is known, and what `change_profile` says. Source: member_profiles.
    """
    return await profile.tell_birthday(tx, vault, member_id, birthday)


async def change_profile(tx: Transaction, vault: Vault, wish: ChangeProfile) -> ProfileChanged:
    """Change what a member told: fields left out stay, None clears.

    Raises NotFound (404), NameImpossible, BirthdayImpossible, LanguageImpossible (422), MemberGone (410). Holds the
    member's row. Source: member_profiles; `language` stands in members.
    """
    return await profile.change_profile(tx, vault, wish)


async def claim_vault(tx: Transaction, vault: Vault) -> None:
    """Tie the database to this vault, once; every process calls it before it serves.

    Raises VaultBroken if the database's members were written with another vault. Source: member_vault.
    """
    await identity.claim_vault(tx, vault)


# --- getting in: instants of codes and sessions are the wall clock's --------------------------------------------------


async def request_code(
    tx: Transaction, vault: Vault, deliver: DeliverCode, wish: CodeWanted, browser: Browser
) -> CodeSent:
    """Send a one-time code of six digits to a phone or an e-mail address, after the commit.

    The same is done and answered whether or not a member has the address: who is new signs up with the same code. It is
    good for ten minutes, five tries, and with the returned ticket only (for a cookie of this browser).

    Raises UnknownMarket, PhoneImpossible, PhoneWithoutCountry, EmailImpossible, CannotReceiveCodes (422),
    TooManyAttempts (429), and what `deliver` refuses with (503). Source: access_codes, attempts.
    """
    return await access.request_code(tx, vault, deliver, wish, browser)


async def sign_in_by_code(
    tx: Transaction, vault: Vault, ticket: str, code: str, browser: Browser, *, remember: bool
) -> MemberOpened | SignUpOpen | DomainError:
    """Try a code: a session for the member who has the address, or leave to sign up for who is new.

    Refusals are given, not raised, because the try has to be counted: commit, then answer. CodeWrong, CodeStale (401),
    TooManyAttempts (429), AddressNotProved (403) where a merge brought the address and nobody had proved it, unless the
    browser is signed in as the member. Notes that the identity is proved. A device that is remembered stays signed in
    for `member_session_days` without use and for a year at most, any other for two hours and a day. Source:
    access_codes, attempts, member_sessions.
    """
    return await access.sign_in_by_code(tx, vault, ticket, code, browser, remember=remember)


async def sign_up_open(tx: Transaction, vault: Vault, ticket: str) -> SignUpOpen | None:
    """Return whether the holder of this ticket has proved an address and may sign up; None if not.

    Raises nothing. Source: access_codes.
    """
    return await access.sign_up_open(tx, vault, ticket)


def ticket_shown(vault: Vault, ticket: str) -> str | None:
    """Return the address to which a ticket's code went, masked; None for what is no ticket. Raises nothing."""
    return access.ticket_shown(vault, ticket)


def consents_offered(vault: Vault, ticket: str) -> tuple[ConsentOffered, ...]:
    """Return what sign-up asks the holder of this ticket to agree to, none of it needed to become a member.

    `wording` is an English sentence to be translated (`platform.texts.say`). Raises nothing.
    """
    return access.consents_offered(vault, ticket)


async def sign_up_by_code(
    tx: Transaction, vault: Vault, ticket: str, wish: SignUpByCode, browser: Browser, *, remember: bool
) -> MemberOpened:
    """Make a member of who proved an address, with the consents given, and open a session; the ticket is used up.

    Whoever became a member in another window meanwhile is signed in. Raises CodeStale (401), AddressNotProved (403, as
    `sign_in_by_code`), WordingUnknown,
    NameImpossible, LanguageImpossible (422), and what `sign_up` says. Source: as `sign_up`, access_codes,
    member_sessions, consents, member_profiles.
    """
    return await access.sign_up_by_code(tx, vault, ticket, wish, browser, remember=remember)


async def recognise_member(tx: Transaction, settings: Settings, token: str) -> MemberViewer | None:
    """Return who is signed in by a session token; None if nobody (any more).

    Raises nothing. Source: member_sessions.
    """
    return await sessions.recognise(tx, settings, token)


def claimed_member(token: str) -> UUID | None:
    """Return whose session a token says that it is, which `recognise_member` checks; None if it is no token."""
    return sessions.claimed(token)


async def list_devices(tx: Transaction, settings: Settings, member_id: UUID) -> list[Device]:
    """Return where a member is signed in, the last used first. Raises nothing. Source: member_sessions."""
    return await sessions.list_devices(tx, settings, member_id)


async def forget_device(tx: Transaction, member_id: UUID, session_id: UUID) -> None:
    """Sign a member out of one device. Raises NotFound (404), also for somebody else's. Source: member_sessions."""
    await sessions.forget_device(tx, member_id, session_id)


async def sign_out_member(tx: Transaction, token: str) -> None:
    """End the session of this token, if there is one. Raises nothing. Source: member_sessions."""
    await sessions.sign_out(tx, token)


async def sign_out_member_everywhere(tx: Transaction, member_id: UUID, *, but: UUID | None = None) -> int:
    """Sign a member out of every device, but for one session if named; return of how many. Source: member_sessions."""
    return await sessions.sign_out_everywhere(tx, member_id, but=but)


# --- the card ---------------------------------------------------------------------------------------------------------


def card_codes(vault: Vault, member_id: UUID, parted: int = 0) -> list[CardCode]:
    """Return the 20 codes of the next ten minutes, each shown for 30 s (wall clock); nothing is written.

    A code is good for 60 s from its start and once. `parted` is that of the `MemberViewer`: undoing a merge ends the
    survivor's codes that were made before. Raises nothing.
    """
    return cards.card_codes(vault, member_id, parted)


def still_card_code(vault: Vault, member_id: UUID, parted: int = 0) -> CardCode:
    """Return the one code of a page that cannot change it: shown and good for 60 s. Raises nothing."""
    return cards.still_card_code(vault, member_id, parted)


async def open_card_code(tx: Transaction, vault: Vault, code: str) -> UUID:
    """Return whose card a scanned code is, and use it up.

    Raises CardCodeExpired (422) before and after its minute, and once others were parted from the member, CardCodeUsed
    (409) the second time, CardCodeForged (422) for all that is not ours. Of two tills at once one gets it. Source:
    used_card_codes, member_merges.
    """
    return await cards.open_card_code(tx, vault, code)


# --- at the counter of a shop -----------------------------------------------------------------------------------------


# `look_up_at_counter(tx, vault, wish)` gives whose card, number or address was scanned or typed: counted for its device
# and logged with it (who looked whom up, and how; never what was typed). Refusals are given, not raised, because the
# try has to be counted: commit, then answer. NobodyFound (404), TooManyAttempts (429), and what `open_card_code` says
# of a turning code, which is used up. `forgive_look_up(tx, vault, device)` takes one back: a sale followed it.
# `greeting_at_counter(tx, vault, member_id, today)` is how to greet a member on the shop's local day: of personal data
# only a first character leaves this; birthdays of the lunar calendar are not known. `register_walk_in(tx, vault, wish)`
# makes a member of somebody at a counter, with name and consents (`consents_at_counter(kind)`: what is asked, none of
# it needed); the id follows from the form and the value. Counted and logged as a look-up is. Given, not raised:
# TooManyAttempts (429), NameImpossible (422), and what `sign_up` says. Source: attempts, identities, used_card_codes,
# consents, member_profiles.

# --- privacy: instants are the wall clock's; `parts` are those of all rooms (`entrypoints.privacy`) -------------------


async def ask_erasure(tx: Transaction, parts: Parts, wait: timedelta, wish: AskErasure) -> Erasure:
    """Note that a member is to be erased when `wait` is over, with what will be lost; asking again changes nothing.

    Raises NotFound (404), MemberGone (410). Holds the member's row. Publishes ErasureAsked. Source: erasures, and the
    rooms' own of what would be lost.
    """
    return await privacy.ask_erasure(tx, parts, wait, wish)


async def withdraw_erasure(tx: Transaction, wish: WithdrawErasure) -> Erasure:
    """Note that a member is not to be erased after all.

    Raises NotFound (404), MemberGone (410), NoErasureAsked (409), also once it has begun. Publishes ErasureWithdrawn.
    Source: erasures.
    """
    return await privacy.withdraw_erasure(tx, wish)


async def erasure_standing(tx: Transaction, parts: Parts, wait: timedelta, member_id: UUID) -> ErasureStanding:
    """Return whether a member is or will be erased, and what would be lost now. Raises NotFound (404).

    Source: erasures, members, and the rooms' own.
    """
    return await privacy.erasure_standing(tx, parts, wait, member_id)


async def member_figures(tx: Transaction, *, before_first: date, first: date, last: date) -> MemberFigures:
    """Return how many members there were at the end of a period of local days, and joined in it, and the same before.

    Raises nothing. Source: the roll-up of sign-ups (`sign_ups_rolled_up`).
    """
    return await figures.member_figures(tx, before_first=before_first, first=first, last=last)


def checks() -> list[Check]:
    """Return what must hold of members, as `regulars verify` asks it. Source: members, joined_days, erasures,
    consents.
    """
    return [
        *figures.checks(),
        *erasing.checks(),
        *consent_checks.checks(),
        *merging_checks(),
        *household_checks.checks(),
        *proposal_checks.checks(),
    ]


def sign_ups_rolled_up() -> RollUp:
    """Return the roll-up of sign-ups: members by the local day on which they joined."""
    return figures.SIGN_UPS
