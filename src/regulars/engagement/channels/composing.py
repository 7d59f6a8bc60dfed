"""From occasions to messages: who is told, in which language, by which channels. No network.

What a message tells is fixed here: the figures are those of the fact, names and addresses those of this moment. They
are sealed together; the words and their form are made of them whenever the message is sent or read.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars.engagement.channels import addresses, rules, store
from regulars.engagement.channels.addresses import Standings
from regulars.engagement.channels.letters import Content
from regulars.engagement.channels.sealing import seal_address, seal_content
from regulars.engagement.channels.store import Occasion, Stored
from regulars.engagement.channels.wording import language_of
from regulars.engagement.contracts import (
    ConfirmConsentFacts,
    ConfirmFacts,
    Facts,
    MessageChannel,
    MessageKind,
    MessageState,
)
from regulars.members import api as members
from regulars.members.contracts import ConsentChannel, IdentityShown, Member, Profile, Purpose
from regulars.platform.clock import wall_now
from regulars.platform.db.failures import describe, is_nobodys_fault, may_pass
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import derived_id
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.service import market
from regulars.platform.vault.contracts import Vault

logger = logging.getLogger(__name__)

AT_ONCE = 200
_MAX_ATTEMPTS = 8
_FIRST_PAUSE = timedelta(seconds=5)
_NOBODY = Profile()
_decode = msgspec.json.Decoder(Facts).decode


@dataclass(frozen=True, slots=True)
class Told:
    """A member who is to be told something, and all that is needed for it."""

    member: Member
    identities: Sequence[IdentityShown]
    profile: Profile
    market: Market
    key: bytes
    refused_email: bool
    standings: Standings
    not_proved: set[UUID]


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes messages for those channels that can be used."""

    vault: Vault
    reachable: frozenset[MessageChannel]

    async def compose(self, tx: Transaction, at_once: int = AT_ONCE) -> int:
        """Write the messages of what is due, and forget the occasions; returns how many were looked at.

        An occasion that fails harms only itself: it is tried again, eight times in ten minutes, then given up and
        counted among the failed.
        """
        occasions = await store.claim_occasions(tx, wall_now(), at_once)
        if occasions:
            await self._compose_or_halve(tx, occasions)
        return len(occasions)

    async def _compose_or_halve(self, tx: Transaction, occasions: Sequence[Occasion]) -> None:
        await tx.flush()  # what fails here is no occasion's
        try:
            async with tx.savepoint():
                store.insert_messages(tx, await self._messages(tx, occasions))
                store.delete_occasions(tx, occasions)
        except Exception as error:
            if is_nobodys_fault(error) or may_pass(error):
                raise
            if len(occasions) > 1:
                middle = len(occasions) // 2
                await self._compose_or_halve(tx, occasions[:middle])
                await self._compose_or_halve(tx, occasions[middle:])
                return
            (failed,) = occasions
            attempts = failed.attempts + 1
            again = None if attempts >= _MAX_ATTEMPTS else wall_now() + _FIRST_PAUSE * 2**attempts
            store.postpone_occasion(tx, failed, again)
            logger.warning("message not written: %s", describe(error), extra={"fields": {"attempts": attempts}})

    async def _messages(self, tx: Transaction, occasions: Sequence[Occasion]) -> list[Stored]:
        told = await self._told(tx, {occasion.member_id for occasion in occasions})
        written_at = wall_now()
        messages: list[Stored] = []
        for occasion in occasions:
            # Who is no member any more, or was erased, is told nothing.
            if (whom := told.get(occasion.member_id)) is not None:
                of_whom = occasion._replace(member_id=whom.member.member_id)
                messages += await self._messages_of(tx, of_whom, whom, written_at)
        return messages

    async def _told(self, tx: Transaction, member_ids: set[UUID]) -> dict[UUID, Told]:
        ids = sorted(member_ids)
        shown = await members.show_members(tx, self.vault, ids, clear=True)
        profiles = await members.read_profiles(tx, self.vault, ids, clear=True)
        allowed = await members.may_send(tx, ids, Purpose.SERVICE, ConsentChannel.EMAIL)
        known = await addresses.standings(tx, ids)
        keys = await self.vault.keys_of(ids)
        not_proved = await self._not_proved(tx, shown)
        merged = {member.member_id: member.merged_into for member, _ in shown if member.merged_into is not None}
        others = await self._told(tx, set(merged.values())) if merged else {}
        return {absorbed: others[into] for absorbed, into in merged.items() if into in others} | {
            member.member_id: Told(
                member,
                identities,
                profiles.get(member.member_id, _NOBODY),
                await market(tx, member.market),
                keys[member.member_id],
                member.member_id not in allowed,
                known.get(member.member_id, {}),
                not_proved,
            )
            for member, identities in shown
            if member.member_id in keys and member.merged_into is None
        }

    async def _not_proved(self, tx: Transaction, shown: "Sequence[tuple[Member, list[IdentityShown]]]") -> set[UUID]:
        """Return the addresses of which no letter asks whose they are: a merge brought them, and no link proves them.

        Asked of those alone who have an unproved one, which counts also behind a proved one that was refused.
        """
        unsure = [
            member.member_id
            for member, identities in shown
            if any(one.verified_at is None for one in rules.emails_of(identities))
        ]
        return await members.identities_not_proved(tx, unsure) if unsure else set()

    async def _messages_of(self, tx: Transaction, occasion: Occasion, whom: Told, written_at: datetime) -> list[Stored]:
        facts = _decode(occasion.facts)
        if isinstance(facts, ConfirmConsentFacts):
            return await self._asked_to_agree(tx, occasion, whom, facts.consent_id, written_at)
        kind = kind_of(facts)
        email = self._email_of(whom)
        channels = rules.channels_of(
            kind, self.reachable, has_email=email is not None, refused_email=whom.refused_email
        )
        messages = []
        for channel in channels:
            address = None
            if channel is MessageChannel.EMAIL and email is not None and email.value is not None:
                if email.verified_at is None:  # it may be a stranger's: asked once, told nothing
                    messages += await self._asked_to_confirm(tx, occasion, whom, email.value, written_at)
                    continue
                address = email.value
            messages.append(
                self._written(occasion, whom, kind, facts, channel, address, written_at, called(whom.profile))
            )
        return messages

    def _email_of(self, whom: Told) -> IdentityShown | None:
        """Return the address that a member's mail goes to: not one that was refused as nobody's.

        Nor one that a merge brought unproved: it may be a stranger's, and nothing in a letter could prove it.
        """
        for one in rules.emails_of(whom.identities):
            standing = whom.standings.get(addresses.hash_of(self.vault, one.value or ""))
            if one.identity_id in whom.not_proved:
                continue
            if standing is None or not rules.is_refused(one, standing.refused_at):
                return one
        return None

    async def _asked_to_confirm(
        self, tx: Transaction, occasion: Occasion, whom: Told, address: str, written_at: datetime
    ) -> list[Stored]:
        if not await addresses.is_first_asked(tx, self.vault, occasion.member_id, address, written_at):
            return []
        facts = ConfirmFacts(token=addresses.confirm_token(self.vault, occasion.member_id, address))
        kind, channel = MessageKind.CONFIRM_ADDRESS, MessageChannel.EMAIL
        return [self._written(occasion, whom, kind, facts, channel, address, written_at, None)]

    async def _asked_to_agree(
        self, tx: Transaction, occasion: Occasion, whom: Told, consent_id: UUID, written_at: datetime
    ) -> list[Stored]:
        """Write the letter that asks to confirm a consent, to the very address, without a name or a figure."""
        if MessageChannel.EMAIL not in self.reachable:
            return []
        asked = await members.letter_to_confirm(tx, occasion.member_id, consent_id)
        address = (
            None
            if asked is None
            else next((one.value for one in whom.identities if one.identity_id == asked.identity_id), None)
        )
        if asked is None or address is None:
            return []
        facts = ConfirmConsentFacts(consent_id=consent_id, wording=asked.wording, token=asked.token)
        kind, channel = MessageKind.CONFIRM_CONSENT, MessageChannel.EMAIL
        return [self._written(occasion, whom, kind, facts, channel, address, written_at, None)]

    def _written(  # noqa: PLR0917 - what a message is made of
        self,
        occasion: Occasion,
        whom: Told,
        kind: MessageKind,
        facts: Facts,
        channel: MessageChannel,
        address: str | None,
        written_at: datetime,
        name: str | None,
    ) -> Stored:
        content = Content(facts=facts, time_zone=whom.market.time_zone, country=whom.market.country, name=name)
        return written(
            content,
            message_id=derived_id(occasion.occurred_at, occasion.occasion_id.hex, kind.value, channel.value),
            member_id=occasion.member_id,
            key=whom.key,
            channel=channel,
            address=address,
            language=language_of(whom.member.language),
            occurred_at=occasion.occurred_at,
            written_at=written_at,
        )


