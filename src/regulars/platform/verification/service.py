"""Runs checks."""

from collections.abc import AsyncIterator, Iterable
from time import perf_counter

from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.logs import blot
from regulars.platform.texts import mark
from regulars.platform.verification import store
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault, Finding


async def verify(database: Database, checks: Iterable[Check]) -> AsyncIterator[Finding]:
    """Run checks one after the other, each in a snapshot of its own, and yield what each found."""
    for check in checks:
        began = perf_counter()
        try:
            async with database.transaction() as tx:
                store.read_one_snapshot(tx)
                finding = await run_check(tx, check)
        except Exception as error:  # noqa: BLE001 - a connection lost under one check must not hide the others
            finding = _finding(check, _broken(error), began)
        yield finding


async def run_check(tx: Transaction, check: Check) -> Finding:
    """Run a check in a transaction that reads one snapshot. A check that breaks has failed, and harms no other."""
    began = perf_counter()
    try:
        async with tx.savepoint():
            result = await check.run(tx)
    except Exception as error:  # noqa: BLE001 - as above
        result = _broken(error)
    return _finding(check, result, began)


def _broken(error: Exception) -> CheckResult:
    said = f"{type(error).__qualname__}: {blot(str(error))}"
    fault = Fault(mark("The check itself failed ({error})."), {"error": said})
    return CheckResult(ok=False, rows_checked=0, problems=[fault])


def _finding(check: Check, result: CheckResult, began: float) -> Finding:
    return Finding(
        name=check.name,
        ok=result.ok,
        rows_checked=result.rows_checked,
        problems=result.problems[:MAX_PROBLEMS],
        note=result.note,
        seconds=round(perf_counter() - began, 3),
        keep=result.keep,
    )
