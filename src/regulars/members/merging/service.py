"""Verbs of merging: name, profile, consents and books of one member go over to another, or back, in one transaction."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from regulars.domain_events.members import MemberMerged
from regulars.domain_events.members import MergeUndone as MergeUndoneFact
from regulars.members.access import sessions
from regulars.members.consent import service as consent
from regulars.members.consent.lapsing import lapse
from regulars.members.contracts import (
    CONSENT_PREFIX,
    MEMBER_PREFIX,
    ChangeProfile,
    Confirmation,
    Consent,
    ConsentGiven,
    Decision,
    MemberRef,
    MemberStatus,
    Profile,
)
from regulars.members.contracts.merging import (
    MERGE_PREFIX,
    BooksMoved,
    BooksReturned,
    ConsentChosen,
    ConsentReplaced,
    Merge,
    MergeMembers,
    MergeUndone,
    Merging,
    MergingParts,
    UndoMerge,
)
from regulars.members.contracts.refusals import MemberGone
from regulars.members.households import moving as households
from regulars.members.identity import service as identity
from regulars.members.identity.errors import JustMerged
from regulars.members.merging import rules, store
from regulars.members.merging.errors import (
    MergeAcrossMarkets,
    MergeOfOne,
    MergeUndoneBefore,
    MergeWaitsForErasure,
    UndoOutOfOrder,
    UnknownMerge,
)
from regulars.members.merging.reading import decode_merge, field_of
from regulars.members.merging.store import MergeRow
from regulars.members.privacy.parting import forget_shared_exports, forget_waiting_exports
from regulars.members.profile import service as profile
from regulars.members.proposals import following as proposals
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id, public_id
from regulars.platform.texts import mark
from regulars.platform.vault.cipher import seal, unseal
from regulars.platform.vault.contracts import Vault
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault


class Before(msgspec.Struct, frozen=True):
    """What was there before a merge, sealed: both profiles, what filled gaps, and the identities that went over."""

    survivor: Profile
    absorbed: Profile
    filled: list[str]
    identities: list[UUID]


_encode = msgspec.json.Encoder().encode
_decode_before = msgspec.json.Decoder(Before).decode


class _Back(NamedTuple):
    """A decision by which one of both stands as before: `was` is in force until then, `before_id` what it repeats."""

    wish: ConsentGiven
    was: Decision
    before_id: UUID | None = None


class _Both(NamedTuple):
    survivor: MemberRef
    absorbed: MemberRef


# --- merging ---------------------------------------------------------------------------------------------------------


async def merge_members(tx: Transaction, vault: Vault, parts: MergingParts, wish: MergeMembers) -> Merge:
    """Let a member become part of another; see `members.api.merge_members`."""
    both = await _both(tx, wish)
    merging = Merging(new_id(), both.survivor.member_id, both.absorbed.member_id, wish.recorded_at or tx.now)
    profiles = await profile.read_profiles(tx, vault, [merging.survivor_id, merging.absorbed_id], clear=True)
    own, other = (profiles.get(one, Profile()) for one in (merging.survivor_id, merging.absorbed_id))
    filled = rules.fills(own, other)
    in_force, _ = await consent.consents(tx, merging.survivor_id, as_of=tx.now)
    others, _ = await consent.consents(tx, merging.absorbed_id, as_of=tx.now)
    taken = rules.taken_over(in_force, others)
    shown = await identity.show(tx, vault, [merging.absorbed_id], clear=False)
    found = [one for _, identities in shown for one in identities]
    household = await households.merge_places(
        tx, vault, merging, actor=wish.actor, reason=wish.reason, dry_run=wish.dry_run
    )
    books = await _books_moved(tx, parts, merging, dry_run=wish.dry_run)
    for part in parts:  # after the books, whose locks keep new obstacles away
        if problem := await part.stands_against(tx, merging.survivor_id, merging.absorbed_id):
            raise problem
    told = Merge(
        merge_id=merging.merge_id,
        survivor_id=merging.survivor_id,
        absorbed_id=merging.absorbed_id,
        state="proposed" if wish.dry_run else "merged",
        actor=wish.actor,
        reason=wish.reason,
        recorded_at=merging.at,
        identities=tuple([one.kind.value for one in found]),
        unproved=tuple([one.kind.value for one in found if one.verified_at is None]),
        filled=tuple(filled),
        consents=rules.chosen(taken, in_force),
        books=books,
        household=household,
    )
    if wish.dry_run:
        return told
    await identity.hand_over(tx, vault, merging.absorbed_id, merging.survivor_id)
    if filled:
        change = ChangeProfile(member_id=merging.survivor_id, change=rules.change_of(filled))
        await profile.change_profile(tx, vault, change)
    recorded = await _record(tx, [_copied(one, merging.survivor_id) for one in taken])
    lapsed = await lapse(tx, merging.survivor_id)
    kept = msgspec.structs.replace(
        told,
        identity_ids=tuple([one.identity_id for one in found]),
        replaced=rules.replaced(in_force, recorded, lapsed),
    )
    before = Before(own, other, list(filled), [one.identity_id for one in found])
    await _write_down(tx, vault, kept, before)
    sessions.forget_members(tx, [merging.absorbed_id])
    forget_waiting_exports(tx, merging.absorbed_id)
    store.point(tx, merging.absorbed_id, merging.survivor_id)
    await proposals.merged(tx, merging, by=wish.actor, reason=wish.reason)
    tx.publish(
        MemberMerged(
            member_id=merging.absorbed_id,
            recorded_at=tx.now,
            into=merging.survivor_id,
            merge_id=merging.merge_id,
        )
    )
    return told


async def _both(tx: Transaction, wish: MergeMembers) -> _Both:
    """Return both members, held unless nothing is to be written; whoever was merged before is who they are now."""
    known = await identity.known_members(tx, [wish.survivor_id, wish.absorbed_id])
    if len(known) < len({wish.survivor_id, wish.absorbed_id}):
        raise NotFound
    ids = [known[one].stands_for for one in (wish.survivor_id, wish.absorbed_id)]
    if ids[0] == ids[1]:
        raise MergeOfOne(pointer="/absorb")
    both = _Both(*await _held(tx, ids, hold=not wish.dry_run))
    if both.survivor.market != both.absorbed.market:
        raise MergeAcrossMarkets(survivor=both.survivor.market, absorbed=both.absorbed.market)
    return both


async def _held(tx: Transaction, ids: list[UUID], *, hold: bool) -> list[MemberRef]:
    refs = await store.refs(tx, ids, hold=hold)
    for member in refs.values():
        if member.status is MemberStatus.ERASED:
            raise MemberGone
        if member.merged_into is not None and hold:
            raise JustMerged(member=public_id(MEMBER_PREFIX, member.merged_into))
    if waiting := await store.waiting_erasure(tx, ids):
        raise MergeWaitsForErasure(member=public_id(MEMBER_PREFIX, waiting))
    return [refs[one] for one in ids]


async def _books_moved(tx: Transaction, parts: MergingParts, merging: Merging, *, dry_run: bool) -> BooksMoved:
    (moved,) = [await part.merge(tx, merging, dry_run) for part in parts if part.merge is not None]
    return moved


async def _write_down(tx: Transaction, vault: Vault, told: Merge, before: Before) -> None:
    sealed = await _sealed(vault, told.survivor_id, told.merge_id, before)
    row = MergeRow(
        member_id=told.absorbed_id,
        merge_id=told.merge_id,
        survivor_id=told.survivor_id,
        actor=told.actor,
        reason=told.reason,
        recorded_at=told.recorded_at,
        told=_encode(told).decode(),
        sealed_before=sealed,
        undone_at=None,
        undone_by=None,
        undo_reason=None,
        undone=None,
    )
    store.insert(tx, row, wall_now())


async def _sealed(vault: Vault, survivor_id: UUID, merge_id: UUID, before: Before) -> bytes:
    key = (await vault.make_keys([survivor_id])).get(survivor_id)
    if key is None:
        raise MemberGone
    return seal(key, _encode(before), member_id=survivor_id, field=field_of(merge_id))


def _copied(one: Consent, member_id: UUID) -> ConsentGiven:
    return ConsentGiven(
        member_id=member_id,
        purpose=one.purpose,
        channel=one.channel,
        decision=one.decision,
        wording_version=one.wording_version,
        where=one.where,
        store_id=one.store_id,
        actor=one.actor,
        effective_at=one.effective_at,
        language=one.language,
        wording=one.wording or None,
        confirmation=Confirmation.ELSEWHERE if one.confirmation is Confirmation.LINK else one.confirmation,
        identity_id=one.identity_id,
    )


async def _record(tx: Transaction, wishes: list[ConsentGiven]) -> list[Consent]:
    recorded = []
    for outcome in await consent.record_consents(tx, wishes) if wishes else ():
        if isinstance(outcome, DomainError):
            raise outcome
        recorded.append(outcome)
    return recorded


# --- undoing ---------------------------------------------------------------------------------------------------------


async def undo_merge(tx: Transaction, vault: Vault, parts: MergingParts, wish: UndoMerge) -> MergeUndone:
    """Let two members who were merged be two again; see `members.api.undo_merge`."""
    row = await store.read(tx, wish.merge_id)
    if row is None or await identity.who_is(tx, wish.survivor_id) not in {
        await identity.who_is(tx, row.survivor_id),
        row.member_id,
    }:
        raise UnknownMerge
    refs = await store.refs(tx, [row.survivor_id, row.member_id], hold=not wish.dry_run)
    row = await store.read(tx, wish.merge_id) or row  # as it is now that both are held
    await _check_undo(tx, row, refs)
    merging = Merging(row.merge_id, row.survivor_id, row.member_id, wish.recorded_at or tx.now)
    before = await _before(vault, row)
    told = decode_merge(row.told)
    shown = await identity.show(tx, vault, [row.survivor_id], clear=False)
    back = [one for _, found in shown for one in found if one.identity_id in before.identities]
    filled = {field: getattr(before.absorbed, field) for field in before.filled}
    now = (await profile.read_profiles(tx, vault, [row.survivor_id], clear=True)).get(row.survivor_id, Profile())
    cleared = rules.still_as_filled(now, filled)
    decided = await _consents_back(tx, row, told, wish.actor)
    household = await households.undo_places(
        tx, vault, merging, actor=wish.actor, reason=wish.reason, dry_run=wish.dry_run
    )
    (books,) = [await part.undo(tx, merging, wish.dry_run) for part in parts if part.undo is not None]
    undone = _undone(merging, books, identities=[one.kind.value for one in back], cleared=cleared, decided=decided)
    undone = msgspec.structs.replace(undone, household=household)
    if wish.dry_run:
        return undone
    await identity.hand_over(tx, vault, row.survivor_id, row.member_id, only={one.identity_id for one in back})
    if cleared:
        change = ChangeProfile(member_id=row.survivor_id, change=rules.change_of(dict.fromkeys(cleared)))
        await profile.change_profile(tx, vault, change)
    store.release(tx, row.member_id)
    sessions.forget_members(tx, [row.survivor_id, row.member_id])  # whoever got in meanwhile may be either
    forget_shared_exports(tx, row.merge_id)
    since = await store.written_at(tx, row.merge_id)
    for part in parts:
        await part.forget_told(tx, row.survivor_id, since)
    recorded = await _record(tx, [one.wish for one in decided])
    kept = msgspec.structs.replace(
        undone,
        restored=tuple(
            [
                ConsentReplaced(consent_id=written.consent_id, before_id=one.before_id)
                for one, written in zip(decided, recorded, strict=True)
                if one.before_id is not None
            ]
        ),
    )
    store.note_undone(tx, row, at=merging.at, by=wish.actor, reason=wish.reason, undone=_encode(kept).decode())
    await proposals.parted(tx, row.merge_id, by=wish.actor, reason=wish.reason)
    for one in (row.survivor_id, row.member_id):
        await lapse(tx, one)
    tx.publish(
        MergeUndoneFact(member_id=row.member_id, recorded_at=tx.now, out_of=row.survivor_id, merge_id=row.merge_id)
    )
    return undone


async def _check_undo(tx: Transaction, row: MergeRow, refs: dict[UUID, MemberRef]) -> None:
    if row.undone_at is not None:
        raise MergeUndoneBefore(undone_at=row.undone_at.isoformat())
    for member in refs.values():
        if member.status is MemberStatus.ERASED:
            raise MemberGone
    later = await store.into(tx, row.survivor_id)
    if later is not None:
        raise UndoOutOfOrder(
            survivor=public_id(MEMBER_PREFIX, row.survivor_id),
            into=public_id(MEMBER_PREFIX, later.survivor_id),
            merge=public_id(MERGE_PREFIX, later.merge_id),
        )
    if waiting := await store.waiting_erasure(tx, list(refs)):
        raise MergeWaitsForErasure(member=public_id(MEMBER_PREFIX, waiting))


async def _before(vault: Vault, row: MergeRow) -> Before:
    key = (await vault.keys_of([row.survivor_id])).get(row.survivor_id)
    if key is None or row.sealed_before is None:
        raise MemberGone
    opened = unseal(key, bytes(row.sealed_before), member_id=row.survivor_id, field=field_of(row.merge_id))
    return _decode_before(opened)


async def filled_with(vault: Vault, row: MergeRow) -> dict[str, Any]:
    """Return with what a merge filled the survivor's profile; nothing where that cannot be read any more."""
    try:
        before = await _before(vault, row)
    except MemberGone:
        return {}
    return {field: getattr(before.absorbed, field) for field in before.filled}


