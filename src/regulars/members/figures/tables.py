"""Roll-up of sign-ups: how many members joined on each local day of their market, none who is part of another."""

from sqlalchemy import Column, Date, Integer, Table, Text

from regulars.platform.db.schema import metadata

joined_days = Table(
    "joined_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("members", Integer, nullable=False),
)
