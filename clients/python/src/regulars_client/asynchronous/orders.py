"""Operations on orders, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.asynchronous.transport import Group, walk_async
from regulars_client.calls import Call, given, part
from regulars_client.models import (
    Amount,
    BatchedOrder,
    LineageAnswer,
    LineBody,
    OrderAnswer,
    OrderBatchAnswer,
    OrderShown,
    OrdersPage,
    PaymentBody,
    ReturnAnswer,
    ReturnLineBody,
)


class AsyncOrders(Group):
    """Operations on orders."""

    async def get(
        self,
        order_id: str,
        *,
        explain: bool | None = None,
        expand: Sequence[Literal["member", "store", "lineage"]] | None = None,
    ) -> OrderShown:
        """Read an order.

        Return an order with its lines, what came back of each, its returns and all effects.

        `expand`: What is to be given along, with commas between: `member` (members:read), `store` (orders:read),
        `lineage` (orders:read). Each stands in its place as its own address answers it, null where there is none; a
        key needs the scope that it takes there.
        """
        return await self._transport.call(
            Call("GET", f"/v1/orders/{part(order_id)}", OrderShown, query={"explain": explain, "expand": expand})
        )

    async def put(
        self,
        order_id: str,
        *,
        state: Literal["open", "placed", "paid", "fulfilled", "cancelled"],
        channel: Literal["online", "store", "app", "partner", "social", "phone"],
        market: str,
        total: Amount,
        lines: Sequence[LineBody],
        member_id: str | UnsetType | None = UNSET,
        store_id: str | UnsetType | None = UNSET,
        occurred_at: datetime | UnsetType | None = UNSET,
        payments: Sequence[PaymentBody] | UnsetType = UNSET,
        dry_run: bool | None = None,
        explain: bool | None = None,
        idempotency_key: str | None = None,
    ) -> OrderAnswer:
        """Send an order as it now stands.

        Take over the state of an order under your own id; sending it again changes nothing.

        It is settled when it becomes `paid`: points pay and are earned, growth counts, the tier rises. From then on
        its lines stand; `cancelled` after that is a full return. With `dry_run` nothing changes and the answer is
        the same; with `explain` it carries every rule's verdict.

        `member_id`: The member who buys; left out for an order without a member. `store_id`: A defined store.
        `occurred_at`: RFC 3339 with its zone; at most 5 minutes ahead. Default: now.
        """
        return await self._transport.call(
            Call(
                "PUT",
                f"/v1/orders/{part(order_id)}",
                OrderAnswer,
                query={"dry_run": dry_run, "explain": explain},
                body=given(
                    {
                        "state": state,
                        "channel": channel,
                        "market": market,
                        "total": total,
                        "lines": lines,
                        "member_id": member_id,
                        "store_id": store_id,
                        "occurred_at": occurred_at,
                        "payments": payments,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def return_order(
        self,
        order_id: str,
        *,
        return_id: str | UnsetType | None = UNSET,
        lines: Sequence[ReturnLineBody] | UnsetType | None = UNSET,
        store_id: str | UnsetType | None = UNSET,
        occurred_at: datetime | UnsetType | None = UNSET,
        dry_run: bool | None = None,
        explain: bool | None = None,
        idempotency_key: str | None = None,
    ) -> ReturnAnswer:
        """Take back an order, or part of it.

        Take back lines or parts of them, in any store of the order's market; without lines everything left.

        The order is settled for what remains, by the policy under which it was paid. A part of a line is worth its
        share, rounded down over all parts returned so far, so that parts sum to the whole.

        `return_id`: Your id of this return. Default: derived from the Idempotency-Key. `store_id`: A defined store.
        `occurred_at`: RFC 3339 with its zone; at most 5 minutes ahead. Default: now.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/orders/{part(order_id)}/returns",
                ReturnAnswer,
                query={"dry_run": dry_run, "explain": explain},
                body=given({"return_id": return_id, "lines": lines, "store_id": store_id, "occurred_at": occurred_at}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def claim(
        self, order_id: str, *, member_id: str, explain: bool | None = None, idempotency_key: str | None = None
    ) -> OrderAnswer:
        """Give an order without a member to a member.

        Settle a guest order for a member, within 30 days of its time, as a late order; then its returns.

        It earns at the tier held now; its growth counts at its own time. Claiming it again changes nothing.

        `member_id`: The member who buys; left out for an order without a member.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/orders/{part(order_id)}/claim",
                OrderAnswer,
                query={"explain": explain},
                body=given({"member_id": member_id}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def list_of_member(
        self,
        member_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["orders.store"]] | None = None,
    ) -> OrdersPage:
        """List a member's orders.

        Return a member's orders, the latest first, page by page.

        `expand`: What is to be given along, with commas between: `orders.store` (orders:read). Each stands in its
        place as its own address answers it, null where there is none; a key needs the scope that it takes there.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/orders",
                OrdersPage,
                query={"cursor": cursor, "limit": limit, "expand": expand},
            )
        )

    def iterate_of_member(
        self, member_id: str, *, limit: int | None = None, expand: Sequence[Literal["orders.store"]] | None = None
    ) -> AsyncIterator[OrderAnswer]:
        """Go through all pages of `list_of_member`, row by row."""
        return walk_async(
            lambda cursor: self.list_of_member(member_id, limit=limit, expand=expand, cursor=cursor),
            lambda page: page.orders,
        )

    async def get_lineage(self, order_id: str, *, cursor: str | None = None, limit: int | None = None) -> LineageAnswer:
        """List everything that an order caused.

        Return the transfers, points and tier changes of an order and its returns, and what became of the points.

        Of each lot the first 100 movements are told; the lot's own lineage has all of them. Into the books that a
        merge brought points to they are followed for a key that has `ledger:read` as well.
        """
        return await self._transport.call(
            Call("GET", f"/v1/orders/{part(order_id)}/lineage", LineageAnswer, query={"cursor": cursor, "limit": limit})
        )

    async def put_orders(
        self, *, orders: Sequence[BatchedOrder], idempotency_key: str | None = None
    ) -> OrderBatchAnswer:
        """Send many orders as they now stand.

        Take over up to 1,000 orders in one transaction, row by row: a refused row leaves the others as they are.

        Each is what `putOrder` would make of it; one order may come several times, in the order of its states.
        """
        return await self._transport.call(
            Call(
                "PUT",
                "/v1/orders",
                OrderBatchAnswer,
                body=given({"orders": orders}),
                takes_key=True,
                key=idempotency_key,
            )
        )
