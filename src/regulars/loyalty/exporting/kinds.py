"""What the books have to export."""

from typing import Final

from regulars.loyalty.exporting import store
from regulars.platform.exports.contracts import ExportKind

KINDS: Final[tuple[ExportKind, ...]] = (
    store.TRANSFERS,
    store.ACCRUALS,
    store.LOTS,
    store.LOT_USES,
    store.BALANCES,
    store.TIERS,
    store.TIER_CHANGES,
    store.HOLDS,
    store.ADJUSTMENTS,
    store.GIFTS,
    store.POLICIES,
    store.FIGURES,
)
