"""Verbs of guest orders: the same states, checks and returns as members' orders, without points."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import structs

from regulars.commerce.contracts import OrderOutcome, OrderRef, PutOrder, ReturnLine, ReturnOrder, ReturnOutcome
from regulars.commerce.errors import ClaimTooLate, NotReturnable, ReturnIdReused
from regulars.commerce.guests import store
from regulars.commerce.guests.book import GuestBook, GuestOrder, GuestReturn
from regulars.commerce.guests.store import find_unclaimed, list_unclaimed
from regulars.commerce.orders import rules
from regulars.platform.db.transaction import Transaction

__all__ = [
    "CLAIM_DAYS",
    "GuestBook",
    "adopted",
    "as_ref",
    "check_claim",
    "check_return_time",
    "find_unclaimed",
    "history",
    "list_unclaimed",
    "load",
    "outcome",
    "put",
    "return_outcome",
    "take_back",
    "write",
]

CLAIM_DAYS = 30
CANCELLATION = "~cancellation"  # no caller's return id begins with a tilde


async def load(tx: Transaction, order_ids: Iterable[str], *, lock: bool) -> GuestBook:
    """Read (and lock) what is known of these guest orders."""
    ids = sorted(order_ids)
    return await store.load(tx, ids, lock=lock) if ids else GuestBook()


def write(tx: Transaction, book: GuestBook) -> None:
    """Buffer what changed."""
    store.write(tx, book)


def put(book: GuestBook, fact: PutOrder, now: datetime, check: Callable[[PutOrder, datetime], None]) -> OrderOutcome:
    """Take over the state of an order without a member; `check` refuses content that cannot be."""
    content = rules.content_hash(fact)
    order = book.orders.get(fact.order_id)
    if order is not None:
        same_content = order.content_hash == content
        rules.check_transition(order.fact.state, fact.state, same_content=same_content)
        if same_content and order.fact.state == fact.state:
            return outcome(order)
    if order is None or order.content_hash != content:
        check(fact, now)
    else:
        rules.check_time(fact.occurred_at, now)
    if fact.state == "cancelled" and order is not None and order.was_paid:
        check_return_time(order, fact.occurred_at, now)
    created = order is None
    occurred_at = fact.occurred_at or now
    if order is None:
        order = GuestOrder(fact=fact, content_hash=content, occurred_at=occurred_at, recorded_at=now)
        book.orders[fact.order_id] = order
    elif not order.was_paid:
        order.occurred_at, order.recorded_at = occurred_at, now
    if fact.state == "cancelled" and order.was_paid and _left(order):
        cancellation = ReturnOrder(order_id=fact.order_id, return_id=CANCELLATION, occurred_at=fact.occurred_at)
        _take_back(order, cancellation, now)
    order.fact, order.content_hash = fact, content
    order.was_paid = order.was_paid or fact.state in rules.SETTLED
    book.changed.add(fact.order_id)
    return outcome(order, created=created)


def take_back(
    book: GuestBook,
    order: GuestOrder,
    fact: ReturnOrder,
    now: datetime,
    check_store: Callable[[str | None, str], None],
) -> ReturnOutcome:
    """Take back part of a guest order; the same return id gives the first answer."""
    for earlier in order.returns:
        if earlier.return_id == fact.return_id:
            if earlier.content_hash != rules.return_hash(fact):
                raise ReturnIdReused(pointer="/return_id", return_id=fact.return_id)
            return return_outcome(order, earlier)
    if order.fact.state not in rules.SETTLED:
        raise NotReturnable(current=order.fact.state)
    check_store(fact.store_id, order.fact.market)
    check_return_time(order, fact.occurred_at, now)
    written = _take_back(order, fact, now)
    book.changed.add(fact.order_id)
    return return_outcome(order, written)


def check_return_time(order: GuestOrder, occurred_at: datetime | None, now: datetime) -> None:
    """Refuse a return of a time that cannot be, or before its order."""
    rules.check_return_time(occurred_at, now, ordered_at=order.occurred_at, recorded_at=order.recorded_at)


def adopted(book: GuestBook, fact: PutOrder) -> PutOrder:
    """Read a claimed order's state, sent by a shop that knows of no member, as its member's."""
    if fact.member_id is not None or not book.orders:
        return fact
    order = book.orders.get(fact.order_id)
    return structs.replace(fact, member_id=order.claimed_by) if order is not None and order.claimed_by else fact


def check_claim(order: GuestOrder, now: datetime) -> None:
    """Refuse a claim that comes too late."""
    if now > order.occurred_at + timedelta(days=CLAIM_DAYS):
        raise ClaimTooLate(order_id=order.fact.order_id, days=CLAIM_DAYS)


def history(order: GuestOrder, member_id: UUID) -> tuple[PutOrder, list[PutOrder | ReturnOrder]]:
    """Return the facts that make a guest order the member's: first paid, then returned, and as it stands now."""
    now_stands = structs.replace(order.fact, member_id=member_id, occurred_at=order.occurred_at)
    if not order.was_paid:
        return now_stands, []
    later: list[PutOrder | ReturnOrder] = [
        ReturnOrder(
            order_id=order.fact.order_id,
            return_id=written.return_id,
            lines=written.asked,
            store_id=written.store_id,
            occurred_at=written.occurred_at,
        )
        for written in order.returns
        if written.return_id != CANCELLATION
    ]
    if order.fact.state != "paid":
        cancelled_at = [written.occurred_at for written in order.returns if written.return_id == CANCELLATION]
        later.append(structs.replace(now_stands, occurred_at=cancelled_at[0]) if cancelled_at else now_stands)
    return structs.replace(now_stands, state="paid"), later


