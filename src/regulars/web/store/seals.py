"""What a till carries from page to page: found members, orders under way. Sealed, for one device and a while.

So nobody sees a member or begins an order by writing an id into an address: a look-up, counted and logged, comes first.
What was looked up is seen for an hour. The id of an order or a form that was begun shows nothing and has no end: sent
again however late it is the same one, so nothing is done twice, and what was typed is not lost.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from regulars.platform import clock
from regulars.platform.auth.tokens import read_sealed, write_sealed
from regulars.platform.vault.cipher import key_for

MEMBER: Final = "member"
ORDER: Final = "order"
RETURN: Final = "return"
FORM: Final = "form"
LASTS_SECONDS: Final = {MEMBER: 3_600, RETURN: 3_600}
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
        return write_sealed(self._tag(kind, device_id, content) + content)

    def read(self, kind: str, device_id: UUID, sealed: str) -> str | None:
        """Return the text; None for what this device was not given, or too long ago for its kind."""
        raw = read_sealed(sealed)
        if raw is None:
            return None
        tag, content = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if len(raw) < _HEAD or not hmac.compare_digest(tag, self._tag(kind, device_id, content)):
            return None
        age = int(clock.wall_now().timestamp()) - int.from_bytes(content[:_TIME_BYTES], "big")
        return content[_TIME_BYTES:].decode() if age <= LASTS_SECONDS.get(kind, age) else None

    def _tag(self, kind: str, device_id: UUID, content: bytes) -> bytes:
        key = key_for(self.pepper, "till")
        return hmac.digest(key, kind.encode() + device_id.bytes + content, "sha256")[:_TAG_BYTES]
