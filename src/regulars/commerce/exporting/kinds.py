"""What shops have to export."""

from typing import Final

from regulars.commerce.exporting import store
from regulars.platform.exports.contracts import ExportKind

KINDS: Final[tuple[ExportKind, ...]] = (
    store.ORDERS,
    store.ORDER_LINES,
    store.PAYMENTS,
    store.RETURNS,
    store.GUEST_ORDERS,
    store.STORES,
)
