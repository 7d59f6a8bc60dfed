"""What a worker gives to the tasks of schedules, which may come due while a test has one: nobody imports anything."""

from pathlib import Path
from tempfile import gettempdir
from typing import Final

from regulars.platform.imports.files import ImportFiles

SUPPLIES: Final[dict[str, object]] = {
    "job_kinds": {},
    "import_files": ImportFiles(Path(gettempdir()) / "nothing-is-imported", bytes(32)),
}
