"""What an audit entry says, what a seal proves, and what a verification found."""

import re
from collections.abc import Sequence
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


class Entry(NamedTuple):
    """An entry as it stands in the log; `is_sealed`: the sealer has come past it."""

    entry_id: int
    written_at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    request_id: str
    detail: str
    is_sealed: bool


class EntriesWanted(NamedTuple):
    """Which entries are wanted: by somebody, of a kind, about something (by any of its ids), of one request, in a time.

    None narrows nothing. `first` and `until` are instants of the wall clock, the first included; `before` is an entry.
    """

    actor: str | None = None
    action: str | None = None
    subjects: Sequence[str] | None = None
    request_id: str | None = None
    first: datetime | None = None
    until: datetime | None = None
    before: int | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether entries are looked through that are not wanted."""
        return any(one is not None for one in (self.actor, self.action, self.subjects, self.request_id))


class EntriesFound(NamedTuple):
    """Some entries, the latest first; there may be more before the entry `before` (None: there are none)."""

    entries: list[Entry]
    before: int | None


class Sealed(Struct, frozen=True, kw_only=True):
    """The seal that closes an entry, hashes in hexadecimal: `digest` is the entry's own, as it was when it was sealed.

    `line` is what is hashed of the entry as it stands now; `holds`: it is the same, and so is the seal.
    """

    seal_no: int
    sealed_at: datetime
    entries: int
    previous_hash: str
    hash: str
    digest: str
    line: str
    holds: bool


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
    """How far the sealer has come: the end of the chain and when it was closed, and the tail it has not come to.

    Instants and ages are by the wall clock.
    """

    head: Head
    sealed_at: datetime | None
    unsealed: int
    oldest_unsealed_seconds: float | None

    @property
    def last_seal_no(self) -> int:
        """The number of the last seal; 0: there is none yet."""
        return self.head.seal_no


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
