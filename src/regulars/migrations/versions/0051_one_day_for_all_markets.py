"""What each person corrects alone is counted by days of UTC, and keys that nobody is known to own are one person.

Revision: 0051, after 0050.
"""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

# What was counted by the days of each market and by key is counted anew from the books, which say who corrected alone.
# Where nothing was, the books are not looked at.
COUNT_ANEW = """
INSERT INTO corrections_alone (person, time_zone, day, units)
SELECT CASE WHEN t.by NOT LIKE 'key:%' THEN t.by
            WHEN k.staff_id IS NOT NULL THEN 'staff:stf_' || replace(k.staff_id::text, '-', '')
            WHEN k.made_by LIKE 'cli:%' THEN k.made_by ELSE 'keys' END,
       'UTC', t.day, sum(t.amount)
FROM (
    SELECT nullif(basis, '')::jsonb ->> 'by' AS by, (recorded_at AT TIME ZONE 'UTC')::date AS day, amount
    FROM ledger_transfers
    WHERE kind = 'adjust' AND nullif(basis, '')::jsonb ? 'today' AND EXISTS (SELECT FROM corrections_alone)
) AS t
LEFT JOIN api_keys AS k ON t.by = 'key:ak_' || replace(k.key_id::text, '-', '')
GROUP BY 1, 3
ON CONFLICT (person, time_zone, day) DO UPDATE SET units = excluded.units
"""
STATEMENTS = (COUNT_ANEW, "DELETE FROM corrections_alone WHERE time_zone <> 'UTC'")


def upgrade() -> None:
    """Count anew, and forget what was counted by other days."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Leave it: the days of markets are counted from the next correction on."""
