"""Tables of orders. An order, its lines and its returns are the member's; the id's uniqueness stands apart."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

order_keys = Table(
    "order_keys",
    metadata,
    Column("order_id", Text(collation="C"), primary_key=True),
    Column("member_id", UUID(as_uuid=True)),
)

orders = Table(
    "orders",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("order_id", Text(collation="C"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("store_id", Text),
    Column("market", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("returned_minor", BigInteger, nullable=False),
    Column("points_used", BigInteger, nullable=False),
    Column("occurred_at", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("paid_at", TIMESTAMP(timezone=True)),
    Column("content_hash", LargeBinary, nullable=False),
    Column("payments", Text, nullable=False),
    Column("effects", Text, nullable=False),
    CheckConstraint("total_minor >= 0", name="total_minor"),
    CheckConstraint("returned_minor BETWEEN 0 AND total_minor", name="returned_minor"),
    Index("orders_member_id_occurred_at_idx", "member_id", "occurred_at"),
    Index("orders_occurred_at_order_id_idx", "occurred_at", "order_id"),
    Index("orders_store_id_occurred_at_order_id_idx", "store_id", "occurred_at", "order_id"),
    Index("orders_channel_occurred_at_order_id_idx", "channel", "occurred_at", "order_id"),
    Index(
        "orders_unpaid_idx",
        "state",
        "occurred_at",
        "order_id",
        postgresql_where=text("state IN ('open', 'placed', 'cancelled')"),
    ),
    Index("orders_returned_idx", "occurred_at", "order_id", postgresql_where=text("returned_minor > 0")),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("order_id", Text(collation="C"), primary_key=True),
    Column("line_no", Integer, primary_key=True),
    Column("line_id", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("quantity_milli", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("returned_milli", BigInteger, nullable=False),
    Column("returned_minor", BigInteger, nullable=False),
    CheckConstraint("quantity_milli > 0", name="quantity_milli"),
    CheckConstraint("amount_minor >= 0", name="amount_minor"),
    CheckConstraint("returned_milli BETWEEN 0 AND quantity_milli", name="returned_milli"),
    CheckConstraint("returned_minor BETWEEN 0 AND amount_minor", name="returned_minor"),
)

order_returns = Table(
    "order_returns",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("order_id", Text(collation="C"), primary_key=True),
    Column("return_id", Text(collation="C"), primary_key=True),
    Column("store_id", Text),
    Column("returned_minor", BigInteger, nullable=False),
    Column("occurred_at", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("lines", Text, nullable=False),
    Column("effects", Text, nullable=False),
    CheckConstraint("returned_minor >= 0", name="returned_minor"),
    Index("order_returns_occurred_at_order_id_return_id_idx", "occurred_at", "order_id", "return_id"),
)

guest_orders = Table(
    "guest_orders",
    metadata,
    Column("order_id", Text(collation="C"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("occurred_at", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("document", Text, nullable=False),
    Column("claimed_by", UUID(as_uuid=True)),
    Index("guest_orders_unclaimed_idx", "occurred_at", postgresql_where=text("claimed_by IS NULL")),
)
