"""What callers send of orders, and how it becomes facts."""

import re
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Final

from msgspec import Meta, Struct

from regulars.commerce.contracts import (
    Channel,
    ClaimOrder,
    Line,
    OrderState,
    Payment,
    PutOrder,
    ReturnLine,
    ReturnOrder,
)
from regulars.commerce.errors import CurrenciesDiffer, OrderIdImpossible, PaymentUnclear, QuantityNotPositive
from regulars.commerce.orders.rules import MILLI, ORDER_ID
from regulars.platform.clock import in_utc
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id
from regulars.platform.money import Currency

MAX_LINES: Final = 1000
MAX_QUANTITY: Final = 10**9
MEMBER_PREFIX: Final = "mbr"
POINTS: Final = "points"
_MAX_ECHO = 32
_ORDER_ID = re.compile(ORDER_ID.removesuffix("$") + r"\Z")

MemberId = Annotated[
    str,
    Meta(
        pattern="^mbr_[0-9a-f]{32}$",
        description="The member who buys; left out for an order without a member.",
        examples=["mbr_0190f0c27c5a7cc58f8c1d2e3f405162"],
    ),
]
LineId = Annotated[str, Meta(min_length=1, max_length=64, description="Default: the position, from 1.")]
ReturnId = Annotated[
    str,
    Meta(
        pattern=ORDER_ID,
        description="Your id of this return. Default: derived from the Idempotency-Key.",
        examples=["R-2026-0007"],
    ),
]
StoreId = Annotated[str, Meta(min_length=1, max_length=64, description="A defined store.", examples=["367"])]
MarketCode = Annotated[str, Meta(min_length=1, max_length=16, examples=["CN"])]
Instant = Annotated[
    datetime, Meta(tz=True, description="RFC 3339 with its zone; at most 5 minutes ahead. Default: now.")
]
Quantity = Annotated[Decimal, Meta(description="Above 0, up to three decimals, as a number or a string, e.g. 0.535.")]
Points = Annotated[int, Meta(ge=1, le=10**12)]


class Amount(Struct, frozen=True, forbid_unknown_fields=True):
    """Money that is not negative, in minor units of the market's currency."""

    amount_minor: Annotated[int, Meta(ge=0, le=10**12, examples=[1999])]
    currency: Currency


class LineBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line: `amount` is what is charged for the whole line, after all discounts."""

    sku: Annotated[str, Meta(min_length=1, max_length=128, examples=["4711"])]
    amount: Amount
    quantity: Quantity = Decimal(1)
    line_id: LineId | None = None


class PaymentBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of the payment: money with its amount, or the method `points` with `points` or `points_at_most`."""

    method: Annotated[str, Meta(min_length=1, max_length=32, examples=["card"])]
    amount: Amount | None = None
    points: Points | None = None
    points_at_most: Points | None = None


class OrderBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state of an order as your system knows it. Payments in money may be left out; if given, all must sum."""

    state: OrderState
    channel: Channel
    market: MarketCode
    total: Amount
    lines: Annotated[list[LineBody], Meta(min_length=1, max_length=MAX_LINES)]
    member_id: MemberId | None = None
    store_id: StoreId | None = None
    occurred_at: Instant | None = None
    payments: Annotated[list[PaymentBody], Meta(max_length=20)] = []


class ReturnLineBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a line comes back; without a quantity all that is left of it."""

    line_id: LineId
    quantity: Quantity | None = None


class ReturnBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes back; without lines everything that is left."""

    return_id: ReturnId | None = None
    lines: Annotated[list[ReturnLineBody], Meta(min_length=1, max_length=MAX_LINES)] | None = None
    store_id: StoreId | None = None
    occurred_at: Instant | None = None


class ClaimBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose the order is."""

    member_id: MemberId


def order_id_in(text: str) -> str:
    """Read an order id of an address that may create. Raises OrderIdImpossible."""
    if _ORDER_ID.match(text) is None:
        raise OrderIdImpossible(pointer="/path/order_id")
    return text


