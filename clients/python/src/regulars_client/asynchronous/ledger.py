"""Operations on ledger, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from msgspec import UNSET, UnsetType

from regulars_client.asynchronous.ledger_2 import AsyncLedgerPart2
from regulars_client.calls import Call, given, part
from regulars_client.models import TransferReversedAnswer


class AsyncLedger(AsyncLedgerPart2):
    """Operations on ledger."""

    async def reverse_transfer(
        self,
        member_id: str,
        transfer_id: str,
        *,
        reason: str,
        dry_run: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> TransferReversedAnswer:
        """Take a transfer back.

        Give back to who gave: what is unspent as it is, the rest out of other points; what is lacking is owed.

        `dry_run` tells what would go back, and what would be owed.

        `dry_run`: Only tell what would be; nothing is written.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/transfers/{part(transfer_id)}/reverse",
                TransferReversedAnswer,
                body=given({"reason": reason, "dry_run": dry_run}),
                takes_key=True,
                key=idempotency_key,
            )
        )
