"""Double opt-in: a consent counts once it is confirmed by the link of a letter that went to the address itself.

The log of consents decides alone whether something waits: a request that nothing came after. Who confirms, takes back
or changes the address holds the member's row meanwhile, so the one comes after the other. The link names member and
request and carries 256 random bits, kept as a hash from the moment the letter is written: nobody can try it.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from secrets import token_bytes
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from regulars.members.consent import rules, store
from regulars.members.consent.errors import ConfirmationOver, ConsentNotRequested
from regulars.members.consent.lapsing import lapse
from regulars.members.consent.service import changed, requested
from regulars.members.consent.store import Request
from regulars.members.consent.wording import WORDINGS
from regulars.members.contracts import Confirmation, Consent, Decision, ToConfirm
from regulars.members.contracts.refusals import MemberGone
from regulars.members.identity import proving
from regulars.members.identity import service as identity
from regulars.members.public_ids import member_actor
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.auth.tokens import read_sealed, write_sealed
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id

WHERE: Final = "email"
_ID_BYTES: Final = 16
_SECRET_BYTES: Final = 32
_TOKEN_BYTES: Final = 2 * _ID_BYTES + _SECRET_BYTES


async def letter_to_confirm(tx: Transaction, member_id: UUID, consent_id: UUID) -> ToConfirm | None:
    """Return what a letter asks to confirm, with a fresh token for its link; None if nothing waits (any more).

    The token of an earlier letter for the same request is good no more. Raises nothing. Source: consents,
    consent_requests.
    """
    kept = await _kept(tx, member_id, consent_id)
    waiting = None if kept is None else await _waiting(tx, kept, await store.select_consents(tx, member_id))
    if kept is None or waiting is None:
        return None
    secret = token_bytes(_SECRET_BYTES)
    store.keep_token(tx, member_id, consent_id, sha256(secret).digest())
    token = write_sealed(member_id.bytes + consent_id.bytes + secret)
    return _to_confirm(waiting, kept, token=token)


async def send_letter_again(tx: Transaction, member_id: UUID, consent_id: UUID) -> Consent:
    """Have one more letter written for a request that waits; its link replaces the one before.

    Raises NotFound (404), MemberGone (410), ConsentNotRequested (409) where nothing waits, TooManyAttempts (429) within
    a minute of the first letter, two of the second and so on, and after five in 24 hours. Holds the member's row.
    Publishes ConsentRequested. Source: consents, consent_requests.
    """
    await identity.member_market(tx, member_id, lock=True)
    history = await store.select_consents(tx, member_id)
    found = next((one for one in history if one.consent_id == consent_id), None)
    if found is None:
        raise NotFound
    letters = await store.select_requests(tx, [member_id])
    kept = next((one for one in letters if one.consent_id == consent_id), None)
    if kept is None or found not in rules.requested(history):
        raise ConsentNotRequested
    now = wall_now()
    sent = [(one.letters, one.asked_at) for one in letters]
    if wait := max(rules.wait_for_another(kept.letters, kept.asked_at, now), rules.wait_for_letter(sent, now)):
        raise TooManyAttempts(retry_after_seconds=wait)
    store.count_letter(tx, kept, now, now + rules.LINK_LASTS)
    tx.publish(requested(member_id, found, kept.letters + 1, tx.now))
    return found


async def consent_to_confirm(tx: Transaction, token: str) -> ToConfirm:
    """Return what a link is about; looking changes nothing. Raises ConfirmationOver (404).

    Source: consents, consent_requests.
    """
    kept = await _presented(tx, token)
    history = await store.select_consents(tx, kept.member_id)
    waiting = await _waiting(tx, kept, history)
    return _to_confirm(waiting, kept) if waiting is not None else _confirmed(kept, history)


async def confirm_consent(tx: Transaction, token: str) -> ToConfirm:
    """Record, once, that whoever follows the link confirms; again changes nothing while it stands.

    The address is proved by it, too. Raises ConfirmationOver (404) for a link that we did not write, that a newer
    letter replaced, too late, and once the consent was taken back or the address changed. Holds the member's row.
    Publishes ConsentChanged. Source: consents, consent_requests.
    """
    member_id = _parts(token)[0]
    try:
        await identity.member_market(tx, member_id, lock=True)
    except (NotFound, MemberGone):
        raise ConfirmationOver from None
    kept, history = await _presented(tx, token), await store.select_consents(tx, member_id)
    waiting = await _waiting(tx, kept, history)
    if waiting is None:
        return _confirmed(kept, history)
    assert waiting.identity_id is not None, "a request names its address"  # noqa: S101 - tells the type checker
    recorded_at = max(tx.now, *[one.recorded_at for one in history])
    given = replace(
        waiting,
        consent_id=new_id(),
        decision=Decision.GIVEN,
        where=WHERE,
        store_id=None,
        actor=member_actor(member_id),
        effective_at=max(recorded_at, waiting.effective_at),
        recorded_at=recorded_at,
        confirmation=Confirmation.LINK,
        request_id=waiting.consent_id,
    )
    store.insert_consents(tx, [(member_id, given)], wall_now())
    tx.publish(changed(member_id, given))
    proving.prove_identity(tx, member_id, waiting.identity_id)
    await lapse(tx, member_id)
    return _to_confirm(given, kept, is_confirmed=True)


def forget_requests(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget the letters of members who are erased: nobody confirms anything for them."""
    store.forget_requests(tx, member_ids)


