"""Members get in by a one-time code: asked for, tried, and, for who is new, followed by a sign-up."""

from uuid import UUID

from regulars.members.access import sessions, store, tickets
from regulars.members.access.errors import CannotReceiveCodes, CodeStale, CodeWrong, WordingUnknown
from regulars.members.access.limits import (
    CODE_LASTS,
    CODE_TRIES,
    SENT_FROM,
    SENT_TO,
    SIGN_UP_LASTS,
    TRIED_FROM,
)
from regulars.members.access.tickets import Asked
from regulars.members.access.wording import OFFERED
from regulars.members.consent.service import record_consents
from regulars.members.contracts import (
    MEMBER_PREFIX,
    ChangeProfile,
    CodeSent,
    CodeWanted,
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
from regulars.members.identity import service as identity
from regulars.members.identity.errors import IdentityTaken
from regulars.members.identity.rules import mask, normalise, reveal
from regulars.members.profile.service import change_profile
from regulars.platform import clock
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.service import Attempt
from regulars.platform.auth.throttle.subjects import Counters
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id, public_id
from regulars.platform.markets.service import market
from regulars.platform.vault.contracts import Vault

_CHANNELS = {IdentityKind.PHONE: "sms", IdentityKind.EMAIL: "email"}
WHERE = "online"


async def request_code(
    tx: Transaction, vault: Vault, deliver: DeliverCode, wish: CodeWanted, browser: Browser
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
    to, at_place = _to(vault, kind, value.canonical), Counters(vault.pepper).at(SENT_FROM, browser.address)
    if blocked := await throttle.count(tx, to, at_place):
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
    )
    asked = Asked(kind, value.canonical, value.written, where.code, wish.language)
    return CodeSent(
        ticket=tickets.write_ticket(vault.pepper, ticket_id, asked),
        shown=mask(kind, value.written),
        expires_at=now + CODE_LASTS,
        resend_in_seconds=await throttle.wait_for(tx, to),
    )


async def sign_in_by_code(
    tx: Transaction, vault: Vault, ticket: str, code: str, browser: Browser, *, remember: bool
) -> MemberOpened | SignUpOpen | DomainError:
    """Try a code; see `members.api.sign_in_by_code`."""
    read, now = tickets.read_ticket(vault.pepper, ticket), clock.wall_now()
    if read is None:
        return CodeStale()
    ticket_id, asked = read
    at_place = Counters(vault.pepper).at(TRIED_FROM, browser.address)
    if blocked := await throttle.count(tx, at_place):
        return blocked
    tried = await store.try_code(tx, ticket_id, now, CODE_TRIES)
    if tried is None:
        return CodeStale()
    kept, tries = tried
    if not tickets.is_code(vault.pepper, ticket_id, code, kept):
        return CodeWrong(pointer="/code", tries_left=CODE_TRIES - tries) if tries < CODE_TRIES else CodeStale()
    await throttle.forgive(tx, at_place, Counters(vault.pepper).at(SENT_FROM, browser.address))
    throttle.forget(tx, [_to(vault, asked.kind, asked.canonical)])
    owner = await identity.owner_of(tx, vault, asked.kind, asked.canonical)
    until = now + SIGN_UP_LASTS
    tx.write(store.PROVE_CODE, (now, until, None if owner is None else now, ticket_id))
    if owner is None:
        return SignUpOpen(shown=mask(asked.kind, asked.written), expires_at=until)
    return await _let_in(tx, vault, owner, asked, browser, remember=remember)


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
    if read is None or not await store.finish_code(tx, read[0], now):
        raise CodeStale
    asked = read[1]
    if not set(wish.consents) <= set(OFFERED[asked.kind]):
        raise WordingUnknown(pointer="/consents")
    value = IdentityValue(asked.kind, reveal(asked.kind, asked.written))
    fresh = SignUp(market=asked.market, identities=(value,), channel=WHERE, language=wish.language)
    (member,) = await identity.sign_up(tx, vault, [fresh])
    if isinstance(member, IdentityTaken):  # by themselves, in another window
        owner = await identity.owner_of(tx, vault, asked.kind, asked.canonical)
        if owner is None:
            raise member
        return await _let_in(tx, vault, owner, asked, browser, remember=remember)
    if isinstance(member, DomainError):
        raise member
    await _tell(tx, vault, member, wish)
    return await _let_in(tx, vault, member.member_id, asked, browser, remember=remember)


async def _tell(tx: Transaction, vault: Vault, member: Member, wish: SignUpByCode) -> None:
    """Write down what a new member told and agreed to."""
    if wish.display_name:
        change = ProfileChange(display_name=wish.display_name)
        await change_profile(tx, vault, ChangeProfile(member_id=member.member_id, change=change))
    actor = f"member:{public_id(MEMBER_PREFIX, member.member_id)}"
    given = [
        ConsentGiven(
            member_id=member.member_id,
            purpose=offered.purpose,
            channel=offered.channel,
            decision=Decision.GIVEN,
            wording_version=offered.wording_version,
            where=WHERE,
            actor=actor,
        )
        for offered in wish.consents
    ]
    for outcome in await record_consents(tx, given):
        if isinstance(outcome, DomainError):
            raise outcome


async def _let_in(
    tx: Transaction, vault: Vault, member_id: UUID, asked: Asked, browser: Browser, *, remember: bool
) -> MemberOpened:
    await identity.prove(tx, vault, member_id, asked.kind, asked.canonical)
    return await sessions.open_session(tx, member_id, browser, remember=remember)


def _to(vault: Vault, kind: IdentityKind, canonical: str) -> Attempt:
    return Counters(vault.pepper).attempt(SENT_TO, f"{kind} {canonical}")
