"""Of `client.ledger`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from regulars_client.models.shared import MemberAnswerShown, OrderAnswer, PolicyVersion, Problem, WalletsAnswer


class LotAnswer(Struct, frozen=True, kw_only=True):
    """Part of `LineLot`."""

    lot_id: str
    wallet: str
    amount: int
    remaining: int
    state: str
    earned_at: datetime
    available_at: datetime
    expires_at: datetime
    order_id: str | None
    held: int
    order: OrderAnswer | None = None
    """Given along where `expand` names it."""


class UsedLot(Struct, frozen=True, kw_only=True):
    """Part of `HoldAnswer`."""

    lot_id: str
    amount: int
    lot: LotAnswer | None = None
    """Given along where `expand` names it."""


class PostingAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.accrue`: put units into a wallet."""

    transfer_id: str
    member_id: str
    wallet: str
    kind: str
    amount: int
    balance: int
    debt: int
    debt_repaid: int
    reference: str
    effective_at: datetime
    recorded_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    tier: str | None
    lots: list[UsedLot]


class BatchRowAnswer(Struct, frozen=True, kw_only=True):
    """Part of `BatchAnswer`."""

    reference: str
    posting: PostingAnswer | None = None
    problem: Problem | None = None


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.accrue_batch`: put units into many wallets."""

    posted: int
    refused: int
    rows: list[BatchRowAnswer]


class BatchedAccrual(Struct, frozen=True, kw_only=True):
    """Part of `client.ledger.accrue_batch`."""

    amount: int
    """Whole units of the wallet."""
    wallet: str | UnsetType = UNSET
    """The wallet's code."""
    reason: str | UnsetType = UNSET
    """Why; members read it in their statement."""
    reference: str
    """Names the fact, for ever: it posts at most once. Without one, the idempotency key names it."""
    effective_at: datetime | UnsetType | None = UNSET
    """RFC 3339, with its time zone."""
    available_at: datetime | UnsetType | None = UNSET
    """RFC 3339, with its time zone."""
    expires_at: datetime | UnsetType | None = UNSET
    """RFC 3339, with its time zone."""
    member_id: str


class BatchedAdjustment(Struct, frozen=True, kw_only=True):
    """Part of `client.ledger.adjust_batch`."""

    amount: int
    """Units up, or down if negative."""
    reason: str
    wallet: str | UnsetType = UNSET
    """The wallet's code."""
    reference: str
    """Names the fact, for ever: it posts at most once. Without one, the idempotency key names it."""
    member_id: str


class BatchedExtension(Struct, frozen=True, kw_only=True):
    """Part of `client.ledger.extend_lots`."""

    member_id: str
    lot_id: str
    expires_at: datetime
    """RFC 3339, with its time zone."""
    reason: str
    reference: str
    """Names the fact, for ever: it posts at most once. Without one, the idempotency key names it."""


class BatchedHold(Struct, frozen=True, kw_only=True):
    """Part of `client.ledger.place_holds`."""

    amount: int
    """Whole units of the wallet."""
    purpose: str
    """What for; members read it."""
    deadline: datetime
    """RFC 3339, with its time zone."""
    wallet: str | UnsetType = UNSET
    """The wallet's code."""
    reference: str
    """Names the fact, for ever: it posts at most once. Without one, the idempotency key names it."""
    member_id: str


class BatchedHoldPosting(Struct, frozen=True, kw_only=True):
    """Part of `client.ledger.post_holds`."""

    amount: int | UnsetType | None = UNSET
    """Whole units of the wallet."""
    member_id: str
    hold_id: str


class BatchedHoldVoiding(Struct, frozen=True, kw_only=True):
    """Part of `client.ledger.void_holds`."""

    reason: str | UnsetType = UNSET
    member_id: str
    hold_id: str


class BatchedRedemption(Struct, frozen=True, kw_only=True):
    """Part of `client.ledger.redeem_batch`."""

    amount: int
    """Whole units of the wallet."""
    wallet: str | UnsetType = UNSET
    """The wallet's code."""
    reason: str | UnsetType = UNSET
    """Why; members read it in their statement."""
    reference: str
    """Names the fact, for ever: it posts at most once. Without one, the idempotency key names it."""
    member_id: str


class HoldAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.place_hold`: keep units for a purpose."""

    hold_id: str
    member_id: str
    wallet: str
    amount: int
    purpose: str
    reference: str
    state: str
    placed_at: datetime
    deadline: datetime
    ended_at: datetime | None
    posted: int
    released: int
    transfer_id: str | None
    reason: str
    lots: list[UsedLot]


class HoldRowAnswer(Struct, frozen=True, kw_only=True):
    """Part of `HoldBatchAnswer`."""

    name: str
    status: int
    hold: HoldAnswer | None = None
    problem: Problem | None = None


class HoldBatchAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.place_holds`: keep units of many members for a purpose."""

    done: int
    refused: int
    rows: list[HoldRowAnswer]


class HoldsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.list_holds`: list a member's holds."""

    member_id: str
    holds: list[HoldAnswer]
    has_more: bool
    next_cursor: str | None


class LineLot(Struct, frozen=True, kw_only=True):
    """Part of `StatementLineAnswer`."""

    lot_id: str
    amount: int
    lot: LotAnswer | None = None
    """Given along where `expand` names it."""


class LotsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.list_lots`: list a member's lots."""

    member_id: str
    lots: list[LotAnswer]
    has_more: bool
    next_cursor: str | None


class PostingRowAnswer(Struct, frozen=True, kw_only=True):
    """Part of `PostingsAnswer`."""

    reference: str
    status: int
    posting: PostingAnswer | None = None
    problem: Problem | None = None


class PostingsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.adjust_batch`: correct many wallets."""

    posted: int
    refused: int
    rows: list[PostingRowAnswer]


class ProgrammePolicies(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.list_policies`: list the policies."""

    in_force: int | None
    policies: list[PolicyVersion]


class WalletRule(Struct, frozen=True, kw_only=True):
    """Part of `ProgrammeWallets`."""

    code: str
    qualifying: bool
    spendable: bool


class ProgrammeWallets(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.list_wallets`: list the wallets."""

    wallets: list[WalletRule]


class RequestAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.ask_adjustment`: ask for a correction."""

    request_id: str
    member_id: str
    wallet: str
    amount: int
    reason: str
    reference: str
    state: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    policy_version: int
    answered_by: str | None
    answered_at: datetime | None
    note: str
    transfer_id: str | None
    member: MemberAnswerShown | None = None
    """Given along where `expand` names it."""
    wallets: WalletsAnswer | None = None
    """Given along where `expand` names it."""


class RequestsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.list_adjustment_requests`: list adjustment requests."""

    requests: list[RequestAnswer]
    has_more: bool
    next_cursor: str | None


class StatementLineAnswer(Struct, frozen=True, kw_only=True):
    """Part of `StatementAnswer`."""

    transfer_id: str
    wallet: str
    kind: str
    amount: int
    balance: int
    debt_change: int
    reason: str
    order_id: str | None
    reference: str
    effective_at: datetime
    recorded_at: datetime
    written_at: datetime
    policy_version: int
    lots: list[LineLot]
    order: OrderAnswer | None = None
    """Given along where `expand` names it."""


class StatementAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.get_statement`: read a member's statement."""

    member_id: str
    lines: list[StatementLineAnswer]
    has_more: bool
    next_cursor: str | None


class TransferAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.transfer_points`: let a member give points to another."""

    transfer_id: str | None
    member_id: str
    to: str
    wallet: str
    amount: int
    reference: str
    reason: str
    recorded_at: datetime
    reversed_at: datetime | None


class TransferReversedAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.reverse_transfer`: take a transfer back."""

    transfer_id: str
    member_id: str
    to: str
    wallet: str
    returned: int
    covered: int
    shortfall: int
    expired: int
    recorded_at: datetime
    dry_run: bool


class TransferSeenAnswer(Struct, frozen=True, kw_only=True):
    """Part of `TransfersAnswer`."""

    transfer_id: str
    side: str
    other: str
    wallet: str
    amount: int
    reference: str | None
    reason: str
    actor: str
    recorded_at: datetime
    reversed_at: datetime | None
    other_member: MemberAnswerShown | None = None
    """Given along where `expand` names it."""


class TransfersAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.list_transfers`: list what a member gave to others, and got."""

    transfers: list[TransferSeenAnswer]
    has_more: bool
    next_cursor: str | None
