"""Verbs of drafts: begin, change, give up, schedule; with a second person where the policy in force asks for one.

Each is in the audit log with who, why and the document. A draft becomes a version by `schedule_version`, as a file of
`regulars configure` does: from then on it is the version that counts, and the draft stays as it was.
"""

from datetime import datetime
from uuid import UUID

from msgspec import structs

from regulars.loyalty.drafts import store
from regulars.loyalty.drafts.contracts import (
    DRAFT_PREFIX,
    AbandonDraft,
    AnswerDraft,
    ChangeDraft,
    CreateDraft,
    DraftCommand,
    DraftRevision,
    PolicyDraft,
    ScheduleDraft,
    WithdrawVersion,
)
from regulars.loyalty.drafts.errors import (
    DecidedByOthers,
    DraftBehind,
    DraftChanged,
    DraftNotOpen,
    DraftNotProposed,
    DraftOfOnlyWithdrawn,
    DraftOfWithdrawn,
    NothingToBeginFrom,
    OwnProposal,
    PolicyUnchanged,
    ProposalChanged,
    SecondPersonNeeded,
    UnknownDraft,
)
from regulars.loyalty.policy import rules as policies
from regulars.loyalty.policy.contracts import Appending, Policy, PolicyVersion
from regulars.loyalty.policy.errors import UnknownVersion
from regulars.loyalty.policy.reading import written
from regulars.loyalty.policy.service import (
    NOTICE,
    highest_version,
    list_policies,
    list_wallets,
    lock_versions,
    read_version,
    require_notice,
    schedule_version,
    withdraw_version,
)
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.errors import MayBeOnePerson
from regulars.platform.auth.persons import Compared, persons_behind
from regulars.platform.clock import Clock
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id, public_id


async def carry_out(tx: Transaction, clock: Clock, command: DraftCommand) -> PolicyDraft:
    """Carry out one command and return the draft as it then stands. Raises its refusal."""
    match command:
        case CreateDraft():
            return await create(tx, command)
        case ChangeDraft():
            return await change(tx, command)
        case AbandonDraft():
            return await abandon(tx, command)
        case ScheduleDraft():
            return await schedule(tx, clock, command)
        case _:
            return await answer(tx, clock, command)


async def create(tx: Transaction, command: CreateDraft) -> PolicyDraft:
    """Begin a draft. Raises UnknownVersion (404), NothingToBeginFrom, and what contradicts itself (422)."""
    policy, based_on = command.policy, command.from_version
    versions = await list_policies(tx)
    latest = versions[-1].version if versions else None
    base = None if based_on is None else await read_version(tx, based_on)
    if policy is None and base is not None:
        policy = base.policy()
    if policy is None:
        if not versions:
            raise NothingToBeginFrom(pointer="/policy")
        policy = versions[-1]
    policy = bare(policy)
    await check(tx, policy)
    draft = PolicyDraft(
        draft_id=new_id(),
        name=command.name,
        state="draft",
        revision=1,
        policy=policy,
        created_by=command.actor,
        created_at=tx.now,
        changed_by=command.actor,
        changed_at=tx.now,
        based_on=latest if base is None else base.version,
        based_on_withdrawn_at=None if base is None else base.withdrawn_at,
    )
    store.insert_draft(tx, draft.draft_id, command.actor, tx.now, draft.based_on)
    store.insert_revision(tx, draft)
    _audit(tx, command.actor, "create_policy_draft", draft, document=True)
    return draft


async def change(tx: Transaction, command: ChangeDraft) -> PolicyDraft:
    """Replace what a draft says. Raises UnknownDraft (404), DraftNotOpen, DraftChanged (409), what contradicts itself.

    What it said before is kept. The same again changes nothing.
    """
    found = _open(await _locked(tx, command.draft_id), command.revision)
    policy = bare(command.policy)
    if (found.name, found.policy) == (command.name, policy):
        return found
    await check(tx, policy)
    draft = structs.replace(
        found,
        name=command.name,
        policy=policy,
        revision=found.revision + 1,
        changed_by=command.actor,
        changed_at=tx.now,
    )
    store.insert_revision(tx, draft)
    store.set_revision(tx, draft.draft_id, draft.revision)
    _audit(tx, command.actor, "change_policy_draft", draft, document=True)
    return draft


async def abandon(tx: Transaction, command: AbandonDraft) -> PolicyDraft:
    """Give a draft up, or one's own proposal; it stays to be read.

    Raises UnknownDraft (404), DraftNotOpen, DecidedByOthers (409).
    """
    found = await _locked(tx, command.draft_id)
    if found.state not in {"draft", "proposed"}:
        raise DraftNotOpen(state=found.state)
    if found.state == "proposed" and command.actor not in {found.proposed_by, found.changed_by}:
        raise DecidedByOthers
    store.set_state(tx, found.draft_id, "abandoned", note=command.reason)
    _audit(tx, command.actor, "abandon_policy_draft", found, reason=command.reason)
    return await read_draft(tx, found.draft_id)


