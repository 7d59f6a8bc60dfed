"""What must hold of orders: their sums, their ids, and what the ledger knows of them."""

from regulars.commerce.verification import store
from regulars.platform.db.transaction import Transaction
from regulars.platform.verification.contracts import Check, CheckResult


def checks() -> list[Check]:
    """Return the checks in the order in which `regulars verify` runs them."""
    return [
        Check("orders sum up", orders_sum_up),
        Check("order ids lead to their orders", order_ids_lead),
        Check("paid orders are settled", paid_orders_are_settled),
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
    count, differing = await store.settled(tx)
    problems = [
        f"Order {order_id}: "
        + ("settled, but not paid." if unpaid else "paid, but not settled." if unsettled else "the ledger differs.")
        for order_id, unpaid, unsettled in differing
    ]
    return CheckResult(ok=not problems, rows_checked=count, problems=problems)
