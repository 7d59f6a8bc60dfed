"""Pure decisions about orders: what may be sent, how states move, what a return is worth."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

import msgspec

from regulars.commerce.contracts import Line, OrderState, PutOrder, ReturnLine, ReturnOrder
from regulars.commerce.errors import (
    AmountNegative,
    CurrencyNotTheMarkets,
    DuplicateLine,
    GuestCannotUsePoints,
    LinesDoNotSum,
    NothingLeftToReturn,
    OrderFrozen,
    PaymentsDoNotSum,
    QuantityNotPositive,
    ReturnBeforeOrder,
    ReturnTooMuch,
    StateMovedBackwards,
    TooFarAhead,
    TooLongAgo,
    UnknownLine,
)

AHEAD = timedelta(minutes=5)
LATE = timedelta(days=730)
MILLI = 1000
# Without a colon, so that the references `order:{id}:...` of different orders never meet.
ORDER_ID = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$"
RANK: Mapping[OrderState, int] = {"open": 0, "placed": 1, "paid": 2, "fulfilled": 3, "cancelled": 4}
SETTLED = frozenset({"paid", "fulfilled"})

_encode = msgspec.json.Encoder().encode


def check_time(occurred_at: datetime | None, now: datetime, pointer: str = "/occurred_at") -> None:
    """Refuse a time too far ahead of now or too long ago."""
    if occurred_at is None:
        return
    if occurred_at > now + AHEAD:
        raise TooFarAhead(pointer=pointer, occurred_at=occurred_at.isoformat(), now=now.isoformat())
    if occurred_at < now - LATE:
        raise TooLongAgo(pointer=pointer, occurred_at=occurred_at.isoformat(), now=now.isoformat(), days=LATE.days)


def check_return_time(
    occurred_at: datetime | None, now: datetime, *, ordered_at: datetime, recorded_at: datetime
) -> None:
    """Refuse a return of a time that cannot be, or before its order.

    Where the order's own time ran ahead of the programme's, the ledger took the moment at which it became known.
    """
    check_time(occurred_at, now)
    began = min(ordered_at, recorded_at)
    if occurred_at is not None and occurred_at < began:
        raise ReturnBeforeOrder(
            pointer="/occurred_at", occurred_at=occurred_at.isoformat(), ordered_at=began.isoformat()
        )


def check_content(fact: PutOrder, market_currency: str) -> None:
    """Refuse an order that contradicts itself or its market."""
    if fact.currency != market_currency:
        raise CurrencyNotTheMarkets(
            pointer="/total/currency", market=fact.market, expected=market_currency, currency=fact.currency
        )
    lines_minor = sum([line.amount_minor for line in fact.lines])
    if lines_minor != fact.total_minor:
        raise LinesDoNotSum(
            pointer="/total",
            lines_minor=lines_minor,
            total_minor=fact.total_minor,
            difference_minor=abs(lines_minor - fact.total_minor),
        )
    seen = set()
    for position, line in enumerate(fact.lines):
        if line.quantity_milli <= 0:
            raise QuantityNotPositive(
                pointer=f"/lines/{position}/quantity", quantity=shown_quantity(line.quantity_milli)
            )
        if line.amount_minor < 0:
            raise AmountNegative(pointer=f"/lines/{position}/amount/amount_minor", amount_minor=line.amount_minor)
        if line.line_id in seen:
            raise DuplicateLine(pointer=f"/lines/{position}/line_id", line_id=line.line_id)
        seen.add(line.line_id)
    for amount in (fact.points, fact.points_at_most or 0, *[payment.amount_minor for payment in fact.payments]):
        if amount < 0:
            raise AmountNegative(pointer="/payments", amount_minor=amount)
    if fact.member_id is None and (fact.points or fact.points_at_most):
        raise GuestCannotUsePoints(pointer="/payments")


def check_payments(fact: PutOrder, point_value_minor: int, points_used: int | None = None) -> None:
    """Refuse payments in money that do not sum to the total, with what points pay.

    Until the order is paid it is not known how many points of `points_at_most` will be used (`points_used` None).
    """
    if not fact.payments:
        return
    points = fact.points if points_used is None else points_used
    paid_minor = sum([payment.amount_minor for payment in fact.payments]) + points * point_value_minor
    points_may_pay = (fact.points_at_most or 0) * point_value_minor if points_used is None else 0
    if not paid_minor <= fact.total_minor <= paid_minor + points_may_pay:
        raise PaymentsDoNotSum(
            pointer="/payments",
            paid_minor=paid_minor,
            total_minor=fact.total_minor,
            difference_minor=abs(paid_minor - fact.total_minor),
        )


def content_hash(fact: PutOrder) -> bytes:
    """Return what must not change once the order is paid: everything but its state and times."""
    content = (
        fact.channel,
        fact.store_id,
        fact.market,
        fact.currency,
        fact.total_minor,
        fact.lines,
        fact.points,
        fact.points_at_most,
        fact.payments,
    )
    return sha256(_encode(content)).digest()[:16]


def check_transition(current: OrderState, asked: OrderState, *, same_content: bool) -> None:
    """Refuse a state moved backwards, and another content once the order is paid."""
    if RANK[asked] < RANK[current]:
        raise StateMovedBackwards(pointer="/state", current=current, asked=asked)
    if not same_content and current in {"paid", "fulfilled", "cancelled"}:
        raise OrderFrozen(pointer="/lines", current=current)


class LineLeft(NamedTuple):
    """A line and what has come back of it so far (thousandths, minor units)."""

    line: Line
    returned_milli: int
    returned_minor: int


class ReturnedPart(NamedTuple):
    """What a return takes of a line: quantity and value of this return."""

    line_id: str
    quantity_milli: int
    value_minor: int


def allocate_return(fact: ReturnOrder, lines: Mapping[str, LineLeft]) -> list[ReturnedPart]:
    """Decide what comes back and what it is worth: each line's value is allocated by cumulative floor.

    So any sequence of part returns of a line adds up, to the minor unit, to what returning it at once gives.
    """
    asked = fact.lines
    if asked is None:
        asked = tuple([ReturnLine(line_id) for line_id, left in lines.items() if _left(left)])
        if not asked:
            raise NothingLeftToReturn(order_id=fact.order_id)
    parts = []
    seen = set()
    for position, item in enumerate(asked):
        left = lines.get(item.line_id)
        if left is None:
            raise UnknownLine(pointer=f"/lines/{position}/line_id", line_id=item.line_id)
        if item.line_id in seen:
            raise DuplicateLine(pointer=f"/lines/{position}/line_id", line_id=item.line_id)
        seen.add(item.line_id)
        remaining = _left(left)
        quantity = remaining if item.quantity_milli is None else item.quantity_milli
        if item.quantity_milli is not None and quantity <= 0:
            raise QuantityNotPositive(pointer=f"/lines/{position}/quantity", quantity=shown_quantity(quantity))
        if quantity > remaining or not remaining:
            raise ReturnTooMuch(
                pointer=f"/lines/{position}/quantity",
                line_id=item.line_id,
                left=shown_quantity(remaining),
                asked=shown_quantity(quantity),
                over=shown_quantity(quantity - remaining),
            )
        cumulative = left.line.amount_minor * (left.returned_milli + quantity) // left.line.quantity_milli
        parts.append(ReturnedPart(item.line_id, quantity, cumulative - left.returned_minor))
    return parts


def money_kept(total_minor: int, points_used: int, point_value_minor: int, kept_minor: int) -> int:
    """Return how much of an order's money stays with the shop while goods worth `kept_minor` stay with the customer.

    What stays is paid by the points that stay, as the ledger counts them (whole points, rounded down), and money for
    the rest. Where a point is worth more than one minor unit, that rest can be less for more goods, just before the
    next point; the money never goes back up for that: it is the least for these goods or any more. So it falls with
    every return, from all that was paid in money to nothing.
    """
    if not points_used:
        return kept_minor
    points = points_used * kept_minor // total_minor
    now = kept_minor - points * point_value_minor
    if points == points_used:
        return now
    at_next_point = -(-total_minor * (points + 1) // points_used)
    return min(now, at_next_point - (points + 1) * point_value_minor)


def what_is_left(lines: Mapping[str, LineLeft]) -> tuple[ReturnLine, ...]:
    """Return how much of which lines can still come back."""
    return tuple([ReturnLine(line_id, _left(left)) for line_id, left in lines.items() if _left(left)])


def return_hash(fact: ReturnOrder) -> bytes:
    """Return what identifies a return to its id."""
    return sha256(_encode((fact.lines, fact.store_id))).digest()[:16]


def shown_quantity(milli: int) -> str:
    """Write thousandths as a decimal without trailing zeros, e.g. `1.25`."""
    sign, milli = ("-", -milli) if milli < 0 else ("", milli)
    whole, rest = divmod(milli, MILLI)
    return f"{sign}{whole}.{rest:03d}".rstrip("0").rstrip(".")


def lines_of(lines: Sequence[Line]) -> dict[str, LineLeft]:
    """Return the lines of an order of which nothing has come back."""
    return {line.line_id: LineLeft(line, 0, 0) for line in lines}


def _left(left: LineLeft) -> int:
    return left.line.quantity_milli - left.returned_milli
