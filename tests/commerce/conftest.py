"""A vault and a shop for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import Shop


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[LocalVault]:
    opened = LocalVault(tmp_path / "vault")
    yield opened
    opened.close()


@pytest.fixture
async def shop(database: Database, vault: LocalVault, tmp_path: Path) -> AsyncIterator[Shop]:
    opened = await Shop(database, vault, tmp_path).begin()
    yield opened
    await opened.client.aclose()


@pytest.fixture
async def wang(shop: Shop) -> UUID:
    """A member without points."""
    return await shop.member("wang")
