"""Where orders are read for exports: which tables, by which keys, and what each column says."""

from typing import Final

from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.exports.contracts import Column, ExportKind, Key
from regulars.platform.texts import mark

_BY_ORDER: Final = (Key("member_id", "uuid"), Key("order_id", "text"))
_MEMBER: Final = Column(mark("The member's id."), "t.member_id", prefix=MEMBER_PREFIX)
_ORDER: Final = Column(mark("The order's id, as you gave it."), "t.order_id")
_WITH_ORDER: Final = "JOIN orders AS o ON o.member_id = t.member_id AND o.order_id = t.order_id"
_LINES: Final = """
(SELECT jsonb_agg(jsonb_build_object('line_id', l.line_id, 'sku', l.sku,
     'quantity', trim_scale(l.quantity_milli / 1000::numeric)::text,
     'amount', jsonb_build_object('amount_minor', l.amount_minor, 'currency', t.currency)) ORDER BY l.line_no)
 FROM order_lines AS l WHERE l.member_id = t.member_id AND l.order_id = t.order_id)
"""
_PAYMENTS: Final = """
coalesce((SELECT jsonb_agg(jsonb_build_object('method', p.paid ->> 'method',
     'amount', jsonb_build_object('amount_minor', p.paid -> 'amount_minor', 'currency', t.currency)) ORDER BY p.no)
 FROM jsonb_array_elements(nullif(t.payments, '')::jsonb) WITH ORDINALITY AS p (paid, no)), '[]')
|| CASE WHEN t.points_used > 0 THEN jsonb_build_array(jsonb_build_object('method', 'points', 'points', t.points_used))
   ELSE '[]' END
"""

ORDERS: Final = ExportKind(
    name="orders",
    about=mark(
        "Orders of members with their lines and payments, one a row. Such a file is imported again, without returns."
    ),
    scope="orders:read",
    table="orders",
    key=_BY_ORDER,
    at="t.recorded_at",
    market="t.market",
    store_id="t.store_id",
    channel="t.channel",
    member="t.member_id",
    importable=(
        *("phone", "email", "card", "external", "openid", "order_id", "state", "channel", "market", "store_id"),
        *("occurred_at", "currency", "total_minor", "lines", "payments"),
    ),
    columns={
        "order_id": _ORDER,
        "member_id": _MEMBER,
        "state": Column(mark("`open`, `placed`, `paid`, `fulfilled` or `cancelled`."), "t.state"),
        "channel": Column(mark("How it was bought: `store`, `online`, `app` …"), "t.channel"),
        "market": Column(mark("The market, by its code."), "t.market"),
        "store_id": Column(mark("The store where it was bought, by your id."), "t.store_id"),
        "currency": Column(mark("The currency of the amounts."), "t.currency"),
        "total_minor": Column(
            mark("The order's total, in minor units of the currency (cents)."), "t.total_minor", "whole"
        ),
        "returned_minor": Column(mark("What was returned of it, in minor units."), "t.returned_minor", "whole"),
        "points_used": Column(mark("Points that the order was paid with."), "t.points_used", "whole"),
        "occurred_at": Column(mark("When it was bought."), "t.occurred_at", "instant"),
        "paid_at": Column(mark("When it was paid."), "t.paid_at", "instant"),
        "recorded_at": Column(mark("When the programme recorded its last change."), "t.recorded_at", "instant"),
        "lines": Column(mark("Its lines, as the API takes them."), _LINES, "json"),
        "payments": Column(mark("How it was paid, as the API takes it."), _PAYMENTS, "json"),
        "effects": Column(
            mark("What it did to points and tiers, as the API answered."), "nullif(t.effects, '')", "json"
        ),
    },
)

ORDER_LINES: Final = ExportKind(
    name="order_lines",
    about=mark("What members bought, one line of an order a row."),
    scope="orders:read",
    table="order_lines",
    key=(*_BY_ORDER, Key("line_no", "integer")),
    joined=_WITH_ORDER,
    at="o.recorded_at",
    market="o.market",
    store_id="o.store_id",
    channel="o.channel",
    member="t.member_id",
    columns={
        "order_id": _ORDER,
        "member_id": _MEMBER,
        "line_no": Column(mark("The line's place in the order, from 0."), "t.line_no", "whole"),
        "line_id": Column(mark("The line's id, as you gave it."), "t.line_id"),
        "sku": Column(mark("The article that was bought."), "t.sku"),
        "quantity": Column(mark("How many, or how much of it."), "t.quantity_milli / 1000::numeric", "decimal"),
        "amount_minor": Column(
            mark("What was charged for the line, in minor units of the currency (cents)."), "t.amount_minor", "whole"
        ),
        "currency": Column(mark("The currency of the amounts."), "o.currency"),
        "returned_quantity": Column(
            mark("How much of it was returned."), "t.returned_milli / 1000::numeric", "decimal"
        ),
        "returned_minor": Column(mark("What was returned of it, in minor units."), "t.returned_minor", "whole"),
        "market": Column(mark("The market, by its code."), "o.market"),
        "recorded_at": Column(mark("When the programme recorded the order's last change."), "o.recorded_at", "instant"),
    },
)