async def schedule(tx: Transaction, clock: Clock, command: ScheduleDraft) -> PolicyDraft:
    """Let a draft come into force at an instant; where the policy in force wants a second person, propose that.

    Of two at once the second sees the version of the first: what is compared is read behind the lock on the versions.
    Raises UnknownDraft, UnknownVersion (404), DraftNotOpen, DraftChanged, PolicyUnchanged, DraftBehind,
    DraftOfWithdrawn, DraftOfOnlyWithdrawn, and what `schedule_version` raises (409).
    """
    await lock_versions(tx)
    found = _open(await _locked(tx, command.draft_id), command.revision)
    versions = await list_policies(tx)
    if versions and bare(versions[-1]) == found.policy:
        raise PolicyUnchanged(version=versions[-1].version)
    await _require_latest(tx, found, versions, command.based_on)
    if not needs_second_person(versions, tx):
        by = Appending(by=command.actor, name=found.name, reason=command.reason)
        return await _schedule(tx, clock, found, command, by)
    require_notice(command.active_from, tx.now, NOTICE)
    await check(tx, found.policy)
    if versions:
        policies.check_succession(versions[-1], found.policy)
    store.set_state(
        tx,
        found.draft_id,
        "proposed",
        proposed_for=command.active_from,
        proposed_by=command.actor,
        note=command.reason,
        based_on=command.based_on,
    )
    _audit(tx, command.actor, "propose_policy", found, reason=command.reason)
    return await read_draft(tx, found.draft_id)


async def answer(tx: Transaction, clock: Clock, command: AnswerDraft) -> PolicyDraft:
    """Agree to what somebody else proposed, which schedules it, or give it back as a draft.

    Raises UnknownDraft (404), DraftNotProposed, ProposalChanged, OwnProposal, MayBeOnePerson, DraftBehind,
    DraftOfWithdrawn, and what `schedule_version` raises (409).
    """
    if command.agree:
        await lock_versions(tx)
    found = await _locked(tx, command.draft_id)
    if found.state != "proposed" or found.proposed_for is None:
        raise DraftNotProposed(state=found.state)
    if (command.revision, command.active_from) != (found.revision, found.proposed_for):
        raise ProposalChanged(
            pointer="/revision" if command.revision != found.revision else "/active_from",
            current=found.revision,
            active_from=found.proposed_for.isoformat(),
        )
    if not command.agree:
        act = "take_back_policy" if command.actor == found.proposed_by else "refuse_policy"
        store.set_state(tx, found.draft_id, "draft", note=command.note)
        _audit(tx, command.actor, act, found, reason=command.note)
        return await read_draft(tx, found.draft_id)
    await _require_two(tx, command.actor, found)
    await _require_latest(tx, found, await list_policies(tx))
    asked = ScheduleDraft(
        draft_id=found.draft_id,
        revision=found.revision,
        active_from=found.proposed_for,
        actor=command.actor,
        reason=found.note,
    )
    by = Appending(by=found.proposed_by, approved_by=command.actor, name=found.name, reason=found.note)
    return await _schedule(tx, clock, found, asked, by)


async def withdraw(tx: Transaction, clock: Clock, command: WithdrawVersion) -> PolicyVersion:
    """Take a version back before its instant; where the policy in force wants two, only one of those who decided it.

    Raises UnknownVersion (404), VersionWithdrawn, VersionInForce, DecidedByOthers (409).
    """
    version = await read_version(tx, command.version)
    if (
        version.state == "scheduled"
        and needs_second_person(await list_policies(tx), tx)
        and command.actor not in {version.scheduled_by, version.approved_by}
    ):
        raise DecidedByOthers
    found = await withdraw_version(tx, clock, command.version, by=command.actor, reason=command.reason)
    entry = AuditEntry(
        actor=command.actor,
        action="withdraw_policy",
        subject=f"policy version {command.version}",
        reason=command.reason,
    )
    tx.audit(entry)
    return found


async def read_draft(tx: Transaction, draft_id: UUID) -> PolicyDraft:
    """Return one draft. Raises UnknownDraft (404)."""
    await tx.flush()
    found = await store.read_draft(tx, draft_id)
    if found is None:
        raise UnknownDraft
    return found


async def list_drafts(
    tx: Transaction, *, ended: bool = False, after: tuple[datetime, UUID] | None = None, limit: int = 200
) -> list[PolicyDraft]:
    """Return the drafts that are worked on or wait, the latest first; `ended` adds those that are over.

    `after` (created, draft) goes on behind a draft.
    """
    return await store.list_drafts(tx, ended=ended, after=after, limit=limit)


