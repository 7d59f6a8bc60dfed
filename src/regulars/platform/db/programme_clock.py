"""The programme clock's one row, shared by all processes."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from sqlalchemy import Boolean, CheckConstraint, Column, SmallInteger, Table
from sqlalchemy.dialects.postgresql import TIMESTAMP

from regulars.platform.clock import ClockSetting, wall_now
from regulars.platform.db.schema import metadata

programme_clock = Table(
    "programme_clock",
    metadata,
    Column("only_row", SmallInteger, primary_key=True),
    Column("programme_at", TIMESTAMP(timezone=True), nullable=False),
    Column("wall_at", TIMESTAMP(timezone=True), nullable=False),
    Column("ticking", Boolean, nullable=False),
    CheckConstraint("only_row = 1", name="only_row"),
)


async def read_setting(connection: AsyncConnection[Any]) -> ClockSetting | None:
    """Return how the programme clock stands; None while it is the wall clock (or nothing is migrated yet)."""
    cursor = await connection.execute("SELECT to_regclass('programme_clock') IS NOT NULL")
    row = await cursor.fetchone()
    if row is None or not row[0]:
        return None
    cursor = await connection.execute("SELECT programme_at, wall_at, ticking FROM programme_clock")
    row = await cursor.fetchone()
    return None if row is None else ClockSetting(*row)


async def hold_programme_clock(connection: AsyncConnection[Any], at: datetime) -> None:
    """Let the programme clock stand at `at`, or move one that stands before on to it; one that ticks is left alone."""
    await connection.execute(
        """
        INSERT INTO programme_clock (only_row, programme_at, wall_at, ticking) VALUES (1, %s, %s, false)
        ON CONFLICT (only_row) DO UPDATE SET programme_at = excluded.programme_at, wall_at = excluded.wall_at
        WHERE NOT programme_clock.ticking AND programme_clock.programme_at < excluded.programme_at
        """,
        (at, wall_now()),
    )


async def let_programme_clock_tick(connection: AsyncConnection[Any], at: datetime) -> None:
    """Let a clock that stands tick on from `at`; one that ticks already is left alone."""
    await connection.execute(
        "UPDATE programme_clock SET programme_at = %s, wall_at = %s, ticking = true WHERE NOT ticking",
        (at, wall_now()),
    )


async def set_programme_clock(connection: AsyncConnection[Any], at: datetime, *, ticking: bool) -> ClockSetting:
    """Put the programme clock to `at`; it ticks on from there, or stands still."""
    setting = ClockSetting(at, wall_now(), ticking)
    await connection.execute(
        """
        INSERT INTO programme_clock (only_row, programme_at, wall_at, ticking) VALUES (1, %s, %s, %s)
        ON CONFLICT (only_row) DO UPDATE
        SET programme_at = excluded.programme_at, wall_at = excluded.wall_at, ticking = excluded.ticking
        """,
        (setting.programme_at, setting.wall_at, setting.ticking),
    )
    return setting
