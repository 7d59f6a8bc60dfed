"""The ledger: wallets, policies, books, transfers, lots, settlements, tiers.

Revision: 0004, after 0003.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    create_wallets()
    create_loyalty_policies()
    create_member_books()
    create_member_wallets()
    create_ledger_transfers()
    create_lots()
    create_lot_uses()
    create_settlements()
    create_tier_changes()


def create_wallets() -> None:
    op.execute("""
    CREATE TABLE wallets (
        wallet_id SMALLINT NOT NULL,
        code TEXT NOT NULL,
        qualifying BOOLEAN NOT NULL,
        spendable BOOLEAN NOT NULL,
        CONSTRAINT wallets_pkey PRIMARY KEY (wallet_id),
        CONSTRAINT wallets_wallet_id_check CHECK (wallet_id BETWEEN 1 AND 300),
        CONSTRAINT wallets_code_key UNIQUE (code)
    )
    """)


def create_loyalty_policies() -> None:
    op.execute("""
    CREATE TABLE loyalty_policies (
        version INTEGER NOT NULL,
        active_from TIMESTAMP WITH TIME ZONE NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        document TEXT NOT NULL,
        CONSTRAINT loyalty_policies_pkey PRIMARY KEY (version)
    )
    """)


def create_member_books() -> None:
    op.execute("""
    CREATE TABLE member_books (
        member_id UUID NOT NULL,
        time_zone TEXT NOT NULL,
        version BIGINT DEFAULT 0 NOT NULL,
        next_seq BIGINT DEFAULT 1 NOT NULL,
        last_recorded_at TIMESTAMP WITH TIME ZONE,
        tier SMALLINT DEFAULT 0 NOT NULL,
        tier_since TIMESTAMP WITH TIME ZONE,
        review_at TIMESTAMP WITH TIME ZONE,
        in_grace BOOLEAN DEFAULT false NOT NULL,
        window_sum BIGINT DEFAULT 0 NOT NULL,
        window_at TIMESTAMP WITH TIME ZONE,
        window_oldest_at TIMESTAMP WITH TIME ZONE,
        window_days INTEGER DEFAULT 0 NOT NULL,
        policy_seen INTEGER DEFAULT 0 NOT NULL,
        CONSTRAINT member_books_pkey PRIMARY KEY (member_id),
        CONSTRAINT member_books_member_id_fkey FOREIGN KEY(member_id) REFERENCES members (member_id)
    )
     WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX member_books_policy_seen_idx ON member_books (policy_seen) WHERE tier > 0")
    op.execute("CREATE INDEX member_books_review_at_idx ON member_books (review_at) WHERE review_at IS NOT NULL")


def create_member_wallets() -> None:
    op.execute("""
    CREATE TABLE member_wallets (
        member_id UUID NOT NULL,
        wallet_id SMALLINT NOT NULL,
        balance BIGINT NOT NULL,
        debt BIGINT NOT NULL,
        CONSTRAINT member_wallets_pkey PRIMARY KEY (member_id, wallet_id),
        CONSTRAINT member_wallets_debt_check CHECK (debt >= 0),
        CONSTRAINT member_wallets_balance_check CHECK (balance + debt >= 0),
        CONSTRAINT member_wallets_wallet_id_fkey FOREIGN KEY(wallet_id) REFERENCES wallets (wallet_id)
    )
     WITH (fillfactor = 70)
    """)


def create_ledger_transfers() -> None:
    op.execute("""
    CREATE TABLE ledger_transfers (
        member_id UUID NOT NULL,
        seq BIGINT NOT NULL,
        wallet_id SMALLINT NOT NULL,
        kind TEXT NOT NULL,
        debit_account SMALLINT NOT NULL,
        credit_account SMALLINT NOT NULL,
        amount BIGINT NOT NULL,
        balance_after BIGINT NOT NULL,
        debt_change BIGINT NOT NULL,
        qualifying BOOLEAN NOT NULL,
        reference TEXT COLLATE "C" NOT NULL,
        order_id TEXT,
        effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        written_at TIMESTAMP WITH TIME ZONE NOT NULL,
        policy_version INTEGER NOT NULL,
        basis TEXT NOT NULL,
        command_hash BYTEA,
        CONSTRAINT ledger_transfers_pkey PRIMARY KEY (member_id, seq),
        CONSTRAINT ledger_transfers_member_id_reference_key UNIQUE (member_id, reference),
        CONSTRAINT ledger_transfers_amount_check CHECK (amount > 0),
        CONSTRAINT ledger_transfers_one_side_is_the_members_check
            CHECK ((debit_account % 100 = 0) <> (credit_account % 100 = 0))
    )
    """)
    op.execute(
        "CREATE INDEX ledger_transfers_qualifying_idx ON ledger_transfers (member_id, effective_at) WHERE qualifying"
    )


