"""The same goods come back in two shops at the same moment: one return is taken. The lock is the member's book."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from psycopg import errors as database_errors

from regulars.commerce import api as commerce
from regulars.commerce.contracts import ClaimOrder, OrderFact, OrderOutcome, ReturnOutcome
from regulars.commerce.guests import store as guest_store
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import Shop, back, put
from tests.races.conftest import WAITING, without_the_lock

pytestmark = pytest.mark.anyio

Outcome = OrderOutcome | ReturnOutcome | DomainError
# What stands behind the lock: the ledger gives no number twice, ...
NUMBERS = (
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_pkey",
    "ALTER TABLE lot_uses DROP CONSTRAINT lot_uses_pkey",
)
# ... and no more of a line comes back than was bought.
QUANTITIES = (
    "ALTER TABLE order_lines DROP CONSTRAINT order_lines_returned_milli_check",
    "ALTER TABLE order_lines DROP CONSTRAINT order_lines_returned_minor_check",
)
FIRST = back("A1", "R1", ("1", None))
SECOND = back("A1", "R2", ("1", None), store_id="406")


@pytest.fixture
async def shop(database: Database, vault: LocalVault, tmp_path: Path) -> AsyncIterator[Shop]:
    """Return a shop of which a member has bought two lines, and a guest one."""
    opened = await Shop(database, vault, tmp_path).begin()
    await opened.apply(put(await opened.member("wang"), "A1", [30_000, 10_000]), put(None, "G1", [30_000]))
    yield opened
    await opened.client.aclose()


async def execute(shop: Shop, *texts: str) -> None:
    async with shop.database.transaction() as tx:
        for text in texts:
            tx.write(text)


async def two_at_once(shop: Shop, first: OrderFact, second: OrderFact, *, expect_wait: bool) -> list[Outcome]:
    """Let the second come when the first is decided and not yet committed; return both outcomes."""
    async with shop.database.transaction() as tx:
        decided = await commerce.apply(tx, shop.rules, [first])
        other = asyncio.create_task(shop.apply(second))
        while not other.done() and (await shop.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert other.done() is not expect_wait
    return [*decided, *await other]


async def returned(shop: Shop) -> list[tuple[object, ...]]:
    return await shop.rows("SELECT return_id, returned_minor FROM order_returns ORDER BY return_id")


async def test_of_two_returns_of_the_same_line_one_is_refused(shop: Shop) -> None:
    first, second = await two_at_once(shop, FIRST, SECOND, expect_wait=True)

    assert isinstance(first, ReturnOutcome)
    assert isinstance(second, DomainError)
    assert (second.code, second.pointer, second.data["left"]) == ("return_too_much", "/lines/0/quantity", "0")
    assert await returned(shop) == [("R1", 30_000)]
    assert await shop.faults() == []


async def test_the_same_return_from_two_sides_is_taken_once(shop: Shop) -> None:
    first, second = await two_at_once(shop, FIRST, FIRST, expect_wait=True)

    assert isinstance(first, ReturnOutcome)
    assert first == second
    assert await returned(shop) == [("R1", 30_000)]


async def test_without_the_lock_the_quantities_stop_the_second(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_lock(monkeypatch)
    with pytest.raises(database_errors.CheckViolation, match="returned_m"):
        await two_at_once(shop, FIRST, SECOND, expect_wait=False)
    assert len(await returned(shop)) == 1


async def test_without_the_lock_and_the_quantities_the_numbering_stops_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await execute(shop, *QUANTITIES)
    without_the_lock(monkeypatch)
    with pytest.raises(database_errors.UniqueViolation):
        await two_at_once(shop, FIRST, SECOND, expect_wait=False)
    assert len(await returned(shop)) == 1


async def test_without_the_lock_and_the_nets_the_goods_come_back_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same two, with the lock off, return twice what was bought once."""
    await execute(shop, *NUMBERS, *QUANTITIES)
    without_the_lock(monkeypatch)
    first, second = await two_at_once(shop, FIRST, SECOND, expect_wait=False)

    assert isinstance(first, ReturnOutcome)
    assert isinstance(second, ReturnOutcome)
    assert await returned(shop) == [("R1", 30_000), ("R2", 30_000)]
    assert (await shop.faults())[0].startswith("Order A1: ")


async def test_many_returns_of_one_line_at_once_take_what_was_bought(shop: Shop) -> None:
    facts = [back("A1", f"R{number}", ("1", 300)) for number in range(10)]  # 2.000 were bought: six of 0.300 fit
    found = [outcome for (outcome,) in await asyncio.gather(*[shop.apply(fact) for fact in facts])]

    assert [getattr(each, "code", "taken") for each in found].count("taken") == 6
    assert sum(each.returned_minor for each in found if isinstance(each, ReturnOutcome)) == 27_000
    assert await shop.faults() == []


# --- guest orders -----------------------------------------------------------------------------------------------


async def claims(shop: Shop) -> tuple[ClaimOrder, ClaimOrder]:
    wang, li = await shop.member("wang"), await shop.member("li")
    return ClaimOrder(order_id="G1", member_id=wang), ClaimOrder(order_id="G1", member_id=li)


async def owners(shop: Shop) -> list[UUID]:
    return [row[0] for row in await shop.rows("SELECT member_id FROM orders WHERE order_id = 'G1'")]


async def test_of_two_members_who_claim_an_order_one_gets_it(shop: Shop) -> None:
    mine, theirs = await claims(shop)
    first, second = await two_at_once(shop, mine, theirs, expect_wait=True)

    assert isinstance(first, OrderOutcome)
    assert isinstance(second, DomainError)
    assert second.code == "not_a_guest_order"
    assert await owners(shop) == [mine.member_id]
    assert await shop.points(theirs.member_id) == (0, 0, 0)
    assert await shop.faults() == []


async def test_without_the_lock_both_get_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: with the guest order's row unlocked, both earn on it."""
    monkeypatch.setattr(guest_store, "LOCK_GUESTS", guest_store.READ_GUESTS)
    mine, theirs = await claims(shop)
    first, second = await two_at_once(shop, mine, theirs, expect_wait=False)

    assert isinstance(first, OrderOutcome)
    assert isinstance(second, OrderOutcome)
    assert sorted(await owners(shop)) == sorted([mine.member_id, theirs.member_id])
    assert any("no such order" in fault or "not kept" in fault for fault in await shop.faults())


async def test_of_two_members_who_send_the_same_new_order_one_gets_it(shop: Shop) -> None:
    wang, li = await shop.member("wang"), await shop.member("li")
    first, second = await two_at_once(shop, put(wang, "N1", [500]), put(li, "N1", [500]), expect_wait=True)

    assert [getattr(each, "code", "taken") for each in (first, second)].count("order_id_taken") == 1
    assert await shop.faults() == []


async def test_of_many_claims_over_http_exactly_one_goes_through(shop: Shop) -> None:
    members = [await shop.member(f"m{number}") for number in range(8)]
    bodies = [{"member_id": f"mbr_{member.hex}"} for member in members]
    answers = await asyncio.gather(*[shop.send("POST", "/v1/orders/G1/claim", body) for body in bodies])

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert len(await owners(shop)) == 1
    assert await shop.faults() == []
