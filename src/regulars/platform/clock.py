"""The two clocks of Regulars, and the only place that reads the machine's.

The *wall clock* serves sessions, tokens, idempotency, rate limits and logs. The *programme clock* serves
everything a member would call "when": it equals the wall clock, unless a replay has left it standing at the end
of the replayed year, from where it ticks on. Both are UTC.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def in_utc(at: datetime) -> datetime:
    """Return an instant as UTC has it. One of the year 1 or 9999 may lie beyond: it stays, for whoever checks it."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return at


def wall_now() -> datetime:
    """Return the machine's instant, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """How the programme clock stands to the wall clock.

    `programme_at` is what the programme clock showed when the wall clock showed `wall_at`; a clock that does not
    tick shows `programme_at` for ever.
    """

    programme_at: datetime
    wall_at: datetime
    ticking: bool


class Clock:
    """The programme clock as this process knows it; `follow` takes over what the database says."""

    def __init__(self, setting: ClockSetting | None = None) -> None:
        self._setting = setting
        self._offset = timedelta(0)
        self.follow(setting)

    @property
    def setting(self) -> ClockSetting | None:
        """How the clock stands; None while it is the wall clock."""
        return self._setting

    def follow(self, setting: ClockSetting | None) -> None:
        """Take over a setting read from the database; None means: the programme clock is the wall clock."""
        self._setting = setting
        self._offset = setting.programme_at - setting.wall_at if setting is not None else timedelta(0)

    def now(self) -> datetime:
        """Return the programme's instant, UTC."""
        setting = self._setting
        if setting is not None and not setting.ticking:
            return setting.programme_at
        return datetime.now(UTC) + self._offset
