"""Concurrent clients who retry with the same key until they are answered, and remember every answer."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import httpcore
import httpx
import msgspec

from regulars.demo.programme import MARKET
from tests.faults.product import DEADLINE_SECONDS, LOOK_SECONDS, Shop
from tests.faults.shop import CURRENCY, STORE, public

ACCRUAL, REDEMPTION, ORDER, RETURN = "accrual", "redemption", "order", "return"
HOT_SHARE = 0.4  # so much of the load goes to one member
GIVE_UP_SHARE = 0.15  # so many of those whose connection broke never ask again
FORGET_SHARE = 0.15  # so many ask again under another key, as a till does that was switched off and on
PAUSE_SECONDS = 0.05
KEPT_SECONDS = 5.0
BUSY = 409
UNAVAILABLE = 503
BROKEN = 500

_TIMEOUTS = dict.fromkeys(("connect", "read", "write", "pool"), DEADLINE_SECONDS)
_encode = msgspec.json.Encoder().encode


def line() -> httpcore.AsyncConnectionPool:
    """Return the one connection of a client: of more, every request would look at all whether they still stand."""
    return httpcore.AsyncConnectionPool(max_connections=1, keepalive_expiry=KEPT_SECONDS)


@dataclass(frozen=True)
class Answer:
    """What a client was told."""

    status: int
    body: bytes
    replayed: bool

    @property
    def done(self) -> bool:
        """True if what was asked for was carried out."""
        return self.status < 400

    def content(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return the decoded body."""
        return msgspec.json.decode(self.body)


@dataclass
class Operation:
    """One thing asked for, under one key; `answer` is None until it was acknowledged."""

    kind: str
    member_id: UUID
    method: str
    path: str
    body: bytes
    key: str
    reference: str
    amount: int
    order_id: str = ""
    attempts: int = 0
    began: float = 0.0
    answered: float = 0.0
    answer: Answer | None = None
    gave_up: bool = False
    keys: int = 1
    names_its_fact: bool = True


