"""How far each replay has come, so that it goes on where it was; and what a finished one came to."""

from sqlalchemy import BigInteger, Boolean, Column, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from regulars.platform.db.schema import metadata

replay_progress = Table(
    "replay_progress",
    metadata,
    Column("replay", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("facts_done", BigInteger, nullable=False),
)

finished_replays = Table(
    "finished_replays",
    metadata,
    Column("replay", Text, primary_key=True),
    Column("input", Text, nullable=False),  # what was replayed: see `finished.input_of`
    Column("figures", JSONB, nullable=False),  # a Summary, as the books stood when the replay ended
    Column("books_balanced", Boolean, nullable=False),  # whether the latest proof of the books held; false before one
)
