"""Operations on ledger, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.asynchronous.transport import Group, walk_async
from regulars_client.calls import Call, given, part
from regulars_client.models import (
    BatchAnswer,
    BatchedAccrual,
    BatchedExtension,
    HoldAnswer,
    HoldsAnswer,
    PostingAnswer,
    RequestAnswer,
)


class AsyncLedgerPart1(Group):
    """Operations on ledger."""

    async def accrue(
        self,
        member_id: str,
        *,
        amount: int,
        wallet: str | UnsetType = UNSET,
        reason: str | UnsetType = UNSET,
        reference: str | UnsetType | None = UNSET,
        effective_at: datetime | UnsetType | None = UNSET,
        available_at: datetime | UnsetType | None = UNSET,
        expires_at: datetime | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> PostingAnswer:
        """Put units into a wallet.

        Post an accrual; debt is repaid first. The same reference posts once, and gives the first transfer again.

        `amount`: Whole units of the wallet. `wallet`: The wallet's code. `reason`: Why; members read it in their
        statement. `reference`: Names the fact, for ever: it posts at most once. Without one, the idempotency key
        names it. `effective_at`: RFC 3339, with its time zone. `available_at`: RFC 3339, with its time zone.
        `expires_at`: RFC 3339, with its time zone.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/accruals",
                PostingAnswer,
                body=given(
                    {
                        "amount": amount,
                        "wallet": wallet,
                        "reason": reason,
                        "reference": reference,
                        "effective_at": effective_at,
                        "available_at": available_at,
                        "expires_at": expires_at,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def redeem(
        self,
        member_id: str,
        *,
        amount: int,
        wallet: str | UnsetType = UNSET,
        reason: str | UnsetType = UNSET,
        reference: str | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> PostingAnswer:
        """Take spendable units out of a wallet.

        Post a redemption from what is available at this moment (409 `insufficient_points` if that is less).

        `amount`: Whole units of the wallet. `wallet`: The wallet's code. `reason`: Why; members read it in their
        statement. `reference`: Names the fact, for ever: it posts at most once. Without one, the idempotency key
        names it.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/redemptions",
                PostingAnswer,
                body=given({"amount": amount, "wallet": wallet, "reason": reason, "reference": reference}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def adjust(
        self,
        member_id: str,
        *,
        amount: int,
        reason: str,
        wallet: str | UnsetType = UNSET,
        reference: str | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> PostingAnswer:
        """Correct a wallet.

        Post a correction, up or down, with its reason. Above the policy's limit it must be asked for (409).

        `amount`: Units up, or down if negative. `wallet`: The wallet's code. `reference`: Names the fact, for ever:
        it posts at most once. Without one, the idempotency key names it.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/adjustments",
                PostingAnswer,
                body=given({"amount": amount, "reason": reason, "wallet": wallet, "reference": reference}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def extend_lot(
        self,
        member_id: str,
        lot_id: str,
        *,
        expires_at: datetime,
        reason: str,
        reference: str | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> PostingAnswer:
        """Let a lot run out later.

        Extend what is free of a lot, before it is over: it becomes a lot of its own that runs out later.

        Balances are as before. What a hold keeps of the lot stays as it is (409 `nothing_to_extend` if that is all).

        `expires_at`: RFC 3339, with its time zone. `reference`: Names the fact, for ever: it posts at most once.
        Without one, the idempotency key names it.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/lots/{part(lot_id)}/extensions",
                PostingAnswer,
                body=given({"expires_at": expires_at, "reason": reason, "reference": reference}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def accrue_batch(
        self, *, accruals: Sequence[BatchedAccrual], idempotency_key: str | None = None
    ) -> BatchAnswer:
        """Put units into many wallets.

        Post up to 1,000 accruals in one transaction, row by row: a refused row leaves the others as they are.
        """
        return await self._transport.call(
            Call(
                "POST",
                "/v1/accruals/batch",
                BatchAnswer,
                body=given({"accruals": accruals}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def extend_lots(
        self, *, extensions: Sequence[BatchedExtension], idempotency_key: str | None = None
    ) -> BatchAnswer:
        """Let many lots run out later.

        Extend up to 1,000 lots in one transaction, row by row: a refused row leaves the others as they are.
        """
        return await self._transport.call(
            Call(
                "POST",
                "/v1/lots/extensions/batch",
                BatchAnswer,
                body=given({"extensions": extensions}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def list_holds(
        self, member_id: str, *, ended: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> HoldsAnswer:
        """List a member's holds.

        Return what is kept of a member's units, for what and until when; `ended` includes holds that are over.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/holds",
                HoldsAnswer,
                query={"ended": ended, "cursor": cursor, "limit": limit},
            )
        )

    def iterate_holds(
        self, member_id: str, *, ended: bool | None = None, limit: int | None = None
    ) -> AsyncIterator[HoldAnswer]:
        """Go through all pages of `list_holds`, row by row."""
        return walk_async(
            lambda cursor: self.list_holds(member_id, ended=ended, limit=limit, cursor=cursor), lambda page: page.holds
        )

    async def place_hold(
        self,
        member_id: str,
        *,
        amount: int,
        purpose: str,
        deadline: datetime,
        wallet: str | UnsetType = UNSET,
        reference: str | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> HoldAnswer:
        """Keep units for a purpose.

        Keep spendable units until a deadline: they cannot be spent otherwise, and do not expire meanwhile.

        `amount`: Whole units of the wallet. `purpose`: What for; members read it. `deadline`: RFC 3339, with its
        time zone. `wallet`: The wallet's code. `reference`: Names the fact, for ever: it posts at most once. Without
        one, the idempotency key names it.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/holds",
                HoldAnswer,
                body=given(
                    {
                        "amount": amount,
                        "purpose": purpose,
                        "deadline": deadline,
                        "wallet": wallet,
                        "reference": reference,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def post_hold(
        self,
        member_id: str,
        hold_id: str,
        *,
        amount: int | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> HoldAnswer:
        """Use what a hold keeps.

        Redeem held units, all or a part; the rest is free again. A hold ends once (409 `hold_over`).

        `amount`: Whole units of the wallet.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/holds/{part(hold_id)}/post",
                HoldAnswer,
                body=given({"amount": amount}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def void_hold(
        self, member_id: str, hold_id: str, *, reason: str | UnsetType = UNSET, idempotency_key: str | None = None
    ) -> HoldAnswer:
        """Let go of what a hold keeps.

        End a hold without using anything of it.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/holds/{part(hold_id)}/void",
                HoldAnswer,
                body=given({"reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def get_hold(
        self, member_id: str, hold_id: str, *, expand: Sequence[Literal["lots.lot"]] | None = None
    ) -> HoldAnswer:
        """Read a hold.

        Return one hold of a member. It is over at its deadline, whether that is booked or not.

        `expand`: What is to be given along, with commas between: `lots.lot` (ledger:read). Each stands in its place
        as its own address answers it, null where there is none; a key needs the scope that it takes there.
        """
        return await self._transport.call(
            Call("GET", f"/v1/members/{part(member_id)}/holds/{part(hold_id)}", HoldAnswer, query={"expand": expand})
        )

    async def ask_adjustment(
        self,
        member_id: str,
        *,
        amount: int,
        reason: str,
        wallet: str | UnsetType = UNSET,
        reference: str | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> RequestAnswer:
        """Ask for a correction.

        Ask for a correction that a second person approves; nothing is posted until then.

        `amount`: Units up, or down if negative. `wallet`: The wallet's code. `reference`: Names the fact, for ever:
        it posts at most once. Without one, the idempotency key names it.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/adjustment-requests",
                RequestAnswer,
                body=given({"amount": amount, "reason": reason, "wallet": wallet, "reference": reference}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def approve_adjustment(
        self, member_id: str, request_id: str, *, note: str | UnsetType = UNSET, idempotency_key: str | None = None
    ) -> RequestAnswer:
        """Approve a correction.

        Approve what somebody else asked for: it is posted now, once.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/adjustment-requests/{part(request_id)}/approve",
                RequestAnswer,
                body=given({"note": note}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def refuse_adjustment(
        self, member_id: str, request_id: str, *, note: str | UnsetType = UNSET, idempotency_key: str | None = None
    ) -> RequestAnswer:
        """Refuse a correction.

        Refuse what somebody else asked for; nothing is posted.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/adjustment-requests/{part(request_id)}/refuse",
                RequestAnswer,
                body=given({"note": note}),
                takes_key=True,
                key=idempotency_key,
            )
        )
