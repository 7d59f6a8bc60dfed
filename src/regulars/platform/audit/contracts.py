"""What an audit entry says, what a seal proves, and what a verification found."""

import re
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

_WRITTEN_HEAD = re.compile(r"(?P<seal_no>[0-9]{1,18}):(?P<hash>[0-9a-f]{64})")


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Who (`actor`) did what (`action`) to whom (`subject`, an id), and why. No personal data in the clear."""

    actor: str
    action: str
    subject: str
    reason: str = ""
    request_id: str = ""
    detail: str = ""


class Deed(NamedTuple):
    """What only the doing tells: the id of what was made (empty: what was asked for), how something was and is now."""

    subject: str = ""
    detail: str = ""


class Look(NamedTuple):
    """Somebody (`actor`) looked at a member (`subject`), why (`reason`) and how (`action`, `detail`)."""

    entry_id: int
    written_at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    detail: str
    request_id: str


class Head(Struct, frozen=True):
    """The end of the chain: the last seal's number and hash (hexadecimal). 0 and 64 zeros before the first seal."""

    seal_no: int
    hash: str

    def __str__(self) -> str:
        """Return it as it is written down: `seal_no:hash`."""
        return f"{self.seal_no}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> "Head | None":
        """Read what was written down; None if it is no head."""
        found = _WRITTEN_HEAD.fullmatch(text.strip().lower())
        return None if found is None else cls(int(found["seal_no"]), found["hash"])


class Sealing(Struct, frozen=True, kw_only=True):
    """How far the sealer has come: the last seal (0: none yet) and when it was closed, and the tail it has not come to.

    Instants and ages are by the wall clock.
    """

    last_seal_no: int
    sealed_at: datetime | None
    unsealed: int
    oldest_unsealed_seconds: float | None


class ChainReport(Struct, frozen=True, kw_only=True):
    """What recomputing the whole chain found. Lists name at most 100 entries each.

    `broken_seal` is the first seal that does not follow from its predecessor and its entries. `unlisted` entries lie
    before the sealer's position but in no seal: somebody put them in behind its back, or took the last seals away.
    `extends_known_head` is None when no head was given to compare with. The unsealed tail is what the sealer has not
    come to yet: normally the last seconds; `oldest_unsealed_seconds` is its age by the wall clock.
    """

    seals: int
    entries: int
    head: Head
    broken_seal: int | None
    removed: list[int]
    changed: list[int]
    unlisted: list[int]
    extends_known_head: bool | None
    unsealed: int
    oldest_unsealed_seconds: float | None

    @property
    def is_intact(self) -> bool:
        """True when nothing sealed was touched, and today's chain extends the known head."""
        found = self.broken_seal is not None or self.removed or self.changed or self.unlisted
        return not found and self.extends_known_head is not False


def asked_as(asked: str, told: str, before: str = "") -> str:
    """Return by which id somebody was asked for, for the log, where it was another than that of whom was told."""
    return "" if asked == told else f"{before}as {asked}"
