"""Asking for reports, reading them, stopping them.

A room declares a kind (`registry.report`), and its pages ask:

    shown = await reports.ask(tx, compute_report, BUYERS, {"from": "2026-01-01"}, by=viewer.session.actor)

While `shown.is_open`, a page shows `shown.done` of `shown.all_of_it` and looks again (the kit's `ui.report` does that);
then there is its `result`. What is asked again while it is being computed is computed once. A worker that dies loses no
more than the slice it was at. Reports are forgotten a month after they ended.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Deferrable, JsonValue, Rows, Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id
from regulars.platform.reports import store
from regulars.platform.reports.contracts import Kind, Parameters, Report

KEPT: Final = timedelta(days=30)
JOB_LOST: Final = "JobLost"
_SURELY_QUEUED: Final = timedelta(minutes=1)

_encode = msgspec.json.Encoder(order="deterministic").encode


async def ask(tx: Transaction, task: Deferrable, kind: Kind, parameters: Parameters, *, by: str) -> Report:
    """Ask for a report, computed in the background after the commit; asked for again while it is open, it is that one.

    `task` is `compute_report` of `platform/reports/tasks.py`; `by` says for whom, e.g. the actor of a staff session.
    """
    question = _question(kind, parameters)
    report_id = new_id()
    row = (report_id, kind.name, _encode(parameters).decode(), question, by, wall_now())
    if await store.insert(tx, row, question):
        await tx.defer(task, report_id=str(report_id))
    return _as_reports(await store.latest(tx, question))[0]


def record(tx: Transaction, kind: Kind, parameters: Parameters, result: JsonValue, *, by: str, began: datetime) -> None:
    """Keep a result that was computed at once and not in the background; `began` is an instant of the wall clock."""
    row = (new_id(), kind.name, _encode(parameters).decode(), _question(kind, parameters), by, began)
    store.record(tx, row, _encode(result).decode(), began=began, at=wall_now())


async def latest(tx: Transaction, kind: Kind, parameters: Parameters) -> Report | None:
    """Return the last report that was asked for with these parameters, whatever became of it."""
    return _first(await store.latest(tx, _question(kind, parameters)))


async def latest_done(tx: Transaction, kind: Kind, parameters: Parameters) -> Report | None:
    """Return the last report with these parameters that has a result."""
    return _first(await store.latest_done(tx, _question(kind, parameters)))


async def latest_and_done(tx: Transaction, kind: Kind, parameters: Parameters) -> tuple[Report | None, Report | None]:
    """Return the last report that was asked for with these parameters, and the last one that has a result."""
    last, done = await store.latest_and_done(tx, _question(kind, parameters))
    return _first(last), _first(done)


async def list_reports(tx: Transaction, kind: Kind, limit: int = 10) -> list[Report]:
    """Return the last reports of a kind, the last asked for first."""
    return _as_reports(await store.of_kind(tx, kind.name, limit))


async def read_report(tx: Transaction, report_id: UUID) -> Report:
    """Return one report. Raises NotFound (404)."""
    found = _first(await store.read(tx, report_id))
    if found is None:
        raise NotFound
    return found


def cancel(tx: Transaction, report_id: UUID, *, by: str) -> None:
    """Stop a report that is still open: it counts as cancelled at once, and ends with the slice under way."""
    store.cancel(tx, report_id, by, wall_now())


def end_abandoned(tx: Transaction, task: str) -> None:
    """Let reports fail whose jobs of this task failed for good, so that they can be asked for anew."""
    store.end_abandoned(tx, task, JOB_LOST, asked_before=wall_now() - _SURELY_QUEUED, at=wall_now())


async def forget_ended(tx: Transaction, before: datetime, *, at_most: int) -> bool:
    """Delete reports that ended before; returns whether there may be more."""
    return await store.forget(tx, before, at_most)


def _question(kind: Kind, parameters: Parameters) -> str:
    return sha256(kind.name.encode() + b"\0" + _encode(parameters)).hexdigest()


def _first(rows: Rows) -> Report | None:
    return next(iter(_as_reports(rows)), None)


def _as_reports(rows: Rows) -> list[Report]:
    reports = []
    for report_id, kind, parameters, asked_by, asked_at, state, done, all_of_it, result, error, *instants in rows:
        began_at, as_of, ended_at = instants
        reports.append(
            Report(
                report_id=report_id,
                kind=kind,
                parameters=msgspec.json.decode(parameters),
                asked_by=asked_by,
                asked_at=asked_at,
                state=state,
                done=done,
                all_of_it=all_of_it,
                result=None if result is None else msgspec.json.decode(result),
                error=error,
                began_at=began_at,
                as_of=as_of,
                ended_at=ended_at,
            )
        )
    return reports