def as_ref(order: GuestOrder) -> OrderRef:
    """Return a guest order as it stands in a list."""
    fact = order.fact
    return OrderRef(
        order_id=fact.order_id,
        member_id=None,
        state=fact.state,
        channel=fact.channel,
        store_id=fact.store_id,
        market=fact.market,
        currency=fact.currency,
        total_minor=fact.total_minor,
        returned_minor=order.returned_minor,
        points_used=0,
        occurred_at=order.occurred_at,
    )


def outcome(order: GuestOrder, *, created: bool = False) -> OrderOutcome:
    """Return a guest order as callers see it."""
    fact = order.fact
    return OrderOutcome(
        order_id=fact.order_id,
        member_id=None,
        state=fact.state,
        channel=fact.channel,
        store_id=fact.store_id,
        market=fact.market,
        currency=fact.currency,
        total_minor=fact.total_minor,
        returned_minor=order.returned_minor,
        occurred_at=order.occurred_at,
        recorded_at=order.recorded_at,
        created=created,
    )


def return_outcome(order: GuestOrder, written: GuestReturn) -> ReturnOutcome:
    """Return what a return of a guest order did."""
    return ReturnOutcome(
        order_id=order.fact.order_id,
        return_id=written.return_id,
        member_id=None,
        currency=order.fact.currency,
        lines=written.lines,
        left=written.left,
        total_minor=order.fact.total_minor,
        money_back_minor=written.returned_minor,
        returned_minor=written.returned_minor,
        returned_so_far_minor=written.returned_so_far_minor,
        occurred_at=written.occurred_at,
        recorded_at=written.recorded_at,
    )


def _left(order: GuestOrder) -> bool:
    return any(left.returned_milli < left.line.quantity_milli for left in order.lines().values())


def _take_back(order: GuestOrder, fact: ReturnOrder, now: datetime) -> GuestReturn:
    parts = rules.allocate_return(fact, order.lines())
    returned = dict(order.returned)
    for part in parts:
        milli, minor = returned.get(part.line_id, (0, 0))
        returned[part.line_id] = (milli + part.quantity_milli, minor + part.value_minor)
    order.returned = returned
    written = GuestReturn(
        return_id=fact.return_id,
        content_hash=rules.return_hash(fact),
        store_id=fact.store_id,
        asked=fact.lines,
        lines=tuple([ReturnLine(part.line_id, part.quantity_milli) for part in parts]),
        left=rules.what_is_left(order.lines()),
        returned_minor=sum([part.value_minor for part in parts]),
        returned_so_far_minor=order.returned_minor,
        occurred_at=fact.occurred_at or now,
        recorded_at=now,
    )
    order.returns = [*order.returns, written]
    return written
