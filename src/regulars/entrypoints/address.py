"""Where this deployment answers: for the links that commands print."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from regulars.platform.settings import Settings

NOTE: Final = "address"


def note_address(home: Path, address: str) -> None:
    """Note where it answers on this machine, for commands that are given no other port. A home may be read-only."""
    with suppress(OSError):
        (home / NOTE).write_text(address, encoding="utf-8")


def known_address(settings: Settings) -> str:
    """Return the public address if there is one, else where it answered last on this machine, else where it would."""
    if settings.public_url:
        return settings.public_url
    with suppress(OSError):
        if noted := (settings.home / NOTE).read_text(encoding="utf-8").strip():
            return noted
    return f"http://{settings.host}:{settings.port}"