def existing_order_id(text: str) -> str:
    """Read an order id of an address. Raises NotFound for what cannot be one."""
    if _ORDER_ID.match(text) is None:
        raise NotFound
    return text


def is_order_id(text: str) -> bool:
    """Whether a text has the form of an order id."""
    return _ORDER_ID.match(text) is not None


def put_of(order_id: str, body: OrderBody) -> PutOrder:
    """Read an order. Raises what is wrong with its amounts, quantities and payments."""
    currency = body.total.currency
    lines = tuple([_line(position, line, currency) for position, line in enumerate(body.lines)])
    points, points_at_most, payments = _payments(body.payments, currency)
    return PutOrder(
        order_id=order_id_in(order_id),
        member_id=parse_public_id(MEMBER_PREFIX, body.member_id) if body.member_id else None,
        state=body.state,
        channel=body.channel,
        store_id=body.store_id,
        market=body.market,
        currency=currency,
        total_minor=body.total.amount_minor,
        lines=lines,
        occurred_at=_utc(body.occurred_at),
        points=points,
        points_at_most=points_at_most,
        payments=payments,
    )


def return_of(order_id: str, body: ReturnBody, client: str, key: str) -> ReturnOrder:
    """Read a return; without an id of its own it is named by whom and under which idempotency key it was sent."""
    lines = None
    if body.lines is not None:
        lines = tuple(
            [
                ReturnLine(
                    line.line_id,
                    None if line.quantity is None else _milli(line.quantity, f"/lines/{position}/quantity"),
                )
                for position, line in enumerate(body.lines)
            ]
        )
    named = sha256(f"{client}\n{key}".encode()).hexdigest()[:32]
    return ReturnOrder(
        order_id=existing_order_id(order_id),
        return_id=body.return_id or f"key-{named}",
        lines=lines,
        store_id=body.store_id,
        occurred_at=_utc(body.occurred_at),
    )


def claim_of(order_id: str, body: ClaimBody) -> ClaimOrder:
    """Read a claim."""
    member_id = parse_public_id(MEMBER_PREFIX, body.member_id)
    if member_id is None:
        raise NotFound(pointer="/member_id")
    return ClaimOrder(order_id=existing_order_id(order_id), member_id=member_id)


def _line(position: int, line: LineBody, currency: str) -> Line:
    if line.amount.currency != currency:
        raise CurrenciesDiffer(
            pointer=f"/lines/{position}/amount/currency", currency=line.amount.currency, expected=currency
        )
    return Line(
        line_id=line.line_id or str(position + 1),
        sku=line.sku,
        quantity_milli=_milli(line.quantity, f"/lines/{position}/quantity"),
        amount_minor=line.amount.amount_minor,
    )


def _milli(quantity: Decimal, pointer: str) -> int:
    if quantity.is_finite() and 0 < quantity <= MAX_QUANTITY:
        milli = quantity * MILLI
        if milli == int(milli):
            return int(milli)
    raise QuantityNotPositive(pointer=pointer, quantity=str(quantity)[:_MAX_ECHO])


def _payments(bodies: list[PaymentBody], currency: str) -> tuple[int, int | None, tuple[Payment, ...]]:
    points: int = 0
    points_at_most: int | None = None
    money = []
    for position, body in enumerate(bodies):
        pointer = f"/payments/{position}"
        counted = (body.points is not None) + (body.points_at_most is not None)
        with_points = body.method == POINTS
        again = with_points and (points or points_at_most)
        if again or counted != with_points or (body.amount is None) != with_points:
            raise PaymentUnclear(pointer=pointer)
        if body.amount is None:
            points, points_at_most = body.points or 0, body.points_at_most
        elif body.amount.currency != currency:
            raise CurrenciesDiffer(
                pointer=f"{pointer}/amount/currency", currency=body.amount.currency, expected=currency
            )
        else:
            money.append(Payment(body.method, body.amount.amount_minor))
    return points, points_at_most, tuple(money)


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else in_utc(at)
