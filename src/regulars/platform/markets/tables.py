"""The markets of the programme: reference data, on every node."""

from sqlalchemy import CheckConstraint, Column, Table, Text

from regulars.platform.db.schema import metadata

markets = Table(
    "markets",
    metadata,
    Column("code", Text, primary_key=True),
    Column("country", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("privacy_regime", Text, nullable=False),
    CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
)
