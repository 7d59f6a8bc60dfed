"""Signatures by Standard Webhooks, and secrets as they are kept: sealed by a key of the vault."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from os import urandom
from typing import Final
from uuid import UUID

from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.contracts import Vault
from regulars.platform.webhooks.contracts import Secrets

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what secrets begin with
_BYTES: Final = 32
_PURPOSE: Final = "webhook-secrets"
_FIELD: Final = "webhook-secret"


def draw() -> bytes:
    """Draw a secret."""
    return urandom(_BYTES)


def shown(secret: bytes) -> str:
    """Write a secret as its receiver keeps it."""
    return SECRET_PREFIX + b64encode(secret).decode()


def read_shown(text: str) -> bytes:
    """Read a secret as its receiver keeps it."""
    return b64decode(text.removeprefix(SECRET_PREFIX), validate=True)


def seal_secret(vault: Vault, endpoint_id: UUID, secret: bytes) -> bytes:
    """Seal an endpoint's secret."""
    return seal(key_for(vault.pepper, _PURPOSE), secret, member_id=endpoint_id, field=_FIELD)


def open_secret(vault: Vault, endpoint_id: UUID, sealed: bytes) -> bytes:
    """Open an endpoint's secret. Raises VaultBroken for one that was sealed by another vault."""
    return unseal(key_for(vault.pepper, _PURPOSE), sealed, member_id=endpoint_id, field=_FIELD)


def secrets_in_force(vault: Vault, endpoint_id: UUID, secrets: Secrets, now: datetime) -> list[bytes]:
    """Return the secrets that sign at this instant: the one, and the one before for as long as both hold."""
    found = [open_secret(vault, endpoint_id, secrets.sealed)]
    if secrets.sealed_old is not None and secrets.old_until is not None and now < secrets.old_until:
        found.append(open_secret(vault, endpoint_id, secrets.sealed_old))
    return found


def sign(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """Return what stands in `webhook-signature`: a signature by each secret."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = [b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets]
    return " ".join([f"v1,{signature}" for signature in signatures])
