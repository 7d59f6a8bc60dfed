"""A vault and a post office for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.engagement.post_office import PostOffice


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[LocalVault]:
    opened = LocalVault(tmp_path / "vault")
    yield opened
    opened.close()


@pytest.fixture
async def office(database: Database, vault: LocalVault) -> PostOffice:
    """Return a shop in Shanghai whose programme clock ticks from NOW, in development mode."""
    return await PostOffice.open(database, vault)
