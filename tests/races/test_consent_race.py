"""Somebody confirms a consent and takes it back at the same moment. The lock is the row in `members`."""

import asyncio
from collections.abc import Awaitable

import pytest

from regulars.members import api
from regulars.members.consent import store
from regulars.members.consent.errors import ConfirmationOver
from regulars.members.contracts import Decision
from regulars.members.identity import store as identities
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.members.conftest import shop, vault
from tests.members.people import email, phone, rows, signed_up
from tests.members.test_consent import decided
from tests.members.test_double_opt_in import ASKED, EMAIL, MARKETING, Opting

pytestmark = pytest.mark.anyio
__all__ = ["shop", "vault"]

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def opting(shop: Database, vault: LocalVault) -> Opting:
    return Opting(shop, vault, await signed_up(shop, vault, phone(), email()))


async def met(opting: Opting, other: Awaitable[object], *, expect_wait: bool) -> "asyncio.Future[object]":
    """Start what comes second while the first is under way; it waits for the first, or is done before it."""
    second = asyncio.ensure_future(other)
    while not second.done() and (await rows(opting.database, WAITING))[0][0] == 0:
        await asyncio.sleep(0.005)
    assert second.done() is not expect_wait
    return second


async def taken_back_while_confirmed(opting: Opting, *, expect_wait: bool) -> bool:
    """Confirm, and take back before that is committed; returns whether something may be sent in the end."""
    token = await opting.token(await opting.request())
    async with opting.database.transaction() as tx:
        await api.confirm_consent(tx, token)
        await tx.flush()
        back = await met(opting, opting.decide(Decision.WITHDRAWN), expect_wait=expect_wait)
    await back
    return await opting.may_send()


async def confirmed_while_taken_back(opting: Opting, *, expect_wait: bool) -> bool:
    """Take back, and confirm before that is committed; returns whether something may be sent in the end."""
    token = await opting.token(await opting.request())

    async def confirm() -> None:
        try:
            await opting.confirm(token)
        except ConfirmationOver:
            return

    async with opting.database.transaction() as tx:
        await api.record_consents(tx, [decided(opting.id, MARKETING, EMAIL, Decision.WITHDRAWN)], double_opt_in=ASKED)
        await tx.flush()
        confirming = await met(opting, confirm(), expect_wait=expect_wait)
    await confirming
    return await opting.may_send()


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for a member's row."""
    for where, name in ((store, "HOLD_MEMBERS"), (identities, "LOCK_MEMBER")):
        monkeypatch.setattr(where, name, getattr(where, name).replace("FOR NO KEY UPDATE", ""))


async def test_who_takes_back_has_the_last_word(opting: Opting) -> None:
    assert await taken_back_while_confirmed(opting, expect_wait=True) is False
    assert await opting.problems() == []


async def test_nobody_confirms_what_was_taken_back(opting: Opting) -> None:
    assert await confirmed_while_taken_back(opting, expect_wait=True) is False
    assert [one for one, _ in await opting.decisions()] == [Decision.REQUESTED, Decision.WITHDRAWN]
    assert await opting.problems() == []


async def test_without_the_lock_what_was_taken_back_is_confirmed(
    opting: Opting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    without_the_lock(monkeypatch)

    assert await confirmed_while_taken_back(opting, expect_wait=False) is True


async def test_two_clicks_at_once_are_one_consent(opting: Opting) -> None:
    token = await opting.token(await opting.request())
    outcomes = await asyncio.gather(*[opting.confirm(token) for _ in range(4)])

    assert all(one.is_confirmed for one in outcomes)
    assert [one for one, _ in await opting.decisions()] == [Decision.REQUESTED, Decision.GIVEN]
