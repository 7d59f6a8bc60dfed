"""What must hold of orders: their sums, their ids, and what the ledger knows of them."""

from operator import itemgetter
from uuid import UUID

from regulars.commerce.figures.rolling import roll_up_is_right
from regulars.commerce.verification import store
from regulars.loyalty import api as loyalty
from regulars.platform.db.transaction import Transaction
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult

MEMBERS_AT_ONCE = 500
NOBODY = UUID(int=0)


def checks() -> list[Check]:
    """Return the checks in the order in which `regulars verify` runs them."""
    return [
        Check(mark("orders sum up"), orders_sum_up),
        Check(mark("order ids lead to their orders"), order_ids_lead),
        Check(mark("paid orders are settled"), paid_orders_are_settled),
        Check(mark("sales rolled up"), roll_up_is_right),
    ]


async def orders_sum_up(tx: Transaction) -> CheckResult:
    """An order's total is its lines'; what was returned is its returns' and its lines'; each line by its share."""
    count, totals, shares, states = await store.sums(tx)
    problems = [
        f"Order {order_id}: total {total}, its lines {lines}; "
        f"returned {returned}, by its lines {by_lines}, by its returns {by_returns}."
        for order_id, total, lines, returned, by_lines, by_returns in totals
    ]
    problems += [
        f"Order {order_id}, line {line_id}: the returned value is not its share." for order_id, line_id in shares
    ]
    problems += [
        f"Order {order_id}: the state {state} contradicts its payment and returns." for order_id, state in states
    ]
    return CheckResult(ok=not problems, rows_checked=count, problems=problems)


async def order_ids_lead(tx: Transaction) -> CheckResult:
    """Every order id leads to one order, a member's or a guest's, and every order has its id."""
    count, of_members, of_guests = await store.keys(tx)
    problems = [
        f"Order {order_id}: "
        + ("its id is not kept as its member's." if keyless else "its id is kept, the member has no such order.")
        for order_id, keyless, _ in of_members
    ]
    problems += [f"Order {order_id}: its id and the guest order do not agree." for (order_id,) in of_guests]
    return CheckResult(ok=not problems, rows_checked=count, problems=problems)


async def paid_orders_are_settled(tx: Transaction) -> CheckResult:
    """Every paid order, and no other, is settled in the ledger, with the same total, points and returns."""
    rows_checked = 0
    problems: list[str] = []
    after: UUID | None = NOBODY
    while after is not None and len(problems) < MAX_PROBLEMS:
        up_to = await store.last_of_next(tx, after, MEMBERS_AT_ONCE)
        paid = {row[:2]: row[2:] for row in await store.paid(tx, after, up_to)}
        settled = {order[:2]: order[2:] for order in await loyalty.settled_orders(tx, after, up_to)}
        rows_checked += len(paid)
        problems += [
            f"Order {key[1]}: {_differing(in_orders=key in paid, in_ledger=key in settled)}."
            for key in sorted(paid.keys() | settled.keys(), key=itemgetter(1))
            if paid.get(key) != settled.get(key)
        ]
        after = up_to
    return CheckResult(ok=not problems, rows_checked=rows_checked, problems=problems[:MAX_PROBLEMS])


def _differing(*, in_orders: bool, in_ledger: bool) -> str:
    if in_orders and in_ledger:
        return "the ledger differs"
    return "paid, but not settled" if in_orders else "settled, but not paid"
