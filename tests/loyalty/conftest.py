"""A programme with policies, members and open books for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import EASY, Programme


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[LocalVault]:
    opened = LocalVault(tmp_path / "vault")
    yield opened
    opened.close()


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    """Return a programme with the easy policy and no members."""
    return await Programme.begin(database, vault, EASY)
