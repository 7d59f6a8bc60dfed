"""What an order is explained by."""

from typing import NamedTuple

from regulars.platform.explaining.contracts import Explanation


class OrderExplained(NamedTuple):
    """Why an order did what it did, and each of its returns, the first recorded first."""

    order: Explanation
    returns: list[Explanation]
