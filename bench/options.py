"""What a run of the bench may be told."""

from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = (1, 16, 64, 256)


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds` is how long one figure is measured in one round.

    `members` is how many of each kind there are; `crowd` how many in all where pages or large books are measured. Large
    books stay in `home`, if named, and are measured there again.
    """

    rounds: int = 3
    seconds: float = 4.0
    members: int = 10_000
    crowd: int = 1_000_000
    connections: tuple[int, ...] = CONNECTIONS
    home: Path | None = None
    programme_year: str = "easy"
