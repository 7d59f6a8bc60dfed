"""Tables of policies and wallets: configuration, the same on every node.

A version is appended and never changes; one that is withdrawn before its instant gets a row of its own, which cannot be
made once the instant has come. The database itself refuses to change or delete either (migration 0025).
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from regulars.platform.db.schema import metadata

wallets = Table(
    "wallets",
    metadata,
    Column("wallet_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column("qualifying", Boolean, nullable=False),
    Column("spendable", Boolean, nullable=False),
    CheckConstraint("wallet_id BETWEEN 1 AND 300", name="wallet_id"),
)

loyalty_policies = Table(
    "loyalty_policies",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("active_from", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("document", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("scheduled_by", Text, nullable=False, server_default=text("''")),
    Column("approved_by", Text, nullable=False, server_default=text("''")),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("lifts", Boolean, nullable=False, server_default=text("false")),  # those of earlier releases did not
    UniqueConstraint("version", "active_from"),
    CheckConstraint("approved_by = '' OR approved_by <> scheduled_by", name="two_persons"),
)

policy_withdrawals = Table(
    "policy_withdrawals",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("active_from", TIMESTAMP(timezone=True), nullable=False),
    Column("withdrawn_at", TIMESTAMP(timezone=True), nullable=False),
    Column("withdrawn_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(["version", "active_from"], ["loyalty_policies.version", "loyalty_policies.active_from"]),
    CheckConstraint("withdrawn_at < active_from", name="before_its_instant"),
)
