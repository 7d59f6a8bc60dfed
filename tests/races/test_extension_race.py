"""A lot is extended while its expiry is booked, or while somebody spends it. The lock is the member's row of books."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import ExtendLot
from tests.loyalty.programme import DAY, NOON, Programme, accrue, extend, redeem
from tests.races.conftest import WAITING, without_the_lock

pytestmark = pytest.mark.anyio

OVER = NOON + DAY
BEFORE = OVER - timedelta(seconds=1)
NETS = (
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_pkey",
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_member_id_reference_key",
    "ALTER TABLE lots DROP CONSTRAINT lots_pkey",
    "ALTER TABLE lot_uses DROP CONSTRAINT lot_uses_pkey",
)
KINDS = "SELECT kind FROM ledger_transfers WHERE kind <> 'accrue' ORDER BY kind"


@pytest.fixture
async def member(programme: Programme) -> UUID:
    """Return a member with 100 points for one day."""
    made = await programme.member()
    await programme.one(accrue(made, "gift", NOON, 100, expires_at=OVER))
    return made


async def meanwhile(programme: Programme, first: ExtendLot, second: Awaitable[object], *, expect_wait: bool) -> object:
    """Let the second come when the first has looked at the books and has not yet written; returns its outcome."""
    async with programme.database.transaction() as tx:
        needs = api.Needs(until=OVER)
        needs.want(first)
        books = await api.open_books(tx, programme.configuration, needs)
        other = asyncio.ensure_future(second)
        while not other.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert other.done() is not expect_wait
        books.post(first)
        books.write(tx)
    return await other


@pytest.mark.parametrize("lock", [True, False])
async def test_of_an_extension_and_the_expiry_one_has_the_lot(
    programme: Programme,
    member: UUID,
    monkeypatch: pytest.MonkeyPatch,
    lock: bool,  # noqa: FBT001 - a case
) -> None:
    if not lock:
        await programme.execute(*NETS)
        without_the_lock(monkeypatch)
    wish = extend(member, 1, BEFORE, OVER + 30 * DAY)
    await meanwhile(programme, wish, programme.expire(OVER), expect_wait=lock)

    kinds = [row[0] for row in await programme.rows(KINDS)]
    assert kinds == (["extend", "extend"] if lock else ["expire", "extend", "extend"])
    assert (await programme.problems() == {}) is lock


@pytest.mark.parametrize("lock", [True, False])
async def test_what_is_spent_meanwhile_comes_from_the_extended_lot(
    programme: Programme,
    member: UUID,
    monkeypatch: pytest.MonkeyPatch,
    lock: bool,  # noqa: FBT001 - a case
) -> None:
    if not lock:
        await programme.execute(*NETS)
        without_the_lock(monkeypatch)
    wish = extend(member, 1, BEFORE, OVER + 30 * DAY)
    await meanwhile(programme, wish, programme.one(redeem(member, "mug", BEFORE, 80)), expect_wait=lock)

    left = sum(row[0] for row in await programme.rows("SELECT remaining FROM lots"))
    assert left == (20 if lock else 100)
    assert (await programme.problems() == {}) is lock
