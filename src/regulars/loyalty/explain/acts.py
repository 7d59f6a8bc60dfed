"""Why a line of the statement is there that tells an act as a whole: what it moved in all, and part by part."""

from collections.abc import Mapping

from msgspec import structs

from regulars.loyalty.contracts import StatementLine
from regulars.loyalty.explain.sentences import MOVED_PARTS
from regulars.platform.explaining.contracts import Explanation, Reason


def explain_act(line: StatementLine, found: Mapping[int, Explanation]) -> Explanation:
    """Say why a line is there, given why its transfer is, or each of its parts; by their numbers.

    An act is explained by its last transfer, with the sum of all; then come its parts, the first ones if there are
    many. Raises nothing.
    """
    parts = [found[seq] for seq in line.parts if seq in found]
    if line.part_count == 1 or not parts:
        return found[line.seq]
    whole = found.get(line.seq, parts[-1])
    # What an act moved both ways is told by where the sum went: as the last part that went there says it.
    towards = MOVED_PARTS[line.kind]
    alike = next((one for one in (whole, *reversed(parts)) if one.reasons[0].rule.startswith(towards)), whole)
    decided = alike.reasons[0]
    reasons = [
        Reason(decided.rule, {**decided.values, "amount": abs(line.amount)}),
        Reason("moved.parts", {"parts": line.part_count}),
        *[_part(one) for one in parts],
    ]
    if line.part_count > len(parts):
        reasons.append(Reason("moved.more", {"parts": line.part_count - len(parts)}))
    if line.debt_change:
        reasons.append(Reason("moved.debt", {"owed": abs(line.debt_change)}))
    reasons.append(Reason("moved.kept", {}))
    links = dict.fromkeys([link for one in parts for link in one.links])
    return structs.replace(whole, reasons=tuple(reasons), near=(), links=tuple(links))


def _part(one: Explanation) -> Reason:
    """Return what is told of a part: when it runs out if it is of a lot, else from when it counts."""
    values = {name: value for reason in reversed(one.reasons) for name, value in reason.values.items()}
    amount = {"amount": one.reasons[0].values["amount"]}
    expires_at = values.get("expires_at") or values.get("first_expires_at")
    if expires_at is not None:
        return Reason("moved.part", {**amount, "expires_at": expires_at})
    return Reason("moved.entry", {**amount, "effective_at": one.effective_at})
