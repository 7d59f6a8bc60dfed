"""Operations on ledger, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.blocking.ledger_1 import LedgerPart1
from regulars_client.blocking.transport import walk
from regulars_client.calls import Call, given, part
from regulars_client.models import (
    BatchedAdjustment,
    BatchedHold,
    BatchedHoldPosting,
    BatchedHoldVoiding,
    BatchedRedemption,
    HoldBatchAnswer,
    LotAnswer,
    LotsAnswer,
    PostingsAnswer,
    ProgrammePolicies,
    ProgrammeWallets,
    RequestAnswer,
    RequestsAnswer,
    StatementAnswer,
    StatementLineAnswer,
    TierAnswer,
    TransferAnswer,
    TransferReversedAnswer,
    TransfersAnswer,
    TransferSeenAnswer,
    WalletsAnswer,
)


class Ledger(LedgerPart1):
    """Operations on ledger."""

    def list_adjustment_requests(
        self,
        *,
        member_id: str | None = None,
        ended: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["requests.member", "requests.wallets"]] | None = None,
    ) -> RequestsAnswer:
        """List adjustment requests.

        Return what waits for a second person; `ended` includes what was answered, and what nobody answered.

        `expand`: What is to be given along, with commas between: `requests.member` (members:read),
        `requests.wallets` (ledger:read). Each stands in its place as its own address answers it, null where there is
        none; a key needs the scope that it takes there.
        """
        return self._transport.call(
            Call(
                "GET",
                "/v1/adjustment-requests",
                RequestsAnswer,
                query={"member_id": member_id, "ended": ended, "cursor": cursor, "limit": limit, "expand": expand},
            )
        )

    def iterate_adjustment_requests(
        self,
        *,
        member_id: str | None = None,
        ended: bool | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["requests.member", "requests.wallets"]] | None = None,
    ) -> Iterator[RequestAnswer]:
        """Go through all pages of `list_adjustment_requests`, row by row."""
        return walk(
            lambda cursor: self.list_adjustment_requests(
                member_id=member_id, ended=ended, limit=limit, expand=expand, cursor=cursor
            ),
            lambda page: page.requests,
        )

    def adjust_batch(
        self, *, adjustments: Sequence[BatchedAdjustment], idempotency_key: str | None = None
    ) -> PostingsAnswer:
        """Correct many wallets.

        Post up to 1,000 corrections in one transaction, row by row: a refused row leaves the others as they are.

        A row above the policy's limits is refused as it would be alone (409): ask for it (`askAdjustment`).
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/adjustments/batch",
                PostingsAnswer,
                body=given({"adjustments": adjustments}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def redeem_batch(
        self, *, redemptions: Sequence[BatchedRedemption], idempotency_key: str | None = None
    ) -> PostingsAnswer:
        """Take spendable units out of many wallets.

        Post up to 1,000 redemptions in one transaction, row by row: a refused row leaves the others as they are.

        Each takes from what is available behind the rows before it (409 `insufficient_points` if that is less).
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/redemptions/batch",
                PostingsAnswer,
                body=given({"redemptions": redemptions}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def place_holds(self, *, holds: Sequence[BatchedHold], idempotency_key: str | None = None) -> HoldBatchAnswer:
        """Keep units of many members for a purpose.

        Place up to 1,000 holds in one transaction, row by row: a refused row leaves the others as they are.
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/holds/batch",
                HoldBatchAnswer,
                body=given({"holds": holds}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def post_holds(self, *, holds: Sequence[BatchedHoldPosting], idempotency_key: str | None = None) -> HoldBatchAnswer:
        """Use what many holds keep.

        Redeem what up to 1,000 holds keep, row by row: a refused row leaves the others as they are.

        A hold ends once: a second row of the same hold is refused (409 `hold_over`).
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/holds/post/batch",
                HoldBatchAnswer,
                body=given({"holds": holds}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def void_holds(self, *, holds: Sequence[BatchedHoldVoiding], idempotency_key: str | None = None) -> HoldBatchAnswer:
        """Let go of what many holds keep.

        End up to 1,000 holds without using anything of them; a refused row leaves the others as they are.
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/holds/void/batch",
                HoldBatchAnswer,
                body=given({"holds": holds}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def get_wallets(self, member_id: str, *, as_of: datetime | None = None) -> WalletsAnswer:
        """Read a member's wallets.

        Return every wallet of a member, now or as it was known at an earlier moment.

        `as_of`: A past instant (RFC 3339, with its time zone); now if left out.
        """
        return self._transport.call(
            Call("GET", f"/v1/members/{part(member_id)}/wallets", WalletsAnswer, query={"as_of": as_of})
        )

    def list_lots(
        self,
        member_id: str,
        *,
        spent: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["lots.order"]] | None = None,
    ) -> LotsAnswer:
        """List a member's lots.

        Return what the member's units are made of, page by page; `spent` includes lots with nothing left.

        A page begins behind the lot that the cursor names, also when that one was spent meanwhile.

        `expand`: What is to be given along, with commas between: `lots.order` (orders:read). Each stands in its
        place as its own address answers it, null where there is none; a key needs the scope that it takes there.
        """
        return self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/lots",
                LotsAnswer,
                query={"spent": spent, "cursor": cursor, "limit": limit, "expand": expand},
            )
        )

    def iterate_lots(
        self,
        member_id: str,
        *,
        spent: bool | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["lots.order"]] | None = None,
    ) -> Iterator[LotAnswer]:
        """Go through all pages of `list_lots`, row by row."""
        return walk(
            lambda cursor: self.list_lots(member_id, spent=spent, limit=limit, expand=expand, cursor=cursor),
            lambda page: page.lots,
        )

    def get_statement(
        self,
        member_id: str,
        *,
        wallet: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["lines.order", "lines.lots.lot"]] | None = None,
    ) -> StatementAnswer:
        """Read a member's statement.

        Return what moved the member's balances, each with a plain reason in the caller's language.

        `expand`: What is to be given along, with commas between: `lines.order` (orders:read), `lines.lots.lot`
        (ledger:read). Each stands in its place as its own address answers it, null where there is none; a key needs
        the scope that it takes there.
        """
        return self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/statement",
                StatementAnswer,
                query={"wallet": wallet, "cursor": cursor, "limit": limit, "expand": expand},
            )
        )

    def iterate_statement(
        self,
        member_id: str,
        *,
        wallet: str | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["lines.order", "lines.lots.lot"]] | None = None,
    ) -> Iterator[StatementLineAnswer]:
        """Go through all pages of `get_statement`, row by row."""
        return walk(
            lambda cursor: self.get_statement(member_id, wallet=wallet, limit=limit, expand=expand, cursor=cursor),
            lambda page: page.lines,
        )

    def get_tier(self, member_id: str, *, as_of: datetime | None = None) -> TierAnswer:
        """Read a member's tier.

        Return a member's tier now or at an earlier moment, with what led to it and what comes next.

        `as_of`: A past instant (RFC 3339, with its time zone); now if left out.
        """
        return self._transport.call(
            Call("GET", f"/v1/members/{part(member_id)}/tier", TierAnswer, query={"as_of": as_of})
        )

    def list_wallets(self) -> ProgrammeWallets:
        """List the wallets.

        Return the programme's wallets: which count for tiers, and which can be spent.
        """
        return self._transport.call(Call("GET", "/v1/wallets", ProgrammeWallets))

    def list_policies(self, *, withdrawn: bool | None = None) -> ProgrammePolicies:
        """List the policies.

        Return every version of the loyalty policy, past and to come, and which of them is in force.

        `withdrawn` adds those that were taken back before their instant.
        """
        return self._transport.call(Call("GET", "/v1/policies", ProgrammePolicies, query={"withdrawn": withdrawn}))

    def list_transfers(
        self,
        member_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        expand: Sequence[Literal["transfers.other_member"]] | None = None,
    ) -> TransfersAnswer:
        """List what a member gave to others, and got.

        Return the transfers of a member, given and received, with those of who is part of the member now.

        `expand`: What is to be given along, with commas between: `transfers.other_member` (members:read). Each
        stands in its place as its own address answers it, null where there is none; a key needs the scope that it
        takes there.
        """
        return self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/transfers",
                TransfersAnswer,
                query={"cursor": cursor, "limit": limit, "expand": expand},
            )
        )

    def iterate_transfers(
        self,
        member_id: str,
        *,
        limit: int | None = None,
        expand: Sequence[Literal["transfers.other_member"]] | None = None,
    ) -> Iterator[TransferSeenAnswer]:
        """Go through all pages of `list_transfers`, row by row."""
        return walk(
            lambda cursor: self.list_transfers(member_id, limit=limit, expand=expand, cursor=cursor),
            lambda page: page.transfers,
        )

    def transfer_points(
        self,
        member_id: str,
        *,
        to: str,
        amount: int,
        reason: str | UnsetType = UNSET,
        reference: str | UnsetType | None = UNSET,
        dry_run: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> TransferAnswer:
        """Let a member give points to another.

        Move spendable points lot by lot, the soonest to run out first; each keeps its dates. As the policy allows.

        The same reference gives the first transfer again. `dry_run` tells whether it would be allowed.

        `to`: The member who gets them. `amount`: Whole units of the wallet. `reason`: Why; members read it in their
        statement. `reference`: Names the fact, for ever: it posts at most once. Without one, the idempotency key
        names it. `dry_run`: Only tell what would be; nothing is written.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/transfers",
                TransferAnswer,
                body=given({"to": to, "amount": amount, "reason": reason, "reference": reference, "dry_run": dry_run}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def reverse_transfer(
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
        return self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/transfers/{part(transfer_id)}/reverse",
                TransferReversedAnswer,
                body=given({"reason": reason, "dry_run": dry_run}),
                takes_key=True,
                key=idempotency_key,
            )
        )
