"""What must hold of consents: what was confirmed by a link confirms a request that was waiting."""

from typing import Final

from regulars.members.consent import store
from regulars.members.contracts import CONSENT_PREFIX, MEMBER_PREFIX
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault

UNFOUNDED: Final = mark(
    "Consent {consent} of {member} was confirmed by a link, and no request in the same words, from the same address, "
    "was there before: count it as not given, and ask the member."
)
TOO_LATE: Final = mark(
    "Consent {consent} of {member} confirms a request that had been taken back before: count it as not given."
)


async def _confirmed(tx: Transaction) -> CheckResult:
    confirmed, unfounded, late = await store.unfounded(tx, MAX_PROBLEMS)
    problems = [
        Fault(
            sentence,
            {"consent": public_id(CONSENT_PREFIX, consent_id), "member": public_id(MEMBER_PREFIX, member_id)},
        )
        for sentence, found in ((UNFOUNDED, unfounded), (TOO_LATE, late))
        for member_id, consent_id in found
    ]
    return CheckResult(ok=not problems, rows_checked=confirmed, problems=problems)


def checks() -> list[Check]:
    """Return what must hold of consents."""
    return [Check(mark("confirmed consents"), _confirmed)]
