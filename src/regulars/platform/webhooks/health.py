"""How webhooks stand, for `regulars doctor` and the console; and what `regulars verify` asks."""

from datetime import timedelta
from typing import Final

from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.health.contracts import Fact, Looked, Sentence, State
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import CheckResult, Fault
from regulars.platform.webhooks import service
from regulars.platform.webhooks.contracts import EndpointState

LATE: Final = timedelta(minutes=10)


async def look_at_webhooks(tx: Transaction) -> Looked:
    """Do webhooks get through, and in time?"""
    found = await service.every(tx)
    standings = await service.standings(tx)
    now = wall_now()
    disabled = [one for one in found if one.state == EndpointState.DISABLED and one.disabled_for != "by_hand"]
    active = [standings[one.endpoint_id] for one in found if one.state == EndpointState.ACTIVE]
    waits = [now - one.oldest_queued_at for one in active if one.oldest_queued_at is not None]
    late = [one for one in waits if one > LATE]
    pending = sum(one.pending for one in active)
    failed = sum(one.failed for one in active)
    said = Sentence(
        mark("{active} of {count} webhooks active, {pending} deliveries wait, {failed} were given up"),
        {"active": len(active), "count": len(found), "pending": pending, "failed": failed},
    )
    facts = (
        Fact(mark("Webhooks that are active"), len(active)),
        Fact(mark("Deliveries that wait"), pending),
        Fact(mark("The oldest has waited for"), max(waits, default=None)),
        Fact(mark("Deliveries given up"), failed),
        Fact(mark("Disabled for failing"), len(disabled)),
    )
    state, remedy = State.WELL, None
    if disabled:
        state = State.WARNING
        remedy = Sentence(
            mark("{count} webhooks were disabled as nothing got through: mend the receivers, then enable them."),
            {"count": len(disabled)},
        )
    elif late:
        state = State.WARNING
        remedy = Sentence(
            mark("{count} webhooks are behind: see what their receivers answer, and that a worker runs."),
            {"count": len(late)},
        )
    return Looked(name="webhooks", state=state, said=said, remedy=remedy, facts=facts)


async def deliveries_have_events(tx: Transaction) -> CheckResult:
    """Every delivery that waits has the event that it tells."""
    lost = await service.count_lost(tx)
    problems = []
    if lost:
        problems.append(
            Fault(
                mark("{count} deliveries of webhooks wait whose event is gone. Compare with a backup."),
                {"count": lost},
            )
        )
    return CheckResult(ok=not problems, rows_checked=lost, problems=problems)
