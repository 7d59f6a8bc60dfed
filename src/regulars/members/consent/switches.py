"""Consent as members see and change it themselves: a switch for each purpose and way, with its history."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.members.access.errors import WordingUnknown
from regulars.members.consent import rules, store
from regulars.members.consent.service import consents, record_consents
from regulars.members.consent.store import Request
from regulars.members.consent.terms import NOTHING, DoubleOptIn
from regulars.members.consent.wording import EVERY, WORDINGS
from regulars.members.contracts import (
    Consent,
    ConsentChannel,
    ConsentGiven,
    ConsentOffered,
    ConsentSwitch,
    Decision,
    Purpose,
)
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError

_Pair = tuple[Purpose, ConsentChannel]


async def consent_switches(
    tx: Transaction, member_id: UUID, *, double_opt_in: DoubleOptIn = NOTHING
) -> list[ConsentSwitch]:
    """Return the consents that a member may give and take back by themselves, as they stand.

    First those that are offered here, in a fixed order, then what was agreed to elsewhere. Raises NotFound (404).
    Source: consents, consent_requests, member_identities.
    """
    in_force, history = await consents(tx, member_id, as_of=tx.now)
    letters = await store.select_requests(tx, [member_id])
    has_email = bool(await store.select_emails(tx, [member_id])) if double_opt_in else True
    seen = _Seen(in_force, history, letters, wall_now())
    return [
        seen.switch(offered, has_address=has_email or not _is_confirmed_by_mail(offered, double_opt_in))
        for offered in EVERY
    ] + seen.besides()


async def switch_consent(
    tx: Transaction,
    member_id: UUID,
    purpose: Purpose,
    channel: ConsentChannel,
    *,
    on: bool,
    wording_version: str,
    actor: str,
    language: str | None = None,
    double_opt_in: DoubleOptIn = NOTHING,
) -> Consent | None:
    """Record that a member gave a consent or took it back; None, and nothing recorded, where it stands so already.

    `wording_version` is the `asked_version` of the switch that they saw, in `language` (en, zh). What is to be
    confirmed becomes a request, see `record_consents`; taking back ends one that waits. Raises NotFound (404),
    WordingUnknown (422) for other words or for a consent that is not offered, and what `record_consents` gives.
    """
    found = next(
        (one for one in await consent_switches(tx, member_id) if (one.purpose, one.channel) == (purpose, channel)),
        None,
    )
    if found is None or wording_version != found.asked_version:
        raise WordingUnknown
    if found.is_on == on and not (found.request is not None and not on):
        return None
    wish = ConsentGiven(
        member_id=member_id,
        purpose=purpose,
        channel=channel,
        decision=Decision.GIVEN if on else Decision.WITHDRAWN,
        wording_version=wording_version,
        where="online",
        actor=actor,
        language=language,
    )
    (outcome,) = await record_consents(tx, [wish], double_opt_in=double_opt_in)
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def _is_confirmed_by_mail(offered: ConsentOffered, double_opt_in: DoubleOptIn) -> bool:
    return offered.channel is ConsentChannel.EMAIL and offered.purpose in double_opt_in


class _Seen:
    """All that is known of a member's consents, by purpose and way."""

    def __init__(
        self, in_force: Sequence[Consent], history: Sequence[Consent], letters: Sequence[Request], now: datetime
    ) -> None:
        self._decided = {(one.purpose, one.channel): one for one in in_force}
        self._requested = {(one.purpose, one.channel): one for one in rules.requested(history)}
        self._open_until = {one.consent_id: one.expires_at for one in letters if one.expires_at > now}
        self._history: dict[_Pair, list[Consent]] = {}
        for one in history:
            self._history.setdefault((one.purpose, one.channel), []).insert(0, one)

    def switch(self, offered: ConsentOffered, *, has_address: bool) -> ConsentSwitch:
        """Service notices are sent unless they are refused; everything else only once it was agreed to.

        What was agreed to stands in the words of then; what was not, in those in which it would be.
        """
        pair = offered.purpose, offered.channel
        decided, request = self._decided.pop(pair, None), self._requested.pop(pair, None)
        on = offered.purpose is Purpose.SERVICE if decided is None else decided.decision is Decision.GIVEN
        said = decided if decided is not None and on else request
        version = offered.wording_version if said is None else said.wording_version
        return ConsentSwitch(
            purpose=offered.purpose,
            channel=offered.channel,
            is_on=on,
            decided_at=None if decided is None else decided.effective_at,
            wording=_words(said, version),
            version=version,
            asked_version=offered.wording_version,
            request=None if on else request,
            open_until=None if request is None else self._open_until.get(request.consent_id),
            is_lapsed=decided is not None and decided.decision is Decision.LAPSED,
            has_address=has_address,
            history=tuple(self._history.get(pair, ())),
        )

    def besides(self) -> list[ConsentSwitch]:
        """What was agreed to elsewhere, in words that are not offered here, can be taken back."""
        return [
            ConsentSwitch(
                purpose=one.purpose,
                channel=one.channel,
                is_on=True,
                decided_at=one.effective_at,
                wording=_words(one, one.wording_version),
                version=one.wording_version,
                asked_version=one.wording_version,
                history=tuple(self._history.get((one.purpose, one.channel), ())),
            )
            for one in self._decided.values()
            if one.decision is Decision.GIVEN
        ]


def _words(said: Consent | None, version: str) -> str:
    """Return our sentence of a version, which is translated, else the words as they were shown."""
    return WORDINGS.get(version) or ("" if said is None else said.wording)
