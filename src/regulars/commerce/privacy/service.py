"""What orders tell a member of theirs. Erasing leaves them: they name a number, and the books stand on them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from regulars.commerce.privacy import store
from regulars.members.contracts.privacy import PrivacyPart, Section
from regulars.platform.db.transaction import Transaction
from regulars.platform.texts import mark
from regulars.platform.vault.contracts import Vault


async def _erase(_tx: Transaction, _member_ids: Sequence[UUID]) -> None:
    """Leave orders as they are."""


async def _export(tx: Transaction, _vault: Vault, member_id: UUID) -> dict[str, Section]:
    return await store.of_member(tx, member_id)


PRIVACY: Final = PrivacyPart(
    room="commerce",
    erase=_erase,
    export=_export,
    sections={
        "orders": mark("Your orders"),
        "order_lines": mark("What you bought"),
        "order_returns": mark("What you brought back"),
    },
    codes={
        "orders.state": {
            "open": mark("Open"),
            "placed": mark("Placed"),
            "paid": mark("Paid"),
            "fulfilled": mark("Delivered"),
            "cancelled": mark("Cancelled"),
        },
        "channel": {  # of orders, and of what receipts told of them
            "online": mark("Online"),
            "store": mark("In a shop"),
            "app": mark("App"),
            "partner": mark("Partner"),
            "social": mark("Social shop"),
            "phone": mark("Telephone"),
        },
    },
    excused={
        "bought_as": "as whom a merged member counts in figures: the same as members",
        "order_keys": "whose each order id is: the same as orders",
        "guest_orders": "what a guest bought; once claimed it stands in orders",
    },
)
