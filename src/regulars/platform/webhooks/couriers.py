"""Couriers: take deliveries that are due, send them side by side, and write down what came of them.

No transaction is open while something is sent. A round writes what ended since the last one, takes what there is room
for, and sets off; the database sees one transaction a round, however many go out. What a courier took it has on lease:
should it die between the receiver's yes and our note of it, the delivery goes out again when the lease ends.

Each endpoint has a place of its own, and more out of what all share: one that sleeps takes its own places only.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from random import Random
from typing import Final
from uuid import UUID

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.metrics.measures import WEBHOOK_ATTEMPTS, WEBHOOKS_DISABLED
from regulars.platform.public_events.telling import source_of
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault
from regulars.platform.webhooks import rules
from regulars.platform.webhooks.addresses import Guard
from regulars.platform.webhooks.contracts import (
    ENDPOINT_PREFIX,
    NO_MEMBER,
    Delivery,
    DeliveryState,
    DisabledFor,
    Endpoint,
    EndpointState,
    Taken,
    TellDisabled,
)
from regulars.platform.webhooks.sending import Answered, Sender
from regulars.platform.webhooks.signing import secrets_in_force, sign
from regulars.platform.webhooks.store import endpoints, queue
from regulars.platform.webhooks.store.queue import Course, Ready, Settled
from regulars.platform.webhooks.telling import body_of, message_id_of

logger = logging.getLogger(__name__)

AT_A_TIME_EACH: Final = 4
SHARED_PLACES: Final = 32
LEASE: Final = timedelta(seconds=90)
_IDLE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0

_random = Random()  # noqa: S311 - spreads retries, guards nothing


@dataclass(frozen=True, slots=True)
class Ended:
    """A delivery that was sent, and what came of it."""

    taken: Taken
    answered: Answered
    at: datetime


@dataclass(slots=True)
class Courier:
    """Sends deliveries of every endpoint. `source` names the programme in events."""

    database: Database
    vault: Vault
    sender: Sender
    source: str
    tell: TellDisabled | None = None
    lease: timedelta = LEASE
    wall: Callable[[], datetime] = wall_now
    _under_way: dict[asyncio.Task[None], UUID] = field(default_factory=dict)
    _ended: list[Ended] = field(default_factory=list)
    _failures: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; what is under way then ends first, and is written down."""
        try:
            while not stop.is_set():
                taken = await self._guarded_round()
                if self._failures:
                    await _pause(stop, min(2.0**self._failures, _LONGEST_PAUSE_SECONDS))
                elif not taken and not self._ended:
                    await self._rest(stop)
        finally:
            if self._under_way:
                await asyncio.wait(self._under_way)
            with suppress(Exception):  # the lease ends, and it is sent again
                await self.round(takes=False)
            await self.sender.close()

    async def drain(self) -> int:
        """Send what is due now and wait for it, until nothing is; return how many were taken."""
        total = 0
        while taken := await self.round():
            total += taken
            await asyncio.wait(self._under_way)
        return total

    async def round(self, *, takes: bool = True) -> int:
        """Write what ended, take what is due and set off with it; return how many were taken."""
        ended, self._ended = self._ended, []
        taken: list[Taken] = []
        now = self.wall()
        try:
            async with self.database.transaction(actor="webhooks", set_based=True) as tx:
                ready = await queue.ready(tx, now) if takes else []
                if ended:
                    await _write(tx, ended, now, self.tell)
                    ready = await queue.ready(tx, now) if takes else []
                if ready:
                    taken = await queue.take(tx, self._places(ready), now, self.lease)
        except BaseException:
            self._ended = ended + self._ended
            raise
        for one in taken:
            task = asyncio.create_task(self._carry(one))
            self._under_way[task] = one.delivery.endpoint_id
            task.add_done_callback(self._under_way.pop)
        return len(taken)

    def _places(self, ready: list[Ready]) -> dict[UUID, int]:
        """Return how many may set off to each endpoint: its own place first, then of what all share, in turn."""
        busy = Counter(self._under_way.values())
        shared = SHARED_PLACES - sum(count - 1 for count in busy.values())
        places: dict[UUID, int] = {}
        for one in sorted(ready, key=lambda one: busy[one.endpoint_id]):
            most = 1 if one.failures >= rules.DOWN_AFTER else AT_A_TIME_EACH
            free = max(0, most - busy[one.endpoint_id])
            own = min(free, 1) if not busy[one.endpoint_id] else 0
            more = max(0, min(free - own, shared))
            shared -= more
            if own + more:
                places[one.endpoint_id] = own + more
        return places

    async def _guarded_round(self) -> int:
        try:
            taken = await self.round()
        except Exception as error:  # noqa: BLE001 - the deliveries are still there
            self._failures = min(self._failures + 1, 6)
            logger.warning("webhooks not sent: %s", describe(error))
            return 0
        self._failures = 0
        return taken

    async def _carry(self, taken: Taken) -> None:
        """Send one delivery."""
        at = self.wall()
        try:
            body = body_of(taken.told, self.source)
            secrets = secrets_in_force(self.vault, taken.delivery.endpoint_id, taken.secrets, at)
            headers = headers_of(taken, int(at.timestamp()), secrets, body)
            answered = await self._post(taken, headers, body)
        except Exception as error:
            logger.error("a webhook breaks", exc_info=error, extra={"fields": {"type": taken.told.type}})  # noqa: TRY400 - with fields
            answered = Answered(None, "", f"fault: {type(error).__name__}", 0)
        self._ended.append(Ended(taken, answered, at))

    async def _post(self, taken: Taken, headers: list[tuple[str, str]], body: bytes) -> Answered:
        """Send it; where traces are wanted the receiver is told of which one it is a part."""
        if (tracer := self.database.tracer) is None:
            return await self.sender.post(taken.url, headers, body)
        with tracer.delivery(taken.told.type, taken.told.traceparent, taken.delivery.attempts) as ended:
            origin = tracer.current()
            answered = await self.sender.post(
                taken.url, [*headers, *([("traceparent", origin)] if origin else [])], body
            )
            ended(answered.status, answered.is_taken)
            return answered

    async def _rest(self, stop: asyncio.Event) -> None:
        """Wait for something to end, for the next look, or for the end."""
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, *self._under_way}, timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()


