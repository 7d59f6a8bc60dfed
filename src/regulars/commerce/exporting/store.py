"""Where orders are read for exports: which tables, by which keys, and what each column says."""

from typing import Final

from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.exports.contracts import Column, ExportKind, Key

_BY_ORDER: Final = (Key("member_id", "uuid"), Key("order_id", "text"))
_MEMBER: Final = Column("Whose.", "t.member_id", prefix=MEMBER_PREFIX)
_ORDER: Final = Column("Your id of the order.", "t.order_id")
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
    about="Orders of members with their lines and payments: such a file is imported again, without returns.",
    scope="orders:read",
    table="orders",
    key=_BY_ORDER,
    at="t.recorded_at",
    market="t.market",
    member="t.member_id",
    importable=(
        *("phone", "email", "card", "external", "openid", "order_id", "state", "channel", "market", "store_id"),
        *("occurred_at", "currency", "total_minor", "lines", "payments"),
    ),
    columns={
        "order_id": _ORDER,
        "member_id": _MEMBER,
        "state": Column("open, placed, paid, fulfilled, cancelled.", "t.state"),
        "channel": Column("How it was bought.", "t.channel"),
        "market": Column("The market.", "t.market"),
        "store_id": Column("Where.", "t.store_id"),
        "currency": Column("In which currency its amounts are.", "t.currency"),
        "total_minor": Column("The total, in minor units.", "t.total_minor", "whole"),
        "returned_minor": Column("What came back of it.", "t.returned_minor", "whole"),
        "points_used": Column("Units it was paid with.", "t.points_used", "whole"),
        "occurred_at": Column("When it happened.", "t.occurred_at", "instant"),
        "paid_at": Column("When it was paid.", "t.paid_at", "instant"),
        "recorded_at": Column("When the programme learned of it last.", "t.recorded_at", "instant"),
        "lines": Column("Its lines, as the API takes them.", _LINES, "json"),
        "payments": Column("How it was paid, as the API takes it.", _PAYMENTS, "json"),
        "effects": Column("What it did, as it was answered.", "nullif(t.effects, '')", "json"),
    },
)

ORDER_LINES: Final = ExportKind(
    name="order_lines",
    about="The lines of members' orders, one a row.",
    scope="orders:read",
    table="order_lines",
    key=(*_BY_ORDER, Key("line_no", "integer")),
    joined=_WITH_ORDER,
    at="o.recorded_at",
    market="o.market",
    member="t.member_id",
    columns={
        "order_id": _ORDER,
        "member_id": _MEMBER,
        "line_no": Column("The line's place, from 0.", "t.line_no", "whole"),
        "line_id": Column("The line.", "t.line_id"),
        "sku": Column("What was bought.", "t.sku"),
        "quantity": Column("How much.", "t.quantity_milli / 1000::numeric", "decimal"),
        "amount_minor": Column("What was charged for it, in minor units.", "t.amount_minor", "whole"),
        "currency": Column("In which currency.", "o.currency"),
        "returned_quantity": Column("How much came back.", "t.returned_milli / 1000::numeric", "decimal"),
        "returned_minor": Column("For how much, in minor units.", "t.returned_minor", "whole"),
        "market": Column("The market.", "o.market"),
        "recorded_at": Column("When the programme learned of the order last.", "o.recorded_at", "instant"),
    },
)

PAYMENTS: Final = ExportKind(
    name="payments",
    about="How members' orders were paid, one payment a row; points are in the order's `points_used`.",
    scope="orders:read",
    table="orders",
    key=_BY_ORDER,
    joined=("CROSS JOIN LATERAL jsonb_array_elements(nullif(t.payments, '')::jsonb) WITH ORDINALITY AS p (paid, no)"),
    at="t.recorded_at",
    market="t.market",
    member="t.member_id",
    columns={
        "order_id": _ORDER,
        "member_id": _MEMBER,
        "payment_no": Column("Which of the order's payments, from 1.", "p.no", "whole"),
        "method": Column("How.", "p.paid ->> 'method'"),
        "amount_minor": Column("How much, in minor units.", "(p.paid ->> 'amount_minor')::bigint", "whole"),
        "currency": Column("In which currency.", "t.currency"),
        "market": Column("The market.", "t.market"),
        "occurred_at": Column("When the order happened.", "t.occurred_at", "instant"),
        "recorded_at": Column("When the programme learned of it last.", "t.recorded_at", "instant"),
    },
)

RETURNS: Final = ExportKind(
    name="returns",
    about="What came back of members' orders.",
    scope="orders:read",
    table="order_returns",
    key=(*_BY_ORDER, Key("return_id", "text")),
    joined=_WITH_ORDER,
    at="t.recorded_at",
    market="o.market",
    member="t.member_id",
    columns={
        "return_id": Column("The return.", "t.return_id"),
        "order_id": _ORDER,
        "member_id": _MEMBER,
        "store_id": Column("Where it came back.", "t.store_id"),
        "returned_minor": Column("For how much, in minor units.", "t.returned_minor", "whole"),
        "currency": Column("In which currency.", "o.currency"),
        "market": Column("The market.", "o.market"),
        "occurred_at": Column("When it happened.", "t.occurred_at", "instant"),
        "recorded_at": Column("When the programme learned of it.", "t.recorded_at", "instant"),
        "lines": Column("What came back.", "nullif(t.lines, '')", "json"),
        "effects": Column("What it did, as it was answered.", "nullif(t.effects, '')", "json"),
    },
)

GUEST_ORDERS: Final = ExportKind(
    name="guest_orders",
    about="Orders that nobody was named with, and whose they became.",
    scope="orders:read",
    table="guest_orders",
    key=(Key("order_id", "text"),),
    at="t.recorded_at",
    columns={
        "order_id": _ORDER,
        "state": Column("open, placed, paid, fulfilled, cancelled.", "t.state"),
        "occurred_at": Column("When it happened.", "t.occurred_at", "instant"),
        "recorded_at": Column("When the programme learned of it last.", "t.recorded_at", "instant"),
        "claimed_by": Column("Whose it is now.", "t.claimed_by", prefix=MEMBER_PREFIX),
        "document": Column("The order, as it was sent.", "t.document", "json"),
    },
)

STORES: Final = ExportKind(
    name="stores",
    about="The stores.",
    scope="orders:read",
    table="stores",
    key=(Key("store_id", "text"),),
    market="t.market",
    columns={
        "store_id": Column("Your id of the store.", "t.store_id"),
        "market": Column("The market.", "t.market"),
        "name": Column("How it is called.", "t.name"),
    },
)
