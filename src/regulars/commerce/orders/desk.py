"""Orders of our own pages: the same intake, lane and audit as for callers of the API, without HTTP in between."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, Final, overload
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from regulars.commerce.contracts import (
    ClaimOrder,
    FindReceipt,
    OrderFact,
    OrderOutcome,
    PutOrder,
    ReturnOrder,
    ReturnOutcome,
)
from regulars.commerce.errors import NotAGuestOrder, UnknownReceipt
from regulars.commerce.orders import reading
from regulars.commerce.orders.answers import Effect, OrderShown, effects_of_order, effects_of_return, order_shown
from regulars.commerce.orders.intake import apply
from regulars.commerce.orders.receipts import find_receipt
from regulars.commerce.orders.service import Commerce
from regulars.loyalty import api as loyalty
from regulars.platform.commit.lane import Call, Lane
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.services import Services

_FIRST_REFUSAL: Final = 400
_encode = msgspec.json.Encoder().encode


class Sender(Struct, frozen=True, kw_only=True):
    """Who sends an order from a page: `client` acts (`device:dev_…`, `staff:stf_…`), with a reason for the audit."""

    client: str
    language: str
    request_id: str = ""
    reason: str = ""


class Refusal(Struct, frozen=True):
    """Why an order was not taken: the code, the status it has over HTTP, and a sentence in the sender's language."""

    code: str
    status: int
    detail: str


@dataclass(slots=True)
class OrderDesk:
    """Takes orders and returns from pages. One for each face; it has a lane of its own, drained with the others."""

    services: Services
    commerce: Commerce = field(default_factory=lambda: Commerce(loyalty.Configuration()))
    _lane: Lane[OrderFact, OrderOutcome | ReturnOutcome] = field(init=False)

    def __post_init__(self) -> None:
        """Make the lane."""
        self._lane = self.services.lane("record_order", partial(_apply, self.commerce), _render, keep_refusals=False)

    @overload
    async def preview(self, fact: PutOrder) -> OrderOutcome: ...
    @overload
    async def preview(self, fact: ReturnOrder) -> ReturnOutcome: ...
    async def preview(self, fact: PutOrder | ReturnOrder) -> OrderOutcome | ReturnOutcome:
        """Return what a fact would do; nothing changes. Raises what it would be refused with."""
        async with self.services.database.transaction(by_keys=True) as tx:
            (outcome,) = await apply(tx, self.commerce, [fact], dry_run=True)
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    @overload
    async def carry_out(self, fact: PutOrder, sender: Sender) -> OrderOutcome | Refusal: ...
    @overload
    async def carry_out(self, fact: ReturnOrder, sender: Sender) -> ReturnOutcome | Refusal: ...
    @overload
    async def carry_out(self, fact: ClaimOrder, sender: Sender) -> OrderOutcome | Refusal: ...
    async def carry_out(self, fact: OrderFact, sender: Sender) -> OrderOutcome | ReturnOutcome | Refusal:
        """Carry a fact out, once: sending it again gives the first answer, with `created` off.

        What was refused is decided anew when it comes again, changed or not. Once it was accepted, another content
        under its id is refused by the order or the return itself. Raises MemberBusy (409).
        """
        content = blake2b(_encode(fact), key=self.services.request_key, digest_size=32)
        call: Call[OrderFact] = Call(
            command=fact,
            client=sender.client,
            key=f"desk:{content.hexdigest()}",
            request_hash=content.digest(),
            subject=fact.order_id,
            language=sender.language,
            request_id=sender.request_id,
            reason=sender.reason,
        )
        reply = await self._lane.submit(call)
        if reply.status >= _FIRST_REFUSAL:
            return msgspec.json.decode(reply.body, type=Refusal)
        kind: Any = ReturnOutcome if isinstance(fact, ReturnOrder) else OrderOutcome
        outcome: OrderOutcome | ReturnOutcome = msgspec.json.decode(reply.body, type=kind)
        if reply.replayed and isinstance(outcome, OrderOutcome):
            return structs.replace(outcome, created=False)
        return outcome

    async def claim(self, wish: FindReceipt, member_id: UUID, sender: Sender) -> OrderOutcome | Refusal | DomainError:
        """Make the guest's order of a receipt a member's; it stays theirs when it is claimed again.

        Given, not raised, because the try is counted: UnknownReceipt (404; to a member at home, who learns nothing of
        others, of another member's order too), TooManyAttempts (429). Refusals: of another member's order (409), later
        than 30 days after it (409). Raises MemberBusy (409).
        """
        database, vault = self.services.database, self.services.vault
        async with database.transaction(actor=wish.device, request_id=sender.request_id) as tx:
            found = await find_receipt(tx, vault, wish)
        if isinstance(found, DomainError):
            return found
        outcome = await self.carry_out(ClaimOrder(order_id=found, member_id=member_id), sender)
        taken = isinstance(outcome, Refusal) and outcome.code == NotAGuestOrder.code
        return UnknownReceipt(pointer="/code") if taken and wish.store_id is None else outcome

    async def read(self, tx: Transaction, order_id: str) -> OrderShown:
        """Return an order with its lines, what came back of each, its returns and all effects.

        Raises UnknownOrder (404). Source: orders, order_lines, order_returns, guest_orders.
        """
        order = await reading.read_order(tx, order_id)
        await reading.follow(tx, self.commerce)
        return order_shown(order, self.commerce.configuration)

    def effects(self, outcome: OrderOutcome | ReturnOutcome) -> list[Effect]:
        """Return what an order or a return did, or would do."""
        if isinstance(outcome, OrderOutcome):
            return effects_of_order(outcome, self.commerce.configuration)
        return effects_of_return(outcome.settlement)

    def payment_policy(self, version: int) -> loyalty.PaymentPolicy:
        """Return how points pay by a version of the policy that an outcome names."""
        return self.commerce.configuration.policy_of_version(version).payment


async def _apply(
    commerce: Commerce, tx: Transaction, facts: Sequence[OrderFact]
) -> list[OrderOutcome | ReturnOutcome | DomainError]:
    return await apply(tx, commerce, facts)


def _render(outcome: OrderOutcome | ReturnOutcome) -> tuple[int, bytes]:
    return 200, _encode(outcome)
