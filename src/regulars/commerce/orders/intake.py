"""How a batch of facts comes in: what it needs is locked and read at once, then each fact is decided in order."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from msgspec import structs

from regulars.commerce.contracts import ClaimOrder, OrderFact, OrderOutcome, PutOrder, ReturnOrder, ReturnOutcome
from regulars.commerce.guests import service as guest_orders
from regulars.commerce.guests.book import GuestBook
from regulars.commerce.orders import store
from regulars.commerce.orders.service import Batch, Commerce
from regulars.commerce.orders.witness import Witness
from regulars.loyalty import api as loyalty
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.markets import service as markets


async def apply(
    tx: Transaction,
    commerce: Commerce,
    facts: Sequence[OrderFact],
    *,
    dry_run: bool = False,
    witness: Witness | None = None,
) -> list[OrderOutcome | ReturnOutcome | DomainError]:
    """Carry out facts of orders in order of arrival; each gives its outcome or its refusal, exactly as if alone.

    `dry_run` decides on unlocked books and writes nothing. A `witness` sees how members stand before and after.

    Every check comes before the first change. A refusal that comes after one all the same is raised instead of
    returned: the transaction must then be rolled back, and its batch tried again in parts (group commit does).
    """
    asked = _who_asks(facts)
    claimed = await store.claim_keys(tx, list(asked.first.items())) if asked.first and not dry_run else set()
    owners: dict[str, UUID | None] = {}
    unclaimed = {fact.order_id for fact in facts} - claimed
    if unclaimed:
        owners.update(await store.read_keys(tx, sorted(unclaimed)))
    guests = await _load_guests(tx, owners, asked, lock=not dry_run)
    if guests.orders:
        facts = [guest_orders.adopted(guests, fact) if isinstance(fact, PutOrder) else fact for fact in facts]
    known = [order.fact for order in guests.orders.values()]
    named = [fact.store_id for fact in [*facts, *known] if not isinstance(fact, ClaimOrder)]
    named += [written.store_id for order in guests.orders.values() for written in order.returns]
    await commerce.stores.learn(tx, named)
    needs = _needs(facts, owners, asked, guests, tx.now)
    if witness is not None:
        witness.ask(facts, needs)
    batch = Batch(
        commerce=commerce,
        books=await loyalty.open_books(tx, commerce.configuration, needs, lock=not dry_run),
        owners=owners,
        markets={
            code: await markets.find_market(tx, code)
            for code in {fact.market for fact in [*facts, *known] if isinstance(fact, PutOrder)}
        },
        now=tx.now,
        guests=guests,
    )
    facts = [_of_whom(batch, fact, claimed, asked) for fact in facts]
    await _load_orders(tx, batch, facts)
    if witness is None:
        results = [_decide(batch, fact) for fact in facts]
    else:
        decide = partial(_decide, batch)
        results = [witness.see(position, fact, batch.books, decide) for position, fact in enumerate(facts)]
    if not dry_run:
        _write(tx, batch, claimed, asked)
    return results


@dataclass(slots=True)
class Asked:
    """For whom a batch puts each order: the first member named (None: a guest's), and others where there are."""

    first: dict[str, UUID | None] = field(default_factory=dict)
    others: dict[str, set[UUID | None]] = field(default_factory=dict)

    def members(self, order_id: str) -> set[UUID | None]:
        """Return everybody named for an order."""
        return {self.first.get(order_id), *self.others.get(order_id, ())}


def _who_asks(facts: Iterable[OrderFact]) -> Asked:
    asked = Asked()
    for fact in facts:
        if isinstance(fact, PutOrder):
            if asked.first.setdefault(fact.order_id, fact.member_id) != fact.member_id:
                asked.others.setdefault(fact.order_id, set()).add(fact.member_id)
        elif isinstance(fact, ClaimOrder):
            asked.others.setdefault(fact.order_id, set()).add(fact.member_id)
    return asked


async def _load_guests(tx: Transaction, owners: dict[str, UUID | None], asked: Asked, *, lock: bool) -> GuestBook:
    """Read the guest orders that facts are about; a claim that another batch just committed is taken over."""
    wanted = {order_id for order_id, owner in owners.items() if owner is None or None in asked.members(order_id)}
    guests = await guest_orders.load(tx, wanted, lock=lock)
    for order_id, guest in guests.orders.items():
        if guest.claimed_by is not None:
            owners[order_id] = guest.claimed_by
    return guests


def _write(tx: Transaction, batch: Batch, claimed: set[str], asked: Asked) -> None:
    store.write(tx, batch.orders)
    guest_orders.write(tx, batch.guests)
    batch.books.write(tx)
    tx.publish(*batch.events)
    given: dict[str, UUID | None] = dict(batch.guests.claims)
    for order_id in asked.others.keys() & claimed:
        given[order_id] = batch.owners.get(order_id)
    if given:
        store.give_keys(tx, given)
    wasted = claimed - batch.owners.keys()
    if wasted:
        store.release_keys(tx, sorted(wasted))


def _decide(batch: Batch, fact: OrderFact) -> OrderOutcome | ReturnOutcome | DomainError:
    before = batch.mark()
    try:
        if isinstance(fact, ClaimOrder):
            return batch.claim(fact)
        guest = batch.guests.unclaimed(fact.order_id) if batch.guests.orders else None
        if isinstance(fact, ReturnOrder):
            return batch.take_back(fact) if guest is None else batch.take_back_guest(guest, fact)
        fact = guest_orders.adopted(batch.guests, fact)
        if fact.member_id is None:
            return batch.put_guest(fact)
        return batch.put(fact) if guest is None else batch.put_on_guest(guest, fact)
    except DomainError as refusal:
        if batch.mark() != before:
            raise
        return refusal


def _of_whom(batch: Batch, fact: OrderFact, claimed: AbstractSet[str], asked: Asked) -> OrderFact:
    """Return a fact for whom it means: a new order is the one's into whom its member was merged, an old one stays.

    The books tell who was merged: they are locked by now.
    """
    if isinstance(fact, ReturnOrder) or fact.member_id is None:
        return fact
    meant = batch.books.stands_for(fact.member_id)
    owner = batch.owners.get(fact.order_id)
    if owner is not None and batch.books.stands_for(owner) == meant:
        return structs.replace(fact, member_id=owner) if owner != fact.member_id else fact
    if meant != fact.member_id and fact.order_id in claimed:
        asked.others.setdefault(fact.order_id, set()).add(meant)
    return structs.replace(fact, member_id=meant) if meant != fact.member_id else fact


def _undoes(fact: OrderFact) -> bool:
    return not isinstance(fact, PutOrder) or fact.state == "cancelled"


def _needs(
    facts: Iterable[OrderFact], owners: Mapping[str, UUID | None], asked: Asked, guests: GuestBook, now: datetime
) -> loyalty.Needs:
    needs = loyalty.Needs(until=max([fact.recorded_at or now for fact in facts], default=now))
    for fact in facts:
        owner = owners.get(fact.order_id)
        undoes = _undoes(fact)
        if isinstance(fact, ReturnOrder):
            members = {owner} | asked.members(fact.order_id)
            spends = True
        else:
            members = {fact.member_id, owner}
            spends = undoes or (isinstance(fact, PutOrder) and bool(fact.points or fact.points_at_most))
        members.discard(None)
        if not members:
            continue
        known = {member for member in members if member is not None}
        needs.members |= known
        if spends or fact.order_id in guests.orders:
            needs.lots_of |= known
        if undoes and owner in known:
            needs.orders.add((owner, fact.order_id))
    return needs


async def _load_orders(tx: Transaction, batch: Batch, facts: Iterable[OrderFact]) -> None:
    asked: dict[tuple[UUID, str], bool] = {}
    for fact in facts:
        owner = batch.owners.get(fact.order_id)
        if owner is not None:
            key = (owner, fact.order_id)
            asked[key] = asked.get(key, False) or _undoes(fact)
    if asked:
        await store.load(tx, batch.orders, list(asked), [key for key, with_lines in asked.items() if with_lines])
