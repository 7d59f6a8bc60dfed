"""Somebody posts, or changes their mind, at the moment of an erasure.

The locks are the rows in `member_books` and `erasures`.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, Posting
from regulars.loyalty.ledger.store import writing
from regulars.members import api as members
from regulars.members.contracts.privacy import AskErasure, WithdrawErasure
from regulars.members.contracts.refusals import MemberGone
from regulars.members.privacy import store
from regulars.members.privacy.errors import NoErasureAsked
from regulars.platform.clock import wall_now
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import Programme
from tests.races.conftest import WAITING, without_the_lock
from tests.races.test_redemption_race import member

pytestmark = pytest.mark.anyio
__all__ = ["member"]  # a fixture of the other race


def gift(member: UUID) -> Accrue:
    return Accrue(member_id=member, wallet="points", amount=7, reference="late")


async def posted_while_closing(programme: Programme, member: UUID, *, expect_wait: bool) -> list[object]:
    """Let a posting come when the books are closed and the closing is not yet committed."""
    async with programme.database.transaction() as tx:
        await api.PRIVACY.erase(tx, [member])
        await tx.flush()
        posting = asyncio.create_task(programme.post(gift(member)))
        while not posting.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert posting.done() is not expect_wait
    return list(await posting)


async def test_who_posts_while_the_books_are_closed_is_refused(programme: Programme, member: UUID) -> None:
    (outcome,) = await posted_while_closing(programme, member, expect_wait=True)

    assert isinstance(outcome, MemberGone)
    assert await programme.problems() == {}


async def test_without_the_lock_something_comes_into_closed_books(
    programme: Programme, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    await programme.execute("ALTER TABLE member_wallets DROP CONSTRAINT member_wallets_wallet_id_fkey")
    without_the_lock(monkeypatch)
    nothing = "SELECT " + ", ".join(["%s"] * writing.UPDATE_BOOKS.count("%s"))  # it would wait for the row, too
    monkeypatch.setattr(writing, "UPDATE_BOOKS", nothing)
    (outcome,) = await posted_while_closing(programme, member, expect_wait=False)

    assert isinstance(outcome, Posting)


async def asked(programme: Programme, member: UUID) -> None:
    async with programme.database.transaction() as tx:
        await members.ask_erasure(tx, (), timedelta(), AskErasure(member_id=member, actor="test", reason="test"))


async def withdrawn_while_begun(programme: Programme, vault: LocalVault, member: UUID) -> bool:
    """Let a withdrawal come when the erasure has begun and is not yet committed; True if it was accepted."""

    async def withdraw() -> bool:
        async with programme.database.transaction() as tx:
            try:
                await members.withdraw_erasure(tx, WithdrawErasure(member_id=member, actor="test"))
            except NoErasureAsked:
                return False
        return True

    async with programme.database.transaction() as tx:
        assert await store.begin(tx, member, wall_now())
        other = asyncio.create_task(withdraw())
        while not other.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert not other.done()
    accepted = await other
    await members.carry_out_due(programme.database, vault, [api.PRIVACY])
    return accepted


async def test_who_withdraws_too_late_is_told_so(programme: Programme, vault: LocalVault, member: UUID) -> None:
    await asked(programme, member)

    assert await withdrawn_while_begun(programme, vault, member) is False
    assert await programme.rows("SELECT status FROM members") == [("erased",)]
    assert await vault.keys_of([member]) == {}


async def test_without_the_guard_a_withdrawal_is_accepted_of_what_has_begun(
    programme: Programme, vault: LocalVault, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    await programme.execute("ALTER TABLE erasures DROP CONSTRAINT erasures_begun_at_check")
    monkeypatch.setattr(store, "WITHDRAW", store.WITHDRAW.replace("AND begun_at IS NULL", ""))
    await asked(programme, member)

    assert await withdrawn_while_begun(programme, vault, member) is True


async def test_two_workers_erase_once(programme: Programme, vault: LocalVault, member: UUID) -> None:
    await asked(programme, member)
    erased = await asyncio.gather(*[members.carry_out_due(programme.database, vault, [api.PRIVACY]) for _ in range(3)])

    assert sum(erased) == 1
    assert await programme.rows("SELECT count(*) FROM audit_entries WHERE action = 'erase_member'") == [(1,)]
    assert await programme.rows("SELECT count(*) FROM outbox WHERE type = 'MemberErased'") == [(1,)]
