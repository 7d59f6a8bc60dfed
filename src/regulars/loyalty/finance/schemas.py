"""What callers of finance get."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from regulars.loyalty.finance.closing import MonthClose
from regulars.loyalty.finance.contracts import LiabilityAt, LiabilityMonth


class LiabilityAnswer(Struct, frozen=True, kw_only=True):
    """Months of the liability. `as_of` tells up to when they hold what was recorded (null: nothing yet)."""

    as_of: datetime | None
    months: Sequence[LiabilityMonth]


class LiabilityAtAnswer(Struct, frozen=True, kw_only=True):
    """The liability as it was recorded by an instant."""

    at: datetime
    wallets: Sequence[LiabilityAt]


class CloseBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which month to close, and why (for the audit log)."""

    month: Annotated[str, Meta(pattern=r"^(19[7-9][0-9]|[2-8][0-9]{3})-(0[1-9]|1[0-2])$", examples=["2026-05"])]
    reason: Annotated[str, Meta(max_length=500)] = ""


class ClosesAnswer(Struct, frozen=True, kw_only=True):
    """Every month that is closed or being closed, the latest first."""

    closes: Sequence[MonthClose]
