"""Random tokens that are shown once and kept as a hash.

A token has 256 random bits, so SHA-256 is the right hash for it (see `auth.service`): nobody can try 2^256 values.
Short codes that people type are no tokens: they are hashed with the vault's pepper and their tries are counted.
"""

from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from secrets import choice, token_urlsafe
from typing import Final

TOKEN_BYTES: Final = 32
MAX_TOKEN_LENGTH: Final = 200
# Digits and letters that nobody takes for one another (Crockford's base 32).
TYPED_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011", " -\t")


def new_token() -> str:
    """Return a fresh token: 43 characters that may stand in a cookie or an address."""
    return token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> bytes:
    """Return the 32 bytes under which a token is kept. Whatever a caller sends is hashed, however it looks."""
    return sha256(token[:MAX_TOKEN_LENGTH].encode("utf-8", "replace")).digest()


def write_sealed(content: bytes) -> str:
    """Write bytes as they may stand in an address, without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def read_sealed(text: str) -> bytes | None:
    """Read what `write_sealed` wrote; None for any other way of writing the same bytes, and for what is none."""
    try:
        content = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return content if write_sealed(content) == text else None


def new_typed_code(length: int) -> str:
    """Return a code that is read off a screen and typed: 5 random bits a character."""
    return "".join(choice(TYPED_ALPHABET) for _ in range(length))


def read_typed_code(text: str) -> str:
    """Return a typed code as it was made: capitals, without spaces and hyphens; O read as 0, I and L as 1."""
    return text[:MAX_TOKEN_LENGTH].upper().translate(_READ_AS)
