"""Who stands behind what acted: a session's account, the owner of a key, whoever works at a command line.

Where two persons are asked for, two names are not enough: one person may have an account, keys, and a shell.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

from regulars.platform.auth import store
from regulars.platform.auth.contracts import KEY_PREFIX, SHELL
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import parse_public_id

UNOWNED: Final = "keys"  # behind which nobody is known to stand
_KEY: Final = "key:"


class Compared(Enum):
    """Whether two actors are one person, two, or nobody can tell."""

    ONE = "one"
    UNCLEAR = "unclear"
    TWO = "two"


class Persons:
    """The persons behind some actors, as they were looked up."""

    def __init__(self, owners: Mapping[str, str], rotators: Mapping[str, Sequence[str]] | None = None) -> None:
        self._owners = owners
        self._rotators = rotators or {}

    def behind(self, actor: str) -> str:
        """Return the person behind an actor: the owner of a key if one is known, else the actor."""
        return self._owners.get(actor, actor)

    def counted(self, actor: str) -> str:
        """Return under which name acts are counted that one person may do so many of.

        Keys whose owner nobody knows count as one person together: whoever made one may have made each.
        """
        person = self.behind(actor)
        return UNOWNED if person.startswith(_KEY) else person

    def compare(self, one: str, other: str) -> Compared:
        """Compare two actors. A shell tells no account: who works there and who does not may be one person.

        Whoever rotated a key was shown a secret of it and can act with it, whosever it is: they are one with it.
        """
        first, second = self._owners.get(one, one), self._owners.get(other, other)
        if first == second or first in self._rotators.get(other, ()) or second in self._rotators.get(one, ()):
            return Compared.ONE
        return Compared.TWO if _at_shell(first) == _at_shell(second) else Compared.UNCLEAR

    def compare_all(self, one: str, others: Iterable[str]) -> Compared:
        """Compare an actor with several: one of them, unclear with any, or somebody else than each."""
        found = {self.compare(one, other) for other in others}
        return next((verdict for verdict in (Compared.ONE, Compared.UNCLEAR) if verdict in found), Compared.TWO)


async def persons_behind(tx: Transaction, actors: Iterable[str]) -> Persons:
    """Look up who owns the keys among actors; every other actor is a person. Source: api_keys."""
    named = {actor: parse_public_id(KEY_PREFIX, actor.removeprefix(_KEY)) for actor in actors if actor.startswith(_KEY)}
    ids = {key_id: actor for actor, key_id in named.items() if key_id is not None}
    keys = await store.select_keys(tx, list(ids)) if ids else []
    owners = {ids[key.key_id]: key.owner for key in keys if key.owner}
    return Persons(owners, {ids[key.key_id]: key.rotated_by for key in keys})


def _at_shell(person: str) -> bool:
    return person == SHELL or person.startswith(f"{SHELL}:")
