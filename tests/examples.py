"""Examples of a strategy for tests that are asynchronous: hypothesis calls plain functions only."""

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

Found = TypeVar("Found")


def examples(of: SearchStrategy[Found], count: int) -> list[Found]:
    """Return at most `count` examples, the same ones in every run."""
    made: list[Found] = []

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(found=of)
    def collect(found: Found) -> None:
        made.append(found)

    collect()
    return made
