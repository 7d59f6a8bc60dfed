"""What other domains hand to loyalty and get from it: commands, and what came of them."""

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

# Every kind of decision that books keep. A new one is said in `explain/sentences.py`; a test asks for each of these.
TransferKind = Literal[
    "accrue",
    "earn",
    "redeem",
    "give_back",
    "claw_back",
    "forgive",
    "expire",
    "adjust",
    "extend",
    "move_in",
    "move_out",
]
TierCause = Literal["order", "return", "review", "accrue", "adjust", "merge", "policy"]


class Accrue(Struct, frozen=True, kw_only=True):
    """Put `amount` units into a wallet.

    `effective_at` is when it happened (None: now); a spendable wallet gets a lot that is available from
    `available_at` (None: at once) until `expires_at` (None: by the policy). `reference` posts at most once.
    """

    member_id: UUID
    wallet: str
    amount: int
    reference: str
    reason: str = ""
    effective_at: datetime | None = None
    available_at: datetime | None = None
    expires_at: datetime | None = None
    recorded_at: datetime | None = None


class Redeem(Struct, frozen=True, kw_only=True):
    """Take `amount` spendable units out of a wallet, the soonest to expire first."""

    member_id: UUID
    wallet: str
    amount: int
    reference: str
    reason: str = ""
    recorded_at: datetime | None = None


class Adjust(Struct, frozen=True, kw_only=True):
    """Correct a wallet by `amount` units, up or down, for a reason; `actor` does, and `approved_by` has agreed."""

    member_id: UUID
    wallet: str
    amount: int
    reference: str
    reason: str
    actor: str = ""
    approved_by: str = ""
    recorded_at: datetime | None = None


class ExtendLot(Struct, frozen=True, kw_only=True):
    """Let what is free of a lot run out later: at `expires_at` (UTC), for a reason, by `actor`."""

    member_id: UUID
    lot_no: int
    expires_at: datetime
    reference: str
    reason: str
    actor: str = ""
    recorded_at: datetime | None = None


class AskAdjustment(Struct, frozen=True, kw_only=True):
    """Ask for a correction that a second person must approve. The reference names the request, for ever."""

    member_id: UUID
    wallet: str
    amount: int
    reference: str
    reason: str
    actor: str
    recorded_at: datetime | None = None


class AnswerAdjustment(Struct, frozen=True, kw_only=True):
    """Approve what was asked for, which posts it, or refuse it."""

    member_id: UUID
    request_id: UUID
    approve: bool
    actor: str
    note: str = ""
    recorded_at: datetime | None = None


RequestState = Literal["open", "approved", "refused", "expired"]


class RequestsWanted(Struct, frozen=True, kw_only=True):
    """Which corrections that were asked for: a member's, in a state, by whom, between two instants, both included.

    From behind `after` (asked at, request), the latest first.
    """

    member_id: UUID | None = None
    state: RequestState | None = None
    asked_by: str | None = None
    asked_from: datetime | None = None
    asked_until: datetime | None = None
    after: tuple[datetime, UUID] | None = None
    limit: int = 50


class AdjustmentRequest(Struct, frozen=True, kw_only=True):
    """A correction that was asked for, and what came of it; `transfer_no` posted it."""

    member_id: UUID
    request_id: UUID
    wallet: str
    amount: int
    reason: str
    reference: str
    state: RequestState
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    policy_version: int
    answered_by: str | None = None
    answered_at: datetime | None = None
    note: str = ""
    transfer_no: int | None = None


class PlaceHold(Struct, frozen=True, kw_only=True):
    """Keep `amount` spendable units for a purpose until `deadline` (UTC), the soonest to expire first.

    The reference names the hold, for ever: the hold's id follows from it.
    """

    member_id: UUID
    wallet: str
    amount: int
    purpose: str
    deadline: datetime
    reference: str
    recorded_at: datetime | None = None


class PostHold(Struct, frozen=True, kw_only=True):
    """Use what a hold keeps: `amount` units of it (None: all), for a reason. What is left of it is free again."""

    member_id: UUID
    hold_id: UUID
    amount: int | None = None
    reason: str = ""
    recorded_at: datetime | None = None


