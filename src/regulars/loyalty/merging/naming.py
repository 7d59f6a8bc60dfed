"""Which orders the rows of a member may name: their own, and those of whoever is one with them now.

Units keep the order that earned them wherever a merge moves them. Once it is undone, that order is another person's.
"""

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from regulars.loyalty.merging import store
from regulars.platform.db.transaction import Transaction

_FOR_A_RETURN: Final = re.compile(r"(merge:[0-9a-f]{32}):order:.*", re.DOTALL)


def reference_told(reference: str) -> str:
    """Return a reference as it is told: of what a merge moved for a return, by which merge, and not of which order.

    That stands with the rows of the return itself, whoever reads the row in ten years, and whosever order it is then.
    """
    found = _FOR_A_RETURN.fullmatch(reference)
    return reference if found is None else found[1]


async def orders_of_others(tx: Transaction, named: Iterable[tuple[UUID, str | None]]) -> frozenset[tuple[UUID, str]]:
    """Return those of (member, order) in which the order is not the member's, nor of who is one with them now.

    Nothing is asked where nothing is named. Raises nothing. Source: settlements by their primary key, members.
    """
    asked = sorted({(member_id, order_id) for member_id, order_id in named if order_id is not None})
    return frozenset(await store.orders_of_others(tx, asked)) if asked else frozenset()
