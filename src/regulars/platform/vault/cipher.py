"""How personal data is sealed under a member's key, and how a value is found without being readable.

A sealed value is one version byte, a nonce of 12 bytes and AES-256-GCM's ciphertext with its tag. The member id and the
name of the field are authenticated with it, so that no value can be moved to another member or another field.
"""

import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from regulars.platform.vault.contracts import VaultBroken

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
_SHORTEST = len(_VERSION) + _NONCE_BYTES + 16


def seal(key: bytes, plaintext: bytes, *, member_id: UUID, field: str) -> bytes:
    """Encrypt a field of a member under the member's key."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plaintext, _bound_to(member_id, field))


def unseal(key: bytes, sealed: bytes, *, member_id: UUID, field: str) -> bytes:
    """Decrypt what `seal` made. Raises VaultBroken if it was made otherwise, for another member or another field."""
    if len(sealed) < _SHORTEST or sealed[:1] != _VERSION:
        raise VaultBroken(f"the {field} of member {member_id} is not in a format this release can read")
    nonce = sealed[1 : 1 + _NONCE_BYTES]
    try:
        return AESGCM(key).decrypt(nonce, sealed[1 + _NONCE_BYTES :], _bound_to(member_id, field))
    except InvalidTag as error:
        raise VaultBroken(f"the {field} of member {member_id} does not open with the member's key") from error


def blind_index(pepper: bytes, kind: str, value: str) -> bytes:
    """Return the 32 bytes under which a value of a kind is found; equal values give equal bytes."""
    return hmac.digest(pepper, kind.encode() + b"\x00" + value.encode(), "sha256")


def key_for(pepper: bytes, purpose: str) -> bytes:
    """Return the 32 bytes that serve as key for one purpose, e.g. `request-hash`, and tell nothing of the pepper.

    A purpose holds no NUL, a blind index always does: neither can be taken for the other.
    """
    if "\x00" in purpose:
        raise ValueError(f"not a purpose: {purpose!r}")
    return hmac.digest(pepper, purpose.encode(), "sha256")


def _bound_to(member_id: UUID, field: str) -> bytes:
    return _VERSION + member_id.bytes + field.encode()
