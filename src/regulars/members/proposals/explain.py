"""Why two members were proposed, and what came of it: rules with the values they were decided by, said in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from regulars.members.contracts import MEMBER_PREFIX, IdentityKind
from regulars.members.contracts.identity_rules import IdentityRules
from regulars.members.contracts.merging import MERGE_PREFIX, PROPOSAL_PREFIX
from regulars.members.contracts.proposals import Evidence, Proposal, ProposalRead
from regulars.members.identity import service as identity
from regulars.members.identity_rules.service import rules_in_force
from regulars.members.proposals import rules as speaking
from regulars.platform.db.transaction import Transaction
from regulars.platform.explaining.contracts import Explanation, Link, Reason, Value
from regulars.platform.explaining.speech import Sentence, declare
from regulars.platform.ids import public_id
from regulars.platform.texts import mark, say
from regulars.platform.vault.contracts import Vault

Shown = Mapping[UUID, str]  # identity -> its value, masked

KINDS: Final[dict[IdentityKind, str]] = {
    IdentityKind.PHONE: mark("phone number"),
    IdentityKind.EMAIL: mark("e-mail address"),
    IdentityKind.CARD: mark("card"),
    IdentityKind.EXTERNAL: mark("id of another system"),
    IdentityKind.OPENID: mark("OpenID"),
}
_TOGETHER: Final = mark(
    "One request named a value of each ({identity}, {other_identity}), {times}×, last on {last_seen_at}."
)
SENTENCES: Final[dict[str, Sentence]] = {
    "proposal.named_together": Sentence(
        mark(
            "One request named {value} ({identity}) of {member} and {other_value} ({other_identity}) of "
            "{other_member}, {times}×, last on {last_seen_at}."
        ),
        {"value": _TOGETHER, "other_value": _TOGETHER},
    ),
    "proposal.value_of_other": Sentence(
        mark("{value} ({identity}) of {member} was to be given to {other_member}, {times}×, last on {last_seen_at}."),
        {
            "value": mark(
                "A value ({identity}) of {member} was to be given to {other_member}, {times}×, last on {last_seen_at}."
            )
        },
    ),
    "proposal.over_limit": Sentence(
        mark(
            "As one they would hold {count} of one kind ({identity}), and the rules (version {version}) allow {limit}."
        )
    ),
    "proposal.accounts": Sentence(mark("Both hold accounts: staff decide.")),
    "proposal.account": Sentence(mark("Only {member} holds an account, and would stay.")),
    "proposal.no_account": Sentence(mark("Neither holds an account; {member} signed up first, and would stay.")),
    "proposal.by_rule": Sentence(mark("Unless staff decide before, the rule merges them on {looks_at} or soon after.")),
    "proposal.off": Sentence(mark("The rules leave every proposal to staff.")),
    "proposal.limits": Sentence(mark("What would be too many is left to staff.")),
    "proposal.parted": Sentence(mark("Somebody decided once that they are two: only staff can merge them again.")),
    "proposal.unproved": Sentence(
        mark(
            "Merging them would let whoever holds the one into what the other has, and nobody proved that they are one "
            "person: staff decide."
        )
    ),
    "proposal.outdated": Sentence(
        mark("What was seen names a value that one of the two has no more, or that counts no more: staff decide.")
    ),
    "proposal.waits": Sentence(
        mark("Something stands against merging them now ({code}); the rule tries again on {looks_at}."),
        {"code": mark("Merging them failed; the rule tries again on {looks_at}.")},
    ),
    "proposal.confirmed": Sentence(mark("Confirmed on {ended_at} by {actor}: {reason}.")),
    "proposal.automatic": Sentence(mark("Merged by the rule on {ended_at}.")),
    "proposal.done": Sentence(mark("Merged otherwise on {ended_at} by {actor}: {reason}.")),
    "proposal.dismissed": Sentence(
        mark("Dismissed on {ended_at} by {actor}: {reason}. The same, or weaker, evidence does not open it again.")
    ),
    "proposal.superseded": Sentence(
        mark("One of the two was merged with, or parted from, somebody else on {ended_at}; what was seen counts there.")
    ),
    "proposal.undone": Sentence(
        mark("Merged on {ended_at}, and parted again since. The same, or weaker, evidence does not open it again.")
    ),
}


def name_of_kind(code: str, language: str) -> str:
    """Return how people call a kind of identity."""
    return say(KINDS[IdentityKind(code)], language) if code in set(IdentityKind) else code


declare(SENTENCES, {"identity": name_of_kind})


async def explain_proposal(tx: Transaction, vault: Vault, read: ProposalRead) -> Explanation:
    """Say why two members were proposed, who decides it, and what came of it; values masked.

    Source: merge_proposals, merge_evidence, identity_rules, members.
    """
    found = read.proposal
    whose, market = await identity.meant(tx, found.member_id)
    other, _ = await identity.meant(tx, found.other_id)
    both = await identity.show(tx, vault, sorted({whose, other}), clear=False)
    shown = {one.identity_id: one.value for _, identities in both for one in identities if one.value is not None}
    reasons = [*_seen(found, read.evidence, shown)]
    if found.state == "open":
        rules = await rules_in_force(tx)
        over = speaking.too_many(rules, [identities for _, identities in both])
        reasons += [*_over(rules, over), *_standing(read)]
    else:
        reasons += [_ended(found)]
    links = [Link("member", _name(one), f"/v1/members/{_name(one)}") for one in (found.member_id, found.other_id)]
    if found.merge_id is not None:
        merge = public_id(MERGE_PREFIX, found.merge_id)
        links.append(Link("merge", merge, f"/v1/members/{_name(whose)}/merges"))
    return Explanation(
        about="proposal",
        id=public_id(PROPOSAL_PREFIX, found.proposal_id),
        reasons=tuple(reasons),
        time_zone=market.time_zone,
        member_id=found.member_id,
        effective_at=found.opened_at,
        recorded_at=found.opened_at,
        links=tuple(links),
    )


def _seen(found: Proposal, evidence: Sequence[Evidence], shown: Shown) -> Iterator[Reason]:
    """Yield what speaks for them, as often as it was seen."""
    for one in evidence:
        often: dict[str, Value] = {
            "times": one.seen_count,
            "first_seen_at": one.first_seen_at,
            "last_seen_at": one.last_seen_at,
        }
        values = [None if each is None else shown.get(each) for each in (one.identity_id, one.other_identity_id)]
        if one.rule == "named_together":
            yield Reason(
                "proposal.named_together",
                {
                    "member": _name(found.member_id),
                    "identity": one.kind,
                    "value": values[0],
                    "other_member": _name(found.other_id),
                    "other_identity": one.other_kind,
                    "other_value": values[1],
                    **often,
                    "version": one.rules_version,
                },
            )
            continue
        owner, wanted_by = (found.member_id, found.other_id) if one.kind else (found.other_id, found.member_id)
        yield Reason(
            "proposal.value_of_other",
            {
                "member": _name(owner),
                "identity": one.kind or one.other_kind,
                "value": values[0] or values[1],
                "other_member": _name(wanted_by),
                **often,
                "version": one.rules_version,
            },
        )


def _over(rules: IdentityRules, over: Sequence[tuple[IdentityKind, int, int]]) -> Iterator[Reason]:
    for kind, count, limit in over:
        values: dict[str, Value] = {"identity": kind, "count": count, "limit": limit, "version": rules.version}
        yield Reason("proposal.over_limit", values)


def _standing(read: ProposalRead) -> Iterator[Reason]:
    """Yield who holds an account, and who decides."""
    found, stays = read.proposal, {"member": _name(read.survivor_id)}
    if len(read.accounts) > 1:
        yield Reason("proposal.accounts", {})
        return
    yield Reason("proposal.account", stays) if read.accounts else Reason("proposal.no_account", stays)
    if found.for_staff in {None, "waits"} and not read.is_bare:
        yield Reason("proposal.unproved", {})
        return
    match found.for_staff:
        case "unproved":
            yield Reason("proposal.unproved", {})
        case "outdated":
            yield Reason("proposal.outdated", {})
        case "off":
            yield Reason("proposal.off", {})
        case "over_limit":
            yield Reason("proposal.limits", {})
        case "parted":
            yield Reason("proposal.parted", {})
        case "waits":
            yield Reason("proposal.waits", {"code": found.obstacle, "looks_at": found.examine_at})
        case _:
            yield Reason("proposal.by_rule", {"looks_at": found.examine_at})


def _ended(found: Proposal) -> Reason:
    """Return what came of it."""
    told = {"ended_at": found.ended_at, "actor": found.ended_by, "reason": found.end_reason}
    match found.state:
        case "confirmed":
            return Reason("proposal.confirmed", told)
        case "automatic":
            return Reason("proposal.automatic", told)
        case "done":
            return Reason("proposal.done", told)
        case "dismissed":
            return Reason("proposal.dismissed", told)
        case "superseded":
            return Reason("proposal.superseded", told)
        case _:
            return Reason("proposal.undone", told)


def _name(member_id: UUID) -> str:
    return public_id(MEMBER_PREFIX, member_id)
