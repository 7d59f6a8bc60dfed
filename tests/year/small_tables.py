"""Small tables and times for the oracle's own tests."""

from datetime import datetime

import numpy as np

from .oracle_data import LOCAL, Lines


def at(local: str) -> int:
    """Return the second of a New York wall-clock time."""
    return int(datetime.fromisoformat(local).replace(tzinfo=LOCAL).timestamp())


def utc(text: str) -> int:
    """Return the second of a UTC time."""
    return int(datetime.fromisoformat(text + "+00:00").timestamp())


TableRow = tuple[int, int, int, int, float, int]


def table(rows: list[TableRow]) -> Lines:
    """Build a table from (household, basket, product, quantity, sales_value, time)."""
    columns = list(zip(*rows, strict=True))
    household, basket, product, quantity, time = (np.array(columns[i], dtype=np.int64) for i in (0, 1, 2, 3, 5))
    value = np.array(columns[4], dtype=np.float64)
    return Lines(household, basket, product, quantity, value, time)


def basket_rows(basket: int, time: int, *lines: tuple[int, float]) -> list[TableRow]:
    """Build a basket of household 1 from (product, value) pairs."""
    return [(1, basket, product, 1, value, time) for product, value in lines]
