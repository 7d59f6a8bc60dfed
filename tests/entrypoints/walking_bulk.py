"""The part of the walk in which much is done in one request."""

from typing import Any, Protocol

from regulars.platform.services import Services


class Asks(Protocol):
    """The walk, as its parts see it."""

    async def ask(self, operation: str, says: str, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        """Call an operation, and tell of it."""


async def walk_bulk(walk: Asks, services: Services, member: str) -> None:
    """Sign many members up and send many orders."""
    del services
    signing_up = {"market": "CN", "channel": "partner"}
    await walk.ask(
        "signUpMembers",
        "A hotel hands its guests' club over. Each row is decided on its own; sent again, it gives the same members.",
        "POST",
        "/v1/members/batch",
        {
            "members": [
                signing_up | {"reference": "hotel:1", "identities": [{"kind": "card", "value": "HT-000001"}]},
                signing_up | {"reference": "hotel:2", "identities": [{"kind": "phone", "value": "138 0013 8000"}]},
            ]
        },
    )
    cup = {"amount_minor": 5_900, "currency": "CNY"}
    order = {
        "member_id": member,
        "state": "paid",
        "channel": "online",
        "market": "CN",
        "total": cup,
        "lines": [{"sku": "cup", "amount": cup}],
    }
    await walk.ask(
        "putOrders",
        "A till that was without network sends what it sold. A row that is refused leaves the others as they are.",
        "PUT",
        "/v1/orders",
        {"orders": [order | {"order_id": "till-9-0001"}, order | {"order_id": "till-9-0002", "market": "XX"}]},
    )