async def forget_expired(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete letters whose links ended before an instant of the wall clock; True if there may be more."""
    return await store.forget_expired(tx, before, at_most)


async def _kept(tx: Transaction, member_id: UUID, consent_id: UUID) -> Request | None:
    return next((one for one in await store.select_requests(tx, [member_id]) if one.consent_id == consent_id), None)


async def _presented(tx: Transaction, token: str) -> Request:
    """Return the letters that a token is of. Raises ConfirmationOver."""
    member_id, consent_id, secret = _parts(token)
    kept = await _kept(tx, member_id, consent_id)
    if kept is None or kept.token_hash is None or not compare_digest(kept.token_hash, sha256(secret).digest()):
        raise ConfirmationOver
    return kept


async def _waiting(tx: Transaction, kept: Request, history: Sequence[Consent]) -> Consent | None:
    """Return the request if it waits: nothing was decided after it, its time is not over, the address is there."""
    found = next((one for one in rules.requested(history) if one.consent_id == kept.consent_id), None)
    if found is None or wall_now() >= kept.expires_at:
        return None
    return found if found.identity_id in await store.select_identities(tx, kept.member_id) else None


def _confirmed(kept: Request, history: Sequence[Consent]) -> ToConfirm:
    """Return the consent that came of a request, if it stands. Raises ConfirmationOver."""
    for one in rules.in_force(history):
        if one.decision is Decision.GIVEN and one.request_id == kept.consent_id:
            return _to_confirm(one, kept, is_confirmed=True)
    raise ConfirmationOver


def _to_confirm(consent: Consent, kept: Request, *, token: str = "", is_confirmed: bool = False) -> ToConfirm:
    assert consent.identity_id is not None, "a request names its address"  # noqa: S101 - tells the type checker
    return ToConfirm(
        member_id=kept.member_id,
        consent_id=kept.consent_id,
        purpose=consent.purpose,
        channel=consent.channel,
        wording=consent.wording or WORDINGS.get(consent.wording_version, ""),
        wording_version=consent.wording_version,
        identity_id=consent.identity_id,
        open_until=kept.expires_at,
        token=token,
        is_confirmed=is_confirmed,
    )


def _parts(token: str) -> tuple[UUID, UUID, bytes]:
    """Return member, request and secret of a token. Raises ConfirmationOver for what is none."""
    content = read_sealed(token)
    if content is None or len(content) != _TOKEN_BYTES:
        raise ConfirmationOver
    ids, secret = content[: 2 * _ID_BYTES], content[2 * _ID_BYTES :]
    return UUID(bytes=ids[:_ID_BYTES]), UUID(bytes=ids[_ID_BYTES:]), secret
