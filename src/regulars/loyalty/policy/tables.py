"""Tables of policies and wallets: configuration, the same on every node."""

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, SmallInteger, Table, Text
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
)
