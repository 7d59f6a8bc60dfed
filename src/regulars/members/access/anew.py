"""A member who is signed in proves once more who they are, by a fresh code: before what cannot be taken back."""

from uuid import UUID

from regulars.members.access import store, tickets
from regulars.members.access.errors import CodeStale, CodeWrong, NothingToProve
from regulars.members.access.limits import CODE_TRIES
from regulars.members.access.service import request_code
from regulars.members.contracts import CodeSent, CodeWanted, DeliverCode, IdentityKind, IdentityShown, IdentityValue
from regulars.members.identity import service as identity
from regulars.platform import clock
from regulars.platform.auth.contracts import Browser
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.vault.contracts import Vault


async def request_own_code(
    tx: Transaction, vault: Vault, deliver: DeliverCode, member_id: UUID, browser: Browser, *, language: str
) -> CodeSent:
    """Send a code to the address that a member proved last, phone or e-mail; as `request_code`, and counted with it.

    The message says that who enters it is erased.

    Raises NotFound (404), MemberGone (410), NothingToProve (409) without such an address, and what `request_code` says.
    Source: member_identities, access_codes, attempts.
    """
    market = await identity.member_market(tx, member_id)
    ((_, identities),) = await identity.show(tx, vault, [member_id], clear=True)
    reached = [one for one in identities if one.kind in {IdentityKind.PHONE, IdentityKind.EMAIL} and one.value]
    if not reached:
        raise NothingToProve
    last = max(reached, key=_proved)
    wish = CodeWanted(identity=IdentityValue(last.kind, last.value or ""), market=market.code, language=language)
    return await request_code(tx, vault, deliver, wish, browser, erases=True)


async def prove_anew(tx: Transaction, vault: Vault, ticket: str, code: str, member_id: UUID) -> DomainError | None:
    """Try the code of `request_own_code`, and use it up: None if it is right, and of an address of this member's.

    Refusals are given, not raised, because the try has to be counted: commit, then answer. CodeWrong, CodeStale (401).
    Five tries a code. Source: access_codes, identities.
    """
    read, now = tickets.read_ticket(vault.pepper, ticket), clock.wall_now()
    if read is None:
        return CodeStale()
    ticket_id, asked = read
    if await identity.owner_of(tx, vault, asked.kind, asked.canonical) != member_id:
        return CodeStale()
    tried = await store.try_code(tx, ticket_id, now, CODE_TRIES)
    if tried is None:
        return CodeStale()
    kept, tries = tried
    if not tickets.is_code(vault.pepper, ticket_id, code, kept):
        return CodeWrong(pointer="/code", tries_left=CODE_TRIES - tries) if tries < CODE_TRIES else CodeStale()
    tx.write(store.PROVE_CODE, (now, now, now, ticket_id))
    return None


def _proved(one: IdentityShown) -> tuple[bool, float]:
    return one.verified_at is not None, (one.verified_at or one.added_at).timestamp()
