"""What a till carries from page to page: found members, orders under way. Sealed, for one device and a while.

So nobody sees a member or begins an order by writing an id into an address: a look-up, counted and logged, comes first.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from regulars.platform import clock
from regulars.platform.vault.cipher import key_for

MEMBER: Final = "member"
ORDER: Final = "order"
RETURN: Final = "return"
FORM: Final = "form"
LASTS_SECONDS: Final = 3_600
_TAG_BYTES: Final = 16
_TIME_BYTES: Final = 4
_HEAD: Final = _TAG_BYTES + _TIME_BYTES


@dataclass(frozen=True, slots=True)
class Seals:
    """Seals texts for a device, and reads them back."""

    pepper: bytes = field(repr=False)

    def write(self, kind: str, device_id: UUID, text: str) -> str:
        """Return the text with its seal, as it may stand in an address."""
        content = int(clock.wall_now().timestamp()).to_bytes(_TIME_BYTES, "big") + text.encode()
        return urlsafe_b64encode(self._tag(kind, device_id, content) + content).decode().rstrip("=")

    def read(self, kind: str, device_id: UUID, sealed: str) -> str | None:
        """Return the text; None for what this device was not given in the last hour."""
        try:
            raw = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        except (NotBase64, ValueError):
            return None
        tag, content = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if len(raw) < _HEAD or not hmac.compare_digest(tag, self._tag(kind, device_id, content)):
            return None
        age = int(clock.wall_now().timestamp()) - int.from_bytes(content[:_TIME_BYTES], "big")
        return content[_TIME_BYTES:].decode() if age <= LASTS_SECONDS else None

    def _tag(self, kind: str, device_id: UUID, content: bytes) -> bytes:
        key = key_for(self.pepper, "till")
        return hmac.digest(key, kind.encode() + device_id.bytes + content, "sha256")[:_TAG_BYTES]
