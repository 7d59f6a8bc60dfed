"""Consent as members see and change it themselves: a switch for each purpose and way."""

from collections.abc import Iterable
from uuid import UUID

from regulars.members.access.errors import WordingUnknown
from regulars.members.consent import service
from regulars.members.consent.wording import EVERY
from regulars.members.contracts import (
    Consent,
    ConsentChannel,
    ConsentGiven,
    ConsentOffered,
    ConsentSwitch,
    Decision,
    Purpose,
)
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError

WORDINGS = {offered.wording_version: offered.wording for offered in EVERY}


async def switches(tx: Transaction, member_id: UUID) -> list[ConsentSwitch]:
    """Return what is offered, as it stands, and what was decided elsewhere besides; see `members.api`."""
    in_force, _ = await service.consents(tx, member_id, as_of=tx.now)
    return _switches(in_force)


async def switch(
    tx: Transaction,
    member_id: UUID,
    asked: tuple[Purpose, ConsentChannel],
    *,
    on: bool,
    wording_version: str,
    actor: str,
) -> Consent | None:
    """Record what a member decided, in the words that they saw; None if it stands so already. See `members.api`."""
    found = next((one for one in await switches(tx, member_id) if (one.purpose, one.channel) == asked), None)
    if found is None or wording_version != found.asked_version:
        raise WordingUnknown
    if found.is_on == on:
        return None
    wish = ConsentGiven(
        member_id=member_id,
        purpose=found.purpose,
        channel=found.channel,
        decision=Decision.GIVEN if on else Decision.WITHDRAWN,
        wording_version=wording_version,
        where="online",
        actor=actor,
    )
    (outcome,) = await service.record_consents(tx, [wish])
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def _switches(in_force: Iterable[Consent]) -> list[ConsentSwitch]:
    decided = {(one.purpose, one.channel): one for one in in_force}
    offered = [_offered(one, decided.pop((one.purpose, one.channel), None)) for one in EVERY]
    return offered + [_besides(one) for one in decided.values() if one.decision is Decision.GIVEN]


def _offered(offered: ConsentOffered, decided: Consent | None) -> ConsentSwitch:
    """Service notices are sent unless they are refused; everything else only once it was agreed to.

    What was agreed to stands in the words of then; what was not, in those in which it would be.
    """
    on = offered.purpose is Purpose.SERVICE if decided is None else decided.decision is Decision.GIVEN
    agreed_in = decided.wording_version if decided is not None and on else offered.wording_version
    return ConsentSwitch(
        purpose=offered.purpose,
        channel=offered.channel,
        is_on=on,
        decided_at=None if decided is None else decided.effective_at,
        wording=WORDINGS.get(agreed_in, ""),
        asked_version=offered.wording_version,
    )


def _besides(decided: Consent) -> ConsentSwitch:
    """What was agreed to elsewhere, in words that are not known here, can be taken back."""
    return ConsentSwitch(
        purpose=decided.purpose,
        channel=decided.channel,
        is_on=True,
        decided_at=decided.effective_at,
        wording=WORDINGS.get(decided.wording_version, ""),
        asked_version=decided.wording_version,
    )
