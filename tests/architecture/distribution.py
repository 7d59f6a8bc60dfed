"""Which table stands how on a cluster, and what PostgreSQL's catalogs say against it. See docs/architecture.md."""

from collections.abc import Iterator, Mapping
from typing import Any, LiteralString

from psycopg import Connection

MEMBER = "member_id"

# Copied to every node: configuration, few rows, joined by anything.
REFERENCE = {
    "consent_wordings",
    "identity_rules",
    "loyalty_policies",
    "markets",
    "policy_draft_revisions",
    "policy_drafts",
    "policy_withdrawals",
    "stores",
    "wallets",
}

# What a member owns: distributed by member_id, all of one member on one node.
MEMBER_OWNED = {
    "consent_requests",
    "preview_members",
    "consents",
    "erasures",
    "adjustment_answers",
    "adjustment_requests",
    "ledger_forwards",
    "ledger_transfers",
    "hold_ends",
    "book_joinings",
    "bought_as",
    "hold_lots",
    "holds",
    "lot_uses",
    "lots",
    "household_members",
    "member_books",
    "member_exports",
    "member_identities",
    "member_merges",
    "member_profiles",
    "member_sessions",
    "member_wallets",
    "merge_evidence",
    "merge_proposals",
    "members",
    "mail_standings",
    "message_occasions",
    "order_lines",
    "order_returns",
    "orders",
    "point_transfer_reversals",
    "point_transfers",
    "settlements",
    "tier_changes",
    "book_sums",
    "used_card_codes",
}

# Uniqueness of a value whoever it belongs to: distributed by that value.
BY_VALUE = {
    "access_codes": "ticket_id",
    "guest_orders": "order_id",
    "household_changes": "household_id",
    "households": "household_id",
    "idempotency_answers": "key",
    "identities": "blind_index",
    "messages": "recipient_id",  # with its member's rows; a bare address has none
    "order_keys": "order_id",
}

# On the coordinator alone: the deployment's own rows, its logs, and what works through them.
LOCAL = {
    "policy_arrivals",
    "bought_again",
    "finance_balances",
    "finance_bounds",
    "finance_closes",
    "finance_cohorts",
    "finance_figures",
    "joined_days",
    "points_days",
    "points_months",
    "points_minutes",
    "returns_days",
    "rollup_days",
    "rollups",
    "sales_days",
    "store_sales_days",
    "tier_days",
    "api_key_revision",
    "api_keys",
    "attempts",
    "audit_entries",
    "audit_seals",
    "code_tallies",
    "corrections_alone",
    "device_enrolments",
    "expiry_notices",
    "handled_events",
    "member_vault",
    "outbox",
    "parked_events",
    "programme_clock",
    "refusals",
    "finished_replays",
    "relay_cursors",
    "replay_progress",
    "report_cancellations",
    "reports",
    "staff_accounts",
    "staff_links",
    "staff_recovery_codes",
    "staff_sessions",
    "staff_steps",
    "store_devices",
    "export_parts",
    "exports",
    "import_parts",
    "import_problems",
    "imports",
    "job_cancellations",
    "jobs",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
    "webhook_events",
}
# Made by libraries; local as well.
NOT_OURS = ("procrastinate_", "alembic_version")

DISTRIBUTED: Mapping[str, str] = dict.fromkeys(MEMBER_OWNED, MEMBER) | BY_VALUE

Row = tuple[Any, ...]

TABLES: LiteralString = """
SELECT relname, relpersistence FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""
UNIQUE: LiteralString = """
SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text, array_agg(a.attname::text)
FROM pg_index AS i
JOIN pg_class AS t ON t.oid = i.indrelid AND t.relnamespace = 'public'::regnamespace
LEFT JOIN pg_attribute AS a
  ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
WHERE i.indisunique OR i.indisexclusion GROUP BY 1, 2 ORDER BY 1, 2
"""
FOREIGN: LiteralString = """
SELECT conrelid::regclass::text, conname, confrelid::regclass::text, confdeltype IN ('n', 'd') OR confupdtype <> 'a',
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)),
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = confrelid AND attnum = ANY (confkey))
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1, 2
"""
IDENTITY: LiteralString = """
SELECT attrelid::regclass::text, attname FROM pg_attribute
JOIN pg_class ON oid = attrelid AND relnamespace = 'public'::regnamespace
WHERE attidentity <> '' ORDER BY 1, 2
"""
TRIGGERS: LiteralString = """
SELECT tgrelid::regclass::text, tgname FROM pg_trigger
JOIN pg_class ON pg_class.oid = tgrelid AND relnamespace = 'public'::regnamespace
WHERE NOT tgisinternal ORDER BY 1, 2
"""
WITH_MEMBER: LiteralString = """
SELECT attrelid::regclass::text FROM pg_attribute
JOIN pg_class ON oid = attrelid AND relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
WHERE attname = 'member_id' AND attnotnull ORDER BY 1
"""


def faults(connection: Connection[Row]) -> Iterator[str]:
    """Yield whatever a distributed schema would not take, by the catalogs of this database."""
    yield from _unlisted(connection)
    for table, index, columns in connection.execute(UNIQUE):
        if table in DISTRIBUTED and DISTRIBUTED[table] not in columns:
            yield f"{table}: the key {index} lacks {DISTRIBUTED[table]}"
    yield from _foreign_keys(connection)
    for table, column in connection.execute(IDENTITY):
        if not table.startswith(NOT_OURS) and table not in LOCAL:
            yield f"{table}: {column} is an identity column"
    for table, trigger in connection.execute(TRIGGERS):
        if table in DISTRIBUTED:
            yield f"{table}: the trigger {trigger}"


def _unlisted(connection: Connection[Row]) -> Iterator[str]:
    """Each table stands in one list; what belongs to a member without exception is distributed by the member."""
    lists = [REFERENCE, MEMBER_OWNED, set(BY_VALUE), LOCAL]
    there: dict[str, str] = dict(connection.execute(TABLES).fetchall())
    for table, persistence in there.items():
        if table.startswith(NOT_OURS):
            continue
        if (count := sum([table in each for each in lists])) != 1:
            yield f"{table}: it stands in {count} lists"
        if persistence == "u":
            yield f"{table}: it is UNLOGGED"
    for table in sorted(set().union(*lists) - there.keys()):
        yield f"{table}: there is no such table"
    for (table,) in connection.execute(WITH_MEMBER):
        if table not in MEMBER_OWNED | set(BY_VALUE):
            yield f"{table}: it has a member, and is not distributed by member"


def _foreign_keys(connection: Connection[Row]) -> Iterator[str]:
    for table, name, target, changes_rows, columns, targets in connection.execute(FOREIGN):
        if table.startswith(NOT_OURS):
            continue
        if table in MEMBER_OWNED and target in MEMBER_OWNED:
            if MEMBER not in columns or MEMBER not in targets:
                yield f"{table}: the foreign key {name} lacks {MEMBER}"
        elif target not in REFERENCE and (table in DISTRIBUTED or target in DISTRIBUTED or table in REFERENCE):
            yield f"{table}: the foreign key {name} goes to {target}"
        if changes_rows and table in DISTRIBUTED:
            yield f"{table}: the foreign key {name} changes rows when {target} does"
