"""What other domains hand to loyalty and get from it: commands, and what came of them."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


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
    """Correct a wallet by `amount` units, up or down, for a reason."""

    member_id: UUID
    wallet: str
    amount: int
    reference: str
    reason: str
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
    """Settle an order anew after a return; `returned_minor` is all that has come back so far, this return included."""

    member_id: UUID
    order_id: str
    return_id: str
    returned_minor: int
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


class OrderSettlement(Struct, frozen=True, kw_only=True):
    """What settling an order did. Points are units of the spending wallet; the tier codes are before and after."""

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


class ReturnSettlement(Struct, frozen=True, kw_only=True):
    """What settling a return did."""

    points_given_back: int
    points_clawed_back: int
    growth_reversed: int
    to_debt: int
    tier_before: str
    tier_after: str
    policy_version: int


class WalletBalance(Struct, frozen=True, kw_only=True):
    """A wallet at an instant: `available + pending - debt` is what the member owns, `expired` awaits booking."""

    wallet: str
    balance: int
    available: int
    pending: int
    debt: int
    expired: int = 0
