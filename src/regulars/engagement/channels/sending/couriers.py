"""Couriers: take messages that are due, a few at a time, hand them over, and write down what became of them.

No transaction is open while a message is handed over. A courier has what it took on lease: should it die between the
provider's yes and our note of it, the message is sent again when the lease ends, with the same Message-ID.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from regulars.engagement.channels import addresses, rules, store
from regulars.engagement.channels.composing import Composer
from regulars.engagement.channels.layout import LOGO_CID, Brand, brand_of, render_mail
from regulars.engagement.channels.letters import letter_of, short_text
from regulars.engagement.channels.notices import tell_of_expiry
from regulars.engagement.channels.reach import is_mail_set_up, is_sms_set_up, reachable
from regulars.engagement.channels.sealing import Keys
from regulars.engagement.channels.sending.mail import MailTransport
from regulars.engagement.channels.sending.sms import SmsGateway, problem_of_gateway
from regulars.engagement.channels.sending.transport import (
    DEVELOPMENT_ANSWER,
    DevelopmentOutbox,
    NotNow,
    Outgoing,
    Refused,
    Transport,
    Uncertain,
    Unreachable,
)
from regulars.engagement.channels.stopping import stop_url
from regulars.engagement.channels.store import Outcome, Stored
from regulars.engagement.contracts import MessageChannel, MessageKind, MessageState
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe
from regulars.platform.errors import DomainError
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault

logger = logging.getLogger(__name__)

AT_A_TIME: Final = 4
LEASE: Final = timedelta(minutes=5)
_IDLE_SECONDS = 0.5
_NOTICES_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class Courier:
    """Sends the messages of one channel, at most `at_a_time` at once: a slow one holds up nobody but its own place."""

    database: Database
    vault: Vault
    brand: Brand
    channel: MessageChannel
    transport: Transport
    at_a_time: int = AT_A_TIME
    lease: timedelta = LEASE
    wall: Callable[[], datetime] = wall_now
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _failures: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; what is under way then ends first. Outlives the database and the provider."""
        try:
            while not stop.is_set():
                taken = await self._take()
                if self._failures:
                    await _pause(stop, min(2.0**self._failures, _LONGEST_PAUSE_SECONDS))
                elif taken == 0:
                    await self._rest(stop)
        finally:
            if self._under_way:
                await asyncio.wait(self._under_way)
            await self.transport.close()

    async def drain(self) -> int:
        """Send what is due now, and wait for it; returns how many were taken."""
        total = 0
        while taken := await self._take():
            total += taken
            await asyncio.wait(self._under_way)
        return total

    async def _take(self) -> int:
        """Claim as many messages as there are free places, and set off with them."""
        free = self.at_a_time - len(self._under_way)
        if self._failures:
            free = min(free, 1)  # one finds out for all
        if free <= 0:
            return 0
        now = self.wall()
        try:
            async with self.database.transaction(actor="courier", set_based=True) as tx:
                taken = await store.claim(tx, self.channel.value, now, now + self.lease, free)
        except Exception as error:  # noqa: BLE001 - the messages are still there to be sent
            self._trouble("messages not claimed", error)
            return 0
        for message in taken:
            task = asyncio.create_task(self._carry(message))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        if not taken and self._failures and not self._under_way:
            self._failures = 0
        return len(taken)

    async def _rest(self, stop: asyncio.Event) -> None:
        """Wait for a free place, for the next look, or for the end."""
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, *self._under_way}, timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    async def _carry(self, message: Stored) -> None:
        """Hand one message over, and write what became of it."""
        try:
            outcome = await self._outcome(message)
            async with self.database.transaction(actor="courier") as tx:
                await store.settle(tx, message, outcome)
                if outcome.nobody_at is not None:
                    await addresses.note_refused(
                        tx, self.vault, message.recipient_id, outcome.nobody_at, outcome.answer
                    )
        except Exception as error:  # noqa: BLE001 - its lease ends, and it is taken again
            self._trouble("message not sent", error)

    async def _outcome(self, message: Stored) -> Outcome:
        now, kind = self.wall(), MessageKind(message.kind)
        over = "too late" if now >= message.send_until else ""
        if not rules.may_be_handed_over(kind, message.handed_over, is_paid=self.transport.is_paid):
            over = "may have been sent before"
        if over:
            return self._late(message, message.answer or over)
        keys, outgoing = await Keys.of(self.vault, [message]), None
        try:
            outgoing = self._outgoing(message, keys)
            if outgoing is None:
                return Outcome(state=MessageState.FAILED.value, answer="unreadable", wipe=True)
            answer = await self.transport.send(outgoing)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's own
            return self._not_sent(message, outgoing, error, now)
        self._failures = 0
        wipe = kind in rules.WIPED_ONCE_SENT and answer != DEVELOPMENT_ANSWER
        return Outcome(state=MessageState.SENT.value, answer=answer, sent_at=self.wall(), wipe=wipe)

    def _not_sent(self, message: Stored, outgoing: Outgoing | None, error: Exception, now: datetime) -> Outcome:
        if isinstance(error, Refused):
            self._failures = 0
            nobody_at = outgoing.address if outgoing and error.nobody_there and message.to_member else None
            return Outcome(state=MessageState.PARKED.value, answer=error.answer, nobody_at=nobody_at)
        if isinstance(error, NotNow):
            return self._not_now(message, error, now)
        logger.error("one message breaks", exc_info=error, extra={"fields": {"message": message.message_id.hex}})
        return self._faulty(message, error, now)

    def _not_now(self, message: Stored, refusal: NotNow, now: datetime) -> Outcome:
        if isinstance(refusal, Unreachable):
            self._trouble(f"{self.channel.value} cannot be sent: {refusal.answer}", None)
        else:
            self._failures = 0
        again = now + rules.pause_after(message.attempts, refusal.wait)
        uncertain = isinstance(refusal, Uncertain)
        once_more = rules.may_be_handed_over(
            MessageKind(message.kind), message.handed_over + uncertain, is_paid=self.transport.is_paid
        )
        if again >= message.send_until or not once_more:
            return self._late(message, refusal.answer)
        return Outcome(state=MessageState.QUEUED.value, answer=refusal.answer, due_at=again, not_taken=not uncertain)

    def _faulty(self, message: Stored, error: Exception, now: datetime) -> Outcome:
        """What breaks is this message, on our side: its channel goes on as if nothing had been."""
        answer = f"{rules.FAULT}{type(error).__name__}"
        again = now + rules.pause_after(message.attempts)
        if again >= message.send_until or rules.is_given_up_as_faulty(message.attempts, message.answer):
            return self._late(message, answer)
        return Outcome(state=MessageState.QUEUED.value, answer=answer, due_at=again)

    def _late(self, message: Stored, answer: str) -> Outcome:
        state = rules.state_when_late(MessageKind(message.kind))
        return Outcome(state=state.value, answer=answer, wipe=state is MessageState.FAILED)

    def _outgoing(self, message: Stored, keys: Keys) -> Outgoing | None:
        content, address = keys.content(message), keys.address(message)
        if content is None or address is None:
            return None
        letter = letter_of(content, message.language, self.brand.sender)
        stops = stop_url(self.vault, self.brand.sender.public_url, message)
        logo = f"cid:{LOGO_CID}" if self.brand.logo is not None else None
        return Outgoing(
            address=address,
            rendered=render_mail(letter, self.brand, message.language, logo=logo, stop_url=stops),
            text=short_text(content, message.language, self.brand.sender),
            language=message.language,
            reference=message.message_id.hex,
            stop_url=stops,
        )

    def _trouble(self, what: str, error: Exception | None) -> None:
        self._failures = min(self._failures + 1, 8)
        told = f": {describe(error)}" if error is not None else ""
        logger.warning("%s%s", what, told, extra={"fields": {"channel": self.channel.value}})


