"""What the demo's members did on the day after the year: each bought something, and one brought part of it back.

These go through the engine as any shop's orders do, so that receipts, pending points and letters follow by themselves.
"""

from collections.abc import Sequence
from typing import Final

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Line, Payment, PutOrder, ReturnLine, ReturnOrder
from regulars.demo.facts import member_id_of
from regulars.demo.people import PEOPLE, Person
from regulars.demo.programme import MARKET
from regulars.loyalty import api as loyalty
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError, NotFound

STORE: Final = "330"
RETURNED: Final = PEOPLE[1]
_LINES: Final = (
    Line("1", "Coffee beans", 1000, 1890),
    Line("2", "Olive oil", 1000, 1240),
    Line("3", "Oranges", 2000, 720),
)


class VisitRefused(RuntimeError):
    """The engine refused what a member of the demo bought."""


def order_of(person: Person) -> str:
    """Return the id of what somebody bought that day."""
    return f"demo-{person.household}"


async def visit(database: Database, people: Sequence[Person] = PEOPLE) -> None:
    """Let each buy something once, however often the demo is started."""
    rules = commerce.Commerce(loyalty.Configuration())
    async with database.transaction() as tx:
        await commerce.follow_policies(tx, rules)
    for person in people:
        if not await _was_there(database, person):
            await _carry_out(database, rules, _purchase(person))
            if person is RETURNED:
                lines = (ReturnLine("2", 1000),)
                back = ReturnOrder(order_id=order_of(person), return_id="demo", lines=lines, store_id=STORE)
                await _carry_out(database, rules, back)


async def _was_there(database: Database, person: Person) -> bool:
    async with database.transaction() as tx:
        try:
            await commerce.read_order(tx, order_of(person))
        except NotFound:
            return False
        return True


async def _carry_out(database: Database, rules: commerce.Commerce, fact: PutOrder | ReturnOrder) -> None:
    async with database.transaction(actor="demo", by_keys=True) as tx:
        (outcome,) = await commerce.apply(tx, rules, [fact])
        if isinstance(outcome, DomainError):
            raise VisitRefused(str(outcome))


def _purchase(person: Person) -> PutOrder:
    total_minor = sum(line.amount_minor for line in _LINES)
    return PutOrder(
        order_id=order_of(person),
        member_id=member_id_of(person.household),
        state="paid",
        channel="store",
        store_id=STORE,
        market=MARKET.code,
        currency=MARKET.currency,
        total_minor=total_minor,
        lines=_LINES,
        payments=(Payment("card", total_minor),),
    )
