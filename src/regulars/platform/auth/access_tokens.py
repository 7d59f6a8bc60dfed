"""Access tokens: what a key is exchanged for by OAuth2 client credentials, good for an hour at most.

A token reads `rga_<content>` and holds which key it is of, with which of its secrets it was got, a part of its scopes
and when it ends, under a keyed hash (BLAKE2b). Nothing of it is kept: whether the key and that secret are still good is
asked as for the key itself, so that revoking or rotating the key ends its tokens as well.
"""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from regulars.platform.auth.tokens import read_sealed, write_sealed

TOKEN_PREFIX: Final = "rga_"  # noqa: S105 - no secret
GOOD_FOR: Final = timedelta(hours=1)
_SEAL_BYTES: Final = 32
_SECRET_MARK_BYTES: Final = 8  # of the secret's hash: enough to tell two secrets of one key apart


class Granted(Struct, frozen=True, array_like=True):
    """What a token says. `secret_mark` is the beginning of the hash of the secret; `ends` is in seconds since 1970."""

    key_id: UUID
    secret_mark: bytes
    scopes: list[str]
    ends: int

    @property
    def ends_at(self) -> datetime:
        """The instant (UTC) from which it is good no more."""
        return datetime.fromtimestamp(self.ends, UTC)

    def is_of(self, secret_hash: bytes) -> bool:
        """Tell whether it was got with the secret of this hash."""
        return compare_digest(self.secret_mark, secret_hash[:_SECRET_MARK_BYTES])


_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_decode = msgspec.msgpack.Decoder(Granted).decode


class AccessTokens:
    """Writes tokens and reads them again; `key` is 32 secret bytes, outside the database."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, key_id: UUID, secret_hash: bytes, scopes: frozenset[str], ends: datetime) -> str:
        """Return the token of a key, got with the secret of this hash, for some scopes, good until an instant."""
        content = _encode(Granted(key_id, secret_hash[:_SECRET_MARK_BYTES], sorted(scopes), int(ends.timestamp())))
        return TOKEN_PREFIX + write_sealed(self._seal(content) + content)

    def read(self, token: str, now: datetime) -> Granted | None:
        """Return what a token says; None if it is none of ours, or over."""
        sealed = read_sealed(token.removeprefix(TOKEN_PREFIX)) if token.startswith(TOKEN_PREFIX) else None
        if sealed is None or not compare_digest(sealed[:_SEAL_BYTES], self._seal(sealed[_SEAL_BYTES:])):
            return None
        granted = _decode(sealed[_SEAL_BYTES:])
        return granted if now < granted.ends_at else None

    def _seal(self, content: bytes) -> bytes:
        return blake2b(content, key=self._key, digest_size=_SEAL_BYTES).digest()
