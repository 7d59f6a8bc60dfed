"""What every command is given."""

import os
from pathlib import Path

import pytest

from tests.entrypoints.commands import as_url


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """What it takes to find the program under test, and where it is to work: nothing else of who runs the tests."""
    inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {**inherited, "REGULARS_HOME": str(tmp_path), "DATABASE_URL": as_url(database_url)}
