"""Consent as members gave it and took it back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from regulars.domain_events.members import ConsentChanged, ConsentRequested
from regulars.members.consent import rules, store
from regulars.members.consent.errors import ConsentAddressMissing, WordingDiffers
from regulars.members.consent.store import Held
from regulars.members.consent.terms import NOTHING, DoubleOptIn
from regulars.members.consent.wording import WORDINGS
from regulars.members.contracts import (
    Consent,
    ConsentChannel,
    ConsentGiven,
    ConsentLogged,
    Decision,
    LogWanted,
    MemberStatus,
    Purpose,
)
from regulars.members.contracts.refusals import MemberGone
from regulars.members.identity.service import check_instant, known_members
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id
from regulars.platform.texts import LANGUAGES, say


async def record_consents(
    tx: Transaction, wishes: Sequence[ConsentGiven], *, double_opt_in: DoubleOptIn = NOTHING
) -> list[Consent | DomainError]:
    """Append decisions on consent, a result for each in order; nothing is ever edited.

    `effective_at` defaults to now and may be long ago: then it may change nothing that is in force. A consent by e-mail
    to one of the purposes in `double_opt_in` that is not confirmed yet becomes a request (`requested`), which is no
    consent: a letter asks for confirmation from the address that the member's mail goes to. Asking again in the same
    words while one waits gives that one. Holds the members' rows.

    Given, not raised: NotFound (404), MemberGone (410), ConsentChannelUnfit, InstantImpossible (422),
    ConsentAddressMissing, WordingDiffers (409), TooManyAttempts (429: five letters a day). Publishes ConsentChanged,
    ConsentRequested. Source: consents.
    """
    recording = _Recording(tx, double_opt_in)
    wishes = await recording.begin(wishes)
    outcomes = [await recording.decide(consent_id, wish) for consent_id, wish in zip(_ids(wishes), wishes, strict=True)]
    recording.write()
    return outcomes


async def consents(tx: Transaction, member_id: UUID, *, as_of: datetime) -> tuple[list[Consent], list[Consent]]:
    """Return, as known at `as_of`, the decisions in force at that instant, and all in the order they became known.

    What was only requested is in force nowhere. Raises NotFound (404). Source: consents.
    """
    known = (await known_members(tx, [member_id])).get(member_id)
    if known is None:
        raise NotFound
    return await consents_of(tx, known.stands_for, as_of=as_of)


async def consents_of(tx: Transaction, member_id: UUID, *, as_of: datetime) -> tuple[list[Consent], list[Consent]]:
    """Return the same of one who is part of another by now: what was decided under this very id."""
    history = await store.select_consents(tx, member_id, as_of)
    return rules.in_force([consent for consent in history if consent.effective_at <= as_of]), history


def waiting(history: Sequence[Consent]) -> list[Consent]:
    """Return, of a history, the requests that wait to be confirmed: no consents yet. Raises nothing."""
    return rules.requested(history)


async def withdrawn(
    tx: Transaction, member_ids: Sequence[UUID], purpose: Purpose, channel: ConsentChannel
) -> set[UUID]:
    """Return which members' decision in force now is that they withdrew consent to a purpose on a channel.

    Who never decided is not among them. One round trip. Raises nothing. Source: consents.
    """
    return await store.select_decided(tx, member_ids, (purpose, channel), Decision.WITHDRAWN, tx.now)


async def may_send(
    tx: Transaction, member_ids: Collection[UUID], purpose: Purpose, channel: ConsentChannel
) -> set[UUID]:
    """Return to which members something may be sent for a purpose, by a channel, now: whoever sends anything asks.

    Service messages may be sent unless they were refused, everything else only with consent in force: a request that
    nobody confirmed, or a consent from an address that is not the member's any more, is none. One round trip. Raises
    nothing. Source: consents.
    """
    ids = sorted(member_ids)
    if purpose is Purpose.SERVICE:
        return set(ids) - await withdrawn(tx, ids, purpose, channel)
    return await store.select_decided(tx, ids, (purpose, channel), Decision.GIVEN, tx.now)


async def consent_log(tx: Transaction, wanted: LogWanted) -> list[ConsentLogged]:
    """Return decisions of everybody, or of one member, the last to become known first. Source: consents.

    Raises nothing; of who is no member there are none.
    """
    return await store.log(tx, wanted)


def changed(member_id: UUID, consent: Consent) -> ConsentChanged:
    """Return the event of a decision."""
    return ConsentChanged(
        member_id=member_id,
        recorded_at=consent.recorded_at,
        consent_id=consent.consent_id,
        purpose=consent.purpose.value,
        channel=consent.channel.value,
        decision=consent.decision.value,
        wording_version=consent.wording_version,
        effective_at=consent.effective_at,
    )


def requested(member_id: UUID, consent: Consent, letter: int, recorded_at: datetime) -> ConsentRequested:
    """Return the event of a letter that is to be written."""
    return ConsentRequested(
        member_id=member_id,
        recorded_at=recorded_at,
        consent_id=consent.consent_id,
        purpose=consent.purpose.value,
        channel=consent.channel.value,
        wording_version=consent.wording_version,
        letter=letter,
    )


@dataclass(slots=True)
class _Recording:
    """Decisions on their way into the books, with what is known of their members."""

    tx: Transaction
    double_opt_in: DoubleOptIn
    held: dict[UUID, Held] = field(default_factory=dict)
    emails: dict[UUID, UUID] = field(default_factory=dict)
    histories: dict[UUID, list[Consent]] = field(default_factory=dict)
    letters: dict[UUID, list[tuple[int, datetime]]] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    written: list[tuple[UUID, Consent]] = field(default_factory=list)

    async def begin(self, wishes: Sequence[ConsentGiven]) -> Sequence[ConsentGiven]:
        """Hold the members, and read what deciding needs; returns the wishes, of whom they mean after a merge."""
        self.held = await store.hold_members(self.tx, [wish.member_id for wish in wishes])
        merged = {one: held.merged_into for one, held in self.held.items() if held.merged_into is not None}
        if merged:
            self.held |= await store.hold_members(self.tx, merged.values())
            wishes = [replace(wish, member_id=merged.get(wish.member_id, wish.member_id)) for wish in wishes]
        asked = {wish.member_id for wish in wishes if self._needs_confirmation(wish)}
        if asked:
            self.emails = await store.select_emails(self.tx, asked)
            for kept in await store.select_requests(self.tx, asked):
                self.letters.setdefault(kept.member_id, []).append((kept.letters, kept.asked_at))
        worded = {wish.wording_version for wish in wishes if _shown(wish)}
        if worded:
            self.texts = await store.select_wordings(self.tx, worded)
        return wishes

    async def decide(self, consent_id: UUID, wish: ConsentGiven) -> Consent | DomainError:
        """Decide on one wish, having seen those before it."""
        held = self.held.get(wish.member_id)
        recorded_at = self.tx.now if held is None else max(self.tx.now, held.last_recorded_at or self.tx.now)
        effective_at = wish.effective_at or recorded_at
        problem = (
            _unreachable(held)
            or rules.check(wish.purpose, wish.channel)
            or check_instant(effective_at, recorded_at=recorded_at, field="effective_at")
            or await self._keep_wording(wish)
        )
        if problem is not None or held is None:
            return problem or NotFound()
        consent = Consent(
            consent_id=consent_id,
            purpose=wish.purpose,
            channel=wish.channel,
            decision=wish.decision,
            wording_version=wish.wording_version,
            where=wish.where,
            store_id=wish.store_id,
            actor=wish.actor,
            effective_at=effective_at,
            recorded_at=recorded_at,
            language=wish.language,
            wording=_shown(wish),
            confirmation=wish.confirmation if wish.decision is Decision.GIVEN else None,
            identity_id=wish.identity_id,
        )
        if self._needs_confirmation(wish):
            outcome = await self._request(wish.member_id, consent)
            if isinstance(outcome, DomainError) or outcome.consent_id != consent_id:
                return outcome
            consent = outcome
        self.written.append((wish.member_id, consent))
        self.held[wish.member_id] = Held(held.status, recorded_at)
        if wish.member_id in self.histories:
            self.histories[wish.member_id].append(consent)
        return consent

    def write(self) -> None:
        """Append what was decided, and tell of it."""
        if not self.written:
            return
        tx, now = self.tx, wall_now()
        store.insert_consents(tx, self.written, now)
        waiting = [(member_id, one) for member_id, one in self.written if one.decision is Decision.REQUESTED]
        if waiting:
            pairs = [(member_id, one.consent_id) for member_id, one in waiting]
            store.insert_requests(tx, pairs, now, now + rules.LINK_LASTS)
        tx.publish(*[changed(member_id, consent) for member_id, consent in self.written])
        tx.publish(*[requested(member_id, consent, 1, consent.recorded_at) for member_id, consent in waiting])

    def _needs_confirmation(self, wish: ConsentGiven) -> bool:
        return (
            wish.decision is Decision.GIVEN
            and wish.channel is ConsentChannel.EMAIL
            and wish.purpose in self.double_opt_in
            and wish.confirmation is None
        )

    async def _request(self, member_id: UUID, consent: Consent) -> Consent | DomainError:
        """Return what becomes of a consent that is to be confirmed: a request, or one that there is already."""
        address = self.emails.get(member_id)
        if address is None:
            return ConsentAddressMissing(pointer="/channel")
        history = self.histories.get(member_id)
        if history is None:
            before = await store.select_consents(self.tx, member_id)
            history = self.histories[member_id] = before + [one for whose, one in self.written if whose == member_id]
        same = (consent.purpose, consent.channel, consent.wording_version, address)
        for one in (*rules.requested(history), *rules.in_force(history)):
            stands = one.decision is Decision.REQUESTED or (one.decision is Decision.GIVEN and one.confirmation)
            if stands and (one.purpose, one.channel, one.wording_version, one.identity_id) == same:
                return one
        sent = self.letters.setdefault(member_id, [])
        if wait := rules.wait_for_letter(sent, wall_now()):
            return TooManyAttempts(retry_after_seconds=wait)
        sent.append((1, wall_now()))
        return replace(consent, decision=Decision.REQUESTED, identity_id=address)

    async def _keep_wording(self, wish: ConsentGiven) -> DomainError | None:
        """Keep the words as they were shown; words that differ from those of the same version are refused."""
        text = _shown(wish)
        if not text or wish.language is None:
            return None
        key = wish.wording_version, wish.language
        if key not in self.texts:
            self.texts |= await store.insert_wordings(self.tx, {key: text}, self.tx.now)
        if self.texts[key] != text:
            return WordingDiffers(pointer="/wording", version=wish.wording_version)
        return None


def _ids(wishes: Sequence[ConsentGiven]) -> list[UUID]:
    return sorted(new_id() for _ in wishes)  # in the order of arrival, also within one millisecond


def _shown(wish: ConsentGiven) -> str:
    """Return the words that were shown: the wish's own, or ours of that version; "" where we cannot know."""
    if wish.wording is not None or wish.language is None:
        return wish.wording or ""
    ours = WORDINGS.get(wish.wording_version)
    return "" if ours is None else say(ours, wish.language if wish.language in LANGUAGES else "en")


def _unreachable(member: Held | None) -> DomainError | None:
    if member is None:
        return NotFound()
    return MemberGone() if member.status is MemberStatus.ERASED else None