def called(profile: Profile) -> str | None:
    """Return what a member wants to be called, if we know."""
    return profile.display_name or profile.given_name


def kind_of(facts: Facts) -> MessageKind:
    """Return which kind of message tells these facts."""
    return MessageKind(str(facts.__struct_config__.tag))


def written(
    content: Content,
    *,
    message_id: UUID,
    member_id: UUID | None,
    key: bytes,
    channel: MessageChannel,
    address: str | None,
    language: str,
    occurred_at: datetime,
    written_at: datetime,
    send_for: timedelta = rules.SEND_FOR,
) -> Stored:
    """Return a message, sealed under `key`: in the inbox it is there at once, elsewhere it is due now."""
    recipient_id = message_id if member_id is None else member_id
    kind = kind_of(content.facts)
    at_once = channel is MessageChannel.INBOX
    return Stored(
        recipient_id=recipient_id,
        message_id=message_id,
        to_member=member_id is not None,
        kind=kind.value,
        channel=channel.value,
        language=language,
        state=(MessageState.SENT if at_once else MessageState.QUEUED).value,
        urgency=rules.urgency_of(kind),
        attempts=0,
        due_at=None if at_once else written_at,
        send_until=written_at + send_for,
        sealed_content=seal_content(key, recipient_id, message_id, content),
        sealed_address=None if address is None else seal_address(key, recipient_id, message_id, address),
        answer="",
        occurred_at=occurred_at,
        written_at=written_at,
        sent_at=written_at if at_once else None,
        read_at=None,
    )