@dataclass
class Load:
    """Clients on one product. `operations` is everything that was ever sent, acknowledged or not.

    They send to `address`; `http` asks for what is no load.
    """

    shop: Shop
    address: str
    http: httpx.AsyncClient
    random: Random
    operations: list[Operation] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    mishaps: list[str] = field(default_factory=list)
    stopping: bool = False
    _paid: list[Operation] = field(default_factory=list)
    _number: int = 0

    def acknowledged(self) -> int:
        """Return how many operations were answered."""
        return sum(operation.answer is not None for operation in self.operations)

    def answered_since(self, instant: float) -> list[Operation]:
        """Return operations that were begun after `instant` (monotonic seconds) and answered."""
        return [one for one in self.operations if one.answer is not None and one.began > instant]

    async def run(self, clients: int) -> None:
        """Send until `stopping`; each client then finishes what it has in hand."""
        self.stopping = False
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(self._client())

    async def _client(self) -> None:
        async with line() as own:
            while not self.stopping:
                operation = self._next()
                self.operations.append(operation)
                await self.carry_out(operation, own)
                if operation.kind == ORDER and operation.answer is not None and operation.answer.done:
                    self._paid.append(operation)

    async def carry_out(self, operation: Operation, own: httpcore.AsyncConnectionPool) -> None:
        """Ask, and ask again with the same key, until there is an answer, the client gives up or time is up."""
        operation.began = time.monotonic()
        while True:
            operation.attempts += 1
            answer = await self.send(operation, own)
            if answer is not None and answer.status < BROKEN and not _is_busy(answer):
                operation.answer = answer
                operation.answered = time.monotonic()
                if not answer.done:
                    self.refusals[str(answer.content()["code"])] += 1
                return
            if answer is not None and answer.status != UNAVAILABLE and answer.status >= BROKEN:
                self.mishaps.append(f"{operation.kind} was answered {answer.status}: {answer.body.decode()}")
            if answer is None and self.random.random() < GIVE_UP_SHARE:
                operation.gave_up = True
                return
            if answer is None and operation.names_its_fact and self.random.random() < FORGET_SHARE:
                operation.keys += 1
                operation.key = f"{operation.key}-again"
            waited = time.monotonic() - operation.began
            assert waited < DEADLINE_SECONDS, f"{operation.kind} {operation.key} got no answer in {waited:.0f} s"
            await asyncio.sleep(PAUSE_SECONDS)

    async def send(self, operation: Operation, own: httpcore.AsyncConnectionPool) -> Answer | None:
        """Send once; None if the connection broke or nobody listened."""
        headers = [
            ("Authorization", f"Bearer {self.shop.token}"),
            ("Idempotency-Key", operation.key),
            ("Content-Type", "application/json"),
        ]
        url, extensions = f"{self.address}{operation.path}", {"timeout": _TIMEOUTS}
        try:
            response = await own.request(
                operation.method, url, headers=headers, content=operation.body, extensions=extensions
            )
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
            return None
        replayed = any(name.lower() == b"idempotency-replayed" and value == b"true" for name, value in response.headers)
        return Answer(response.status, response.content, replayed)

    async def is_ready(self) -> bool:
        """Say whether the web process says that it may be used."""
        try:
            return (await self.http.get("/ready")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def until_ready(self) -> float:
        """Wait until it may be used; return how long that took, in seconds."""
        began = time.monotonic()
        while not await self.is_ready():
            assert time.monotonic() < began + DEADLINE_SECONDS, "it did not get ready"
            await asyncio.sleep(LOOK_SECONDS)
        return time.monotonic() - began

    # --- what is asked for --------------------------------------------------------------------------------------------

    def _next(self) -> Operation:
        self._number += 1
        members = self.shop.members
        member_id = members[0] if self.random.random() < HOT_SHARE else self.random.choice(members)
        kind = self.random.choices((ACCRUAL, REDEMPTION, ORDER, RETURN), (4, 3, 2, 1))[0]
        if kind == RETURN and self._paid:
            return self._return(self._paid.pop(self.random.randrange(len(self._paid))))
        if kind in {ORDER, RETURN}:
            return self._order(member_id)
        return self._posting(kind, member_id)

    def _posting(self, kind: str, member_id: UUID) -> Operation:
        amount = self.random.randrange(1, 30)
        body: dict[str, Any] = {"wallet": "points", "amount": amount}
        named = self.random.random() < 0.5  # else the idempotency key names the fact
        reference = f"{kind}-{self._number}" if named else f"request:{self.shop.client}:key-{self._number}"
        if named:
            body["reference"] = reference
        path = f"/v1/members/{public(member_id)}/{kind}s"
        return Operation(
            kind, member_id, "POST", path, _encode(body), key=f"key-{self._number}", reference=reference,
            amount=amount, names_its_fact=named,
        )  # fmt: skip

    def _order(self, member_id: UUID) -> Operation:
        order_id = f"order-{self._number}"
        amounts = [self.random.randrange(100, 5000) for _ in range(self.random.randrange(1, 4))]
        total = sum(amounts)
        body: dict[str, Any] = {
            "member_id": public(member_id),
            "state": "paid",
            "channel": "store",
            "store_id": STORE,
            "market": MARKET.code,
            "total": {"amount_minor": total, "currency": CURRENCY},
            "lines": [
                {"sku": f"sku-{at}", "quantity": 2, "amount": {"amount_minor": each, "currency": CURRENCY}}
                for at, each in enumerate(amounts)
            ],
        }
        if self.random.random() < 0.5:
            body["payments"] = [{"method": "points", "points_at_most": total // 4}]
        return Operation(
            ORDER, member_id, "PUT", f"/v1/orders/{order_id}", _encode(body), key=f"key-{self._number}",
            reference=f"order:{order_id}", amount=total, order_id=order_id,
        )  # fmt: skip

    def _return(self, order: Operation) -> Operation:
        return_id = f"return-{self._number}"
        body: dict[str, Any] = {"return_id": return_id, "store_id": STORE}
        if self.random.random() < 0.5:
            body["lines"] = [{"line_id": "1", "quantity": 1}]
        return Operation(
            RETURN, order.member_id, "POST", f"/v1/orders/{order.order_id}/returns", _encode(body),
            key=f"key-{self._number}", reference=f"order:{order.order_id}:return:{return_id}", amount=0,
            order_id=order.order_id,
        )  # fmt: skip


def _is_busy(answer: Answer) -> bool:
    return answer.status == BUSY and answer.content().get("code") == "member_busy"
