"""Card codes: made for a page to show one after another, opened once at a till."""

from collections.abc import Sequence
from datetime import timedelta
from secrets import token_bytes
from typing import Final
from uuid import UUID

from regulars.members.cards import codes, store
from regulars.members.cards.errors import CardCodeExpired, CardCodeForged, CardCodeUsed
from regulars.members.contracts import CardCode
from regulars.members.identity.service import who_is
from regulars.platform import clock
from regulars.platform.db.transaction import Transaction
from regulars.platform.vault.contracts import Vault

CODES: Final = 20
SHOWN_SECONDS: Final = 30
STILL_SHOWN_SECONDS: Final = 60  # the one of a page that cannot change it
# From its first second on a code is good for a minute: half of it shown, the rest on its way to the till. So a
# picture of it is worth nothing a minute later.
GOOD_FOR: Final = timedelta(seconds=60)
AHEAD: Final = timedelta(seconds=5)  # how far the clocks of two processes of ours may differ
_SALT_BYTES: Final = 2


def card_codes(vault: Vault, member_id: UUID, parted: int = 0) -> list[CardCode]:
    """Return the codes of the next ten minutes, each shown for half a minute; see `members.api`."""
    now, salt = clock.wall_now().replace(microsecond=0), token_bytes(_SALT_BYTES)
    starts = [now + timedelta(seconds=SHOWN_SECONDS * n) for n in range(CODES)]
    return [
        CardCode(
            code=codes.write(vault.pepper, member_id, start, salt, parted), starts_at=start, shown_seconds=SHOWN_SECONDS
        )
        for start in starts
    ]


def still_card_code(vault: Vault, member_id: UUID, parted: int = 0) -> CardCode:
    """Return the one code of a page that cannot change it, good for a minute."""
    now = clock.wall_now().replace(microsecond=0)
    code = codes.write(vault.pepper, member_id, now, token_bytes(_SALT_BYTES), parted)
    return CardCode(code=code, starts_at=now, shown_seconds=STILL_SHOWN_SECONDS)


async def open_card_code(tx: Transaction, vault: Vault, code: str) -> UUID:
    """Return whose card was shown, once; see `members.api.open_card_code`."""
    found = codes.read(vault.pepper, code)
    if found is None:
        raise CardCodeForged(pointer="/code")
    now = clock.wall_now()
    if not found.starts_at - AHEAD <= now < found.starts_at + GOOD_FOR:
        raise CardCodeExpired(pointer="/code")
    if await store.use_code(tx, found, found.starts_at + GOOD_FOR):
        return await who_is(tx, found.member_id)
    if await store.is_used(tx, found.member_id, found.content):
        raise CardCodeUsed(pointer="/code")
    if await store.parted(tx, found.member_id) != found.parted:
        raise CardCodeExpired(pointer="/code")  # in whose browser it is, is another member by now
    raise CardCodeForged(pointer="/code")  # of a member who is no more


def forget_members(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget which codes of members were used; no code of theirs is good any more."""
    store.delete_all(tx, member_ids)


async def forget_used(tx: Transaction, *, at_most: int) -> bool:
    """Delete used codes that expired more than a day ago (a clock put back makes none good again); True for more."""
    return await store.delete_old(tx, clock.wall_now() - timedelta(days=1), at_most)
