"""A vault for what is only tried: keys that it makes are forgotten with the transaction that asked for them."""

import os
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.platform.vault.cipher import KEY_BYTES
from regulars.platform.vault.contracts import Vault


class TryingVault:
    """A `Vault` that reads another one and writes nothing."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    @property
    def pepper(self) -> bytes:
        """The other's."""
        return self._vault.pepper

    @property
    def fingerprint(self) -> str:
        """The other's."""
        return self._vault.fingerprint

    async def keys_of(self, member_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """Return the keys that there are."""
        return await self._vault.keys_of(member_ids)

    async def make_keys(self, member_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """Return a key for each; those that were not there are good for nothing but trying."""
        found = await self._vault.keys_of(member_ids)
        erased = await self._vault.erased_among(member_ids)
        return {one: found.get(one) or os.urandom(KEY_BYTES) for one in member_ids if one not in erased}

    async def destroy(self, member_id: UUID) -> None:
        """Nothing is destroyed by trying."""
        raise NotImplementedError(f"asked to destroy the key of {member_id} while something was only tried")

    async def erased(self) -> dict[UUID, datetime]:
        """Return what the other says."""
        return await self._vault.erased()

    async def erased_among(self, member_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """Return what the other says."""
        return await self._vault.erased_among(member_ids)
