"""SQL of what persons correct without a second one, by day of UTC."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import LiteralString

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

Day = tuple[str, date]  # person, day

# A row that is not there yet is made, so that there is something to wait for.
LOCK_DAYS: LiteralString = """
INSERT INTO corrections_alone AS c (person, time_zone, day, units)
SELECT person, 'UTC', day, 0 FROM unnest(%s::text[], %s::date[]) AS asked (person, day)
ORDER BY person, day
ON CONFLICT (person, time_zone, day) DO UPDATE SET units = c.units
RETURNING c.person, c.day, c.units
"""
READ_DAYS: LiteralString = """
SELECT asked.person, asked.day, coalesce(c.units, 0)
FROM unnest(%s::text[], %s::date[]) AS asked (person, day)
LEFT JOIN corrections_alone AS c ON c.person = asked.person AND c.time_zone = 'UTC' AND c.day = asked.day
"""
ADD: LiteralString = """
INSERT INTO corrections_alone AS c (person, time_zone, day, units)
SELECT person, 'UTC', day, units FROM unnest(%s::text[], %s::date[], %s::bigint[]) AS added (person, day, units)
ON CONFLICT (person, time_zone, day) DO UPDATE SET units = c.units + excluded.units
"""


async def read_days(tx: Transaction, days: Sequence[Day], *, lock: bool) -> dict[Day, int]:
    """Return the units of days; with `lock` nobody else adds to them until this transaction ends."""
    rows = await tx.rows(LOCK_DAYS if lock else READ_DAYS, _columns(days))
    return {(person, day): units for person, day, units in rows}


def add(tx: Transaction, added: Mapping[Day, int]) -> None:
    """Add units to days."""
    days = sorted(added)
    tx.write(ADD, (*_columns(days), arrays.ints([added[day] for day in days])))


def _columns(days: Sequence[Day]) -> tuple[str, str]:
    persons, dates = zip(*days, strict=True)
    return arrays.texts(persons), arrays.texts([day.isoformat() for day in dates])
