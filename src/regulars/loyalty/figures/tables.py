"""Roll-ups of the books: what was booked, and who changed tiers, by the local days of the member's market."""

from sqlalchemy import BigInteger, Column, Date, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

# By when it was recorded. `units` and `debt_change` are as in the ledger, with their signs from the member's side.
points_days = Table(
    "points_days",
    metadata,
    Column("wallet_id", SmallInteger, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("transfers", Integer, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("debt_change", BigInteger, nullable=False),
)

# Whole months of the same, so that years are few rows.
points_months = Table(
    "points_months",
    metadata,
    Column("wallet_id", SmallInteger, primary_key=True),
    Column("month", Date, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("transfers", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("debt_change", BigInteger, nullable=False),
)

# And parts of a day, for what was held at an instant: the five minutes that begin at `began_at`, as far as they
# lie in a local day.
points_minutes = Table(
    "points_minutes",
    metadata,
    Column("began_at", TIMESTAMP(timezone=True), primary_key=True),
    Column("wallet_id", SmallInteger, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("units", BigInteger, nullable=False),
    Column("debt_change", BigInteger, nullable=False),
)

# How many more members held a tier at the day's end than at its beginning; everybody begins in the lowest, which is
# counted from the moves alone. Who is part of another member is in none of them.
tier_days = Table(
    "tier_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("tier", SmallInteger, primary_key=True),
    Column("change", Integer, nullable=False),
)

# Of members with many transfers: what the first `seq` entries of their books did to a wallet, by kind. Rows are added
# every 256 entries, some time after these; the last of the entries was recorded at `recorded_at`, the first of the kind
# is `first_seq`.
book_sums = Table(
    "book_sums",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("wallet_id", SmallInteger, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("transfers", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
)
