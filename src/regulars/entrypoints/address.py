"""Where this deployment answers: for the links that commands print, and for those of letters while developing."""

from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

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


def linked(settings: Settings, address: str) -> Settings:
    """Return settings whose letters lead to where it answers, in development mode and on this machine.

    Elsewhere only the operator knows the address: behind a proxy, this machine's own would lead members nowhere.
    """
    if settings.public_url is not None or not settings.development or not _is_loopback(address):
        return settings
    return replace(settings, public_url=address)


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
