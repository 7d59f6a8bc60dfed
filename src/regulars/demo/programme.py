"""The demo programme: market, policies, and what a hash decides about each basket."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from regulars.loyalty.api import (
    EarningPolicy,
    MonthlyReview,
    NoReview,
    PaymentPolicy,
    Policy,
    ReturnPolicy,
    TierPolicy,
    TierRule,
)
from regulars.platform.markets.contracts import Market, PrivacyRegime

TIME_ZONE = "America/New_York"
MARKET = Market(
    code="US",
    country="US",
    currency="USD",
    time_zone=TIME_ZONE,
    language="en",
    privacy_regime=PrivacyRegime.CCPA,
)
START = datetime(2016, 12, 1, tzinfo=UTC)
END = datetime(2018, 1, 1, tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC)
TIERS = (
    TierRule(code="regular", threshold=0, multiplier=1),
    TierRule(code="silver", threshold=1000, multiplier=1),
    TierRule(code="gold", threshold=2500, multiplier=2),
    TierRule(code="diamond", threshold=5000, multiplier=3),
)
OMNICHANNEL_BELOW = 102
ONLINE_BELOW = 77
PAYS_WITH_POINTS_BELOW = 26
AT_MOST_ALL = 10**12


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme of the demo. Second returns happen only where `second_return_below` is above 0."""

    name: str
    policy: Policy
    return_below: int
    return_after: timedelta
    second_return_below: int = 0
    second_return_after: timedelta = timedelta(0)


EASY = Programme(
    name="easy",
    policy=Policy(
        tier=TierPolicy(tiers=TIERS, window_days=365, review=NoReview()),
        earning=EarningPolicy(minor_per_point=100, maturity_hours=7 * 24, expiry_months=12),
        payment=PaymentPolicy(point_value_minor=1, max_percent=5, min_spendable=200),
        returns=ReturnPolicy(give_back_days=30),
    ),
    return_below=3,
    return_after=timedelta(days=5),
)
HARD = Programme(
    name="hard",
    policy=Policy(
        tier=TierPolicy(tiers=TIERS, window_days=90, review=MonthlyReview(months=tuple(range(2, 13)))),
        earning=EarningPolicy(minor_per_point=100, maturity_hours=2 * 24, expiry_months=2),
        payment=PaymentPolicy(point_value_minor=1, max_percent=5, min_spendable=200),
        returns=ReturnPolicy(give_back_days=30),
    ),
    return_below=26,
    return_after=timedelta(days=30),
    second_return_below=128,
    second_return_after=timedelta(days=10),
)
PROGRAMMES = {programme.name: programme for programme in (EASY, HARD)}


def first_byte(text: str) -> int:
    """Return the first byte of the text's SHA-256, 0 to 255."""
    return sha256(text.encode()).digest()[0]


def is_omnichannel(household: int) -> bool:
    """Say whether a household also shops online. Generated: the data has no channel."""
    return first_byte(f"omni:{household}") < OMNICHANNEL_BELOW


def is_online(basket_id: int) -> bool:
    """Say whether an omnichannel household bought this basket online."""
    return first_byte(f"online:{basket_id}") < ONLINE_BELOW


def pays_with_points(basket_id: int) -> bool:
    """Say whether points pay part of this basket, if the policy allows any."""
    return first_byte(f"redeem:{basket_id}") < PAYS_WITH_POINTS_BELOW


def returned_products(programme: Programme, basket_id: int, products: list[int], cents: list[int]) -> list[int]:
    """Return which products of a basket come back: none, the smallest id, or the two smallest."""
    if first_byte(f"return:{basket_id}") >= programme.return_below or sum(value > 0 for value in cents) < 2:  # noqa: PLR2004 - the rule's own number
        return []
    distinct = sorted(set(products))
    twice = (
        programme.second_return_below
        and len(distinct) >= 3  # noqa: PLR2004 - the rule's own number
        and first_byte(f"return2:{basket_id}") < programme.second_return_below
    )
    return distinct[: 2 if twice else 1]
