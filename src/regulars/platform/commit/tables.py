"""Stored answers: what a mutation was told, kept for its retries; and refusals, kept longer, to be explained."""

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from regulars.platform.db.schema import metadata

idempotency_answers = Table(
    "idempotency_answers",
    metadata,
    Column("client", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    Index("idempotency_answers_written_at_idx", "written_at", postgresql_using="brin"),
)

# What a refusal was decided by, so that it can be told later in any language. Callers may give several requests one id.
refusals = Table(
    "refusals",
    metadata,
    Column("refusal_no", BigInteger, Identity(always=True), primary_key=True),
    Column("request_id", Text(collation="C"), nullable=False),
    Column("client", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("pointer", Text),
    Column("data", Text, nullable=False),
    Column("refused_at", TIMESTAMP(timezone=True), nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    Index("refusals_request_id_idx", "request_id", "refusal_no"),
    Index("refusals_key_hash_idx", "key_hash", "refusal_no"),
    Index("refusals_written_at_idx", "written_at", postgresql_using="brin"),
)
