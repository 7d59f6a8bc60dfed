"""Operations on explanations, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal

from regulars_client.asynchronous.transport import Group, walk_async
from regulars_client.calls import Call, part
from regulars_client.models import ExplanationAnswer, MovementAnswer, OrderExplanationAnswer, UnitsAnswer


class AsyncExplanations(Group):
    """Operations on explanations."""

    async def explain_balance(
        self,
        member_id: str,
        wallet: str,
        *,
        as_of: datetime | None = None,
        languages: Literal["one", "all"] | None = None,
    ) -> ExplanationAnswer:
        """Why is a balance what it is?

        Return what a wallet's balance is made of, now or as it was known at an earlier moment.

        `as_of`: A past instant (RFC 3339, with its time zone); now if left out. `languages`: `all`: each reason's
        sentence in every language, beside the one asked for.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/wallets/{part(wallet)}/explain",
                ExplanationAnswer,
                query={"as_of": as_of, "languages": languages},
            )
        )

    async def explain_tier(
        self, member_id: str, *, as_of: datetime | None = None, languages: Literal["one", "all"] | None = None
    ) -> ExplanationAnswer:
        """Why does a member hold this tier?

        Return what led to a member's tier, now or at an earlier moment, and how far the next one is.

        `as_of`: A past instant (RFC 3339, with its time zone); now if left out. `languages`: `all`: each reason's
        sentence in every language, beside the one asked for.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/tier/explain",
                ExplanationAnswer,
                query={"as_of": as_of, "languages": languages},
            )
        )

    async def explain_lot(
        self, member_id: str, lot_id: str, *, languages: Literal["one", "all"] | None = None
    ) -> ExplanationAnswer:
        """Why are these units there, and until when?

        Return what is left of a lot, and why it is there: by the transfer that brought it.

        `languages`: `all`: each reason's sentence in every language, beside the one asked for.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/lots/{part(lot_id)}/explain",
                ExplanationAnswer,
                query={"languages": languages},
            )
        )

    async def explain_transfer(
        self, member_id: str, transfer_id: str, *, languages: Literal["one", "all"] | None = None
    ) -> ExplanationAnswer:
        """Why is this line on the statement?

        Return by which rule and from which values a transfer was posted; it never changes.

        `languages`: `all`: each reason's sentence in every language, beside the one asked for.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/transfers/{part(transfer_id)}/explain",
                ExplanationAnswer,
                query={"languages": languages},
            )
        )

    async def explain_hold(
        self, member_id: str, hold_id: str, *, languages: Literal["one", "all"] | None = None
    ) -> ExplanationAnswer:
        """Why are these units held, or how did that end?

        Return for what units are held and until when, or how the hold ended.

        `languages`: `all`: each reason's sentence in every language, beside the one asked for.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/holds/{part(hold_id)}/explain",
                ExplanationAnswer,
                query={"languages": languages},
            )
        )

    async def explain_adjustment_request(
        self, member_id: str, request_id: str, *, languages: Literal["one", "all"] | None = None
    ) -> ExplanationAnswer:
        """Why does a correction wait, and who answered it?

        Return why a correction needed a second person, and what that person answered.

        `languages`: `all`: each reason's sentence in every language, beside the one asked for.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/adjustment-requests/{part(request_id)}/explain",
                ExplanationAnswer,
                query={"languages": languages},
            )
        )

    async def explain_order(
        self, order_id: str, *, languages: Literal["one", "all"] | None = None
    ) -> OrderExplanationAnswer:
        """Why did an order do what it did?

        Return why an order earned, paid with points and lifted the tier as it did, and the same of its returns.

        `languages`: `all`: each reason's sentence in every language, beside the one asked for.
        """
        return await self._transport.call(
            Call("GET", f"/v1/orders/{part(order_id)}/explain", OrderExplanationAnswer, query={"languages": languages})
        )

    async def explain_refusal(
        self,
        request_id: str,
        *,
        client: str | None = None,
        row: int | None = None,
        languages: Literal["one", "all"] | None = None,
    ) -> ExplanationAnswer:
        """Why was a request refused?

        Return why a change was refused (409, 422), by the request's id: your own requests, for 90 days.

        Of a batch `row` names which (from 0, as its answer lists them; without it the last that was refused). A key
        with `audit:read` sees everybody's; callers choose ids, so of several under one id `client` names one (409).

        `row`: A row of a batch, from 0. `languages`: `all`: each reason's sentence in every language, beside the one
        asked for.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/explain/refusals/{part(request_id)}",
                ExplanationAnswer,
                query={"client": client, "row": row, "languages": languages},
            )
        )

    async def explain_refusal_of_key(
        self, *, idempotency_key: str, row: int | None = None, languages: Literal["one", "all"] | None = None
    ) -> ExplanationAnswer:
        """Why was the request with this idempotency key refused?

        Return why the last of your changes under an idempotency key was refused, or a `row` (from 0) of a batch.

        `row`: A row of a batch, from 0. `languages`: `all`: each reason's sentence in every language, beside the one
        asked for.
        """
        return await self._transport.call(
            Call(
                "GET",
                "/v1/explain/refusals",
                ExplanationAnswer,
                query={"idempotency_key": idempotency_key, "row": row, "languages": languages},
            )
        )

    async def get_lot_lineage(
        self, member_id: str, lot_id: str, *, cursor: str | None = None, limit: int | None = None
    ) -> UnitsAnswer:
        """Where do these units come from, and where did they go?

        Return the transfer that brought a lot, and page by page what used it: orders, redemptions, expiry.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/lots/{part(lot_id)}/lineage",
                UnitsAnswer,
                query={"cursor": cursor, "limit": limit},
            )
        )

    def iterate_lot_lineage(
        self, member_id: str, lot_id: str, *, limit: int | None = None
    ) -> AsyncIterator[MovementAnswer]:
        """Go through all pages of `get_lot_lineage`, row by row."""
        return walk_async(
            lambda cursor: self.get_lot_lineage(member_id, lot_id, limit=limit, cursor=cursor),
            lambda page: page.movements,
        )

    async def get_transfer_lineage(
        self, member_id: str, transfer_id: str, *, cursor: str | None = None, limit: int | None = None
    ) -> UnitsAnswer:
        """Of which lots did these units come?

        Return a transfer, and page by page the lots that it used, each with the order that had brought it.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/transfers/{part(transfer_id)}/lineage",
                UnitsAnswer,
                query={"cursor": cursor, "limit": limit},
            )
        )

    def iterate_transfer_lineage(
        self, member_id: str, transfer_id: str, *, limit: int | None = None
    ) -> AsyncIterator[MovementAnswer]:
        """Go through all pages of `get_transfer_lineage`, row by row."""
        return walk_async(
            lambda cursor: self.get_transfer_lineage(member_id, transfer_id, limit=limit, cursor=cursor),
            lambda page: page.movements,
        )
