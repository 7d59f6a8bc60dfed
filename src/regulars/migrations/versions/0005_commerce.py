"""Stores and orders.

Revision: 0005, after 0004.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    create_stores()
    create_order_keys()
    create_orders()
    create_order_lines()
    create_order_returns()
    create_guest_orders()


def create_stores() -> None:
    op.execute("""
    CREATE TABLE stores (
        store_id TEXT NOT NULL,
        market TEXT NOT NULL,
        name TEXT NOT NULL,
        CONSTRAINT stores_pkey PRIMARY KEY (store_id),
        CONSTRAINT stores_market_fkey FOREIGN KEY(market) REFERENCES markets (code)
    )
    """)


def create_order_keys() -> None:
    op.execute("""
    CREATE TABLE order_keys (
        order_id TEXT COLLATE "C" NOT NULL,
        member_id UUID,
        CONSTRAINT order_keys_pkey PRIMARY KEY (order_id)
    )
    """)


def create_orders() -> None:
    op.execute("""
    CREATE TABLE orders (
        member_id UUID NOT NULL,
        order_id TEXT COLLATE "C" NOT NULL,
        state TEXT NOT NULL,
        channel TEXT NOT NULL,
        store_id TEXT,
        market TEXT NOT NULL,
        currency TEXT NOT NULL,
        total_minor BIGINT NOT NULL,
        returned_minor BIGINT NOT NULL,
        points_used BIGINT NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        paid_at TIMESTAMP WITH TIME ZONE,
        content_hash BYTEA NOT NULL,
        payments TEXT NOT NULL,
        effects TEXT NOT NULL,
        CONSTRAINT orders_pkey PRIMARY KEY (member_id, order_id),
        CONSTRAINT orders_total_minor_check CHECK (total_minor >= 0),
        CONSTRAINT orders_returned_minor_check CHECK (returned_minor BETWEEN 0 AND total_minor)
    )
    """)
    op.execute("CREATE INDEX orders_member_id_occurred_at_idx ON orders (member_id, occurred_at)")


def create_order_lines() -> None:
    op.execute("""
    CREATE TABLE order_lines (
        member_id UUID NOT NULL,
        order_id TEXT COLLATE "C" NOT NULL,
        line_no INTEGER NOT NULL,
        line_id TEXT NOT NULL,
        sku TEXT NOT NULL,
        quantity_milli BIGINT NOT NULL,
        amount_minor BIGINT NOT NULL,
        returned_milli BIGINT NOT NULL,
        returned_minor BIGINT NOT NULL,
        CONSTRAINT order_lines_pkey PRIMARY KEY (member_id, order_id, line_no),
        CONSTRAINT order_lines_quantity_milli_check CHECK (quantity_milli > 0),
        CONSTRAINT order_lines_amount_minor_check CHECK (amount_minor >= 0),
        CONSTRAINT order_lines_returned_milli_check CHECK (returned_milli BETWEEN 0 AND quantity_milli),
        CONSTRAINT order_lines_returned_minor_check CHECK (returned_minor BETWEEN 0 AND amount_minor)
    )
    """)


def create_order_returns() -> None:
    op.execute("""
    CREATE TABLE order_returns (
        member_id UUID NOT NULL,
        order_id TEXT COLLATE "C" NOT NULL,
        return_id TEXT COLLATE "C" NOT NULL,
        store_id TEXT,
        returned_minor BIGINT NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        content_hash BYTEA NOT NULL,
        lines TEXT NOT NULL,
        effects TEXT NOT NULL,
        CONSTRAINT order_returns_pkey PRIMARY KEY (member_id, order_id, return_id),
        CONSTRAINT order_returns_returned_minor_check CHECK (returned_minor >= 0)
    )
    """)


def create_guest_orders() -> None:
    op.execute("""
    CREATE TABLE guest_orders (
        order_id TEXT COLLATE "C" NOT NULL,
        state TEXT NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        document TEXT NOT NULL,
        claimed_by UUID,
        CONSTRAINT guest_orders_pkey PRIMARY KEY (order_id)
    )
    """)
    op.execute("CREATE INDEX guest_orders_unclaimed_idx ON guest_orders (occurred_at) WHERE claimed_by IS NULL")


def downgrade() -> None:
    """Drop everything."""
    for table in ("guest_orders", "order_returns", "order_lines", "orders", "order_keys", "stores"):
        op.execute(f"DROP TABLE {table}")
