"""Reading orders: one with everything about it, a member's page by page, and what an order caused."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal, TypedDict
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from regulars.commerce import cursors
from regulars.commerce.contracts import OrderOutcome, OrderRef, Payment, ReturnOutcome
from regulars.commerce.errors import UnknownOrder
from regulars.commerce.guests import service as guest_orders
from regulars.commerce.orders import store
from regulars.commerce.orders.book import OrderBook
from regulars.commerce.orders.rules import ORDER_ID, LineLeft
from regulars.commerce.orders.service import Commerce, outcome
from regulars.commerce.orders.witness import Seen
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound

_ORDER_ID = re.compile(ORDER_ID)
_END = (datetime.max.replace(tzinfo=UTC), "")
_decode_payments = msgspec.json.Decoder(tuple[Payment, ...]).decode
_decode_return = msgspec.json.Decoder(ReturnOutcome).decode
_Place = tuple[Annotated[datetime, Meta(tz=True)], Annotated[str, Meta(pattern=ORDER_ID)]]


Whose = Literal["member", "guest"]


class _Asked(TypedDict):
    """What a list of orders is narrowed to."""

    stores: Sequence[str] | None
    channel: str | None
    state: str | None
    returned: bool
    market: str | None
    currency: str | None
    days: tuple[date | None, date | None]
    before: tuple[datetime, str] | None
    limit: int


class OrderRead(Struct, frozen=True, kw_only=True):
    """An order with its lines (what has come back of each) and its returns, the first recorded first."""

    outcome: OrderOutcome
    lines: list[LineLeft]
    returns: list[tuple[str | None, ReturnOutcome]]
    payments: tuple[Payment, ...] = ()


async def read_order(tx: Transaction, order_id: str) -> OrderRead:
    """Return an order, a member's or a guest's. Raises UnknownOrder (404)."""
    owners = await store.read_keys(tx, [order_id])
    if order_id not in owners:
        raise UnknownOrder(order_id=order_id)
    owner = owners[order_id]
    if owner is None:
        return await _read_guest(tx, order_id)
    book = OrderBook()
    await store.load(tx, book, [(owner, order_id)], [(owner, order_id)])
    order = book.orders[order_id]
    return OrderRead(
        outcome=outcome(order),
        lines=list(order.lines.values()),
        returns=[(row[1], _decode_return(row[6])) for row in await store.read_returns(tx, owner, order_id)],
        payments=_decode_payments(order.payments) if order.payments else (),
    )


async def read_outcomes(tx: Transaction, order_ids: Sequence[str]) -> dict[str, OrderOutcome]:
    """Return orders, members' and guests', without their lines; unknown ids are left out. Raises nothing."""
    owners = await store.read_keys(tx, order_ids)
    found = {}
    if owned := [(owner, order_id) for order_id, owner in owners.items() if owner is not None]:
        book = OrderBook()
        await store.load(tx, book, owned, [])
        found = {order_id: outcome(order) for order_id, order in book.orders.items()}
    if guests := [order_id for order_id, owner in owners.items() if owner is None]:
        loaded = await guest_orders.load(tx, guests, lock=False)
        found |= {order_id: guest_orders.outcome(guest) for order_id, guest in loaded.orders.items()}
    return found


async def read_own_order(tx: Transaction, member_id: UUID, order_id: str) -> OrderRead:
    """Return one of a member's orders. Raises NotFound (404), also for somebody else's and for what can be no id."""
    owner = None if re.fullmatch(ORDER_ID, order_id) is None else (await store.read_keys(tx, [order_id])).get(order_id)
    if owner is None or (owner != member_id and await members.who_is(tx, owner) != member_id):
        raise NotFound
    return await read_order(tx, order_id)


async def stores_of_orders(tx: Transaction, member_id: UUID, order_ids: Sequence[str]) -> dict[str, str | None]:
    """Return the store (None: none) of each of these orders that is the member's."""
    return {row[0]: row[1] for row in await store.read_stores(tx, member_id, order_ids)}


async def currencies_of(tx: Transaction, member_id: UUID, order_ids: Sequence[str]) -> dict[str, str]:
    """Return the currency of each of these orders that is the member's. Source: orders."""
    return {row[0]: row[1] for row in await store.read_currencies(tx, member_id, order_ids)}


async def _read_guest(tx: Transaction, order_id: str) -> OrderRead:
    guest = (await guest_orders.load(tx, [order_id], lock=False)).orders[order_id]
    return OrderRead(
        outcome=guest_orders.outcome(guest),
        lines=list(guest.lines().values()),
        returns=[(each.store_id, guest_orders.return_outcome(guest, each)) for each in guest.returns],
        payments=guest.fact.payments,
    )


