"""Verbs of orders: one path for one order, a batch and a year."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import structs

from regulars.commerce.contracts import (
    ClaimOrder,
    OrderOutcome,
    PutOrder,
    ReturnLine,
    ReturnOrder,
    ReturnOutcome,
)
from regulars.commerce.errors import NotAGuestOrder, NotReturnable, OrderIdTaken, ReturnIdReused, UnknownOrder
from regulars.commerce.guests import service as guest_orders
from regulars.commerce.guests.book import GuestBook, GuestOrder
from regulars.commerce.guests.service import CANCELLATION
from regulars.commerce.orders import rules
from regulars.commerce.orders.book import Order, OrderBook, WrittenReturn
from regulars.commerce.stores.service import StoreDirectory
from regulars.domain_events.commerce import OrderCancelled, OrderPaid, OrderReturned
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement, SettleOrder, SettleReturn
from regulars.platform.errors import DomainError
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.errors import UnknownMarket

_encode = msgspec.json.Encoder().encode
_decode_effects = msgspec.json.Decoder(OrderSettlement).decode
_decode_return = msgspec.json.Decoder(ReturnOutcome).decode


@dataclass(slots=True)
class Commerce:
    """What orders are decided with, besides the books: the ledger's configuration and the known stores."""

    configuration: loyalty.Configuration
    stores: StoreDirectory = field(default_factory=StoreDirectory)


