"""What callers of finance get."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from regulars.loyalty.finance.contracts import LiabilityAt, LiabilityMonth


class LiabilityAnswer(Struct, frozen=True, kw_only=True):
    """Months of the liability. `as_of` tells up to when they hold what was recorded (null: nothing yet)."""

    as_of: datetime | None
    months: Sequence[LiabilityMonth]


class LiabilityAtAnswer(Struct, frozen=True, kw_only=True):
    """The liability as it was recorded by an instant."""

    at: datetime
    wallets: Sequence[LiabilityAt]
