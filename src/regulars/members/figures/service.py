"""How many members there are, and how many joined, from the roll-up of sign-ups."""

from collections.abc import Sequence
from datetime import date

from regulars.members.contracts import MemberFigures
from regulars.members.figures import store
from regulars.platform.db.snapshots import NOTHING_SEEN, Window
from regulars.platform.db.transaction import Transaction
from regulars.platform.rollups import service as rollups
from regulars.platform.rollups.contracts import EVER, RollUp
from regulars.platform.rollups.rules import spans
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault

SUM_DIFFERS = mark("joined_days, {day}: the sum is not what the members give. `regulars figures` computes it anew.")


async def _recompute(tx: Transaction, window: Window | None) -> Sequence[date]:
    if window is None:
        store.write_days(tx, [EVER])
        return await store.days(tx)
    touched = await store.touched_days(tx, window)
    store.write_days(tx, spans(touched))
    return touched


SIGN_UPS = RollUp("sign-ups", "joined_days", _recompute)


async def member_figures(tx: Transaction, *, before_first: date, first: date, last: date) -> MemberFigures:
    """Return the members of a period of local days, and of the one before that began on `before_first`.

    One round trip. Raises nothing. Source: the roll-up of sign-ups.
    """
    counted, standing = await tx.read(store.joined(before_first, first, last), rollups.standing_question(SIGN_UPS))
    by_end, by_start, by_before = counted[0]
    return MemberFigures(
        members=by_end,
        members_before=by_start,
        joined=by_end - by_start,
        joined_before=by_start - by_before,
        standing=rollups.standing_in(standing),
    )


async def roll_up_is_right(tx: Transaction) -> CheckResult:
    """The sums of every day are what the members give, but for facts that are not rolled up yet."""
    unread = await rollups.unread(tx, SIGN_UPS)
    if unread is not None and unread.last_snapshot == NOTHING_SEEN:
        return CheckResult(ok=True, rows_checked=0, note="not rolled up yet")
    but = [] if unread is None else await store.touched_days(tx, unread)
    problems = [Fault(SUM_DIFFERS, {"day": str(day)}) for day in await store.differing(tx, but, MAX_PROBLEMS)]
    return CheckResult(ok=not problems, rows_checked=await store.count_rows(tx), problems=problems)


def checks() -> list[Check]:
    """Return the checks of this slice; they read in the caller's snapshot and change nothing."""
    return [Check(mark("sign-ups rolled up"), roll_up_is_right)]
