"""A figure beside its limit, and what its budget says about it."""

from collections.abc import Sequence
from statistics import median

import msgspec

MET, NOT_MET, NO_BUDGET = "met", "not met", ""


class Budget(msgspec.Struct, frozen=True):
    """What is asked of a figure. `at_least` speaks of the ratio to the limit, `most` of the figure itself."""

    at_least: float | None = None
    most: float | None = None

    def verdict(self, figure: float, ratio: float | None) -> str:
        """Say whether the figure keeps the budget."""
        if self.at_least is None and self.most is None:
            return NO_BUDGET
        enough = self.at_least is None or (ratio is not None and ratio >= self.at_least)
        little = self.most is None or figure <= self.most
        return MET if enough and little else NOT_MET

    def __str__(self) -> str:
        parts = []
        if self.at_least is not None:
            parts.append(f"≥ {self.at_least:g} × limit")
        if self.most is not None:
            parts.append(f"≤ {self.most:g}")
        return ", ".join(parts)


class Row(msgspec.Struct, kw_only=True):
    """One line of the report: medians of the rounds, with what each round gave."""

    name: str
    unit: str
    figure: float
    limit: float | None = None
    ratio: float | None = None
    budget: str = ""
    verdict: str = NO_BUDGET
    note: str = ""
    rounds: list[float] = []
    limit_rounds: list[float] = []


def row(
    name: str,
    unit: str,
    rounds: Sequence[float],
    limit_rounds: Sequence[float] = (),
    *,
    budget: Budget | None = None,
    note: str = "",
) -> Row:
    """Make a line of what the rounds gave; the ratio is that of the medians."""
    budget = budget or Budget()
    figure = median(rounds)
    limit = median(limit_rounds) if limit_rounds else None
    ratio = figure / limit if limit else None
    return Row(
        name=name,
        unit=unit,
        figure=round(figure, 2),
        limit=None if limit is None else round(limit, 2),
        ratio=None if ratio is None else round(ratio, 3),
        budget=str(budget),
        verdict=budget.verdict(figure, ratio),
        note=note,
        rounds=list(rounds),
        limit_rounds=list(limit_rounds),
    )
