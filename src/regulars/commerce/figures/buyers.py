"""Members who bought at some stores: counted in the background, for no sum of days gives it.

Who bought at all between two days is in the roll-up (`bought_again`). Of a choice of stores there are too many to keep
each one's; so they are counted when somebody asks, in slices of members, and kept until orders of these days come in.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from regulars.commerce.figures.rolling import SALES
from regulars.commerce.figures.store import reading
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import JsonValue, Transaction
from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import Done, Kind, More, Parameters, Report
from regulars.platform.reports.registry import report
from regulars.platform.reports.tasks import compute_report
from regulars.platform.rollups import service as rollups

MEMBERS_A_SLICE: Final = 5_000
GOOD_FOR: Final = timedelta(minutes=10)  # while orders of these days keep coming in
_NOBODY: Final = UUID(int=0)


class PeriodDays(Struct, frozen=True):
    """Local days: the first and the last of a period, and the first of the one before, which ends where it begins."""

    before_first: date
    first: date
    last: date


class Buyers(Struct, frozen=True, kw_only=True):
    """Members who bought. `counts` are (in the period, in the one before), by store id or, of all together, by "".

    None until they are counted, `as_of` of the programme clock; `is_old`: orders of these days came in since. `report`
    is the count under way, or the one that was stopped or failed; None when there is nothing to wait for.
    """

    counts: dict[str, tuple[int, int]] | None
    as_of: datetime | None
    is_old: bool
    report: Report | None


async def buyers_at(tx: Transaction, days: PeriodDays, stores: Sequence[str], *, each: bool, by: str) -> Buyers:
    """Return how many members bought at these stores, together or at `each`; has it counted where that is not known.

    Raises nothing. Source: orders, when it was counted.
    """
    parameters = _parameters(days, stores, each=each)
    last, done = await reports.latest_and_done(tx, BUYERS, parameters)
    changed = await rollups.changed_at(tx, SALES, days.before_first, days.last)
    is_old = done is not None and changed is not None and done.began_at is not None and changed > done.began_at
    due = done is None or (is_old and done.ended_at is not None and done.ended_at + GOOD_FOR < wall_now())
    if due and (last is None or last.state == "done"):
        last = await reports.ask(tx, compute_report, BUYERS, parameters, by=by)
    waiting = last if last is not None and last.state != "done" else None
    if done is None:
        return Buyers(counts=None, as_of=None, is_old=False, report=waiting)
    return Buyers(counts=_counts(done.result), as_of=done.as_of, is_old=is_old, report=waiting)


async def count_buyers_again(tx: Transaction, days: PeriodDays, stores: Sequence[str], *, each: bool, by: str) -> None:
    """Have them counted, whatever was counted or stopped before."""
    await reports.ask(tx, compute_report, BUYERS, _parameters(days, stores, each=each), by=by)


def _parameters(days: PeriodDays, stores: Sequence[str], *, each: bool) -> Parameters:
    span: list[JsonValue] = [one.isoformat() for one in (days.before_first, days.first, days.last)]
    return {"days": span, "stores": [*sorted(stores)], "each": each}


@report("commerce.buyers")
async def _count(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
    """Count a slice of members. `carry`: the last one counted, how many are, of how many, and the counts so far."""
    given: Any = parameters
    so_far: Any = carry or {"after": str(_NOBODY), "done": 0, "all": await reading.count_members(tx), "counts": {}}
    after = UUID(so_far["after"])
    up_to, members = await reading.next_members(tx, after, MEMBERS_A_SLICE)
    rows = await reading.count_buyers(
        tx, after, up_to, days=tuple(given["days"]), stores=given["stores"], each=given["each"]
    )
    counts: dict[str, Any] = so_far["counts"]
    for *store, now, before in rows:
        sums = counts.setdefault(store[0] if store else "", [0, 0])
        sums[0] += now
        sums[1] += before
    if up_to is None:
        return Done(counts)
    done = so_far["done"] + members
    kept: dict[str, JsonValue] = {"after": str(up_to), "done": done, "all": so_far["all"], "counts": counts}
    return More(done, max(done, so_far["all"]), kept)


BUYERS: Final[Kind] = _count


def _counts(result: Any) -> dict[str, tuple[int, int]]:  # noqa: ANN401 - JSON of our own making
    return {store: (now, before) for store, (now, before) in result.items()}
