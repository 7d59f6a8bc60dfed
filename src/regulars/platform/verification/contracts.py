"""What a check is and what it found."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import msgspec

from regulars.platform.db.transaction import Transaction
from regulars.platform.texts import mark, say

MAX_PROBLEMS = 20  # told in full; more of the same help nobody
ONE_AND_ANOTHER = mark("{one}, {another}")


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong: a marked sentence with what fills its places; several faults there are clauses."""

    sentence: str
    values: "Mapping[str, str | int | Sequence[Fault]]" = {}

    def __str__(self) -> str:
        return self.in_language("en")

    def in_language(self, language: str) -> str:
        """Say it in a language (en, zh)."""
        told = {
            name: value if isinstance(value, str | int) else _enumerated(value, language)
            for name, value in self.values.items()
        }
        return say(self.sentence, language, **told)


def _enumerated(clauses: Sequence[Fault], language: str) -> str:
    told = [clause.in_language(language) for clause in clauses]
    return reduce(lambda one, another: say(ONE_AND_ANOTHER, language, one=one, another=another), told)


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found: how many rows it compared, and what is wrong, for an operator, without personal data.

    `keep` is what the operator should write down elsewhere, for the next time.
    """

    ok: bool
    rows_checked: int
    problems: list[Fault] = []
    note: str = ""
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold; `name` is a marked text. `run` reads in a snapshot of its own; a `quick` one takes no
    more than a second or two at any size, and is part of `regulars doctor`.
    """

    name: str
    run: Callable[[Transaction], Awaitable[CheckResult]]
    quick: bool = False


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A check's result with its name and how long it took.

    Verifications that were kept before faults had their languages hold English sentences.
    """

    name: str
    ok: bool
    rows_checked: int
    problems: Sequence[Fault | str]
    note: str
    seconds: float
    keep: str = ""

    def told(self, language: str) -> list[str]:
        """Say in a language (en, zh) what is wrong."""
        return [one if isinstance(one, str) else one.in_language(language) for one in self.problems]
