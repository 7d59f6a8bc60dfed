"""SQL of what persons correct without a second one, by local day."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import LiteralString

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

Day = tuple[str, str, date]  # person, time zone, local day

# A row that is not there yet is made, so that there is something to wait for.
LOCK_DAYS: LiteralString = """
INSERT INTO corrections_alone AS c (person, time_zone, day, units)
SELECT person, time_zone, day, 0 FROM unnest(%s::text[], %s::text[], %s::date[]) AS asked (person, time_zone, day)
ORDER BY person, time_zone, day
ON CONFLICT (person, time_zone, day) DO UPDATE SET units = c.units
RETURNING c.person, c.time_zone, c.day, c.units
"""
READ_DAYS: LiteralString = """
SELECT asked.person, asked.time_zone, asked.day, coalesce(c.units, 0)
FROM unnest(%s::text[], %s::text[], %s::date[]) AS asked (person, time_zone, day)
LEFT JOIN corrections_alone AS c USING (person, time_zone, day)
"""
ADD: LiteralString = """
INSERT INTO corrections_alone AS c (person, time_zone, day, units)
SELECT * FROM unnest(%s::text[], %s::text[], %s::date[], %s::bigint[])
ON CONFLICT (person, time_zone, day) DO UPDATE SET units = c.units + excluded.units
"""


async def read_days(tx: Transaction, days: Sequence[Day], *, lock: bool) -> dict[Day, int]:
    """Return the units of days; with `lock` nobody else adds to them until this transaction ends."""
    rows = await tx.rows(LOCK_DAYS if lock else READ_DAYS, _columns(days))
    return {(person, time_zone, day): units for person, time_zone, day, units in rows}


def add(tx: Transaction, added: Mapping[Day, int]) -> None:
    """Add units to days."""
    days = sorted(added)
    tx.write(ADD, (*_columns(days), arrays.ints([added[day] for day in days])))


def _columns(days: Sequence[Day]) -> tuple[str, str, str]:
    persons, zones, dates = zip(*days, strict=True)
    return arrays.texts(persons), arrays.texts(zones), arrays.texts([day.isoformat() for day in dates])
