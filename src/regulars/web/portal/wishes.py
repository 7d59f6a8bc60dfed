"""What a member is about to give, carried from page to page: sealed for that member, and readable to nobody else.

The id of the other member stands in it, which is why it is encrypted and not only signed.
"""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import msgspec

from regulars.platform import clock
from regulars.platform.auth.tokens import read_sealed, write_sealed
from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.contracts import VaultBroken

LASTS_SECONDS: Final = 1_800
_FIELD: Final = "giving"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets how many units; `key` names the wish for ever.

    `typed` is by what the other was looked for; empty: a housemate was chosen.
    """

    to_id: UUID
    amount: int
    key: str
    typed: str = ""

    @property
    def known(self) -> bool:
        """Whether the other lives with the member."""
        return not self.typed


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    wish: Wish
    at: int


@dataclass(frozen=True, slots=True)
class Wishes:
    """Seals wishes for a member, and reads them back."""

    pepper: bytes = field(repr=False)

    def write(self, member_id: UUID, wish: Wish) -> str:
        """Return the wish as it may stand in an address."""
        content = msgspec.json.encode(_Kept(wish, int(clock.wall_now().timestamp())))
        return write_sealed(seal(key_for(self.pepper, _FIELD), content, member_id=member_id, field=_FIELD))

    def read(self, member_id: UUID, sealed: str) -> Wish | None:
        """Return the wish; None for what this member was not given, or more than half an hour ago."""
        raw = read_sealed(sealed)
        if raw is None:
            return None
        try:
            content = unseal(key_for(self.pepper, _FIELD), raw, member_id=member_id, field=_FIELD)
        except VaultBroken:
            return None
        kept = msgspec.json.decode(content, type=_Kept)
        return kept.wish if int(clock.wall_now().timestamp()) - kept.at <= LASTS_SECONDS else None
