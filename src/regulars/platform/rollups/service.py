"""Bringing roll-ups up to date, and asking how far they are.

A roll-up is recomputed, never added to: facts change it through the days they touch. Which days those are is read from
the outbox, where each fact stands beside its change, by a cursor that remembers a snapshot (`db/snapshots`): a
transaction that commits late belongs to a later window and is never missed, and the cursor moves in the transaction
that writes the sums. So nothing is added to the path of postings, and a fact that is told late mends its own day.
"""

from collections.abc import Sequence
from datetime import date, datetime

from regulars.platform.clock import wall_now
from regulars.platform.db import snapshots
from regulars.platform.db.snapshots import NOTHING_SEEN, OUTBOX, Window
from regulars.platform.db.transaction import Rows, Statement, Transaction
from regulars.platform.rollups import store
from regulars.platform.rollups.contracts import RollUp, Standing


async def bring_up_to_date(tx: Transaction, roll_up: RollUp, *, anew: bool = False) -> int:
    """Recompute the days that facts learned since the last run touched; returns how many that were.

    To be called first in its transaction. The first run recomputes every day, as any does `anew`. Runs of one roll-up
    wait for each other. Raises RestoredElsewhere.
    """
    store.hold(tx, roll_up.table)
    at = wall_now()
    window = await snapshots.open_window(tx, roll_up.reader, OUTBOX)
    days: Sequence[date] = ()
    if anew or (window is not None and window.last_snapshot == NOTHING_SEEN):
        store.plan_for_many_rows(tx)
        store.forget_days(tx, roll_up.name)
        days = await roll_up.recompute(tx, None)
    elif window is not None:
        days = await roll_up.recompute(tx, window)
    store.note(tx, roll_up.name, days, as_of=tx.now, at=at)
    if window is not None:
        snapshots.advance(tx, roll_up.reader, OUTBOX, window, window.end_seq)
    return len(set(days))


async def unread(tx: Transaction, roll_up: RollUp) -> Window | None:
    """Return the events that a roll-up does not hold yet, as this transaction sees them; None if it holds all.

    A roll-up that never ran has everything unread: `window.last_snapshot` is then `NOTHING_SEEN`.
    """
    return await snapshots.look_ahead(tx, roll_up.reader, OUTBOX)


def standing_question(roll_up: RollUp) -> Statement:
    """Return what asks how far a roll-up has come, to go along with other reads; `standing_in` reads the answer."""
    return store.standing(roll_up.name)


def standing_in(rows: Rows) -> Standing | None:
    """Return how far a roll-up has come; None before its first run."""
    return Standing._make(rows[0]) if rows else None


async def changed_at(tx: Transaction, roll_up: RollUp, first: date, last: date) -> datetime | None:
    """Return when one of these days changed last, by the wall clock; None if none has facts."""
    found: datetime | None = (await store.changed(tx, roll_up.name, first, last))[0][0]
    return found
