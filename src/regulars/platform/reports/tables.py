"""Reports: what was asked, how far it has come, and the result; and which of them somebody wants stopped."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

reports = Table(
    "reports",
    metadata,
    Column("report_id", UUID(as_uuid=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("question", Text(collation="C"), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", TIMESTAMP(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("all_of_it", BigInteger, nullable=False),
    Column("carry", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("result", Text),
    Column("error", Text),
    Column("began_at", TIMESTAMP(timezone=True)),
    Column("as_of", TIMESTAMP(timezone=True)),
    Column("ended_at", TIMESTAMP(timezone=True)),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
    CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="result"),
    CheckConstraint("(state IN ('queued', 'running')) = (ended_at IS NULL)", name="ended_at"),
    Index("reports_open_key", "question", unique=True, postgresql_where=text("state IN ('queued', 'running')")),
    Index("reports_question_asked_at_idx", "question", "asked_at"),
    Index("reports_kind_asked_at_idx", "kind", "asked_at"),
)

# A row of its own, so that whoever stops a report waits for none of its slices, and no slice fails by it.
report_cancellations = Table(
    "report_cancellations",
    metadata,
    Column("report_id", UUID(as_uuid=True), ForeignKey("reports.report_id", ondelete="CASCADE"), primary_key=True),
    Column("cancelled_by", Text, nullable=False),
    Column("cancelled_at", TIMESTAMP(timezone=True), nullable=False),
)
