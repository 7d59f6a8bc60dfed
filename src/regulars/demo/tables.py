"""How far each replay has come, so that it goes on where it was."""

from sqlalchemy import BigInteger, Column, SmallInteger, Table, Text

from regulars.platform.db.schema import metadata

replay_progress = Table(
    "replay_progress",
    metadata,
    Column("replay", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("facts_done", BigInteger, nullable=False),
)
