"""Verbs of households: they are formed, joined, left, led by another, named and dissolved; each change is noted."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from regulars.domain_events.members import (
    HouseholdDissolved as DissolvedFact,
)
from regulars.domain_events.members import (
    HouseholdFormed,
    HouseholdHeadChanged,
    HouseholdJoined,
    HouseholdLeft,
)
from regulars.members.contracts import MEMBER_PREFIX, MemberStatus
from regulars.members.contracts.households import (
    HOUSEHOLD_PREFIX,
    ChangeHead,
    DissolveHousehold,
    FormHousehold,
    Household,
    HouseholdMember,
    JoinHousehold,
    LeaveHousehold,
    RenameHousehold,
)
from regulars.members.contracts.refusals import MemberGone
from regulars.members.households import store
from regulars.members.households.errors import (
    HouseholdDissolved,
    HouseholdFull,
    HouseholdNameImpossible,
    InAnotherHousehold,
    NotInHousehold,
)
from regulars.members.households.limits import LONGEST_NAME
from regulars.members.households.standing import Standing, is_name
from regulars.members.households.store import Cause, HouseholdRow
from regulars.members.identity import service as identity
from regulars.members.identity.errors import JustMerged
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import public_id
from regulars.platform.vault.cipher import seal, unseal
from regulars.platform.vault.contracts import Vault

Wish = FormHousehold | JoinHousehold | LeaveHousehold | ChangeHead | RenameHousehold | DissolveHousehold


async def form_household(tx: Transaction, vault: Vault, limit: int, wish: FormHousehold) -> Household:
    """Let members live together; see `members.api.form_household`."""
    _check_name(wish.name)
    head, *others = await _held(tx, [wish.head_id, *wish.member_ids])
    others = [one for one in dict.fromkeys(others) if one != head]
    _check_room(limit, 0, 1 + len(others))
    await _check_free(tx, [head, *others], wish.household_id)
    row = HouseholdRow(wish.household_id, head, 0, None, None, tx.now, None)
    standing = Standing(wish.household_id, None, 0, {})
    standing.form(head, tx.now)
    for one in others:
        standing.join(one, tx.now)
    if wish.name is not None:
        row = await _named(vault, row, head, wish.name)
    return await _written(tx, row, standing, cause_of(tx, wish), is_new=True)


async def join_household(tx: Transaction, limit: int, wish: JoinHousehold) -> Household:
    """Let somebody live in a household, too; see `members.api.join_household`."""
    (member_id,) = await _held(tx, [wish.member_id])
    row, standing = await _opened(tx, wish.household_id)
    if member_id in standing.members:
        return told(row, standing)
    _check_room(limit, len(standing.members), 1)
    await _check_free(tx, [member_id], wish.household_id)
    standing.join(member_id, tx.now)
    return await _written(tx, row, standing, cause_of(tx, wish))


async def leave_household(tx: Transaction, vault: Vault, wish: LeaveHousehold) -> Household:
    """Let somebody live in a household no more; see `members.api.leave_household`."""
    (member_id,) = await _held(tx, [wish.member_id])
    row, standing = await _opened(tx, wish.household_id)
    if member_id not in standing.members:
        raise NotInHousehold(member=public_id(MEMBER_PREFIX, member_id))
    standing.leave(member_id, tx.now)
    return await _written(tx, await resealed(vault, row, standing), standing, cause_of(tx, wish))


async def change_head(tx: Transaction, vault: Vault, wish: ChangeHead) -> Household:
    """Let another member be the head; see `members.api.change_head`."""
    (member_id,) = await _held(tx, [wish.member_id])
    row, standing = await _opened(tx, wish.household_id)
    if member_id not in standing.members:
        raise NotInHousehold(member=public_id(MEMBER_PREFIX, member_id), pointer="/member")
    if standing.head_id == member_id:
        return told(row, standing)
    standing.pass_head(member_id)
    return await _written(tx, await resealed(vault, row, standing), standing, cause_of(tx, wish))


async def rename_household(tx: Transaction, vault: Vault, wish: RenameHousehold) -> Household:
    """Call a household otherwise; see `members.api.rename_household`."""
    _check_name(wish.name)
    row, standing = await _opened(tx, wish.household_id)
    head = standing.head_id
    assert head is not None, "a household that stands has a head"  # noqa: S101 - tells the type checker
    if wish.name is None:
        row = row._replace(sealed_name=None, name_of=None)
    else:
        row = await _named(vault, row, head, wish.name)
    standing.rename()
    return await _written(tx, row, standing, cause_of(tx, wish))


async def dissolve_household(tx: Transaction, wish: DissolveHousehold) -> Household:
    """Let a household be no more; see `members.api.dissolve_household`."""
    row, standing = await _opened(tx, wish.household_id)
    standing.dissolve(tx.now)
    return await _written(tx, row, standing, cause_of(tx, wish))


# --- what the verbs share ---------------------------------------------------------------------------------------------


async def _held(tx: Transaction, member_ids: Sequence[UUID]) -> list[UUID]:
    """Hold the rows of whoever is meant, in the order of their ids; return who they are, in the order asked for."""
    known = await identity.known_members(tx, member_ids)
    if len(known) < len(set(member_ids)):
        raise NotFound
    meant = [known[one].stands_for for one in member_ids]
    for _, status, merged_into in await store.hold_members(tx, meant):
        if MemberStatus(status) is MemberStatus.ERASED:
            raise MemberGone
        if merged_into is not None:
            raise JustMerged(member=public_id(MEMBER_PREFIX, merged_into))
    return meant


async def _opened(tx: Transaction, household_id: UUID) -> tuple[HouseholdRow, Standing]:
    """Hold a household that stands. Raises NotFound, HouseholdDissolved."""
    found = (await store.hold(tx, [household_id])).get(household_id)
    if found is None:
        raise NotFound
    row, members = found
    if row.dissolved_at is not None:
        raise HouseholdDissolved(dissolved_at=row.dissolved_at.isoformat())
    return row, standing_of(row, members)


def standing_of(row: HouseholdRow, members: dict[UUID, datetime]) -> Standing:
    """Return a household as it may be changed."""
    return Standing(row.household_id, row.head_id, row.last_change, dict(members), row.dissolved_at)


def cause_of(tx: Transaction, wish: Wish) -> Cause:
    """Return by whom and why a change comes."""
    return Cause(wish.actor, wish.reason, None, tx.now, wall_now())


def _check_room(limit: int, there: int, more: int) -> None:
    if there + more > limit:
        raise HouseholdFull(limit=limit, count=there or more)


def _check_name(name: str | None) -> None:
    if name is not None and not is_name(name):
        raise HouseholdNameImpossible(longest=LONGEST_NAME, pointer="/name")


async def _check_free(tx: Transaction, member_ids: Iterable[UUID], household_id: UUID) -> None:
    for member_id, elsewhere in sorted((await store.places(tx, list(member_ids))).items()):
        if elsewhere != household_id:
            raise InAnotherHousehold(
                member=public_id(MEMBER_PREFIX, member_id), household=public_id(HOUSEHOLD_PREFIX, elsewhere)
            )


async def _named(vault: Vault, row: HouseholdRow, head: UUID, name: str) -> HouseholdRow:
    key = (await vault.make_keys([head])).get(head)
    if key is None:
        raise MemberGone
    sealed = seal(key, name.encode(), member_id=head, field=_field(row.household_id))
    return row._replace(sealed_name=sealed, name_of=head)


async def name_in(vault: Vault, row: HouseholdRow) -> str | None:
    """Return the name in the clear; None without one, or once its key is destroyed."""
    if row.sealed_name is None or row.name_of is None:
        return None
    key = (await vault.keys_of([row.name_of])).get(row.name_of)
    if key is None:
        return None
    return unseal(key, bytes(row.sealed_name), member_id=row.name_of, field=_field(row.household_id)).decode()


async def resealed(vault: Vault, row: HouseholdRow, standing: Standing) -> HouseholdRow:
    """Seal the name under the key of who is the head now; it goes where that cannot be."""
    head = standing.head_id
    if row.sealed_name is None or head is None or head == row.name_of:
        return row
    name, gone = await name_in(vault, row), row._replace(sealed_name=None, name_of=None)
    if name is None or head not in await vault.make_keys([head]):
        return gone
    return await _named(vault, row, head, name)


def _field(household_id: UUID) -> str:
    return f"household:{household_id.hex}"


async def _written(
    tx: Transaction, row: HouseholdRow, standing: Standing, cause: Cause, *, is_new: bool = False
) -> Household:
    await write(tx, row, standing, cause, is_new=is_new)
    return told(row, standing)


async def write(tx: Transaction, row: HouseholdRow, standing: Standing, cause: Cause, *, is_new: bool = False) -> None:
    """Write a household down with what was noted, and publish it.

    Whoever waited for a lock began before what happened meanwhile, and is recorded after it, as books are.
    """
    if not standing.noted:
        return
    whose = {one.member_id for one in standing.noted if one.member_id is not None}
    before = await store.latest(tx, standing.household_id, sorted(whose))
    if before is not None and before > cause.at:
        cause = cause._replace(at=before)
    store.write(tx, row, standing, cause, is_new=is_new)
    household, at = standing.household_id, tx.now
    for one in standing.noted:
        if one.kind == "joined":
            tx.publish(HouseholdJoined(member_id=one.member_id, recorded_at=at, household_id=household))
        elif one.kind == "left":
            tx.publish(HouseholdLeft(member_id=one.member_id, recorded_at=at, household_id=household))
        elif one.kind == "head_changed":
            tx.publish(HouseholdHeadChanged(member_id=one.member_id, recorded_at=at, household_id=household))
        elif one.kind in {"formed", "revived"}:
            tx.publish(HouseholdFormed(member_id=one.head_id, recorded_at=at, household_id=household))
        elif one.kind == "dissolved":
            tx.publish(DissolvedFact(member_id=row.head_id, recorded_at=at, household_id=household))


def told(row: HouseholdRow, standing: Standing) -> Household:
    """Tell of a household as it stands."""
    ordered = sorted(standing.members.items(), key=lambda one: (one[0] != standing.head_id, one[1], one[0]))
    return Household(
        household_id=row.household_id,
        state="standing" if standing.dissolved_at is None else "dissolved",
        head_id=standing.head_id,
        formed_at=row.formed_at,
        dissolved_at=standing.dissolved_at,
        has_name=row.sealed_name is not None,
        members=tuple(
            [
                HouseholdMember(
                    member_id=member_id, role="head" if member_id == standing.head_id else "member", since=since
                )
                for member_id, since in ordered
            ]
        ),
    )
