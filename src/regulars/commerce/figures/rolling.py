"""The roll-up of sales: brought up to date each minute, and proven to be what the orders give."""

from collections.abc import Sequence
from datetime import date

from regulars.commerce.figures.store import rolling
from regulars.platform.db.snapshots import NOTHING_SEEN, Window
from regulars.platform.db.transaction import Transaction
from regulars.platform.rollups import service as rollups
from regulars.platform.rollups.contracts import RollUp
from regulars.platform.rollups.rules import spans
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, CheckResult, Fault

SUMS_DIFFER = mark("{table}, {day}: the sums are not what the orders give. `regulars figures` computes them anew.")


async def _recompute(tx: Transaction, window: Window | None) -> Sequence[date]:
    if window is None:
        rolling.write_every_day(tx)
        return await rolling.days(tx)
    touched = await rolling.touched_days(tx, window)
    rolling.write_days(tx, spans(touched))
    rolling.change_pairs(tx, window)
    return touched


SALES = RollUp("sales", "sales_days", _recompute)


async def roll_up_is_right(tx: Transaction) -> CheckResult:
    """The sums of every day are what the orders and returns give, but for facts that are not rolled up yet."""
    unread = await rollups.unread(tx, SALES)
    if unread is not None and unread.last_snapshot == NOTHING_SEEN:
        return CheckResult(ok=True, rows_checked=0, note="not rolled up yet")
    but = [] if unread is None else await rolling.touched_days(tx, unread)
    wrong = await rolling.differing(tx, unread, but, MAX_PROBLEMS)
    problems = [Fault(SUMS_DIFFER, {"table": table, "day": str(day)}) for table, day in wrong]
    return CheckResult(ok=not problems, rows_checked=await rolling.count_rows(tx), problems=problems[:MAX_PROBLEMS])