class VoidHold(Struct, frozen=True, kw_only=True):
    """Let go of what a hold keeps, for a reason."""

    member_id: UUID
    hold_id: UUID
    reason: str = ""
    recorded_at: datetime | None = None


class SettleOrder(Struct, frozen=True, kw_only=True):
    """Settle a paid order: pay with points, earn points and growth, rise in tier.

    `points` is how many to use; `points_at_most` instead uses as many as the policy allows, up to that number, and
    none where it allows none. `effective_at` is the order's time, `time_zone` the market's (IANA), amounts are minor
    units of the market's currency.
    """

    member_id: UUID
    order_id: str
    total_minor: int
    effective_at: datetime
    time_zone: str
    points: int = 0
    points_at_most: int | None = None
    recorded_at: datetime | None = None


class SettleReturn(Struct, frozen=True, kw_only=True):
    """Settle an order anew after a return; `returned_minor` is all that has come back so far, this return included.

    `effective_at` is when it came back (None: now); what can be taken is decided by the instant of settling.
    """

    member_id: UUID
    order_id: str
    return_id: str
    returned_minor: int
    effective_at: datetime | None = None
    recorded_at: datetime | None = None


class Posting(Struct, frozen=True, kw_only=True):
    """What a direct posting did: the transfer's number in the member's books, and the wallet after it."""

    member_id: UUID
    seq: int
    wallet: str
    kind: str
    amount: int
    reference: str
    balance: int
    debt: int
    effective_at: datetime
    recorded_at: datetime
    debt_repaid: int = 0
    available_at: datetime | None = None
    expires_at: datetime | None = None
    tier: str | None = None
    lot_uses: tuple[tuple[int, int], ...] = ()


class PointsOffer(Struct, frozen=True, kw_only=True):
    """What was decided about paying with points, where that was asked for.

    At most `asked` were wanted; `allowed` might pay, of `spendable` ones, while `debt` was owed.
    """

    asked: int
    allowed: int
    spendable: int
    debt: int


