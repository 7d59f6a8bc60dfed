"""Which orders the rows of a member may name: their own, and those of whoever is one with them now.

Units keep the order that earned them wherever a merge moves them. Once it is undone, that order is another person's.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from regulars.loyalty.merging import store
from regulars.platform.db.transaction import Rows, Transaction

_FOR_A_RETURN: Final = re.compile(r"(merge:[0-9a-f]{32}):order:.*", re.DOTALL)


def reference_told(reference: str) -> str:
    """Return a reference as it is told: of what a merge moved for a return, by which merge, and not of which order.

    That stands with the rows of the return itself, whoever reads the row in ten years, and whosever order it is then.
    """
    found = _FOR_A_RETURN.fullmatch(reference)
    return reference if found is None else found[1]


async def lots_told(tx: Transaction, member_id: UUID, rows: Sequence[tuple[Any, ...]]) -> dict[int, str | None]:
    """Return by its number which order brought a lot; None where it is another person's now.

    `rows` are (number, order, whether that is settled in the member's own books). Raises nothing.
    """
    carried = [(member_id, order_id) for _, order_id, is_own in rows if not is_own]
    others = await orders_of_others(tx, carried)
    return {lot_no: None if (member_id, order_id) in others else order_id for lot_no, order_id, _ in rows}


async def tier_changes_told(tx: Transaction, member_id: UUID, rows: Rows) -> Rows:
    """Return changes of a member's tier as they are told: what the return of another person's order did, a merge did.

    `rows` have cause and reference as the third and fourth, and whether that order is settled in the member's own books
    as the last, which is left out. Raises nothing.
    """
    carried = [(member_id, _order_of_return(row[3])) for row in rows if not row[-1]]
    others = await orders_of_others(tx, carried)
    return [
        (*row[:2], "merge", "merge", *row[4:-1])
        if not row[-1] and (member_id, _order_of_return(row[3])) in others
        else row[:-1]
        for row in rows
    ]


def _order_of_return(reference: str) -> str:
    return reference.removeprefix("order:").rpartition(":return:")[0]


async def orders_of_others(tx: Transaction, named: Iterable[tuple[UUID, str | None]]) -> frozenset[tuple[UUID, str]]:
    """Return those of (member, order) in which the order is not the member's, nor of who is one with them now.

    Nothing is asked where nothing is named. Raises nothing. Source: settlements by their primary key, members.
    """
    asked = sorted({(member_id, order_id) for member_id, order_id in named if order_id is not None})
    return frozenset(await store.orders_of_others(tx, asked)) if asked else frozenset()