async def read_revisions(tx: Transaction, draft_id: UUID) -> list[DraftRevision]:
    """Return what a draft said over time, the latest first. Raises UnknownDraft (404)."""
    await read_draft(tx, draft_id)
    return await store.read_revisions(tx, draft_id)


async def check(tx: Transaction, policy: Policy) -> None:
    """Raise why a document contradicts itself or the programme's wallets, pointing into `/policy`."""
    try:
        policies.check(policy, await list_wallets(tx))
    except DomainError as refusal:
        refusal.pointer = f"/policy{refusal.pointer}"
        raise


def needs_second_person(versions: list[Policy], tx: Transaction) -> bool:
    """Return whether the policy in force lets nobody change it alone."""
    in_force = policies.active_at(versions, tx.now)
    return in_force is not None and in_force.changes.second_person


async def require_alone(tx: Transaction) -> None:
    """Raise SecondPersonNeeded where the policy in force lets nobody change it alone."""
    if needs_second_person(await list_policies(tx), tx):
        raise SecondPersonNeeded


def bare(policy: Policy) -> Policy:
    """Return a policy without number and instant: what a draft holds."""
    return Policy(
        **{name: getattr(policy, name) for name in Policy.__struct_fields__ if name not in {"version", "active_from"}}
    )


async def _schedule(
    tx: Transaction, clock: Clock, draft: PolicyDraft, command: ScheduleDraft, by: Appending
) -> PolicyDraft:
    appended = await schedule_version(tx, clock, draft.policy, command.active_from, by)
    store.set_state(
        tx, draft.draft_id, "scheduled", note=command.reason, version=appended.version, based_on=command.based_on
    )
    tx.audit(
        AuditEntry(
            actor=by.approved_by or by.by,
            action="activate_policy",
            subject=f"policy version {appended.version}",
            reason=command.reason,
            detail=written(appended),
        )
    )
    return await read_draft(tx, draft.draft_id)


async def _require_two(tx: Transaction, actor: str, found: PolicyDraft) -> None:
    """Raise OwnProposal where the one who agrees is a person who wrote or proposed it, MayBeOnePerson where unclear."""
    others = (found.proposed_by, found.changed_by)
    match (await persons_behind(tx, (actor, *others))).compare_all(actor, others):
        case Compared.ONE:
            raise OwnProposal
        case Compared.UNCLEAR:
            raise MayBeOnePerson


async def _require_latest(
    tx: Transaction, found: PolicyDraft, versions: list[Policy], compared: int | None = None
) -> None:
    """Raise DraftBehind where a version is there that came after the one with which a draft was compared.

    Raises DraftOfWithdrawn where that one was taken back: who schedules says that they compared it with the latest of
    those that are there. Where none is there, DraftOfOnlyWithdrawn is raised unless they name the one that was taken
    back. Raises UnknownVersion (404) where nobody can have compared it with that one: it would never be
    behind.
    """
    if compared is not None and compared > await highest_version(tx):
        raise UnknownVersion(pointer="/based_on", version=compared)
    based_on = found.based_on if compared is None else compared
    if based_on is None:
        return
    if based_on not in {one.version for one in versions}:
        if not versions and compared == found.based_on:
            return
        withdrawn_at = (await read_version(tx, based_on)).withdrawn_at
        at = "" if withdrawn_at is None else withdrawn_at.isoformat(timespec="seconds")
        if not versions:
            raise DraftOfOnlyWithdrawn(pointer="/based_on", based_on=found.based_on or based_on, withdrawn_at=at)
        raise DraftOfWithdrawn(pointer="/based_on", based_on=based_on, withdrawn_at=at, latest=versions[-1].version)
    if versions[-1].version > based_on:
        raise DraftBehind(pointer="/based_on", latest=versions[-1].version, based_on=based_on)


async def _locked(tx: Transaction, draft_id: UUID) -> PolicyDraft:
    found = await store.read_draft(tx, draft_id, lock=True)
    if found is None:
        raise UnknownDraft
    return found


def _open(found: PolicyDraft, seen: int) -> PolicyDraft:
    if found.state != "draft":
        raise DraftNotOpen(state=found.state)
    if found.revision != seen:
        raise DraftChanged(pointer="/revision", current=found.revision, seen=seen)
    return found


def _audit(
    tx: Transaction, actor: str, action: str, draft: PolicyDraft, *, reason: str = "", document: bool = False
) -> None:
    detail = written(draft.policy) if document else f"revision {draft.revision}"
    subject = public_id(DRAFT_PREFIX, draft.draft_id)
    tx.audit(AuditEntry(actor=actor, action=action, subject=subject, reason=reason, detail=detail))
