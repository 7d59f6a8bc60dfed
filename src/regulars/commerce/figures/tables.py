"""Roll-ups of sales: sums of local days, by each market's own time zone. They hold nothing that orders do not say."""

from sqlalchemy import BigInteger, Column, Date, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from regulars.platform.db.schema import metadata

sales_days = Table(
    "sales_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("orders", Integer, nullable=False),
    Column("revenue_minor", BigInteger, nullable=False),
)

store_sales_days = Table(
    "store_sales_days",
    metadata,
    Column("store_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("orders", Integer, nullable=False),
    Column("revenue_minor", BigInteger, nullable=False),
    Column("returned_minor", BigInteger, nullable=False),
    Index("store_sales_days_day_idx", "day"),
)

# By the day of the return; `store_id` is the order's, empty for an order of no store.
returns_days = Table(
    "returns_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("store_id", Text, primary_key=True),
    Column("returns", Integer, nullable=False),
    Column("returned_minor", BigInteger, nullable=False),
)

# How many members bought on a day, and next on another one ('infinity': not since). Who bought between two days is
# counted once by the last of their days there: the sum over `day` between them and `next_day` after them.
bought_again = Table(
    "bought_again",
    metadata,
    Column("next_day", Date, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("members", BigInteger, nullable=False),
)

# Members who are part of another one, and as whom they counted when `bought_again` was brought up to date last.
bought_as = Table(
    "bought_as",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("person_id", UUID(as_uuid=True), nullable=False),
    Index("bought_as_person_id_idx", "person_id"),
)
