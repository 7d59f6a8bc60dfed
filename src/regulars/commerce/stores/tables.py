"""Stores: configuration, the same on every node."""

from sqlalchemy import Column, ForeignKey, Table, Text

from regulars.platform.db.schema import metadata

stores = Table(
    "stores",
    metadata,
    Column("store_id", Text, primary_key=True),
    Column("market", Text, ForeignKey("markets.code"), nullable=False),
    Column("name", Text, nullable=False),
)
