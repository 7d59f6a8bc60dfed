"""A vault and two markets for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.members.people import define_markets


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[LocalVault]:
    opened = LocalVault(tmp_path / "vault")
    yield opened
    opened.close()


@pytest.fixture
async def shop(database: Database) -> Database:
    """Return an open database of a programme with the markets CN and US."""
    await define_markets(database)
    return database
