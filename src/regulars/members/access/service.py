"""Members get in by a one-time code: asked for, tried, and, for who is new, followed by a sign-up."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from regulars.members.access import sessions, store, tickets
from regulars.members.access.errors import AddressNotProved, CannotReceiveCodes, CodeStale, CodeWrong, WordingUnknown
from regulars.members.access.limits import (
    CODE_LASTS,
    CODE_TRIES,
    SENT_AROUND,
    SENT_FROM,
    SENT_TO,
    SENT_TO_HERE,
    SENT_TO_KNOWN,
    SIGN_UP_LASTS,
    TAPPED_AGAIN_WITHIN,
    TRIED_FROM,
)
from regulars.members.access.tickets import Asked
from regulars.members.access.wording import OFFERED
from regulars.members.consent.service import record_consents
from regulars.members.consent.wording import language_shown
from regulars.members.contracts import (
    MEMBER_PREFIX,
    ChangeProfile,
    CodeSent,
    CodeWanted,
    Confirmation,
    ConsentChannel,
    ConsentGiven,
    ConsentOffered,
    Decision,
    DeliverCode,
    IdentityKind,
    IdentityValue,
    Member,
    MemberOpened,
    ProfileChange,
    SignUp,
    SignUpByCode,
    SignUpOpen,
)
from regulars.members.identity import proving
from regulars.members.identity import service as identity
from regulars.members.identity.errors import IdentityTaken
from regulars.members.identity.rules import mask, normalise, reveal
from regulars.members.profile.service import change_profile
from regulars.platform import clock
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.known import KnownBrowsers
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.service import Attempt
from regulars.platform.auth.throttle.subjects import Counters, place_of
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id, public_id
from regulars.platform.markets.service import market
from regulars.platform.vault.contracts import Vault

_CHANNELS = {IdentityKind.PHONE: "sms", IdentityKind.EMAIL: "email"}
WHERE = "online"


async def request_code(
    tx: Transaction,
    vault: Vault,
    deliver: DeliverCode,
    wish: CodeWanted,
    browser: Browser,
    *,
    erases: bool = False,
) -> CodeSent:
    """Send a code to an address; see `members.api.request_code`."""
    kind = wish.identity.kind
    if kind not in _CHANNELS:
        raise CannotReceiveCodes(pointer="/identity")
    where = await market(tx, wish.market)
    value = normalise(kind, wish.identity.value, where.country)
    if isinstance(value, DomainError):
        value.pointer = "/identity"
        raise value
    counted = _sent(vault, kind, value.canonical, browser)
    if blocked := await throttle.count(tx, *counted):
        raise blocked
    owner = await identity.owner_of(tx, vault, kind, value.canonical)
    now, ticket_id, code = clock.wall_now(), new_id(), tickets.new_code()
    tx.write(store.INSERT_CODE, (ticket_id, tickets.code_hash(vault.pepper, ticket_id, code), now + CODE_LASTS))
    await deliver(
        tx,
        channel=_CHANNELS[kind],
        address=reveal(kind, value.written),
        code=code,
        language=wish.language,
        member_id=owner,
        is_known=_is_known(vault, kind, value.canonical, browser),
        erases=erases,
    )
    asked = Asked(kind, value.canonical, value.written, where.code, wish.language)
    return CodeSent(
        ticket=tickets.write_ticket(vault.pepper, ticket_id, asked),
        shown=mask(kind, value.written),
        expires_at=now + CODE_LASTS,
        resend_in_seconds=await throttle.wait_for(tx, *counted),
    )


async def sign_in_by_code(
    tx: Transaction, vault: Vault, ticket: str, code: str, browser: Browser, *, remember: bool
) -> MemberOpened | SignUpOpen | DomainError:
    """Try a code; see `members.api.sign_in_by_code`."""
    read, now = tickets.read_ticket(vault.pepper, ticket), clock.wall_now()
    if read is None:
        return CodeStale()
    ticket_id, asked = read
    tried_here = _tried(vault, asked, browser)
    if tried_here and (blocked := await throttle.count(tx, *tried_here)):
        return blocked
    tried = await store.try_code(tx, ticket_id, now, CODE_TRIES)
    if tried is None:
        return await _tapped_again(tx, vault, read, code, browser, remember=remember)
    kept, tries = tried
    if not tickets.is_code(vault.pepper, ticket_id, code, kept):
        return CodeWrong(pointer="/code", tries_left=CODE_TRIES - tries) if tries < CODE_TRIES else CodeStale()
    if tried_here:
        counters = Counters(vault.pepper)
        sent_from = (counters.at(SENT_FROM, browser.address), counters.around(SENT_AROUND, browser.address))
        await throttle.forgive(tx, *tried_here, *sent_from)
    throttle.forget(tx, [_sent_here(vault, asked.kind, asked.canonical, browser)])
    owner = await _owner_held(tx, vault, asked)
    until = now + SIGN_UP_LASTS
    tx.write(store.PROVE_CODE, (now, until, None if owner is None else now, ticket_id))
    if owner is None:
        return SignUpOpen(shown=mask(asked.kind, asked.written), expires_at=until)
    return await _let_in(tx, vault, owner, asked, browser, remember=remember)


async def _tapped_again(
    tx: Transaction, vault: Vault, read: tuple[UUID, Asked], code: str, browser: Browser, *, remember: bool
) -> MemberOpened | SignUpOpen | DomainError:
    """Go on where the same code led the same browser a moment ago: it was sent twice, and only this answer is seen."""
    (ticket_id, asked), now = read, clock.wall_now()
    proved = await store.try_again(tx, ticket_id, now - TAPPED_AGAIN_WITHIN, CODE_TRIES + 1)
    if proved is None or not tickets.is_code(vault.pepper, ticket_id, code, proved.code_hash):
        return CodeStale()
    if tried_here := _tried(vault, asked, browser):
        await throttle.forgive(tx, *tried_here)
    if not proved.finished:
        return SignUpOpen(shown=mask(asked.kind, asked.written), expires_at=proved.expires_at)
    owner = await _owner_held(tx, vault, asked)
    if owner is None:
        return CodeStale()
    return await _let_in(tx, vault, owner, asked, browser, remember=remember, again=now)


async def sign_up_open(tx: Transaction, vault: Vault, ticket: str) -> SignUpOpen | None:
    """Return whether this ticket may sign up; None if it may not."""
    read = tickets.read_ticket(vault.pepper, ticket)
    until = await store.select_proved(tx, read[0], clock.wall_now()) if read else None
    return SignUpOpen(shown=mask(read[1].kind, read[1].written), expires_at=until) if read and until else None


def ticket_shown(vault: Vault, ticket: str) -> str | None:
    """Return the address of a ticket, masked; None for what is no ticket."""
    read = tickets.read_ticket(vault.pepper, ticket)
    return mask(read[1].kind, read[1].written) if read else None


def consents_offered(vault: Vault, ticket: str) -> tuple[ConsentOffered, ...]:
    """Return what sign-up asks the holder of this ticket to agree to; nothing for what is no ticket."""
    read = tickets.read_ticket(vault.pepper, ticket)
    return OFFERED[read[1].kind] if read else ()


async def sign_up_by_code(
    tx: Transaction, vault: Vault, ticket: str, wish: SignUpByCode, browser: Browser, *, remember: bool
) -> MemberOpened:
    """Make a member of who proved an address; see `members.api.sign_up_by_code`."""
    read, now = tickets.read_ticket(vault.pepper, ticket), clock.wall_now()
    if read is None:
        raise CodeStale
    ticket_id, asked = read
    if not await store.finish_code(tx, ticket_id, now):
        again = await store.is_just_finished(tx, ticket_id, now - TAPPED_AGAIN_WITHIN)
        owner = await _owner_held(tx, vault, asked) if again else None
        if owner is None:
            raise CodeStale
        return _opened(await _let_in(tx, vault, owner, asked, browser, remember=remember, again=now))
    if not set(wish.consents) <= set(OFFERED[asked.kind]):
        raise WordingUnknown(pointer="/consents")
    value = IdentityValue(asked.kind, reveal(asked.kind, asked.written))
    fresh = SignUp(market=asked.market, identities=(value,), channel=WHERE, language=wish.language)
    (member,) = await identity.sign_up(tx, vault, [fresh])
    if isinstance(member, IdentityTaken):  # by themselves, in another window
        owner = await _owner_held(tx, vault, asked)
        if owner is None:
            raise member
        return _opened(await _let_in(tx, vault, owner, asked, browser, remember=remember))
    if isinstance(member, DomainError):
        raise member
    await _tell(tx, vault, member, wish)
    return _opened(await _let_in(tx, vault, member.member_id, asked, browser, remember=remember))


def _opened(outcome: MemberOpened | AddressNotProved) -> MemberOpened:
    """Return who was let in; raise why not."""
    if isinstance(outcome, AddressNotProved):
        raise outcome
    return outcome


async def _tell(tx: Transaction, vault: Vault, member: Member, wish: SignUpByCode) -> None:
    """Write down what a new member told and agreed to."""
    if wish.display_name:
        change = ProfileChange(display_name=wish.display_name)
        await change_profile(tx, vault, ChangeProfile(member_id=member.member_id, change=change))
    actor = f"member:{public_id(MEMBER_PREFIX, member.member_id)}"
    (address,) = member.identities  # by whose code they came in just now: that confirms what goes there
    by_code = {IdentityKind.EMAIL: ConsentChannel.EMAIL, IdentityKind.PHONE: ConsentChannel.SMS}.get(address.kind)
    given = [
        ConsentGiven(
            member_id=member.member_id,
            purpose=offered.purpose,
            channel=offered.channel,
            decision=Decision.GIVEN,
            wording_version=offered.wording_version,
            where=WHERE,
            actor=actor,
            language=language_shown(wish.language),
            confirmation=Confirmation.CODE if offered.channel is by_code else None,
            identity_id=address.identity_id if offered.channel is by_code else None,
        )
        for offered in wish.consents
    ]
    for outcome in await record_consents(tx, given):
        if isinstance(outcome, DomainError):
            raise outcome


async def _owner_held(tx: Transaction, vault: Vault, asked: Asked) -> UUID | None:
    """Return whose an address is, held: whoever merges (the rule, too), parts or erases them comes before or after.

    Whose it was is read first, and once more when that row is held: a merge that was waited for has given it away.
    """
    held: UUID | None = None
    while True:
        owner = await identity.owner_of(tx, vault, asked.kind, asked.canonical)
        if owner is None or owner == held:
            return owner
        await identity.hold(tx, owner)
        held = owner


async def _let_in(
    tx: Transaction,
    vault: Vault,
    member_id: UUID,
    asked: Asked,
    browser: Browser,
    *,
    remember: bool,
    again: datetime | None = None,
) -> MemberOpened | AddressNotProved:
    """Open a session for who proved an address; `again`: the same code was sent twice by this instant.

    What a merge brought unproved lets nobody in from outside: it may be a stranger's. Who is signed in as the member in
    this very browser proves by it that it is theirs.
    """
    if await proving.came_unproved(tx, vault, member_id, asked.kind, asked.canonical):
        if not await sessions.is_signed_in(tx, browser.token, member_id):
            return AddressNotProved()
        await proving.prove(tx, vault, member_id, asked.kind, asked.canonical, from_inside=True)
    else:
        await proving.prove(tx, vault, member_id, asked.kind, asked.canonical)
    if again is not None:
        sessions.forget_unseen(tx, member_id, browser, again - TAPPED_AGAIN_WITHIN)
    opened = await sessions.open_session(tx, member_id, browser, remember=remember)
    return replace(opened, known=_known(vault).remember(browser.known, _named(asked.kind, asked.canonical)))


def _sent(vault: Vault, kind: IdentityKind, canonical: str, browser: Browser) -> tuple[Attempt, ...]:
    """Return what a code to an address counts as: by itself where the address was proved before."""
    counters, named = Counters(vault.pepper), _named(kind, canonical)
    if _is_known(vault, kind, canonical, browser):
        return (counters.attempt(SENT_TO_KNOWN, named),)
    here, anywhere = _sent_here(vault, kind, canonical, browser), counters.attempt(SENT_TO, named)
    return here, anywhere, counters.at(SENT_FROM, browser.address), counters.around(SENT_AROUND, browser.address)


def _tried(vault: Vault, asked: Asked, browser: Browser) -> tuple[Attempt, ...]:
    """Return what a try of a code counts as: for nothing more than its five where the address was proved before.

    Else whoever shares a member's place (a shop's network, a carrier's) could keep the member out with wrong codes.
    """
    if _is_known(vault, asked.kind, asked.canonical, browser):
        return ()
    return (Counters(vault.pepper).at(TRIED_FROM, browser.address),)


def _is_known(vault: Vault, kind: IdentityKind, canonical: str, browser: Browser) -> bool:
    return _known(vault).nonce(browser.known, _named(kind, canonical)) is not None


def _sent_here(vault: Vault, kind: IdentityKind, canonical: str, browser: Browser) -> Attempt:
    return Counters(vault.pepper).attempt(SENT_TO_HERE, f"{_named(kind, canonical)} {place_of(browser.address)}")


def _named(kind: IdentityKind, canonical: str) -> str:
    return f"{kind} {canonical}"


def _known(vault: Vault) -> KnownBrowsers:
    return KnownBrowsers(vault.pepper, "member")
