"""What messages say and where they go, readable with a key only.

A member's messages are sealed under the member's key: when it is destroyed they can never be read again. A message to a
bare address is sealed under a key of the deployment's, and its content is wiped once it is sent or too late.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from regulars.engagement.channels.letters import Content
from regulars.engagement.channels.store import Stored
from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.contracts import Vault

_BARE = "bare-messages"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Content).decode


def bare_key(vault: Vault) -> bytes:
    """Return the key of messages to bare addresses."""
    return key_for(vault.pepper, _BARE)


def seal_content(key: bytes, recipient_id: UUID, message_id: UUID, content: Content) -> bytes:
    """Seal what a message says."""
    return seal(key, _encode(content), member_id=recipient_id, field=f"message:{message_id.hex}")


def seal_address(key: bytes, recipient_id: UUID, message_id: UUID, address: str) -> bytes:
    """Seal where a message goes."""
    return seal(key, address.encode(), member_id=recipient_id, field=f"address:{message_id.hex}")


class Keys:
    """The keys of some messages' recipients."""

    def __init__(self, of_members: dict[UUID, bytes], bare: bytes) -> None:
        self._of_members = of_members
        self._bare = bare

    @classmethod
    async def of(cls, vault: Vault, messages: Iterable[Stored]) -> "Keys":
        """Fetch the keys that there still are."""
        members = list({message.recipient_id for message in messages if message.to_member})
        return cls(await vault.keys_of(members) if members else {}, bare_key(vault))

    def content(self, message: Stored) -> Content | None:
        """Open what a message says; None once nobody can."""
        opened = self._open(message, message.sealed_content, "message")
        return None if opened is None else _decode(opened)

    def address(self, message: Stored) -> str | None:
        """Open where a message goes; None once nobody can, or if it goes nowhere."""
        opened = self._open(message, message.sealed_address, "address")
        return None if opened is None else opened.decode()

    def _open(self, message: Stored, sealed: bytes | None, field: str) -> bytes | None:
        key = self._of_members.get(message.recipient_id) if message.to_member else self._bare
        if key is None or sealed is None:
            return None
        return unseal(key, bytes(sealed), member_id=message.recipient_id, field=f"{field}:{message.message_id.hex}")
