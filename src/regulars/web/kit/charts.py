"""Charts: what is drawn, the table behind it, and what it shows in words. Texts are in the viewer's language."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from regulars.platform.money import Money
from regulars.web.kit.cells import Cell
from regulars.web.kit.formats import major_units


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or the bars of one colour. A cell is a number, Money, or None where there is nothing."""

    name: str
    cells: Sequence[int | float | Money | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart: `line` over time, `bar` beside each other, `stack` upon each other, `share` of a whole (one series).

    `summary` says what is to be seen, for those who do not see it: "Revenue rose from 310,000 in January to ...".
    """

    kind: Literal["line", "bar", "stack", "share"]
    label_heading: str
    labels: Sequence[str]
    series: Sequence[Series]
    summary: str

    def described(self) -> str:
        """Return the description that ui/scripts/chart.js draws."""
        first: Cell = next((cell for series in self.series for cell in series.cells if cell is not None), None)
        figures: dict[str, Any] = {"maximumFractionDigits": 2, "notation": "compact"}
        if isinstance(first, Money):
            figures |= {"style": "currency", "currency": first.currency}
        described = {
            "kind": self.kind,
            "labels": list(self.labels),
            "series": [{"name": one.name, "values": [_drawn(cell) for cell in one.cells]} for one in self.series],
            "format": figures,
        }
        return msgspec.json.encode(described).decode()


def _drawn(cell: float | Money | None) -> float | None:
    return float(major_units(cell)) if isinstance(cell, Money) else cell