async def forget_filled(tx: Transaction, vault: Vault, row: MergeRow, values: Mapping[str, Any]) -> None:
    """Forget, of what was there before a merge, what an earlier one had filled the absorbed member's profile with."""
    try:
        before = await _before(vault, row)
    except MemberGone:
        return
    gone = rules.still_as_filled(before.absorbed, values)
    absorbed = msgspec.structs.replace(before.absorbed, **dict.fromkeys(gone))
    kept = msgspec.structs.replace(before, absorbed=absorbed, filled=[one for one in before.filled if one not in gone])
    store.keep_before(tx, row, await _sealed(vault, row.survivor_id, row.merge_id, kept))


async def give_consents_back(tx: Transaction, row: MergeRow, actor: str) -> None:
    """Let the survivor's consents be what they were before a merge, as far as nothing was decided since."""
    survivors, history = await consent.consents_of(tx, row.survivor_id, as_of=tx.now)
    told = decode_merge(row.told)
    again = [_again(one, before, row, actor) for one, before in rules.restored(told.replaced, survivors, history)]
    await _record(tx, [one.wish for one in again])


async def _consents_back(tx: Transaction, row: MergeRow, told: Merge, actor: str) -> list[_Back]:
    """Return the decisions by which both stand as before, as far as nothing was decided since."""
    survivors, history = await consent.consents_of(tx, row.survivor_id, as_of=tx.now)
    absorbed, _ = await consent.consents_of(tx, row.member_id, as_of=tx.now)
    return [_again(one, before, row, actor) for one, before in rules.restored(told.replaced, survivors, history)] + [
        _Back(_copied(one, row.member_id), Decision.GIVEN)
        for one in rules.withdrawn_since(survivors, absorbed, row.recorded_at)
    ]


