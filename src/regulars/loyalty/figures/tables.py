"""Roll-ups of the books: what was booked, and who changed tiers, on each local day of the member's market."""

from sqlalchemy import BigInteger, Column, Date, Integer, SmallInteger, Table, Text

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
