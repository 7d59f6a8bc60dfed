"""The roll-up of the books: brought up to date each minute, and proven to be what the books give."""

from collections.abc import Sequence
from datetime import date

from regulars.loyalty.figures.store import many, rolling
from regulars.platform.db.snapshots import NOTHING_SEEN, Window
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.rollups import service as rollups
from regulars.platform.rollups.contracts import EVER, RollUp
from regulars.platform.rollups.rules import spans
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, CheckResult, Fault

SUMS_OF_MEMBER_DIFFER = mark(
    "book_sums, {member}: the sums are not what the books give. `regulars figures` computes them anew."
)
SUMS_DIFFER = mark("{table}, {day}: the sums are not what the books give. `regulars figures` computes them anew.")


BOOKED = rolling.BOOKED  # the events that it reads of bookings


async def _recompute(tx: Transaction, window: Window | None) -> Sequence[date]:
    if window is None:
        rolling.write_days(tx, [EVER])
        many.write_sums(tx, None, BOOKED)
        return await rolling.days(tx)
    touched = await rolling.touched_days(tx, window)
    rolling.write_days(tx, spans(touched))
    many.write_sums(tx, window, BOOKED)
    return touched


BOOKS = RollUp("books", "points_days", _recompute, edition=2)


async def roll_up_is_right(tx: Transaction) -> CheckResult:
    """The sums of every day are what the books give, but for facts that are not rolled up yet."""
    unread = await rollups.unread(tx, BOOKS)
    if unread is not None and unread.last_snapshot == NOTHING_SEEN:
        return CheckResult(ok=True, rows_checked=0, note="not rolled up yet")
    but = [] if unread is None else await rolling.touched_days(tx, unread)
    problems = [
        Fault(SUMS_DIFFER, {"table": table, "day": str(day)})
        for table, day in await rolling.differing(tx, but, MAX_PROBLEMS)
    ]
    problems += [
        Fault(SUMS_OF_MEMBER_DIFFER, {"member": public_id("mbr", member)})
        for member in await many.differing(tx, MAX_PROBLEMS)
    ]
    return CheckResult(ok=not problems, rows_checked=await rolling.count_rows(tx), problems=problems[:MAX_PROBLEMS])
