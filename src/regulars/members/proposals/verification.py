"""What must hold of proposals."""

from typing import Final

from regulars.members.contracts.merging import PROPOSAL_PREFIX
from regulars.members.proposals import store
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault

FAULTS: Final = {
    "member": mark("The proposal {proposal} is of somebody who was erased, or is open and of who is part of another."),
    "stranger": mark("The proposal {proposal} is of somebody who is no member."),
    "evidence": mark("The proposal {proposal} says that it was seen otherwise than what speaks for it says."),
    "merge": mark("The proposal {proposal} says that the two were merged, or parted, and the merges say otherwise."),
}


async def _proposals_hold(tx: Transaction) -> CheckResult:
    """Every proposal is of two who are there, rests on what was seen, and ended as the merges say."""
    counted, wrong = await store.wrong(tx, MAX_PROBLEMS)
    problems = [Fault(FAULTS[what], {"proposal": public_id(PROPOSAL_PREFIX, one)}) for one, what in wrong]
    return CheckResult(ok=not problems, rows_checked=counted, problems=problems)


def checks() -> list[Check]:
    """Return what must hold of proposals."""
    return [Check(mark("proposals to merge"), _proposals_hold)]
