"""What must hold of households, as `regulars verify` asks it."""

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.households import HOUSEHOLD_PREFIX
from regulars.members.households import store
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault

PLACES = mark("{member} and household {household}: who lives there, since when, is not what the changes give.")
HEADS = mark("Household {household}: its head, number or end is not that of its last change.")
NOBODY = mark("Household {household} has a head who does not live there, or members without one.")
NUMBERS = mark("Household {household}: its changes have a gap, or go back in time.")
STRANGERS = mark("{member} lives in household {household}, and was merged or erased.")


async def _households_hold(tx: Transaction) -> CheckResult:
    counted, found = await store.faults(tx, MAX_PROBLEMS)
    sentences = {"places": PLACES, "heads": HEADS, "nobody": NOBODY, "numbers": NUMBERS, "strangers": STRANGERS}
    problems = [
        Fault(
            sentences[what],
            {
                "household": public_id(HOUSEHOLD_PREFIX, household_id),
                "member": "-" if member_id is None else public_id(MEMBER_PREFIX, member_id),
            },
        )
        for what, household_id, member_id in found
    ]
    return CheckResult(ok=not problems, rows_checked=counted, problems=problems[:MAX_PROBLEMS])


def checks() -> list[Check]:
    """Return what must hold of households."""
    return [Check(mark("households"), _households_hold)]