def _again(one: Consent, before: Consent | None, row: MergeRow, actor: str) -> _Back:
    """Say once more what was in force before the merge, in the very words, or withdraw what it brought."""
    if before is None:
        wish = msgspec.structs.replace(_copied(one, row.survivor_id), decision=Decision.WITHDRAWN, actor=actor)
        return _Back(msgspec.structs.replace(wish, effective_at=None), one.decision)
    wish = msgspec.structs.replace(_copied(before, row.survivor_id), effective_at=None)
    return _Back(wish, one.decision, before.consent_id)


def _undone(
    merging: Merging, books: BooksReturned, *, identities: list[str], cleared: list[str], decided: list[_Back]
) -> MergeUndone:
    consents = [
        ConsentChosen(
            purpose=wish.purpose.value, channel=wish.channel.value, decision=wish.decision.value, before=was.value
        )
        for wish, was, _ in decided
    ]
    return MergeUndone(
        merge_id=merging.merge_id,
        survivor_id=merging.survivor_id,
        absorbed_id=merging.absorbed_id,
        recorded_at=merging.at,
        identities=tuple(identities),
        cleared=tuple(cleared),
        consents=tuple(consents),
        books=books,
    )


# --- proofs ----------------------------------------------------------------------------------------------------------

_POINTS_ELSEWHERE = mark("{member} means {found}, and by the merges that were not undone it means {right}.")
_STILL_FOUND = mark("{member} is part of another member, and can still be found, or is still signed in.")

