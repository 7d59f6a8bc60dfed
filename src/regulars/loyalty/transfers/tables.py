"""Transfers between members: a row with the one who gave, one with the one who got; and those that were taken back.

All rows are only ever appended. The units themselves are moves in the ledger under `transfer:{id}`.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

point_transfers = Table(
    "point_transfers",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("transfer_id", UUID(as_uuid=True), primary_key=True),
    Column("side", Text, nullable=False),
    Column("other_id", UUID(as_uuid=True), nullable=False),
    Column("wallet_id", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reference", Text),
    Column("command_hash", LargeBinary),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("member_id <> other_id", name="two"),
    CheckConstraint("side IN ('given', 'received')", name="side"),
    CheckConstraint(
        "(side = 'given') = (reference IS NOT NULL) AND (reference IS NULL) = (command_hash IS NULL)", name="reference"
    ),
    Index(
        "point_transfers_member_id_reference_key",
        "member_id",
        "reference",
        unique=True,
        postgresql_where=text("reference IS NOT NULL"),
    ),
    Index("point_transfers_member_id_recorded_at_idx", "member_id", "recorded_at"),
)

point_transfer_reversals = Table(
    "point_transfer_reversals",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("transfer_id", UUID(as_uuid=True), primary_key=True),
    Column("returned", BigInteger, nullable=False),
    Column("covered", BigInteger, nullable=False),
    Column("shortfall", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
)
