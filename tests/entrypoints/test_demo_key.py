"""The demo's API key stays the same for as long as it is good."""

from pathlib import Path
from uuid import UUID

import pytest

from regulars.demo.key import KEY_FILE, key_to_try
from regulars.platform.auth import service as keys
from regulars.platform.auth.contracts import SCOPES
from regulars.platform.db.database import Database

pytestmark = pytest.mark.anyio


async def test_every_start_prints_the_same_key_until_it_is_revoked(database: Database, tmp_path: Path) -> None:
    token = await key_to_try(database, tmp_path)
    assert await key_to_try(database, tmp_path) == token
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert (await keys.Authenticator(database).authenticate(f"Bearer {token}".encode())).scopes == set(SCOPES)
    async with database.transaction() as tx:
        assert len(await keys.list_keys(tx)) == 1
        await keys.revoke_key(tx, UUID(token.split("_")[1]))
    other = await key_to_try(database, tmp_path)
    assert other != token
    assert await key_to_try(database, tmp_path) == other


@pytest.mark.parametrize("kept", ["", "rgl_nonsense", "rgl_" + "0" * 32 + "_" + "1" * 64])
async def test_a_key_that_is_none_is_made_anew(database: Database, tmp_path: Path, kept: str) -> None:
    (tmp_path / KEY_FILE).write_text(kept)
    token = await key_to_try(database, tmp_path)
    principal = await keys.Authenticator(database).authenticate(f"Bearer {token}".encode())
    assert principal.scopes == set(SCOPES)
