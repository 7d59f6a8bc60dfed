"""The product under a wall clock that a test moves: `python -m tests.faults.stepped_clock serve ...`.

`FAULTS_CLOCK_OFFSET` names a file that holds by how many seconds the wall clock is wrong; it is read each time the
product asks what time it is. Timers run on the monotonic clock, as they do on a machine whose clock is set.
"""

import os
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from regulars.entrypoints.cli import main
from regulars.platform import clock

OFFSET = "FAULTS_CLOCK_OFFSET"

_machine: type[datetime] = vars(clock)["datetime"]


class SteppedClock:
    """What `platform.clock` asks instead of the machine."""

    @staticmethod
    def now(zone: tzinfo) -> datetime:
        """Return the machine's instant, moved."""
        return _machine.now(zone) + timedelta(seconds=float(Path(os.environ[OFFSET]).read_text()))


if __name__ == "__main__":
    vars(clock)["datetime"] = SteppedClock
    main()
