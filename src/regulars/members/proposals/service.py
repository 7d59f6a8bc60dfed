"""Verbs of proposals: what one request says of two members is noted; staff confirm or dismiss it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from regulars.members.contracts import IdentityKind
from regulars.members.contracts.identity_rules import ChangeIdentityRules, IdentityRules
from regulars.members.contracts.merging import MergeMembers, MergingParts
from regulars.members.contracts.proposals import (
    Confirmed,
    ConfirmProposal,
    DismissProposal,
    Evidence,
    Held,
    Pair,
    Proposal,
    ProposalRead,
)
from regulars.members.identity import service as identity
from regulars.members.identity.errors import IdentityTaken, Named
from regulars.members.identity_rules import service as identity_rules
from regulars.members.identity_rules.service import rules_in_force
from regulars.members.merging import reading as merging_reading
from regulars.members.merging.service import merge_members
from regulars.members.proposals import rules as speaking
from regulars.members.proposals import store, telling
from regulars.members.proposals.errors import AccountMeanwhile, ProposalEnded, SurvivorNotOfProposal, UnknownProposal
from regulars.members.proposals.speaking import look_at, speak_for
from regulars.members.proposals.store import Opened
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.vault.contracts import Vault

# --- what one request says of two members -----------------------------------------------------------------------------


async def note(tx: Transaction, vault: Vault, outcomes: Iterable[object]) -> None:
    """Note which members were named together by requests that were refused because a value is somebody's.

    In the transaction that keeps the refusals, not in the part of it that a refusal rolls back: a request that is sent
    again under its key is answered from what is kept, and counts once.
    """
    found = [one.named for one in outcomes if isinstance(one, IdentityTaken) and one.named is not None]
    naming = [one for one in found if len({*one.owners.values(), one.wanted_by} - {None}) > 1]
    if not naming:
        return
    rules = await rules_in_force(tx)
    for one in naming:
        await _note_one(tx, vault, rules, one)


async def _note_one(tx: Transaction, vault: Vault, rules: IdentityRules, named: Named) -> None:
    held = await store.identities_found(tx, [(owner, index) for index, owner in named.owners.items()])
    speaks = [Held(member, identity_id, IdentityKind(kind)) for member, identity_id, kind in held]
    pairs = speaking.pairs_of(rules, speaks, named.wanted_by)
    if not pairs:
        return
    there = await store.share(tx, sorted({one for pair in pairs for one in (pair.first, pair.other)}))
    for pair in pairs:
        if pair.first in there and there.get(pair.other) == there[pair.first]:
            await _propose(tx, vault, rules, pair)


async def _propose(tx: Transaction, vault: Vault, rules: IdentityRules, pair: Pair) -> None:
    rank = pair.rank(rules)
    shown = await identity.show(tx, vault, [pair.first, pair.other], clear=False)
    if speaking.is_shared(rules, rank, speaking.too_many(rules, [identities for _, identities in shown])):
        return
    seen = Evidence(
        rule=pair.rule,
        kind=pair.of_first and pair.of_first.kind,
        identity_id=pair.of_first and pair.of_first.identity_id,
        other_kind=pair.of_other and pair.of_other.kind,
        other_identity_id=pair.of_other and pair.of_other.identity_id,
        seen_count=1,
        first_seen_at=tx.now,
        last_seen_at=tx.now,
        rules_version=rules.version,
    )
    opened = Opened(pair.first, pair.other, rank, 1, tx.now, look_at(rules))
    await speak_for(tx, opened, [seen])


# --- who holds an account, and who stays ------------------------------------------------------------------------------


async def holds_account(tx: Transaction, parts: MergingParts, member_id: UUID) -> bool:
    """Say whether a member holds an account: somebody proved to be the member, or anything was booked or bought.

    Also as one who became part of the member.
    """
    all_of_it = [member_id, *await merging_reading.family(tx, member_id)]
    if await store.was_proved(tx, all_of_it):
        return True
    for part in parts:
        for one in all_of_it:
            if await part.has_account(tx, one):
                return True
    return False


async def accounts_and_survivor(
    tx: Transaction, parts: MergingParts, proposal: Proposal
) -> tuple[tuple[UUID, ...], UUID]:
    """Return who of the two holds an account, and who would stay: who holds one, else who signed up first."""
    both = [proposal.member_id, proposal.other_id]
    refs = await identity.known_members(tx, both)
    accounts = [one for one in both if await holds_account(tx, parts, one)]
    first, other = [(one, one in accounts, (refs[one].signed_up_at, one)) for one in both]
    return tuple(accounts), speaking.stays(first, other)


async def read_proposal(tx: Transaction, parts: MergingParts, proposal_id: UUID) -> ProposalRead:
    """Return a proposal, what speaks for it, who holds an account now, and who would stay. Raises UnknownProposal."""
    found = await store.read(tx, proposal_id)
    if found is None:
        raise UnknownProposal
    evidence = (await store.evidence(tx, [found])).get(proposal_id, [])
    accounts, survivor = await accounts_and_survivor(tx, parts, found)
    is_bare = await _are_bare(tx, found, accounts)
    return ProposalRead(
        proposal=found, evidence=tuple(evidence), survivor_id=survivor, accounts=accounts, is_bare=is_bare
    )


async def _are_bare(tx: Transaction, found: Proposal, accounts: Sequence[UUID]) -> bool:
    """Say whether nothing is known of the two, and of who is part of them, but how to find them.

    A merge of such two gives what one sign-up that names all of it gives. Any other would hand what somebody has to
    whoever typed a value of theirs: a request names values, and nobody proves that they are one person's.
    """
    if accounts:
        return False
    return not await store.was_told(tx, [found.member_id, found.other_id])


# --- staff decide -----------------------------------------------------------------------------------------------------


async def confirm_proposal(tx: Transaction, vault: Vault, parts: MergingParts, wish: ConfirmProposal) -> Confirmed:
    """Merge the two of a proposal; see `members.api.confirm_proposal`."""
    found = await _open(tx, wish.proposal_id)
    both = {found.member_id, found.other_id}
    survivor = wish.survivor_id or (await accounts_and_survivor(tx, parts, found))[1]
    if survivor not in both:
        raise SurvivorNotOfProposal(pointer="/survivor")
    (absorbed,) = both - {survivor}
    if wish.absorbed_id not in {None, absorbed}:
        raise SurvivorNotOfProposal(pointer="/survivor")
    if not wish.dry_run:
        await hold(tx, found)
    merge = await merge_members(
        tx,
        vault,
        parts,
        MergeMembers(
            survivor_id=survivor, absorbed_id=absorbed, actor=wish.actor, reason=wish.reason, dry_run=wish.dry_run
        ),
    )
    if wish.dry_run:
        return Confirmed(proposal=found, merge=merge)
    store.tell_how(tx, found.proposal_id, "confirmed", by=wish.actor, reason=wish.reason, merge_id=merge.merge_id)
    return Confirmed(proposal=await _told(tx, found.proposal_id), merge=merge)


async def hold(tx: Transaction, found: Proposal) -> Proposal:
    """Hold both members, then the proposal: in this order, as whoever merges. Raises ProposalEnded."""
    await merging_reading.hold(tx, sorted((found.member_id, found.other_id)))
    return await _open(tx, found.proposal_id, hold=True)


async def dismiss_proposal(tx: Transaction, wish: DismissProposal) -> Proposal:
    """Say that two members are two; see `members.api.dismiss_proposal`."""
    found = await _open(tx, wish.proposal_id)
    if not await telling.end(tx, found, "dismissed", at=tx.now, by=wish.actor, reason=wish.reason):
        raise _ended(await _told(tx, wish.proposal_id))
    return await _told(tx, wish.proposal_id)


async def _open(tx: Transaction, proposal_id: UUID, *, hold: bool = False) -> Proposal:
    found = await store.read(tx, proposal_id, hold=hold)
    if found is None:
        raise UnknownProposal
    if found.state != "open":
        raise _ended(found)
    return found


def _ended(found: Proposal) -> DomainError:
    at = found.ended_at
    return ProposalEnded(state=found.state, ended_at="" if at is None else at.isoformat(timespec="seconds"))


async def _told(tx: Transaction, proposal_id: UUID) -> Proposal:
    found = await store.read(tx, proposal_id)
    if found is None:
        raise UnknownProposal
    return found


# --- the rule decides -------------------------------------------------------------------------------------------------


async def examine(tx: Transaction, vault: Vault, parts: MergingParts, proposal: Proposal, actor: str) -> bool:
    """Merge the two by the rule, or write down why that is left to staff; True if they were merged.

    Both members are held before it is asked who holds an account: whoever signs in meanwhile waits, or came before.
    Raises what stands against merging them, and AccountMeanwhile where something was booked since.
    """
    await hold(tx, proposal)
    rules = await rules_in_force(tx)
    first, other = proposal.member_id, proposal.other_id
    accounts, survivor = await accounts_and_survivor(tx, parts, proposal)
    shown = await identity.show(tx, vault, [first, other], clear=True)
    held = {one.identity_id: one.value for _, found in shown for one in found if one.value is not None}
    seen = (await store.evidence(tx, [proposal])).get(proposal.proposal_id, [])
    for why, is_so in (
        ("accounts", len(accounts) > 1),
        ("off", not rules.automatic),
        ("over_limit", bool(speaking.too_many(rules, [identities for _, identities in shown]))),
        ("parted", await store.were_parted(tx, first, other)),
        ("outdated", not speaking.still_speaks(rules, seen, held)),
        ("unproved", not await _are_bare(tx, proposal, accounts)),
    ):
        if is_so:
            store.leave_to_staff(tx, proposal.proposal_id, why, None, None)
            return False
    reason = f"proposed by the rules about identities, version {rules.version}"
    wish = MergeMembers(
        survivor_id=survivor, absorbed_id=other if survivor == first else first, actor=actor, reason=reason
    )
    merge = await merge_members(tx, vault, parts, wish)
    for part in parts:  # booked since it was asked? The locks of the books are held only now
        if await part.has_account(tx, first) or await part.has_account(tx, other):
            raise AccountMeanwhile
    store.tell_how(tx, proposal.proposal_id, "automatic", by=actor, reason=reason, merge_id=merge.merge_id)
    return True


async def change_rules(tx: Transaction, wish: ChangeIdentityRules) -> IdentityRules:
    """Let a new version be in force; what was left to staff because the rule was off is looked at again.

    See `members.api.change_identity_rules`.
    """
    fresh = await identity_rules.change_rules(tx, wish)
    if fresh.automatic:
        store.examine_all(tx, look_at(fresh))
    return fresh
