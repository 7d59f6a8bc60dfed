"""The platform's own checks: nothing waits in the outbox, nothing was changed in the audit log."""

from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.service import backlog
from regulars.platform.verification.contracts import Check, CheckResult


async def outbox_drained(tx: Transaction) -> CheckResult:
    """Every event reached every handler; parked ones and those waiting behind them have not."""
    left = await backlog(tx)
    problems = []
    if left.parked:
        problems.append(
            f"{left.parked} events are parked after too many failures, {left.waiting} wait behind them: "
            "see `regulars parked list`, mend the cause, then `regulars parked replay`."
        )
    if left.unread or left.retrying:
        problems.append(
            f"{left.unread} events are not relayed yet and {left.retrying} are being tried again: "
            "run a worker (`regulars work`) and ask again."
        )
    return CheckResult(ok=not problems, rows_checked=left.unread + left.retrying + left.parked, problems=problems)


def platform_checks() -> list[Check]:
    """Return the checks in the order in which they run."""
    return [Check("outbox drained", outbox_drained, quick=True)]
