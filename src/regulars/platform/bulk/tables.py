"""Jobs, how far each has come, and which of them somebody wants stopped."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", UUID(as_uuid=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("asked_by", Text(collation="C"), nullable=False),
    Column("asked_at", TIMESTAMP(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("all_of_it", BigInteger, nullable=False),
    Column("counts", Text, nullable=False),
    Column("carry", Text, nullable=False),
    Column("steps", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failure", Text),
    Column("began_at", TIMESTAMP(timezone=True)),
    Column("ended_at", TIMESTAMP(timezone=True)),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
    CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failure"),
    CheckConstraint("(state IN ('queued', 'running')) = (ended_at IS NULL)", name="ended_at"),
    Index("jobs_asked_at_idx", "asked_at", "job_id"),
    Index("jobs_asked_by_asked_at_idx", "asked_by", "asked_at", "job_id"),
)

# A row of its own, so that whoever stops a job waits for none of its steps, and no step fails by it.
job_cancellations = Table(
    "job_cancellations",
    metadata,
    Column("job_id", UUID(as_uuid=True), ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True),
    Column("cancelled_by", Text, nullable=False),
    Column("cancelled_at", TIMESTAMP(timezone=True), nullable=False),
)