def create_lots() -> None:
    op.execute("""
    CREATE TABLE lots (
        member_id UUID NOT NULL,
        lot_no BIGINT NOT NULL,
        wallet_id SMALLINT NOT NULL,
        amount BIGINT NOT NULL,
        remaining BIGINT NOT NULL,
        earned_at TIMESTAMP WITH TIME ZONE NOT NULL,
        available_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        order_id TEXT,
        CONSTRAINT lots_pkey PRIMARY KEY (member_id, lot_no),
        CONSTRAINT lots_amount_check CHECK (amount > 0),
        CONSTRAINT lots_remaining_check CHECK (remaining >= 0 AND remaining <= amount),
        CONSTRAINT lots_life_check CHECK (available_at < expires_at)
    )
    """)
    op.execute("CREATE INDEX lots_due_idx ON lots (expires_at) WHERE remaining > 0")
    op.execute("CREATE INDEX lots_open_idx ON lots (member_id, expires_at) WHERE remaining > 0")


def create_lot_uses() -> None:
    op.execute("""
    CREATE TABLE lot_uses (
        member_id UUID NOT NULL,
        seq BIGINT NOT NULL,
        use_no INTEGER NOT NULL,
        lot_no BIGINT NOT NULL,
        amount BIGINT NOT NULL,
        gives_back BIGINT NOT NULL,
        of_seq BIGINT,
        CONSTRAINT lot_uses_pkey PRIMARY KEY (member_id, seq, use_no),
        CONSTRAINT lot_uses_something_check CHECK (amount <> 0 OR gives_back > 0)
    )
    """)
    op.execute("CREATE INDEX lot_uses_of_seq_idx ON lot_uses (member_id, of_seq) WHERE of_seq IS NOT NULL")


def create_settlements() -> None:
    op.execute("""
    CREATE TABLE settlements (
        member_id UUID NOT NULL,
        order_id TEXT NOT NULL,
        total_minor BIGINT NOT NULL,
        points_used BIGINT NOT NULL,
        base BIGINT NOT NULL,
        multiplier INTEGER NOT NULL,
        tier SMALLINT NOT NULL,
        policy_version INTEGER NOT NULL,
        redeem_seq BIGINT,
        earn_seq BIGINT,
        effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        returned_minor BIGINT NOT NULL,
        points_used_now BIGINT NOT NULL,
        base_now BIGINT NOT NULL,
        CONSTRAINT settlements_pkey PRIMARY KEY (member_id, order_id),
        CONSTRAINT settlements_returned_minor_check CHECK (returned_minor BETWEEN 0 AND total_minor),
        CONSTRAINT settlements_points_used_now_check CHECK (points_used_now BETWEEN 0 AND points_used),
        CONSTRAINT settlements_base_now_check CHECK (base_now BETWEEN 0 AND base)
    )
    """)


def create_tier_changes() -> None:
    op.execute("""
    CREATE TABLE tier_changes (
        member_id UUID NOT NULL,
        seq BIGINT NOT NULL,
        from_tier SMALLINT NOT NULL,
        to_tier SMALLINT NOT NULL,
        cause TEXT NOT NULL,
        reference TEXT NOT NULL,
        metric BIGINT NOT NULL,
        policy_version INTEGER NOT NULL,
        effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT tier_changes_pkey PRIMARY KEY (member_id, seq)
    )
    """)


def downgrade() -> None:
    """Drop everything."""
    for table in (
        "tier_changes",
        "settlements",
        "lot_uses",
        "lots",
        "ledger_transfers",
        "member_wallets",
        "member_books",
        "loyalty_policies",
        "wallets",
    ):
        op.execute(f"DROP TABLE {table}")
