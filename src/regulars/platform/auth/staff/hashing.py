"""Passwords hashed by argon2id, in threads, few at a time.

One hash takes 64 MiB and about a tenth of a second (RFC 9106, the profile for little memory): that is what makes
guessing expensive, and what an attacker would like us to spend. So at most `_AT_ONCE` are computed side by side, the
event loop goes on meanwhile, and who comes when too many wait is asked to come again.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from regulars.platform.auth.staff.rules import password_as_kept
from regulars.platform.errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_AT_ONCE: Final = 2
_WAITING_AT_MOST: Final = 40  # some four seconds of work
_KIB: Final = 65_536
_ROUNDS: Final = 3
_LANES: Final = 4


class PasswordHashing:
    """Makes and checks hashes. One a process; `kib` and `rounds` are lowered in tests only."""

    def __init__(self, *, kib: int = _KIB, rounds: int = _ROUNDS, lanes: int = _LANES) -> None:
        self._costs = (rounds, kib, lanes)
        self._hasher: PasswordHasher | None = None
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Return the hash under which a password is kept. Raises TemporarilyUnavailable when too many wait."""
        return await self._in_turn(password, None)

    async def verify(self, password: str, kept: str | None) -> bool:
        """Say whether a password is the one kept. Without one to compare with the same work is done, in vain.

        Raises TemporarilyUnavailable when too many wait.
        """
        if kept is None and not self._nobody:
            self._nobody = await self._in_turn("nobody's password", None)
        right = await self._in_turn(password, kept or self._nobody)
        return right == "right" and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Say whether a hash was made with other costs than today's, and should be made anew."""
        return self._argon2().check_needs_rehash(kept)

    async def _in_turn(self, password: str, kept: str | None) -> str:
        if self._waiting >= _WAITING_AT_MOST:
            raise TemporarilyUnavailable
        self._waiting += 1
        try:
            async with self._free:
                return await asyncio.to_thread(self._work, password_as_kept(password), kept)
        finally:
            self._waiting -= 1

    def _work(self, password: str, kept: str | None) -> str:
        """Hash, or compare and say `right` or `wrong`."""
        from argon2.exceptions import VerificationError  # noqa: PLC0415 - see `_argon2`

        if kept is None:
            return self._argon2().hash(password)
        try:
            self._argon2().verify(kept, password)
        except VerificationError:
            return "wrong"
        return "right"

    def _argon2(self) -> "PasswordHasher":
        if self._hasher is None:
            from argon2 import PasswordHasher  # noqa: PLC0415 - most processes never see a password

            rounds, kib, lanes = self._costs
            self._hasher = PasswordHasher(time_cost=rounds, memory_cost=kib, parallelism=lanes)
        return self._hasher
