"""A budget is judged by medians, and told honestly."""

import pytest

from bench.figures import MET, NO_BUDGET, NOT_MET, Budget, row


@pytest.mark.parametrize(
    ("rounds", "limit", "budget", "verdict"),
    [
        ([150.0, 10.0, 160.0], [100.0], Budget(at_least=1.5), MET),
        ([149.0, 149.0, 990.0], [100.0], Budget(at_least=1.5), NOT_MET),
        ([100.0], [], Budget(at_least=1.5), NOT_MET),
        ([100.0], [], Budget(most=100), MET),
        ([100.1], [], Budget(most=100), NOT_MET),
        ([1.0], [1.0], None, NO_BUDGET),
    ],
)
def test_the_medians_decide(rounds: list[float], limit: list[float], budget: Budget | None, verdict: str) -> None:
    assert row("x", "/s", rounds, limit, budget=budget).verdict == verdict


def test_a_line_says_what_each_round_gave() -> None:
    line = row("x", "/s", [3.0, 1.0, 2.0], [4.0, 8.0])

    assert (line.figure, line.limit, line.ratio) == (2.0, 6.0, 0.333)
    assert (line.rounds, line.limit_rounds) == ([3.0, 1.0, 2.0], [4.0, 8.0])
