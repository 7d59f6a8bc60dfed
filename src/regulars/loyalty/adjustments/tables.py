"""Tables of adjustment requests: what was asked, and what was answered. Their rows never change.

Beside them what each person corrects alone.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

adjustment_requests = Table(
    "adjustment_requests",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("request_id", UUID(as_uuid=True), primary_key=True),
    Column("wallet_id", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", TIMESTAMP(timezone=True), nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("command_hash", LargeBinary, nullable=False),
    CheckConstraint("amount <> 0", name="amount"),
    CheckConstraint("asked_at < expires_at", name="life"),
    Index("adjustment_requests_asked_at_idx", "asked_at", "request_id"),
    UniqueConstraint("member_id", "request_id", "asked_by"),
    Index("adjustment_requests_expires_at_idx", "expires_at", "request_id"),
    Index("adjustment_requests_asked_by_idx", "asked_by", "asked_at", "request_id"),
)

adjustment_answers = Table(
    "adjustment_answers",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("request_id", UUID(as_uuid=True), primary_key=True),
    Column("answer", Text, nullable=False),
    Column("answered_by", Text, nullable=False),
    Column("answered_at", TIMESTAMP(timezone=True), nullable=False),
    Column("note", Text, nullable=False),
    Column("transfer_seq", BigInteger),
    Column("asked_by", Text, nullable=False),  # as the request has it, so that the database sees two persons
    CheckConstraint("answered_by <> asked_by", name="two_persons"),
    ForeignKeyConstraint(
        ["member_id", "request_id", "asked_by"],
        ["adjustment_requests.member_id", "adjustment_requests.request_id", "adjustment_requests.asked_by"],
    ),
    CheckConstraint("answer IN ('approved', 'refused')", name="answer"),
    CheckConstraint("(answer = 'approved') = (transfer_seq IS NOT NULL)", name="transfer_seq"),
)

# What each person posted by corrections on a day without a second one, while a limit of that was in force. A day is one
# for the whole programme, that of UTC: `time_zone` says so.
corrections_alone = Table(
    "corrections_alone",
    metadata,
    Column("person", Text, primary_key=True),
    Column("time_zone", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("units", BigInteger, nullable=False),
    CheckConstraint("units >= 0", name="units"),
)