class OrderSettlement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What settling an order did. Points are units of the spending wallet; the tier codes are before and after.

    `offer` is how many points might have paid, if that was asked for.
    """

    points_used: int
    points_earned: int
    multiplier: int
    base: int
    growth_earned: int
    debt_repaid: int
    available_at: datetime | None
    expires_at: datetime | None
    tier_before: str
    tier_after: str
    policy_version: int
    offer: PointsOffer | None = None


class ReturnSettlement(Struct, frozen=True, kw_only=True):
    """What settling a return did. `to_debt` is the part of `points_clawed_back` that was not there any more.

    `forgiven` was to be taken back besides, and the policy let the member keep it.
    """

    points_given_back: int
    points_clawed_back: int
    growth_reversed: int
    to_debt: int
    tier_before: str
    tier_after: str
    policy_version: int
    forgiven: int = 0


class PendingUnits(Struct, frozen=True, kw_only=True):
    """Units that become spendable at an instant (or, as `expiring`, that run out then)."""

    amount: int
    at: datetime


class WalletBalance(Struct, frozen=True, kw_only=True):
    """A wallet at an instant, in its units.

    `balance` is the sum of the wallet's transfers. Of a spendable wallet it is `available` (spendable at that instant)
    plus `held` (kept for a purpose until a deadline) plus `pending` (to become available, by date in `pending_parts`)
    plus `expired` (ran out, the booking follows) minus `debt` (what returns could not claw back). `next_expiry` is what
    of `available` runs out first.
    """

    wallet: str
    balance: int
    available: int
    pending: int
    debt: int
    expired: int = 0
    pending_parts: tuple[PendingUnits, ...] = ()
    next_expiry: PendingUnits | None = None
    held: int = 0


LotState = Literal["pending", "available", "held", "expired", "used"]


class LotStanding(Struct, frozen=True, kw_only=True):
    """A lot now: what it brought, what is left, and when that can be spent. `order_id` caused it (None: a posting).

    `held` of what is left is kept by holds; the state is `held` if that is all of it.
    """

    lot_no: int
    wallet: str
    amount: int
    remaining: int
    state: LotState
    earned_at: datetime
    available_at: datetime
    expires_at: datetime
    order_id: str | None
    held: int = 0


class LotMove(Struct, frozen=True, kw_only=True):
    """What one transfer took from a lot (negative: returned to it)."""

    lot_no: int
    amount: int


HoldState = Literal["open", "posted", "voided", "timed_out"]


class HoldStanding(Struct, frozen=True, kw_only=True):
    """A hold at an instant, in units of its wallet: what it keeps of which lots, and how it ended.

    `posted` was used, by the transfer `transfer_no`, and `released` is free again; an open hold has neither.
    """

    member_id: UUID
    hold_id: UUID
    seq: int
    wallet: str
    amount: int
    purpose: str
    reference: str
    state: HoldState
    placed_at: datetime
    deadline: datetime
    lots: tuple[LotMove, ...]
    ended_at: datetime | None = None
    posted: int = 0
    released: int = 0
    transfer_no: int | None = None
    reason: str = ""


class StatementLine(Struct, frozen=True, kw_only=True):
    """One transfer as its member reads it: `amount` is signed, `reason` a sentence made of the row's own data.

    Of an act that moved several parts it may be all of them in one wallet: `part_count` transfers, the latest of them
    `seq`, the first few `parts`; uses of lots stand with these.
    """

    seq: int
    wallet: str
    kind: str
    amount: int
    balance: int
    debt_change: int
    order_id: str | None
    reference: str
    effective_at: datetime
    recorded_at: datetime
    written_at: datetime
    policy_version: int
    lots: tuple[LotMove, ...]
    reason: str
    parts: tuple[int, ...] = ()
    part_count: int = 1


class StatementPage(Struct, frozen=True, kw_only=True):
    """Lines from newest to oldest; `next_before` continues them (None: there are no more)."""

    lines: tuple[StatementLine, ...]
    next_before: int | None


class TierChange(Struct, frozen=True, kw_only=True):
    """How a member came to a tier: `metric` is what the window held, `cause` is order, return, review or a posting."""

    tier: str
    from_tier: str
    cause: TierCause
    reference: str
    metric: int
    policy_version: int
    effective_at: datetime
    recorded_at: datetime

    @property
    def order_id(self) -> str | None:
        """The order that caused it, itself or by a return of it; None for a review or a posting."""
        named = self.reference.removeprefix("order:")
        if self.cause == "return":
            return named.rpartition(":return:")[0]
        return named if self.cause == "order" else None


class TierStatus(Struct, frozen=True, kw_only=True):
    """A member's tier at an instant, why, and what comes next.

    `metric` is the qualifying sum in the window of `window_days`; `missing` more of it give `next_tier` (both None at
    the top). `projected_tier` is what the next review leads to if nothing more is bought, its grace included;
    `review_at`, `in_grace` and `projected_tier` are known for the present only.
    """

    tier: str
    rank: int
    since: datetime | None
    metric: int
    window_days: int
    policy_version: int
    next_tier: str | None
    missing: int | None
    review_at: datetime | None
    in_grace: bool
    projected_tier: str | None
    why: TierChange | None
    reason: str


class ExpiringUnits(NamedTuple):
    """Units of the spending wallet that a member loses at an instant (UTC) unless they are spent before."""

    expires_at: datetime
    member_id: UUID
    amount: int


class MemberStanding(NamedTuple):
    """How a member stands at an instant: units of the spending wallet, `growth` in the tier's window."""

    member_id: UUID
    rank: int
    available: int
    pending: int
    growth: int
    debt: int


class RollEntry(NamedTuple):
    """A member on the roll: the tier as the books hold it, balance and debt in units of the spending wallet."""

    member_id: UUID
    market: str
    channel: str
    store_id: str | None
    signed_up_at: datetime
    tier: str
    rank: int
    balance: int
    debt: int
