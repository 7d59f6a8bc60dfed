"""How entries and seals are hashed. Whoever has the rows can recompute it; docs/audit.md describes it in full."""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

import msgspec

DIGEST_BYTES = 32
NO_HASH = bytes(DIGEST_BYTES)
_encode = msgspec.json.Encoder().encode


class Written(NamedTuple):
    """An entry as it lies in the log, see `AuditEntry`."""

    entry_id: int
    written_at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    request_id: str
    detail: str


class Seal(NamedTuple):
    """A block of entries, closed. `entry_digests` holds the entries' digests end to end, in the order of their ids."""

    seal_no: int
    sealed_at: datetime
    entry_ids: list[int]
    entry_digests: bytes
    previous_hash: bytes
    hash: bytes


def digest(written: Written) -> bytes:
    """Return SHA-256 over the entry as a JSON array, UTF-8, without spaces."""
    return sha256(line(written)).digest()


def line(written: Written) -> bytes:
    """Return that array."""
    entry_id, written_at, *texts = written
    return _encode((entry_id, _instant(written_at), *texts))


def hash_of(seal: Seal) -> bytes:
    """Return SHA-256 over the seal's number, instant, predecessor and entries; `seal.hash` plays no part."""
    head = [seal.seal_no, _instant(seal.sealed_at), seal.previous_hash.hex(), seal.entry_ids]
    return sha256(msgspec.json.encode(head) + b"\n" + seal.entry_digests).digest()


def close(seal_no: int, sealed_at: datetime, entries: list[Written], previous_hash: bytes) -> Seal:
    """Make the seal of a block of entries."""
    digests = b"".join(map(digest, entries))
    seal = Seal(seal_no, sealed_at, [written.entry_id for written in entries], digests, previous_hash, NO_HASH)
    return seal._replace(hash=hash_of(seal))


def split(digests: bytes) -> list[bytes]:
    """Return the single digests of a block."""
    return [digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)]


@lru_cache(maxsize=1024)  # the entries of a transaction share theirs
def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
