"""What must hold of orders: their sums, their ids, and what the ledger knows of them."""

from operator import itemgetter
from uuid import UUID

from regulars.commerce.figures.rolling import roll_up_is_right
from regulars.commerce.verification import store
from regulars.loyalty import api as loyalty
from regulars.platform.db.transaction import Transaction
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault

MEMBERS_AT_ONCE = 500
NOBODY = UUID(int=0)

SUMS_DIFFER = mark(
    "Order {order}: total {total}, its lines {lines}; "
    "returned {returned}, by its lines {by_lines}, by its returns {by_returns}."
)
SHARE_WRONG = mark("Order {order}, line {line}: the returned value is not its share.")
STATE_WRONG = mark("Order {order}: the state {state} contradicts its payment and returns.")
KEYLESS = mark("Order {order}: its id is not kept as its member's.")
KEY_OF_NONE = mark("Order {order}: its id is kept, the member has no such order.")
GUEST_KEY_WRONG = mark("Order {order}: its id and the guest order do not agree.")
LEDGER_DIFFERS = mark("Order {order}: the ledger differs.")
NOT_SETTLED = mark("Order {order}: paid, but not settled.")
NOT_PAID = mark("Order {order}: settled, but not paid.")


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
        Fault(
            SUMS_DIFFER,
            {
                "order": order_id,
                "total": total,
                "lines": lines,
                "returned": returned,
                "by_lines": by_lines,
                "by_returns": by_returns,
            },
        )
        for order_id, total, lines, returned, by_lines, by_returns in totals
    ]
    problems += [Fault(SHARE_WRONG, {"order": order_id, "line": str(line_id)}) for order_id, line_id in shares]
    problems += [Fault(STATE_WRONG, {"order": order_id, "state": state}) for order_id, state in states]
    return CheckResult(ok=not problems, rows_checked=count, problems=problems)


async def order_ids_lead(tx: Transaction) -> CheckResult:
    """Every order id leads to one order, a member's or a guest's, and every order has its id."""
    count, of_members, of_guests = await store.keys(tx)
    problems = [Fault(KEYLESS if keyless else KEY_OF_NONE, {"order": order_id}) for order_id, keyless, _ in of_members]
    problems += [Fault(GUEST_KEY_WRONG, {"order": order_id}) for (order_id,) in of_guests]
    return CheckResult(ok=not problems, rows_checked=count, problems=problems)


async def paid_orders_are_settled(tx: Transaction) -> CheckResult:
    """Every paid order, and no other, is settled in the ledger, with the same total, points and returns."""
    rows_checked = 0
    problems: list[Fault] = []
    after: UUID | None = NOBODY
    while after is not None and len(problems) < MAX_PROBLEMS:
        up_to = await store.last_of_next(tx, after, MEMBERS_AT_ONCE)
        paid = {row[:2]: row[2:] for row in await store.paid(tx, after, up_to)}
        settled = {order[:2]: order[2:] for order in await loyalty.settled_orders(tx, after, up_to)}
        rows_checked += len(paid)
        problems += [
            Fault(_differing(in_orders=key in paid, in_ledger=key in settled), {"order": key[1]})
            for key in sorted(paid.keys() | settled.keys(), key=itemgetter(1))
            if paid.get(key) != settled.get(key)
        ]
        after = up_to
    return CheckResult(ok=not problems, rows_checked=rows_checked, problems=problems[:MAX_PROBLEMS])


def _differing(*, in_orders: bool, in_ledger: bool) -> str:
    if in_orders and in_ledger:
        return LEDGER_DIFFERS
    return NOT_SETTLED if in_orders else NOT_PAID
