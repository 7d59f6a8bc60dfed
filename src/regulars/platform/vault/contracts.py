"""What a vault is, so that a key management service can stand in for the local one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID


class VaultBroken(RuntimeError):
    """The vault does not fit what it is asked about: a file is missing, a key does not open. For the operator."""


class Vault(Protocol):
    """Keeps a key (32 random bytes) for each member and one pepper, outside the database and its backups."""

    @property
    def pepper(self) -> bytes:
        """The secret (32 bytes) without which a blind index cannot be recomputed; one for the deployment, for ever."""
        ...

    @property
    def fingerprint(self) -> str:
        """Tells one vault from another without telling anything about its secrets."""
        ...

    async def keys_of(self, member_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """Return the keys of those members that have one; never made and destroyed keys are left out."""
        ...

    async def make_keys(self, member_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """Return a key for each member, made where there was none and durable before this returns.

        Call it before the database commits what the keys encrypt: a key without data harms nobody, data without a
        key is lost. A destroyed key is never made again: its member is left out.
        """
        ...

    async def destroy(self, member_id: UUID) -> None:
        """Destroy the member's key for good, in every process at once; durable before this returns.

        The erasure journal has it before: whatever is restored afterwards, the key does not come back.
        """
        ...

    async def erased(self) -> dict[UUID, datetime]:
        """Return whose keys were destroyed, and when (wall clock, UTC), by the erasure journal: all of it."""
        ...

    async def erased_among(self, member_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """Return whose keys of these were destroyed, and when, by the erasure journal; the others are left out."""
        ...