def headers_of(taken: Taken, timestamp: int, secrets: list[bytes], body: bytes) -> list[tuple[str, str]]:
    """Return what goes along with a delivery."""
    message_id = message_id_of(taken.told)
    return [
        ("Host", rules.host_of(taken.url)),
        ("Content-Type", "application/cloudevents+json"),
        ("User-Agent", f"Regulars/{version('regulars')}"),
        ("webhook-id", message_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", sign(secrets, message_id, timestamp, body)),
    ]


async def _write(tx: Transaction, ended: list[Ended], now: datetime, tell: TellDisabled | None) -> None:
    """Write what came of attempts: deliveries, those behind them, and how their endpoints are doing."""
    known = {
        one.endpoint_id: one for one in await endpoints.hold(tx, {one.taken.delivery.endpoint_id for one in ended})
    }
    for one in ended:
        tx.count(WEBHOOK_ATTEMPTS, _outcome(one.answered))
    settled = [_judged(one, now) for one in ended]
    queue.settle(tx, settled)
    behind = [
        (one.delivery.endpoint_id, line_of(one.delivery), one.delivery.position, one.due_at or now)
        for one in settled
        if one.delivery.attempts > 1 or one.due_at is not None
    ]
    if behind:
        queue.let_lines_follow(tx, behind)
    courses: dict[UUID, Course] = {}
    gone: set[UUID] = set()
    for one in sorted(ended, key=lambda one: one.at):
        endpoint = known.get(one.taken.delivery.endpoint_id)
        if endpoint is None:
            continue
        so_far = courses.get(
            endpoint.endpoint_id,
            Course(endpoint.failures, endpoint.failing_since, endpoint.next_try_at, None),
        )
        courses[endpoint.endpoint_id] = _course(so_far, one, now)
        if one.answered.status == rules.GONE:
            gone.add(endpoint.endpoint_id)
    queue.write_courses(tx, courses)
    for endpoint_id, course in courses.items():
        failed = rules.is_failing_for_good(course.failing_since, now)
        if (endpoint_id in gone or failed) and known[endpoint_id].state == EndpointState.ACTIVE:
            reason = DisabledFor.GONE if endpoint_id in gone else DisabledFor.FAILING
            stands = known[endpoint_id]._replace(failing_since=course.failing_since)
            await _disable(tx, stands, reason, now, tell)


def _outcome(answered: Answered) -> str:
    """Return what came of an attempt as metrics tell it."""
    if answered.is_taken:
        return "delivered"
    whole = answered.status is not None and not rules.is_taken(answered.status)  # a yes that broke off is none
    return f"{(answered.status or 0) // 100}xx" if whole else "no_answer"


def line_of(delivery: Delivery) -> UUID:
    """Return the line in which a delivery stands."""
    return delivery.member_id or NO_MEMBER


def _judged(one: Ended, now: datetime) -> Settled:
    delivery, answered = one.taken.delivery, one.answered
    state, due_at = DeliveryState.DELIVERED, None
    if not answered.is_taken:
        again = now + rules.pause_after(now - one.taken.first_tried_at, _random.random(), answered.asked_seconds)
        over = answered.status == rules.GONE or rules.is_given_up(one.taken.first_tried_at, again)
        state, due_at = (DeliveryState.FAILED, None) if over else (DeliveryState.PENDING, again)
    return Settled(
        delivery, state.value, due_at, one.at, answered.took_ms, answered.status, answered.answer, answered.error
    )


def _course(so_far: Course, one: Ended, now: datetime) -> Course:
    if one.answered.is_taken:
        return Course(0, None, None, one.at)
    failures = so_far.failures + 1
    rest = rules.rest_of_endpoint(failures, _random.random())
    return Course(failures, so_far.failing_since or one.at, None if rest is None else now + rest, so_far.delivered_at)


async def _disable(
    tx: Transaction, endpoint: Endpoint, reason: DisabledFor, now: datetime, tell: TellDisabled | None
) -> None:
    """Leave an endpoint alone and let both logs say so, and who may mend it know; the console shows it until then."""
    endpoints.disable(tx, endpoint.endpoint_id, reason.value, now)
    tx.count(WEBHOOKS_DISABLED, reason.value)
    subject = public_id(ENDPOINT_PREFIX, endpoint.endpoint_id)
    logger.warning("webhook disabled: %s", reason.value, extra={"fields": {"webhook": subject}})
    tx.audit(AuditEntry(actor=tx.actor, action="disable_webhook", subject=subject, reason=reason.value, request_id=""))
    if tell is not None:
        await tell(tx, endpoint, reason, now)


async def run_webhooks(
    database: Database, settings: Settings, vault: Vault, tell: TellDisabled, stop: asyncio.Event
) -> None:
    """Deliver webhooks until `stop` is set."""
    sender = Sender(Guard(settings.webhook_networks))
    await Courier(database, vault, sender, source_of(settings.public_url), tell).run(stop)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
