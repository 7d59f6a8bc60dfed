"""Operations on finance, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.asynchronous.transport import AsyncDownload, Group
from regulars_client.calls import Call, given, part
from regulars_client.models import Breakage, ClosesAnswer, LiabilityAnswer, LiabilityAtAnswer, MonthClose, Proof


class AsyncFinance(Group):
    """Operations on finance."""

    async def get_liability(
        self, *, first: str | None = None, last: str | None = None, market: str | None = None, wallet: str | None = None
    ) -> LiabilityAnswer:
        """Read the liability by month.

        Return what members may still spend and how it moved, by calendar month of each market's time zone.

        Late facts stand in the month in which they were recorded. Without `first` and `last`: the last twelve
        months.

        `first`: A calendar month, e.g. 2026-05. `last`: A calendar month, e.g. 2026-05.
        """
        return await self._transport.call(
            Call(
                "GET",
                "/v1/finance/liability",
                LiabilityAnswer,
                query={"first": first, "last": last, "market": market, "wallet": wallet},
            )
        )

    async def get_liability_at(
        self,
        *,
        as_of: datetime | None = None,
        market: str | None = None,
        wallet: str | None = None,
        parts: bool | None = None,
    ) -> LiabilityAtAnswer:
        """Read the liability at an instant.

        Return what members may still spend as the books knew it at any past instant.

        `as_of`: A past instant (RFC 3339, with its time zone); else now. `parts`: Also say what could be spent then;
        reads every open lot.
        """
        return await self._transport.call(
            Call(
                "GET",
                "/v1/finance/liability/at",
                LiabilityAtAnswer,
                query={"as_of": as_of, "market": market, "wallet": wallet, "parts": parts},
            )
        )

    async def get_breakage(self, *, market: str, wallet: str | None = None) -> Breakage:
        """Estimate breakage.

        Return which share of outstanding units will probably expire unused, and the fair value of a point.

        It stands on closed months, and is refused while too few months of earning have run to their end.
        """
        return await self._transport.call(
            Call("GET", "/v1/finance/breakage", Breakage, query={"market": market, "wallet": wallet})
        )

    async def get_journal(
        self,
        month: str,
        *,
        form: Literal["csv", "beancount"] | None = None,
        by: Literal["day", "transfer"] | None = None,
        market: str | None = None,
    ) -> AsyncDownload:
        """Export a month's journal.

        Return a month's bookings as CSV or for beancount, added up by account and day, or transfer by transfer.

        It holds the spendable wallets. A closed month's journal asserts what was left when it was closed.
        """
        return await self._transport.download(
            Call("GET", f"/v1/finance/journals/{part(month)}", bytes, query={"form": form, "by": by, "market": market})
        )

    async def list_closes(self) -> ClosesAnswer:
        """List the closed months.

        Return which months are closed, by whom, when, and the digests of their transfers.
        """
        return await self._transport.call(Call("GET", "/v1/finance/closes", ClosesAnswer))

    async def close_month(
        self, *, month: str, reason: str | UnsetType = UNSET, idempotency_key: str | None = None
    ) -> MonthClose:
        """Close a month.

        Close a month for good: the next in order, once it is over in every market.

        From the answer on nothing is booked into it. Its figures are frozen in the background, once every
        transaction that began before has ended: `getClose` tells. A closed month is never opened again.
        """
        return await self._transport.call(
            Call(
                "POST",
                "/v1/finance/closes",
                MonthClose,
                body=given({"month": month, "reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def get_close(self, month: str) -> MonthClose:
        """Read a closed month.

        Return one month that is closed or being closed.
        """
        return await self._transport.call(Call("GET", f"/v1/finance/closes/{part(month)}", MonthClose))

    async def prove_month(self, month: str) -> Proof:
        """Prove a closed month.

        Recompute a closed month from every transfer in it, and compare it with what was kept.
        """
        return await self._transport.call(Call("GET", f"/v1/finance/closes/{part(month)}/proof", Proof))
