"""What an audit entry says, what a seal proves, and what a verification found."""

from msgspec import Struct


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Who (`actor`) did what (`action`) to whom (`subject`, an id), and why. No personal data in the clear."""

    actor: str
    action: str
    subject: str
    reason: str = ""
    request_id: str = ""
    detail: str = ""


class Head(Struct, frozen=True):
    """The end of the chain: the last seal's number and hash (hexadecimal). 0 and 64 zeros before the first seal."""

    seal_no: int
    hash: str


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