@dataclass(slots=True)
class Batch:
    """Facts decided one after the other, in order of arrival, on books held in memory."""

    commerce: Commerce
    books: loyalty.Books
    owners: dict[str, UUID | None]
    markets: dict[str, Market | None]
    now: datetime
    orders: OrderBook = field(default_factory=OrderBook)
    guests: GuestBook = field(default_factory=GuestBook)
    events: list[OrderPaid | OrderReturned | OrderCancelled] = field(default_factory=list)

    def put(self, fact: PutOrder) -> OrderOutcome:
        """Take over the state of an order; refusals leave nothing."""
        if fact.member_id is None or self.owners.get(fact.order_id, fact.member_id) != fact.member_id:
            raise OrderIdTaken(pointer="/order_id", order_id=fact.order_id)
        self._know(fact.member_id)
        now = fact.recorded_at or self.now
        content = rules.content_hash(fact)
        order = self.orders.orders.get(fact.order_id)
        if order is not None:
            same_content = order.content_hash == content
            rules.check_transition(order.state, fact.state, same_content=same_content)
            if same_content and order.state == fact.state:
                return outcome(order)
        if order is None or order.content_hash != content:
            self._check(fact, now)
        else:
            rules.check_time(fact.occurred_at, now)
        if fact.state == "cancelled" and order is not None and order.state in rules.SETTLED:
            rules.check_return_time(fact.occurred_at, now, ordered_at=order.occurred_at, recorded_at=order.recorded_at)
        return self._take_over(fact, order, content, now)

    def mark(self) -> tuple[int, ...]:
        """Return what changes with whatever is decided: two equal marks have nothing between them."""
        journal, orders = self.books.journal, self.orders
        return (
            len(journal.transfers),
            len(journal.new_settlements),
            orders.steps,
            len(self.guests.changed),
            len(self.events),
        )

    def put_guest(self, fact: PutOrder) -> OrderOutcome:
        """Take over the state of an order without a member."""
        if self.owners.get(fact.order_id) is not None:
            raise OrderIdTaken(pointer="/order_id", order_id=fact.order_id)
        result = guest_orders.put(self.guests, fact, fact.recorded_at or self.now, self._check)
        self.owners[fact.order_id] = None
        return result

    def take_back_guest(self, guest: GuestOrder, fact: ReturnOrder) -> ReturnOutcome:
        """Take back part of a guest order."""
        check_store = self.commerce.stores.check
        return guest_orders.take_back(self.guests, guest, fact, fact.recorded_at or self.now, check_store)

    def put_on_guest(self, guest: GuestOrder, fact: PutOrder) -> OrderOutcome:
        """Name the member of a guest order: a claim followed by the put, or neither."""
        assert fact.member_id is not None, "a put without a member is put_guest's"  # noqa: S101 - for the type checker
        now = fact.recorded_at or self.now
        same_content = guest.content_hash == rules.content_hash(fact)
        rules.check_transition(guest.fact.state, fact.state, same_content=same_content)
        rules.check_time(fact.occurred_at, now)
        if guest.was_paid:
            if fact.state == "cancelled":
                guest_orders.check_return_time(guest, fact.occurred_at, now)
            replayed = self.claim(
                ClaimOrder(order_id=fact.order_id, member_id=fact.member_id, recorded_at=now)
            ).replayed
            return structs.replace(self.put(fact), replayed=replayed)
        result = self._make_theirs(guest, fact.member_id, now, lambda: self.put(fact))
        return structs.replace(result, created=False)

    def claim(self, fact: ClaimOrder) -> OrderOutcome:
        """Make a guest order the member's: settled as a late order, its returns after it."""
        order = self.orders.orders.get(fact.order_id)
        if order is not None:
            if order.member_id != fact.member_id:
                raise NotAGuestOrder(order_id=fact.order_id)
            return outcome(order)
        guest = self.guests.unclaimed(fact.order_id)
        if guest is None:
            raise UnknownOrder(order_id=fact.order_id)
        now = fact.recorded_at or self.now
        first, later = guest_orders.history(guest, fact.member_id)

        def replay() -> OrderOutcome:
            # What was accepted once is carried out, not judged anew: stores, times and contents were right then.
            content = rules.content_hash(first)
            last = self._take_over(first, None, content, now)
            order = self.orders.orders[fact.order_id]
            replayed = []
            for event in later:
                if isinstance(event, PutOrder):
                    last = self._take_over(event, order, content, now)
                else:
                    replayed.append(self._take_back(event, order, now))
            return structs.replace(outcome(order, cancellation=last.cancellation), replayed=tuple(replayed))

        return self._make_theirs(guest, fact.member_id, now, replay)

    def _make_theirs(
        self, guest: GuestOrder, member_id: UUID, now: datetime, act: Callable[[], OrderOutcome]
    ) -> OrderOutcome:
        """Let `act` bring a guest order into the member's book; a refusal leaves it a guest's."""
        order_id = guest.fact.order_id
        self._know(member_id)
        guest_orders.check_claim(guest, now)
        self.owners.pop(order_id, None)
        try:
            result = act()
        except DomainError:
            self.owners[order_id] = None
            raise
        guest.claimed_by = member_id
        self.guests.claims[order_id] = member_id
        self.guests.changed.add(order_id)
        return result

    def _know(self, member_id: UUID) -> None:
        """Refuse a member who does not exist, whatever the order's state."""
        try:
            self.books.book(member_id)
        except DomainError as refusal:
            refusal.pointer = "/member_id"
            raise

    def take_back(self, fact: ReturnOrder) -> ReturnOutcome:
        """Take back part of an order, or what is left of it; the same return id gives the first answer."""
        order = self.orders.orders.get(fact.order_id)
        if order is None:
            raise UnknownOrder(order_id=fact.order_id)
        earlier = order.returns.get(fact.return_id)
        if earlier is not None:
            if earlier[0] != rules.return_hash(fact):
                raise ReturnIdReused(pointer="/return_id", return_id=fact.return_id)
            return _decode_return(earlier[1])
        if order.state not in rules.SETTLED:
            raise NotReturnable(current=order.state)
        now = fact.recorded_at or self.now
        self.commerce.stores.check(fact.store_id, order.market)
        rules.check_return_time(fact.occurred_at, now, ordered_at=order.occurred_at, recorded_at=order.recorded_at)
        return self._take_back(fact, order, now)

    def _check(self, fact: PutOrder, now: datetime) -> None:
        market = self.markets[fact.market]
        if market is None:
            raise UnknownMarket(pointer="/market", market=fact.market)
        self.commerce.stores.check(fact.store_id, fact.market)
        rules.check_time(fact.occurred_at, now)
        rules.check_content(fact, market.currency)
        if fact.payments:
            policy = self.commerce.configuration.policy_at(now)
            rules.check_payments(fact, policy.payment.point_value_minor)

    def _take_over(self, fact: PutOrder, order: Order | None, content: bytes, now: datetime) -> OrderOutcome:
        """Bring an order into the state of a fact that was found right."""
        if fact.state == "cancelled":
            return self._cancel(fact, order, content, now)
        if fact.state in rules.SETTLED and (order is None or order.state not in rules.SETTLED):
            return self._pay(fact, order, content, now)
        return outcome(self._keep(fact, order, content, now, None), created=order is None)

    def _check_points(self, fact: PutOrder, now: datetime) -> None:
        """Refuse money that, with the points that the policy allows at this moment, does not make up the total."""
        at_most = fact.points_at_most or 0
        if not fact.payments or not (fact.points or at_most) or fact.member_id is None:
            return
        member = loyalty.standing(self.books, fact.member_id, now)
        points = fact.points or min(loyalty.points_allowed(member, fact.total_minor).allowed, at_most)
        rules.check_payments(fact, member.policy.payment.point_value_minor, points)

    def _pay(self, fact: PutOrder, order: Order | None, content: bytes, now: datetime) -> OrderOutcome:
        market = self.markets[fact.market]
        assert market is not None, "checked before"  # noqa: S101 - tells the type checker
        assert fact.member_id is not None, "checked before"  # noqa: S101 - tells the type checker
        self._check_points(fact, now)
        settlement = self.books.settle_order(
            SettleOrder(
                member_id=fact.member_id,
                order_id=fact.order_id,
                total_minor=fact.total_minor,
                effective_at=fact.occurred_at or now,
                time_zone=market.time_zone,
                points=fact.points,
                points_at_most=fact.points_at_most,
                recorded_at=now,
            )
        )
        kept = self._keep(fact, order, content, now, settlement)
        self.events.append(
            OrderPaid(
                member_id=fact.member_id,
                recorded_at=now,
                order_id=fact.order_id,
                channel=fact.channel,
                store_id=fact.store_id,
                market=fact.market,
                total_minor=fact.total_minor,
                points_used=settlement.points_used,
                points_earned=settlement.points_earned,
                growth_earned=settlement.growth_earned,
                currency=fact.currency,
                occurred_at=fact.occurred_at or now,
                store_name=self.commerce.stores.name_of(fact.store_id),
                debt_repaid=settlement.debt_repaid,
                available_at=settlement.available_at,
                expires_at=settlement.expires_at,
            )
        )
        return outcome(kept, settlement, created=order is None)

    def _keep(
        self,
        fact: PutOrder,
        order: Order | None,
        content: bytes,
        now: datetime,
        settlement: OrderSettlement | None,
    ) -> Order:
        """Put the order's new state into the batch's book of orders."""
        occurred_at = fact.occurred_at or now
        if order is None:
            assert fact.member_id is not None, "checked before"  # noqa: S101 - tells the type checker
            order = Order(
                member_id=fact.member_id,
                order_id=fact.order_id,
                state=fact.state,
                channel=fact.channel,
                store_id=fact.store_id,
                market=fact.market,
                currency=fact.currency,
                total_minor=fact.total_minor,
                returned_minor=0,
                points_used=0,
                occurred_at=occurred_at,
                recorded_at=now,
                paid_at=None,
                content_hash=content,
                payments="",
                effects="",
            )
            self.orders.add(order, fact.lines)
            self.owners[fact.order_id] = fact.member_id
        else:
            if order.content_hash != content:
                self.orders.replace_lines(order, fact.lines)
                order.channel, order.store_id, order.market = fact.channel, fact.store_id, fact.market
                order.currency, order.total_minor, order.content_hash = fact.currency, fact.total_minor, content
            if order.paid_at is None:
                order.occurred_at, order.recorded_at = occurred_at, now
            order.state = fact.state
            self.orders.change(order)
        if fact.payments:
            order.payments = _encode(fact.payments).decode()
        if settlement is not None:
            order.paid_at = occurred_at
            order.points_used = settlement.points_used
            order.effects = _encode(settlement).decode()
        return order

    def _cancel(self, fact: PutOrder, order: Order | None, content: bytes, now: datetime) -> OrderOutcome:
        cancellation: ReturnSettlement | None = None
        created = order is None
        if order is not None and order.state in rules.SETTLED:
            lines = self.orders.lines_of(order)
            if any(left.returned_milli < left.line.quantity_milli for left in lines.values()):
                returned = self._take_back(
                    ReturnOrder(order_id=fact.order_id, return_id=CANCELLATION, occurred_at=fact.occurred_at),
                    order,
                    now,
                )
                cancellation = returned.settlement
            order.state = "cancelled"
            self.orders.change(order)
        else:
            order = self._keep(fact, order, content, now, None)
        self.events.append(OrderCancelled(member_id=order.member_id, recorded_at=now, order_id=order.order_id))
        return outcome(order, cancellation=cancellation, created=created)

    def _take_back(self, fact: ReturnOrder, order: Order, now: datetime) -> ReturnOutcome:
        parts = rules.allocate_return(fact, self.orders.lines_of(order))
        value_minor = sum([part.value_minor for part in parts])
        returned_so_far = order.returned_minor + value_minor
        settlement = self.books.settle_return(
            SettleReturn(
                member_id=order.member_id,
                order_id=order.order_id,
                return_id=fact.return_id,
                returned_minor=returned_so_far,
                effective_at=fact.occurred_at,
                recorded_at=now,
            )
        )
        money_back_minor = self._money_back(order, value_minor)
        self.orders.take_back(order, parts)
        self.orders.change(order)
        result = ReturnOutcome(
            order_id=order.order_id,
            return_id=fact.return_id,
            member_id=order.member_id,
            currency=order.currency,
            lines=tuple([ReturnLine(part.line_id, part.quantity_milli) for part in parts]),
            returned_minor=value_minor,
            returned_so_far_minor=returned_so_far,
            occurred_at=fact.occurred_at or now,
            recorded_at=now,
            settlement=settlement,
            left=rules.what_is_left(order.lines),
            total_minor=order.total_minor,
            money_back_minor=money_back_minor,
        )
        written = WrittenReturn(
            member_id=order.member_id,
            order_id=order.order_id,
            return_id=fact.return_id,
            store_id=fact.store_id,
            returned_minor=value_minor,
            occurred_at=result.occurred_at,
            recorded_at=now,
            content_hash=rules.return_hash(fact),
            lines=_encode(result.lines).decode(),
            effects=_encode(result).decode(),
        )
        self.orders.returns.append(written)
        order.returns[fact.return_id] = (written.content_hash, written.effects)
        self.events.append(
            OrderReturned(
                member_id=order.member_id,
                recorded_at=now,
                order_id=order.order_id,
                return_id=fact.return_id,
                store_id=fact.store_id,
                returned_minor=value_minor,
                points_given_back=settlement.points_given_back,
                points_clawed_back=settlement.points_clawed_back,
                growth_reversed=settlement.growth_reversed,
                market=order.market,
                currency=order.currency,
                occurred_at=result.occurred_at,
                store_name=self.commerce.stores.name_of(fact.store_id),
                to_debt=settlement.to_debt,
                money_back_minor=money_back_minor,
            )
        )
        return result

    def _money_back(self, order: Order, value_minor: int) -> int:
        """Return how much money goes back for goods worth so much, by the policy under which the order was paid."""
        if not order.points_used:
            return value_minor
        version = _decode_effects(order.effects).policy_version
        worth = self.commerce.configuration.policy_of_version(version).payment.point_value_minor
        before = order.total_minor - order.returned_minor
        kept = [
            rules.money_kept(order.total_minor, order.points_used, worth, left)
            for left in (before, before - value_minor)
        ]
        return kept[0] - kept[1]


def outcome(
    order: Order,
    settlement: OrderSettlement | None = None,
    *,
    cancellation: ReturnSettlement | None = None,
    created: bool = False,
) -> OrderOutcome:
    """Return an order as callers see it, with what paying it did."""
    if settlement is None and order.effects:
        settlement = _decode_effects(order.effects)
    if cancellation is None and CANCELLATION in order.returns:
        cancellation = _decode_return(order.returns[CANCELLATION][1]).settlement
    return OrderOutcome(
        order_id=order.order_id,
        member_id=order.member_id,
        state=order.state,
        channel=order.channel,
        store_id=order.store_id,
        market=order.market,
        currency=order.currency,
        total_minor=order.total_minor,
        returned_minor=order.returned_minor,
        occurred_at=order.occurred_at,
        recorded_at=order.recorded_at,
        settlement=settlement,
        cancellation=cancellation,
        created=created,
    )
