"""What every command is given."""

import os
from pathlib import Path

import pytest

from tests.entrypoints.commands import as_url


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "REGULARS_HOME": str(tmp_path), "DATABASE_URL": as_url(database_url)}
