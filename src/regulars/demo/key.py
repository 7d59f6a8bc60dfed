"""The API key that the demo prints: the same at every start, for as long as it is good."""

import os
from pathlib import Path
from typing import Final

from regulars.platform.auth import service as keys
from regulars.platform.auth.contracts import SCOPES
from regulars.platform.db.database import Database
from regulars.platform.errors import NotAuthenticated
from regulars.platform.vault.files import PRIVATE_FILE

KEY_FILE: Final = "demo-api.key"
KEY_LABEL: Final = "demo"


async def key_to_try(database: Database, home: Path) -> str:
    """Return a key with every scope. The database has only its hash, so it is kept in a file of the owner's."""
    path = home / KEY_FILE
    kept = path.read_text(encoding="ascii").strip() if path.exists() else ""
    if kept and await _is_good(database, kept):
        return kept
    async with database.transaction(actor="demo") as tx:
        _, token = await keys.create_key(tx, label=KEY_LABEL, scopes=sorted(SCOPES), expires_at=None)
    _keep(path, token)
    return token


async def _is_good(database: Database, token: str) -> bool:
    try:
        principal = await keys.Authenticator(database).authenticate(f"Bearer {token}".encode())
    except NotAuthenticated:
        return False
    return principal.scopes >= set(SCOPES)


def _keep(path: Path, token: str) -> None:
    aside = path.with_suffix(f".{os.getpid()}")
    aside.touch(PRIVATE_FILE)
    aside.write_text(token, encoding="ascii")
    aside.replace(path)
