"""What of commerce other answers can give along: orders, what they caused, stores."""

from collections.abc import Sequence
from typing import Final

from regulars.commerce.contracts import Store
from regulars.commerce.orders import reading
from regulars.commerce.orders.answers import LineageAnswer, OrderAnswer, lineage_answer, order_answer
from regulars.commerce.orders.service import Commerce
from regulars.commerce.stores import service as stores
from regulars.platform.http.expanding import Looking, Related

READ: Final = "orders:read"


def orders_given_along(commerce: Commerce) -> Related:
    """Return orders by their ids, as lists show them."""

    async def read(looking: Looking, ids: Sequence[str]) -> dict[str, OrderAnswer]:
        found = await reading.read_outcomes(looking.tx, ids)
        await reading.follow(looking.tx, commerce)
        return {order_id: order_answer(one, commerce.configuration) for order_id, one in found.items()}

    return Related(OrderAnswer, "listOrdersOfMember.orders", READ, read)


def lineage_given_along(commerce: Commerce) -> Related:
    """Return what orders caused: for answers about one order."""

    async def read(looking: Looking, ids: Sequence[str]) -> dict[str, LineageAnswer]:
        follows = looking.principal.may("ledger:read")
        return {
            order_id: lineage_answer(*await reading.lineage(looking.tx, commerce, order_id, follows=follows))
            for order_id in ids
        }

    return Related(LineageAnswer, "getOrderLineage", READ, read)


def stores_given_along() -> Related:
    """Return stores by their ids."""

    async def read(looking: Looking, ids: Sequence[str]) -> dict[str, Store]:
        return {one.store_id: one for one in await stores.read_stores(looking.tx, ids)}

    return Related(Store, "getStore", READ, read)
