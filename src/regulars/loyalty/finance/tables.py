"""Closed months: who closed them and when, what they held, and the digests by which that is proven. Append-only.

A row of `finance_closes` without `closed_at` is a month under way: nothing can be booked into it any more, and what
began before is waited for (`awaits`).
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, LargeBinary, Numeric, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from regulars.platform.db.schema import metadata

finance_closes = Table(
    "finance_closes",
    metadata,
    Column("month", Date, primary_key=True),
    Column("asked_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", TIMESTAMP(timezone=True), nullable=False),
    Column("awaits", ARRAY(Text)),
    Column("closed_at", TIMESTAMP(timezone=True)),
    Column("written_at", TIMESTAMP(timezone=True)),
    Column("transfers", BigInteger),
    Column("members", BigInteger),
    Column("parts", LargeBinary),
    Column("digest", LargeBinary),
    CheckConstraint("extract(day FROM month) = 1", name="month"),
    CheckConstraint("num_nulls(closed_at, written_at, transfers, members, parts, digest) IN (0, 6)", name="closed"),
    CheckConstraint("length(parts) = 8192 AND length(digest) = 32", name="digest"),
)

# Between which instants the month lay in each market; the first month that is closed has no beginning.
finance_bounds = Table(
    "finance_bounds",
    metadata,
    Column("month", Date, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("time_zone", Text, nullable=False),
    Column("since", TIMESTAMP(timezone=True)),
    Column("until", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("since < until", name="bounds"),
)

# `account` is the programme's, without its wallet: 1 issued, 2 redeemed, and so on.
finance_figures = Table(
    "finance_figures",
    metadata,
    Column("month", Date, primary_key=True),
    Column("wallet_id", SmallInteger, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("account", SmallInteger, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("transfers", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("debt_change", BigInteger, nullable=False),
)

# What was held at the month's end, what a unit paid then (NULL: nothing), and which share
# will probably expire unused, as estimated then (NULL: not enough was known).
finance_balances = Table(
    "finance_balances",
    metadata,
    Column("month", Date, primary_key=True),
    Column("wallet_id", SmallInteger, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("balance", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    Column("spendable", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("run_out", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False, server_default=text("0")),
    Column("point_value_minor", BigInteger),
    Column("breakage", Numeric(7, 6)),
    CheckConstraint("breakage BETWEEN 0 AND 1", name="breakage"),
)

# How lots earned in a month (`cohort`) developed in the closed one: units that lots brought, units taken from them.
finance_cohorts = Table(
    "finance_cohorts",
    metadata,
    Column("month", Date, primary_key=True),
    Column("wallet_id", SmallInteger, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("cohort", Date, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("opened", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
)
