"""Orders stay whose they are; one that may still be paid would have to be settled in books that are part of others."""

from typing import Final
from uuid import UUID

from regulars.commerce.errors import MergeWaitsForOrders
from regulars.commerce.merging import store
from regulars.members.contracts.merging import MergingPart
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError

_TOLD: Final = 5


async def _stands_against(tx: Transaction, _survivor: UUID, absorbed: UUID) -> DomainError | None:
    waiting = await store.unpaid(tx, absorbed, _TOLD)
    return MergeWaitsForOrders(orders=", ".join(waiting)) if waiting else None


MERGING: Final = MergingPart(room="commerce", has_account=store.has_orders, stands_against=_stands_against)
