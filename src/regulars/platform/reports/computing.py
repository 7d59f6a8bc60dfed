"""Computing reports: a slice is a transaction, beside which its progress is written down."""

import logging
from uuid import UUID

import msgspec

from regulars.platform.clock import wall_now
from regulars.platform.db.failures import describe, is_nobodys_fault
from regulars.platform.db.transaction import Transaction
from regulars.platform.reports import store
from regulars.platform.reports.contracts import Done
from regulars.platform.reports.registry import KINDS

logger = logging.getLogger(__name__)

TRIES = 3
UNKNOWN_KIND = "UnknownKind"  # of another release's worker, say


async def compute_slice(tx: Transaction, report_id: UUID) -> bool:
    """Compute a report's next slice; returns whether there are more. To be called first in its transaction."""
    store.read_one_snapshot(tx)
    taken = await store.take_up(tx, report_id)
    if taken is None:
        return False
    if taken.is_stopped:
        store.end(tx, report_id, "cancelled", None, at=wall_now())
        return False
    kind = KINDS.get(taken.kind)
    if kind is None:
        store.end(tx, report_id, "failed", UNKNOWN_KIND, at=wall_now())
        return False
    began = wall_now()
    try:
        async with tx.savepoint():
            step = await kind.work(tx, msgspec.json.decode(taken.parameters), msgspec.json.decode(taken.carry))
    except Exception as error:
        if is_nobodys_fault(error):
            raise
        logger.warning("a slice of the report %s failed: %s", taken.kind, describe(error))
        return _failed(tx, report_id, taken, error)
    if isinstance(step, Done):
        store.finish(tx, report_id, msgspec.json.encode(step.result).decode(), began=began, at=wall_now())
        return False
    carry = msgspec.json.encode(step.carry).decode()
    store.go_on(tx, report_id, step.done, step.all_of_it, carry, at=began)
    return True


def _failed(tx: Transaction, report_id: UUID, taken: store.Taken, error: Exception) -> bool:
    if taken.failures + 1 < TRIES:
        store.count_failure(tx, report_id)
        return True
    store.end(tx, report_id, "failed", type(error).__qualname__, at=wall_now())
    return False
