"""What tasks of schedules ask for, which may come due while a test has a worker; and which jobs are not theirs."""

from pathlib import Path
from tempfile import gettempdir
from typing import Final, LiteralString

from regulars.platform.exports.files import ExportFiles
from regulars.platform.imports.files import ImportFiles

SUPPLIES: Final[dict[str, object]] = {
    "job_kinds": {},
    "import_files": ImportFiles(Path(gettempdir()) / "nothing-is-imported", bytes(32)),
    "export_files": ExportFiles(Path(gettempdir()) / "nothing-is-exported", bytes(32)),
}

# Jobs that somebody asked for: not those of a schedule.
NOT_SCHEDULED: Final[LiteralString] = (
    "id NOT IN (SELECT job_id FROM procrastinate_periodic_defers WHERE job_id IS NOT NULL)"
)
