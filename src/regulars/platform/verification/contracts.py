"""What a check is and what it found."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from regulars.platform.db.transaction import Transaction

MAX_PROBLEMS = 20  # told in full; more of the same help nobody


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found: how many rows it compared, and sentences for an operator, without personal data.

    `keep` is what the operator should write down elsewhere, for the next time.
    """

    ok: bool
    rows_checked: int
    problems: list[str] = []
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
    """A check's result with its name and how long it took."""

    name: str
    ok: bool
    rows_checked: int
    problems: list[str]
    note: str
    seconds: float
    keep: str = ""