async def page(
    tx: Transaction, member_id: UUID, cursor: str | None, limit: int, *, stores: Sequence[str] | None = None
) -> tuple[list[OrderOutcome], str | None]:
    """Return a member's orders (of some stores), the latest first, and the cursor of the next page (None: no more).

    With them those of whoever is part of the member by a merge.

    Raises NotFound (404) for an unknown member, CursorUnreadable (422).
    """
    asked = members.ask_family(tx, member_id)
    known = (await members.known_members(tx, [member_id])).get(member_id)
    if known is None:
        raise NotFound
    whose = [member_id, *await asked()]
    if known.merged_into is not None:
        whose = [known.merged_into, *await members.family(tx, known.merged_into)]
    found = await store.member_orders(
        tx, whose, _END if cursor is None else cursors.read(cursor, _Place), stores, limit + 1
    )
    shown, more = found[:limit], len(found) > limit
    following = cursors.write((shown[-1].occurred_at, shown[-1].order_id)) if more else None
    return [outcome(order) for order in shown], following


async def list_orders(
    tx: Transaction,
    *,
    whose: Whose | None = None,
    stores: Sequence[str] | None = None,
    channel: str | None = None,
    state: str | None = None,
    returned: bool = False,
    paid: bool = False,
    market: str | None = None,
    currency: str | None = None,
    first: date | None = None,
    last: date | None = None,
    cursor: str | None = None,
    limit: int = 25,
) -> tuple[list[OrderRef], str | None]:
    """Return orders that happened from `first` to `last`, the latest first, and the cursor of the next page.

    Days are local to each order's market, both included. `whose` None is those of members and of guests alike.
    `stores` None is every order; named, only those of these stores. `returned`: only those of which something came
    back; `paid`: only members' that were paid, whatever became of them. Raises CursorUnreadable (422).
    """
    asked: _Asked = {
        "stores": stores,
        "channel": channel,
        "state": state,
        "returned": returned,
        "market": market,
        "currency": currency,
        "days": (first, last),
        "before": None if cursor is None else cursors.read(cursor, _Place),
        "limit": limit + 1,
    }
    found = []
    if whose != "guest":
        found = [OrderRef(*row) for row in await store.list_orders(tx, **asked, paid=paid)]
    if whose != "member" and not paid:
        found += [guest_orders.as_ref(order) for order in await guest_orders.list_unclaimed(tx, **asked)]
        found.sort(key=lambda one: (one.occurred_at, one.order_id), reverse=True)
    shown, more = found[:limit], len(found) > limit
    return shown, cursors.write((shown[-1].occurred_at, shown[-1].order_id)) if more else None


async def find_orders(
    tx: Transaction, text: str, *, stores: Sequence[str] | None = None, after: str = "", limit: int = 25
) -> list[OrderRef]:
    """Return orders, members' and guests', whose id begins with a text, by id, behind the id `after`.

    Those of some stores are sought among the first thousand that begin so: who finds nothing types more. Raises
    nothing.
    """
    if _ORDER_ID.fullmatch(text) is None:
        return []
    found = [OrderRef(*row) for row in await store.find_orders(tx, text, stores, after, limit)]
    guests = await guest_orders.find_unclaimed(tx, text, stores, after, limit)
    found += [guest_orders.as_ref(order) for order in guests]
    return sorted(found, key=lambda one: one.order_id)[:limit]


async def follow(tx: Transaction, commerce: Commerce) -> None:
    """Take over policies that are new: effects are written by the version that they name."""
    await commerce.configuration.follow(tx, (await tx.read(commerce.configuration.question))[0])


async def standing_now(tx: Transaction, commerce: Commerce, member_id: UUID | None) -> Seen:
    """Return how a member stands at this moment."""
    if member_id is None:
        return Seen()
    needs = loyalty.Needs(until=tx.now, members={member_id}, lots_of={member_id})
    books = await loyalty.open_books(tx, commerce.configuration, needs, lock=False)
    try:
        return Seen(after=loyalty.standing(books, member_id, tx.now))
    except DomainError:  # no policy is in force yet
        return Seen()


async def lineage(
    tx: Transaction, commerce: Commerce, order_id: str, *, after: int = 0, limit: int = 100, follows: bool = False
) -> tuple[OrderRead, loyalty.OrderLineage]:
    """Return an order and what it and its returns caused: `limit` transfers behind the number `after`.

    With `follows` also what became of its points in books that a merge brought them to.

    Raises UnknownOrder (404).
    """
    order = await read_order(tx, order_id)
    if order.outcome.member_id is None:
        return order, loyalty.OrderLineage(order_id=order_id, transfers=[], lots=[], spent=[], tier_changes=[])
    member_id = order.outcome.member_id
    caused = await loyalty.lineage(
        tx, commerce.configuration, member_id, order_id, after=after, limit=limit, follows=follows
    )
    return order, caused