_OTHER_WORDS = mark(
    "Consent {consent} of {member} was to be restored when a merge was undone, and says something else than what was "
    "agreed to before: count it as not given, and ask the member."
)


async def _pointers_hold(tx: Transaction) -> CheckResult:
    """Every id means whom the merges say, in one step; nobody is found as who they no longer are."""
    counted, off, found = await store.pointers_off(tx, MAX_PROBLEMS)
    problems = [
        Fault(_POINTS_ELSEWHERE, {"member": _who(member), "found": _who(into), "right": _who(right)})
        for member, into, right in off
    ]
    problems += [Fault(_STILL_FOUND, {"member": _who(member)}) for member in found]
    return CheckResult(ok=not problems, rows_checked=counted, problems=problems[:MAX_PROBLEMS])


async def _words_are_those_of_before(tx: Transaction) -> CheckResult:
    """Undoing a merge makes no consent that nobody gave."""
    off = await store.other_words(tx, MAX_PROBLEMS)
    problems = [
        Fault(_OTHER_WORDS, {"consent": public_id(CONSENT_PREFIX, consent_id), "member": _who(member_id)})
        for member_id, consent_id in off
    ]
    return CheckResult(ok=not problems, rows_checked=await store.count(tx), problems=problems)


def _who(member_id: UUID | None) -> str:
    return "-" if member_id is None else public_id(MEMBER_PREFIX, member_id)


def checks() -> list[Check]:
    """Return what must hold of members who were merged."""
    return [
        Check(mark("merged members"), _pointers_hold),
        Check(mark("consents after merges"), _words_are_those_of_before),
    ]
