"""A member signs in at the moment when the member is merged, parted again, or erased.

The lock is the member's row: whose an address is, is read once more behind it.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from regulars.entrypoints.merging import PARTS as MERGING
from regulars.entrypoints.privacy import PARTS
from regulars.members import api as members
from regulars.members.contracts import CodeSent, IdentityKind, IdentityValue, MemberOpened, SignUp
from regulars.members.contracts.merging import MergeMembers, UndoMerge
from regulars.members.identity import service as identity
from regulars.platform.db.transaction import Transaction
from regulars.platform.vault.contracts import Vault
from tests.loyalty.programme import Programme
from tests.members import erasing
from tests.members.entering import Portal
from tests.races.conftest import WAITING

pytestmark = pytest.mark.anyio
MINE, OTHERS = "wang@example.com", "fang@example.com"
Entered = asyncio.Task[object]


@pytest.fixture
async def both(programme: Programme) -> tuple[UUID, UUID]:
    """Return a survivor and an absorbed member, not merged yet."""
    wishes = [
        SignUp(market="US", identities=(IdentityValue(IdentityKind.EMAIL, value),), channel="store")
        for value in (OTHERS, MINE)
    ]
    async with programme.database.transaction() as tx:
        made = await members.sign_up(tx, programme.vault, wishes)
        await tx.flush()
        tx.write("UPDATE member_identities SET verified_at = now()")  # unproved, the absorbed one's would let nobody in
    survivor, absorbed = [getattr(one, "member_id", None) for one in made]
    assert isinstance(survivor, UUID)
    assert isinstance(absorbed, UUID)
    return survivor, absorbed


@pytest.fixture
def portal(programme: Programme) -> Portal:
    return Portal(programme.database, programme.vault)


def turn_the_lock_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold nobody, and take the first answer to whose the address is for granted."""

    async def nobody_held(_tx: Transaction, _member_id: UUID) -> None:
        first[0] = True

    async def first_answer(tx: Transaction, vault: Vault, kind: IdentityKind, canonical: str) -> UUID | None:
        if not first[0]:
            found.append(await owner_of(tx, vault, kind, canonical))
        return found[-1]

    first, found = [False], list[UUID | None]()
    owner_of = identity.owner_of
    monkeypatch.setattr(identity, "hold", nobody_held)
    monkeypatch.setattr(identity, "owner_of", first_answer)


async def asked(portal: Portal) -> CodeSent:
    return await portal.ask(IdentityValue(IdentityKind.EMAIL, MINE), market="US")


async def waits(portal: Portal, programme: Programme, sent: CodeSent) -> Entered:
    """Let the code be typed, until that waits for what is not committed yet."""
    entering: Entered = asyncio.create_task(portal.enter(sent.ticket, portal.phones.code))
    while (await programme.rows(WAITING))[0][0] == 0:
        assert not entering.done()
        await asyncio.sleep(0.005)
    return entering


async def merged(programme: Programme, portal: Portal, both: tuple[UUID, UUID]) -> object:
    sent = await asked(portal)
    wish = MergeMembers(survivor_id=both[0], absorbed_id=both[1], actor="test", reason="one person")
    async with programme.database.transaction() as tx:
        await members.merge_members(tx, programme.vault, MERGING, wish)
        await tx.flush()
        entering = await waits(portal, programme, sent)
    return await entering


async def parted(programme: Programme, portal: Portal, both: tuple[UUID, UUID]) -> object:
    wish = MergeMembers(survivor_id=both[0], absorbed_id=both[1], actor="test", reason="one person")
    async with programme.database.transaction() as tx:
        merge = await members.merge_members(tx, programme.vault, MERGING, wish)
    sent = await asked(portal)
    undo = UndoMerge(survivor_id=both[0], merge_id=merge.merge_id, actor="test", reason="two persons")
    async with programme.database.transaction() as tx:
        await members.undo_merge(tx, programme.vault, MERGING, undo)
        await tx.flush()
        entering = await waits(portal, programme, sent)
    return await entering


async def erased(programme: Programme, portal: Portal, both: tuple[UUID, UUID]) -> object:
    sent, entering = await asked(portal), list[Entered]()

    async def sign_in_now(tx: Transaction, _members: Sequence[UUID]) -> None:
        await tx.flush()
        entering.append(await waits(portal, programme, sent))

    await erasing.erase(programme.database, programme.vault, both[1], (*PARTS, erasing.part(sign_in_now)))
    return await entering[0]


async def sessions(programme: Programme) -> list[UUID]:
    return [found for (found,) in await programme.rows("SELECT member_id FROM member_sessions")]


async def test_who_signs_in_while_being_merged_is_the_survivor(
    programme: Programme, portal: Portal, both: tuple[UUID, UUID]
) -> None:
    opened = await merged(programme, portal, both)

    assert isinstance(opened, MemberOpened)
    assert opened.member_id == both[0]
    assert await sessions(programme) == [both[0]]


async def test_who_signs_in_while_being_parted_is_not_the_survivor(
    programme: Programme, portal: Portal, both: tuple[UUID, UUID]
) -> None:
    opened = await parted(programme, portal, both)

    assert isinstance(opened, MemberOpened)
    assert opened.member_id == both[1]
    assert await sessions(programme) == [both[1]]


async def test_who_signs_in_while_being_erased_is_out(
    programme: Programme, portal: Portal, both: tuple[UUID, UUID]
) -> None:
    outcome = await erased(programme, portal, both)

    assert not isinstance(outcome, MemberOpened)  # the address is nobody's: it may sign up anew
    assert await sessions(programme) == []


async def test_without_the_lock_one_is_signed_in_as_whom_one_was(
    programme: Programme, portal: Portal, both: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control; what stands behind the lock recognises nobody who is part of another."""
    turn_the_lock_off(monkeypatch)
    opened = await merged(programme, portal, both)

    assert isinstance(opened, MemberOpened)
    assert await sessions(programme) == [both[1]]
    assert await portal.recognise(opened.token) is None


async def test_without_the_lock_the_stranger_is_signed_in_as_the_survivor(
    programme: Programme, portal: Portal, both: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    turn_the_lock_off(monkeypatch)
    opened = await parted(programme, portal, both)

    assert isinstance(opened, MemberOpened)
    viewer = await portal.recognise(opened.token)
    assert viewer is not None
    assert viewer.member_id == both[0]


async def test_without_the_lock_somebody_erased_has_a_session(
    programme: Programme, portal: Portal, both: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    turn_the_lock_off(monkeypatch)
    await erased(programme, portal, both)

    assert await sessions(programme) == [both[1]]
