"""The platform's own checks: nothing waits in the outbox, nothing was changed in the audit log."""

from functools import partial

from regulars.platform.audit.contracts import Head
from regulars.platform.audit.service import verify_chain
from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.service import backlog
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import Check, CheckResult, Fault
from regulars.platform.webhooks.health import deliveries_have_events

CHANGED = mark("{count} entries were changed: {first}")
REMOVED = mark("{count} entries were removed: {first}")
SLIPPED_IN = mark("{count} entries were slipped in, or the last seals taken away: {first}")


async def outbox_drained(tx: Transaction) -> CheckResult:
    """Every event reached every handler; parked ones and those waiting behind them have not."""
    left = await backlog(tx)
    problems = []
    if left.parked:
        problems.append(
            Fault(
                mark(
                    "{parked} events are parked after too many failures, {waiting} wait behind them: "
                    "see `regulars parked list`, mend the cause, then `regulars parked replay`."
                ),
                {"parked": left.parked, "waiting": left.waiting},
            )
        )
    if left.unread or left.retrying:
        problems.append(
            Fault(
                mark(
                    "{unread} events are not relayed yet and {retrying} are being tried again: "
                    "run a worker (`regulars work`) and ask again."
                ),
                {"unread": left.unread, "retrying": left.retrying},
            )
        )
    return CheckResult(ok=not problems, rows_checked=left.unread + left.retrying + left.parked, problems=problems)


async def audit_chain(tx: Transaction, *, known_head: Head | None = None) -> CheckResult:
    """Nothing that was sealed has been changed, removed or slipped in; with a known head, nor computed anew."""
    report = await verify_chain(tx, known_head=known_head)
    found = {
        CHANGED: report.changed,
        REMOVED: report.removed,
        SLIPPED_IN: report.unlisted,
    }
    problems = [
        Fault(told, {"count": len(entries), "first": str(entries[:5])}) for told, entries in found.items() if entries
    ]
    if report.broken_seal is not None:
        problems.insert(
            0, Fault(mark("The chain breaks at seal {seal}. Compare with a backup."), {"seal": report.broken_seal})
        )
    if report.extends_known_head is False:
        problems.append(
            Fault(
                mark(
                    "The chain does not extend the head {head} that was written down: "
                    "the log was rewritten, cut off or restored from before. Compare with a backup."
                ),
                {"head": str(known_head)},
            )
        )
    note = f"head {report.head}"
    if known_head is not None and report.extends_known_head:
        note += f", extends {known_head}"
    if report.unsealed:
        note += (
            f"; {report.unsealed} entries not sealed yet, the oldest for {report.oldest_unsealed_seconds or 0:.0f} s"
        )
    return CheckResult(
        ok=report.is_intact, rows_checked=report.entries, problems=problems, note=note, keep=str(report.head)
    )


def platform_checks(known_head: Head | None = None) -> list[Check]:
    """Return the checks in the order in which they run; the audit log must extend the known head, if one is given."""
    return [
        Check(mark("audit chain"), partial(audit_chain, known_head=known_head)),
        Check(mark("outbox drained"), outbox_drained, quick=True),
        Check(mark("webhooks tell what happened"), deliveries_have_events),
    ]