async def run_messages(database: Database, settings: Settings, vault: Vault, stop: asyncio.Event) -> None:
    """Write, send and announce messages until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        group.create_task(run_composer(database, Composer(vault, reachable(settings)), stop))
        group.create_task(run_notices(database, settings.notice_steps, stop))
        for courier in couriers(database, settings, vault):
            group.create_task(courier.run(stop))


def couriers(database: Database, settings: Settings, vault: Vault) -> list[Courier]:
    """Return a courier for each channel that can be used; where settings contradict, messages wait."""
    if problem := problem_of_channels(settings):
        logger.error("%s", problem)
    brand = brand_of(settings)
    transports: dict[MessageChannel, Transport] = {}
    if settings.development:
        transports = {MessageChannel.EMAIL: DevelopmentOutbox(), MessageChannel.SMS: DevelopmentOutbox()}
    if is_mail_set_up(settings):
        transports[MessageChannel.EMAIL] = MailTransport(settings, brand)
    if is_sms_set_up(settings) and problem_of_gateway(settings) is None:
        transports[MessageChannel.SMS] = SmsGateway(settings)
    return [Courier(database, vault, brand, channel, transport) for channel, transport in transports.items()]


def problem_of_channels(settings: Settings) -> str | None:
    """Say which settings contradict each other, if any."""
    if settings.smtp_host is not None and settings.mail_sender is None:
        return "REGULARS_SMTP_HOST is set, but REGULARS_MAIL_SENDER is not, so no e-mail is sent"
    return problem_of_gateway(settings) if is_sms_set_up(settings) else None


async def run_composer(database: Database, composer: Composer, stop: asyncio.Event) -> None:
    """Write messages as occasions come until `stop` is set."""

    async def compose() -> bool:
        async with database.transaction(actor="composer", set_based=True) as tx:
            return await composer.compose(tx) > 0

    await _repeat(compose, stop, _IDLE_SECONDS, "messages not written")


async def run_notices(database: Database, steps: Sequence[int], stop: asyncio.Event) -> None:
    """Look every minute whose points are about to expire until `stop` is set."""

    async def tell() -> bool:
        try:
            async with database.transaction(actor="notices", set_based=True) as tx:
                return await tell_of_expiry(tx, steps)
        except DomainError:  # no policy yet: nothing can expire
            return False

    await _repeat(tell, stop, _NOTICES_SECONDS, "notices not given")


async def _repeat(step: Callable[[], Awaitable[bool]], stop: asyncio.Event, idle_seconds: float, trouble: str) -> None:
    """Repeat a step, at once while there is more, until `stop` is set; outlives failures of any kind."""
    failures = 0
    while not stop.is_set():
        try:
            more = await step()
            failures = 0
        except Exception as error:  # noqa: BLE001 - the work is still there to be done
            failures, more = failures + 1, False
            logger.warning("%s: %s", trouble, describe(error))
        if not more:
            await _pause(stop, max(idle_seconds, min(0.5 * 2**failures, _LONGEST_PAUSE_SECONDS) if failures else 0))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
