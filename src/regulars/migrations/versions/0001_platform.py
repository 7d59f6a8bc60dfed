"""The platform's tables: programme clock, outbox and relay, audit log and seals, jobs.

Revision: 0001, after nothing.
"""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)
# The newest of procrastinate's own migration scripts when this was written; see create_jobs.
NEWEST_SCRIPT_OF_JOBS = "03.04.00_50_post_add_retry_failed_job_procedure.sql"


class Native(UserDefinedType[str]):
    """A type of PostgreSQL that SQLAlchemy does not name."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name in SQL."""
        return self.name


def upgrade() -> None:
    """Create everything."""
    create_clock()
    create_outbox()
    create_audit_log()
    create_jobs()


def create_clock() -> None:
    op.create_table(
        "programme_clock",
        sa.Column("only_row", sa.SmallInteger, nullable=False),
        sa.Column("programme_at", INSTANT, nullable=False),
        sa.Column("wall_at", INSTANT, nullable=False),
        sa.Column("ticking", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("only_row", name="programme_clock_pkey"),
        sa.CheckConstraint("only_row = 1", name="programme_clock_only_row_check"),
    )


def create_outbox() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("outbox_seq")))
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger, server_default=sa.text("nextval('outbox_seq')"), nullable=False),
        sa.Column("transaction_id", Native("xid8"), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("event_id", UUID(as_uuid=True), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("member_id", UUID(as_uuid=True)),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="outbox_pkey"),
    )
    op.create_index("outbox_transaction_id_idx", "outbox", ["transaction_id"])
    op.create_table(
        "handled_events",
        sa.Column("event_id", UUID(as_uuid=True), nullable=False),
        sa.Column("handler", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("event_id", "handler", name="handled_events_pkey"),
    )
    op.create_table(
        "parked_events",
        sa.Column("handler", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("member_id", UUID(as_uuid=True)),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", INSTANT),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("parked_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("handler", "seq", name="parked_events_pkey"),
        sa.CheckConstraint("state IN ('retrying', 'parked', 'waiting')", name="parked_events_state_check"),
        sa.CheckConstraint(
            "(state = 'retrying') = (next_attempt_at IS NOT NULL)", name="parked_events_next_attempt_at_check"
        ),
    )
    op.create_index("parked_events_reader_next_attempt_at_idx", "parked_events", ["reader", "next_attempt_at"])
    op.create_index("parked_events_handler_member_id_seq_idx", "parked_events", ["handler", "member_id", "seq"])
    op.create_table(
        "relay_cursors",
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("last_snapshot", Native("pg_snapshot"), nullable=False),
        sa.Column("window_snapshot", Native("pg_snapshot")),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("end_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("reader", name="relay_cursors_pkey"),
    )


def create_audit_log() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("audit_entry_seq")))
    op.create_table(
        "audit_entries",
        sa.Column("entry_id", sa.BigInteger, server_default=sa.text("nextval('audit_entry_seq')"), nullable=False),
        sa.Column("transaction_id", Native("xid8"), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="audit_entries_pkey"),
    )
    op.create_index("audit_entries_transaction_id_idx", "audit_entries", ["transaction_id"])
    op.create_table(
        "audit_seals",
        sa.Column("seal_no", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        sa.Column("entry_ids", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("entry_digests", sa.LargeBinary, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("seal_no", name="audit_seals_pkey"),
        sa.CheckConstraint(
            "length(entry_digests) = 32 * cardinality(entry_ids)", name="audit_seals_entry_digests_check"
        ),
        sa.CheckConstraint("seal_no >= 1 AND cardinality(entry_ids) >= 1", name="audit_seals_block_check"),
    )
    # A guard against slips, not against the owner of the database: that is what the chain is for. `transaction_id`
    # is no part of an entry's content; a logical restore has to give it anew.
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN RAISE 'the audit log is append-only' USING ERRCODE = 'restrict_violation'; END$$
        """
    )
    content = "entry_id, written_at, actor, action, subject, reason, request_id, detail"
    for table, change in (("audit_entries", f"UPDATE OF {content}"), ("audit_seals", "UPDATE")):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE {change} OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def create_jobs() -> None:
    """Create procrastinate's tables as the installed release has them, and note up to which of its scripts.

    Its scripts cannot be run one after the other instead: before PostgreSQL 17 a transaction may not use enum values
    that it added itself. When procrastinate brings newer ones, a migration of ours runs those after the noted one.
    """
    # The driver's own connection: it takes several statements at once, and `%` as it is.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101 - for the type checker: a bound connection has one
    folder = files("procrastinate").joinpath("sql")
    newest = max(script.name for script in folder.joinpath("migrations").iterdir() if script.name.endswith(".sql"))
    connection.execute(folder.joinpath("schema.sql").read_text(encoding="utf-8"))
    connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{newest}'")
