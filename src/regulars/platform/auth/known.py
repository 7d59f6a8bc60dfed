"""Browsers in which somebody signed in before: a signed cookie tells them apart, so that their tries count for them.

The cookie opens nothing. It says that with this browser somebody proved, not too long ago, to be the owner of an
account or an address; whoever keeps on guessing from elsewhere then cannot keep that browser out. It holds keyed
hashes: neither accounts nor addresses can be read from it.
"""

from base64 import b64decode, urlsafe_b64encode
from datetime import timedelta
from hmac import compare_digest, digest
from secrets import token_bytes
from typing import Final

from regulars.platform import clock
from regulars.platform.vault.cipher import key_for

KNOWN_LASTS: Final = timedelta(days=180)
_AT_MOST: Final = 4  # subjects of one browser: a family's tablet, a shop's computer
_SUBJECT, _NONCE, _DAY, _MAC = 16, 8, 4, 16
_LONG: Final = _SUBJECT + _NONCE + _DAY + _MAC
_LONGEST: Final = 400


class KnownBrowsers:
    """Reads and writes the cookie of one kind of subjects, e.g. `staff`."""

    def __init__(self, pepper: bytes, kind: str) -> None:
        self._key = key_for(pepper, f"known browser {kind}")

    def nonce(self, cookie: str, subject: str) -> str | None:
        """Return what names this browser for a subject; None if the subject never proved itself with it."""
        wanted = self._named(subject)
        for entry in self._entries(cookie):
            if compare_digest(entry[:_SUBJECT], wanted):
                return entry[_SUBJECT : _SUBJECT + _NONCE].hex()
        return None

    def remember(self, cookie: str, subject: str) -> str:
        """Return the cookie once a subject has proved itself; others that have stay in it, the latest first."""
        wanted = self._named(subject)
        kept = [entry for entry in self._entries(cookie) if entry[:_SUBJECT] != wanted]
        content = wanted + token_bytes(_NONCE) + _today().to_bytes(_DAY, "big")
        return ".".join(_text(entry) for entry in [content + self._mac(content), *kept][:_AT_MOST])

    def _entries(self, cookie: str) -> list[bytes]:
        """Return the entries of ours that still hold; whatever else a browser sends is none."""
        found = []
        for part in cookie.split(".")[:_AT_MOST] if len(cookie) <= _LONGEST else ():
            try:
                entry = b64decode(part, altchars=b"-_", validate=True)
            except ValueError:
                continue
            content, mac = entry[:-_MAC], entry[-_MAC:]
            if len(entry) != _LONG or not compare_digest(self._mac(content), mac):
                continue
            if abs(_today() - int.from_bytes(content[-_DAY:], "big")) < KNOWN_LASTS.days:
                found.append(entry)
        return found

    def _named(self, subject: str) -> bytes:
        return digest(self._key, b"subject\x00" + subject.encode(), "sha256")[:_SUBJECT]

    def _mac(self, content: bytes) -> bytes:
        return digest(self._key, b"entry\x00" + content, "sha256")[:_MAC]


def _text(entry: bytes) -> str:
    return urlsafe_b64encode(entry).decode()


def _today() -> int:
    return int(clock.wall_now().timestamp()) // 86_400
