"""Verbs of orders: one path for one order, a batch and a year."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from regulars.commerce.contracts import (
    OrderOutcome,
    PutOrder,
    ReturnLine,
    ReturnOrder,
    ReturnOutcome,
)
from regulars.commerce.errors import NotReturnable, OrderIdTaken, ReturnIdReused, UnknownOrder
from regulars.commerce.orders import rules, store
from regulars.commerce.orders.book import Order, OrderBook, WrittenReturn
from regulars.commerce.stores.service import StoreDirectory
from regulars.domain_events.commerce import OrderCancelled, OrderPaid, OrderReturned
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement, SettleOrder, SettleReturn
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.markets import service as markets
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.errors import UnknownMarket

CANCELLATION = "cancellation"
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
    events: list[OrderPaid | OrderReturned | OrderCancelled] = field(default_factory=list)

    def put(self, fact: PutOrder) -> OrderOutcome:
        """Take over the state of an order; refusals leave nothing."""
        if fact.member_id is None or self.owners.get(fact.order_id, fact.member_id) != fact.member_id:
            raise OrderIdTaken(pointer="/order_id", order_id=fact.order_id)
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
        if fact.state == "cancelled":
            return self._cancel(fact, order, content, now)
        if fact.state in rules.SETTLED and (order is None or order.state not in rules.SETTLED):
            return self._pay(fact, order, content, now)
        return outcome(self._keep(fact, order, content, now, None))

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
        rules.check_time(fact.occurred_at, now)
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

    def _pay(self, fact: PutOrder, order: Order | None, content: bytes, now: datetime) -> OrderOutcome:
        market = self.markets[fact.market]
        assert market is not None, "checked before"  # noqa: S101 - tells the type checker
        assert fact.member_id is not None, "checked before"  # noqa: S101 - tells the type checker
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
            )
        )
        return outcome(kept, settlement)

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
        return outcome(order, cancellation=cancellation)

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
                recorded_at=now,
            )
        )
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
            )
        )
        return result


async def apply(
    tx: Transaction, commerce: Commerce, facts: Sequence[PutOrder | ReturnOrder], *, dry_run: bool = False
) -> list[OrderOutcome | ReturnOutcome | DomainError]:
    """Carry out facts of members' orders in order of arrival; each gives its outcome or its refusal.

    `dry_run` decides on unlocked books and writes nothing.
    """
    now = tx.now
    first_puts: dict[str, UUID | None] = {}
    for fact in facts:
        if isinstance(fact, PutOrder) and fact.member_id is not None:
            first_puts.setdefault(fact.order_id, fact.member_id)
    claimed = await store.claim_keys(tx, list(first_puts.items())) if first_puts and not dry_run else set()
    owners: dict[str, UUID | None] = {order_id: first_puts[order_id] for order_id in claimed}
    unclaimed = {fact.order_id for fact in facts} - claimed
    if unclaimed:
        owners.update(await store.read_keys(tx, sorted(unclaimed)))
    needs = _needs(facts, owners, claimed, now)
    await commerce.stores.learn(tx, [fact.store_id for fact in facts])
    batch = Batch(
        commerce=commerce,
        books=await loyalty.open_books(tx, commerce.configuration, needs, lock=not dry_run),
        owners=owners,
        markets={
            code: await markets.find_market(tx, code)
            for code in {fact.market for fact in facts if isinstance(fact, PutOrder)}
        },
        now=now,
    )
    await _load_orders(tx, batch, facts, claimed)
    results = [_decide(batch, fact) for fact in facts]
    if not dry_run:
        store.write(tx, batch.orders)
        batch.books.write(tx)
        tx.publish(*batch.events)
        wasted = claimed - batch.orders.new.keys()
        if wasted:
            store.release_keys(tx, sorted(wasted))
    return results


def _decide(batch: Batch, fact: PutOrder | ReturnOrder) -> OrderOutcome | ReturnOutcome | DomainError:
    try:
        return batch.put(fact) if isinstance(fact, PutOrder) else batch.take_back(fact)
    except DomainError as refusal:
        return refusal


def _needs(
    facts: Iterable[PutOrder | ReturnOrder], owners: dict[str, UUID | None], claimed: set[str], now: datetime
) -> loyalty.Needs:
    needs = loyalty.Needs(until=max([fact.recorded_at or now for fact in facts], default=now))
    for fact in facts:
        member_id = fact.member_id if isinstance(fact, PutOrder) else owners.get(fact.order_id)
        if member_id is None:
            continue
        needs.members.add(member_id)
        undoes = isinstance(fact, ReturnOrder) or fact.state == "cancelled"
        if undoes or fact.points or fact.points_at_most:
            needs.lots_of.add(member_id)
        if undoes and fact.order_id not in claimed:
            needs.orders.add((member_id, fact.order_id))
    return needs


async def _load_orders(
    tx: Transaction, batch: Batch, facts: Iterable[PutOrder | ReturnOrder], claimed: set[str]
) -> None:
    asked: dict[tuple[UUID, str], bool] = {}
    for fact in facts:
        owner = batch.owners.get(fact.order_id)
        if owner is None or fact.order_id in claimed:
            continue
        key = (owner, fact.order_id)
        undoes = isinstance(fact, ReturnOrder) or fact.state == "cancelled"
        asked[key] = asked.get(key, False) or undoes
    if asked:
        await store.load(tx, batch.orders, list(asked), [key for key, with_lines in asked.items() if with_lines])


def outcome(
    order: Order,
    settlement: OrderSettlement | None = None,
    *,
    cancellation: ReturnSettlement | None = None,
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
    )
