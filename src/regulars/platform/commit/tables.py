"""Stored answers: what a mutation was told, kept for its retries."""

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, Table, Text
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