PAYMENTS: Final = ExportKind(
    name="payments",
    about=mark("How members' orders were paid, one payment a row; points are in the order's `points_used`."),
    scope="orders:read",
    table="orders",
    key=_BY_ORDER,
    joined=("CROSS JOIN LATERAL jsonb_array_elements(nullif(t.payments, '')::jsonb) WITH ORDINALITY AS p (paid, no)"),
    at="t.recorded_at",
    market="t.market",
    store_id="t.store_id",
    channel="t.channel",
    member="t.member_id",
    columns={
        "order_id": _ORDER,
        "member_id": _MEMBER,
        "payment_no": Column(mark("Which of the order's payments, from 1."), "p.no", "whole"),
        "method": Column(mark("How it was paid, as `card` or `cash`."), "p.paid ->> 'method'"),
        "amount_minor": Column(
            mark("The payment, in minor units of the currency (cents)."), "(p.paid ->> 'amount_minor')::bigint", "whole"
        ),
        "currency": Column(mark("The currency of the amounts."), "t.currency"),
        "market": Column(mark("The market, by its code."), "t.market"),
        "occurred_at": Column(mark("When the order was bought."), "t.occurred_at", "instant"),
        "recorded_at": Column(mark("When the programme recorded the order's last change."), "t.recorded_at", "instant"),
    },
)

RETURNS: Final = ExportKind(
    name="returns",
    about=mark("What came back of members' orders, one return a row."),
    scope="orders:read",
    table="order_returns",
    key=(*_BY_ORDER, Key("return_id", "text")),
    joined=_WITH_ORDER,
    at="t.recorded_at",
    market="o.market",
    store_id="t.store_id",
    channel="o.channel",
    member="t.member_id",
    columns={
        "return_id": Column(mark("The return's id, as you gave it."), "t.return_id"),
        "order_id": _ORDER,
        "member_id": _MEMBER,
        "store_id": Column(mark("The store that it came back to, by your id."), "t.store_id"),
        "returned_minor": Column(
            mark("What was paid back, in minor units of the currency (cents)."), "t.returned_minor", "whole"
        ),
        "currency": Column(mark("The currency of the amounts."), "o.currency"),
        "market": Column(mark("The market, by its code."), "o.market"),
        "occurred_at": Column(mark("When it came back."), "t.occurred_at", "instant"),
        "recorded_at": Column(mark("When the programme recorded it."), "t.recorded_at", "instant"),
        "lines": Column(mark("What came back, line by line."), "nullif(t.lines, '')", "json"),
        "effects": Column(
            mark("What it did to points and tiers, as the API answered."), "nullif(t.effects, '')", "json"
        ),
    },
)

GUEST_ORDERS: Final = ExportKind(
    name="guest_orders",
    about=mark("Orders that nobody was named with, and whose they became."),
    scope="orders:read",
    table="guest_orders",
    key=(Key("order_id", "text"),),
    at="t.recorded_at",
    columns={
        "order_id": _ORDER,
        "state": Column(mark("`open`, `placed`, `paid`, `fulfilled` or `cancelled`."), "t.state"),
        "occurred_at": Column(mark("When it was bought."), "t.occurred_at", "instant"),
        "recorded_at": Column(mark("When the programme recorded its last change."), "t.recorded_at", "instant"),
        "claimed_by": Column(
            mark("The member whose it became, by id; empty while it is nobody's."), "t.claimed_by", prefix=MEMBER_PREFIX
        ),
        "document": Column(mark("The order, as it was sent."), "t.document", "json"),
    },
)

STORES: Final = ExportKind(
    name="stores",
    about=mark("Every store with its market and name."),
    scope="orders:read",
    table="stores",
    key=(Key("store_id", "text"),),
    market="t.market",
    columns={
        "store_id": Column(mark("The store's id, as you gave it."), "t.store_id"),
        "market": Column(mark("The market, by its code."), "t.market"),
        "name": Column(mark("What the store is called."), "t.name"),
    },
)
