"""What races share: a programme, the lock that is turned off in negative controls, and waiting until somebody waits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from regulars.loyalty.ledger.store import reading
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import EASY, Programme

WAITING: Final = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[LocalVault]:
    opened = LocalVault(tmp_path / "vault")
    yield opened
    opened.close()


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    """Return a programme with the easy policy and no members."""
    return await Programme.begin(database, vault, EASY)


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the books as for a dry run, and go on as if they were locked."""
    monkeypatch.setattr(reading, "lock_books", lambda member_ids, *_, **__: reading.read_books(member_ids))
