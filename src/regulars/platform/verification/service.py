"""Runs checks."""

from collections.abc import AsyncIterator, Iterable
from time import perf_counter

from regulars.platform.db.database import Database
from regulars.platform.logs import blot
from regulars.platform.verification import store
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Finding


async def verify(database: Database, checks: Iterable[Check]) -> AsyncIterator[Finding]:
    """Run checks one after the other and yield what each found. A check that breaks has failed."""
    for check in checks:
        began = perf_counter()
        try:
            async with database.transaction() as tx:
                store.read_one_snapshot(tx)
                result = await check.run(tx)
        except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
            said = f"{type(error).__qualname__}: {blot(str(error))}"
            result = CheckResult(ok=False, rows_checked=0, problems=[f"The check itself failed ({said})."])
        yield Finding(
            name=check.name,
            ok=result.ok,
            rows_checked=result.rows_checked,
            problems=result.problems[:MAX_PROBLEMS],
            note=result.note,
            seconds=round(perf_counter() - began, 3),
            keep=result.keep,
        )
