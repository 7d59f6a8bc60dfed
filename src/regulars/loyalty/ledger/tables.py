"""Tables of the ledger, all owned by the member: every key begins with `member_id`.

`member_books` is the lock and the cache of a member's ledger, `ledger_transfers` the books themselves (append-only),
`lots` and `lot_uses` say which points they are. There are no foreign keys between these tables: each row is written
under the member's lock, and `regulars verify` proves what a key would.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

member_books = Table(
    "member_books",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("time_zone", Text, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    Column("next_seq", BigInteger, nullable=False, server_default=text("1")),
    Column("last_recorded_at", TIMESTAMP(timezone=True)),
    Column("tier", SmallInteger, nullable=False, server_default=text("0")),
    Column("tier_since", TIMESTAMP(timezone=True)),
    Column("review_at", TIMESTAMP(timezone=True)),
    Column("in_grace", Boolean, nullable=False, server_default=text("false")),
    Column("window_sum", BigInteger, nullable=False, server_default=text("0")),
    Column("window_at", TIMESTAMP(timezone=True)),
    Column("window_oldest_at", TIMESTAMP(timezone=True)),
    Column("window_days", Integer, nullable=False, server_default=text("0")),
    Column("policy_seen", Integer, nullable=False, server_default=text("0")),
    Column("signed_up_at", TIMESTAMP(timezone=True), nullable=False),
    Column("closed_at", TIMESTAMP(timezone=True)),  # of a member who was erased: nothing new, returns still settle
    Column("hold_until", TIMESTAMP(timezone=True)),
    Column("merged_into", UUID(as_uuid=True)),  # whose books this member's are part of now
    Column("merged_by", UUID(as_uuid=True)),  # by which merge
    Column("has_forwards", Boolean, nullable=False, server_default=text("false")),
    Index("member_books_tier_idx", "tier", "signed_up_at", "member_id", postgresql_where=text("tier > 0")),
    Index(
        "member_books_review_idx", "review_at", postgresql_where=text("review_at IS NOT NULL AND merged_into IS NULL")
    ),
    Index("member_books_policy_idx", "policy_seen", postgresql_where=text("tier > 0 AND merged_into IS NULL")),
    CheckConstraint("(merged_into IS NULL) = (merged_by IS NULL)", name="merged"),
    CheckConstraint("merged_into <> member_id", name="merged_into_others"),
    Index("member_books_hold_until_idx", "hold_until", postgresql_where=text("hold_until IS NOT NULL")),
    Index("member_books_elsewhere_idx", "member_id", postgresql_where=text("merged_into IS NOT NULL OR has_forwards")),
    postgresql_with={"fillfactor": "70"},
)

member_wallets = Table(
    "member_wallets",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("wallet_id", SmallInteger, ForeignKey("wallets.wallet_id"), primary_key=True),
    Column("balance", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    CheckConstraint("debt >= 0", name="debt"),
    CheckConstraint("balance + debt >= 0", name="balance"),
    postgresql_with={"fillfactor": "70"},
)

ledger_transfers = Table(
    "ledger_transfers",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("wallet_id", SmallInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("debit_account", SmallInteger, nullable=False),
    Column("credit_account", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("balance_after", BigInteger, nullable=False),
    Column("debt_change", BigInteger, nullable=False),
    Column("qualifying", Boolean, nullable=False),
    Column("reference", Text(collation="C"), nullable=False),
    Column("order_id", Text),
    Column("effective_at", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("basis", Text, nullable=False),
    Column("command_hash", LargeBinary),
    UniqueConstraint("member_id", "reference"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("(debit_account % 100 = 0) <> (credit_account % 100 = 0)", name="one_side_is_the_members"),
    Index("ledger_transfers_qualifying_idx", "member_id", "effective_at", postgresql_where=text("qualifying")),
    Index("ledger_transfers_recorded_at_member_id_seq_idx", "recorded_at", "member_id", "seq"),
)

lots = Table(
    "lots",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("lot_no", BigInteger, primary_key=True),
    Column("wallet_id", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("earned_at", TIMESTAMP(timezone=True), nullable=False),
    Column("available_at", TIMESTAMP(timezone=True), nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Column("order_id", Text),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining"),
    CheckConstraint("available_at < expires_at", name="life"),
    Index("lots_open_idx", "member_id", "expires_at", postgresql_where=text("remaining > 0")),
    Index("lots_due_idx", "expires_at", postgresql_where=text("remaining > 0")),
)

lot_uses = Table(
    "lot_uses",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("use_no", Integer, primary_key=True),
    Column("lot_no", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("gives_back", BigInteger, nullable=False),
    Column("of_seq", BigInteger),
    CheckConstraint("amount <> 0 OR gives_back > 0", name="something"),
    Index("lot_uses_lot_no_idx", "member_id", "lot_no", "seq"),
    Index("lot_uses_of_seq_idx", "member_id", "of_seq", postgresql_where=text("of_seq IS NOT NULL")),
)

# What is kept for a purpose. A hold without an end is open until its deadline; both are rows that never change.
holds = Table(
    "holds",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("hold_id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("wallet_id", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("placed_at", TIMESTAMP(timezone=True), nullable=False),
    Column("deadline", TIMESTAMP(timezone=True), nullable=False),
    Column("command_hash", LargeBinary, nullable=False),
    UniqueConstraint("member_id", "seq"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("placed_at < deadline", name="life"),
    Index("holds_placed_at_idx", "placed_at", "hold_id"),
    Index("holds_deadline_idx", "deadline", "hold_id"),
)

hold_lots = Table(
    "hold_lots",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("hold_id", UUID(as_uuid=True), primary_key=True),
    Column("part_no", Integer, primary_key=True),
    Column("lot_no", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount > 0", name="amount"),
    Index("hold_lots_lot_no_idx", "member_id", "lot_no"),
)

hold_ends = Table(
    "hold_ends",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("hold_id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("how", Text, nullable=False),
    Column("posted", BigInteger, nullable=False),
    Column("transfer_seq", BigInteger),
    Column("expire_seq", BigInteger),
    Column("reason", Text, nullable=False),
    Column("effective_at", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("how IN ('posted', 'voided', 'timed_out')", name="how"),
    CheckConstraint("(posted > 0) = (how = 'posted') AND (posted > 0) = (transfer_seq IS NOT NULL)", name="posted"),
    Index("hold_ends_seq_idx", "member_id", "seq"),
    Index("hold_ends_how_recorded_at_idx", "how", "recorded_at", "hold_id"),
)

# When books became part of others, and their own again: one row in the books of either. `other_id` is whose the others
# are; each merge joins once and is parted once.
book_joinings = Table(
    "book_joinings",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("merge_id", UUID(as_uuid=True), nullable=False),
    Column("step", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("other_id", UUID(as_uuid=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    UniqueConstraint("member_id", "merge_id", "step"),
    CheckConstraint("step IN ('joined', 'parted')", name="step"),
    CheckConstraint("role IN ('survivor', 'absorbed')", name="role"),
    CheckConstraint("other_id <> member_id", name="two"),
)

settlements = Table(
    "settlements",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("total_minor", BigInteger, nullable=False),
    Column("points_used", BigInteger, nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("multiplier", Integer, nullable=False),
    Column("tier", SmallInteger, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("redeem_seq", BigInteger),
    Column("earn_seq", BigInteger),
    Column("effective_at", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("returned_minor", BigInteger, nullable=False),
    Column("points_used_now", BigInteger, nullable=False),
    Column("base_now", BigInteger, nullable=False),
    CheckConstraint("returned_minor BETWEEN 0 AND total_minor", name="returned_minor"),
    CheckConstraint("points_used_now BETWEEN 0 AND points_used", name="points_used_now"),
    CheckConstraint("base_now BETWEEN 0 AND base", name="base_now"),
)

# What was addressed to a member while its books were part of another's, and stands there: `name` is the reference of a
# posting, the id of a hold, or an order. It was used for that member for ever, also when the merge is undone.
ledger_forwards = Table(
    "ledger_forwards",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text(collation="C"), primary_key=True),
    Column("to_member_id", UUID(as_uuid=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("kind IN ('posting', 'hold', 'order')", name="kind"),
    CheckConstraint("to_member_id <> member_id", name="elsewhere"),
)

tier_changes = Table(
    "tier_changes",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("from_tier", SmallInteger, nullable=False),
    Column("to_tier", SmallInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("metric", BigInteger, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("effective_at", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Index(
        "tier_changes_recorded_at_idx",
        "recorded_at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "16"},
    ),
)
