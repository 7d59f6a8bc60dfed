"""Everything an order caused can be listed from it, and what became of its points."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection

from regulars.loyalty import api as loyalty
from regulars.loyalty.lineage.store import USES_OF_LOTS
from regulars.platform.ids import public_id
from tests.commerce.shop import DAY, NOW, Shop, line, order

pytestmark = pytest.mark.anyio


def moved(movements: list[dict[str, Any]]) -> list[tuple[int, str, str | None]]:
    return [(each["points"], each["kind"], each["order_id"]) for each in movements]


async def test_the_lineage_of_an_order_and_of_the_one_that_spent_its_points(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 100)
    await shop.put("A1", order(wang, line("tv", 120_000)))  # 1 200 points, silver
    await shop.put("A11", order(wang, line("tea", 5_000)))  # another order, whose id begins alike
    shop.at(NOW + 8 * DAY)
    paid = [{"method": "points", "points": 600}]
    await shop.put("A2", order(wang, line("desk", 20_000), payments=paid))  # at most 1 000; soonest expiry first
    shop.at(NOW + 9 * DAY)
    await shop.back("A1", return_id="R1", lines=[{"line_id": "1", "quantity": "0.25"}])

    first = await shop.read("/v1/orders/A1/lineage")

    assert [(each["wallet"], each["kind"], each["amount"], each["reference"]) for each in first["transfers"]] == [
        ("points", "earn", 1_200, "order:A1:earn"),
        ("growth", "earn", 1_200, "order:A1:growth"),
        ("points", "claw_back", -300, "order:A1:return:R1:claw_back"),
        ("growth", "claw_back", -300, "order:A1:return:R1:growth"),
    ]
    assert first["transfers"][0]["basis"] == {"base": 1_200, "multiplier": 1, "tier": "regular"}
    # The gift of 100 and A1's points expire together; the gift and A11 came at the same instant, by number first.
    (lot,) = first["lots"]
    assert (lot["points"], lot["remaining"]) == (1_200, 1_200 - 500 - 300)
    assert moved(lot["movements"]) == [(500, "redeem", "A2"), (300, "claw_back", "A1")]
    assert first["spent"] == []
    assert [(each["from_tier"], each["to_tier"], each["cause"], each["metric"]) for each in first["tier_changes"]] == [
        ("regular", "silver", "order", 1_200),
    ]
    assert [each["return_id"] for each in first["returns"]] == ["R1"]

    second = await shop.read("/v1/orders/A2/lineage")
    assert moved(second["spent"]) == [(100, "accrue", None), (500, "earn", "A1")]
    assert second["spent"][0]["reference"] == "welcome"
    assert [each["reference"] for each in second["transfers"]] == [
        "order:A2:redeem",
        "order:A2:earn",
        "order:A2:growth",
    ]


async def test_what_a_return_gave_back_and_the_tier_it_took(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 1_000)
    await shop.put("A1", order(wang, line("tv", 120_000), payments=[{"method": "points", "points": 1_000}]))
    await shop.back("A1", return_id="R1")

    found = await shop.read("/v1/orders/A1/lineage")

    assert moved(found["spent"]) == [(1_000, "accrue", None), (-1_000, "accrue", None)]
    assert [(each["to_tier"], each["cause"], each["reference"]) for each in found["tier_changes"]] == [
        ("silver", "order", "order:A1"),
        ("regular", "return", "order:A1:return:R1"),
    ]
    assert [(each["points"], each["remaining"], moved(each["movements"])) for each in found["lots"]] == [
        (1_190, 0, [(1_190, "claw_back", "A1")])
    ]


async def test_an_unpaid_order_caused_nothing(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, line("tv", 120_000), state="open"))
    found = await shop.read("/v1/orders/A1/lineage")
    assert [found[name] for name in ("transfers", "lots", "spent", "tier_changes", "returns")] == [[], [], [], [], []]


async def test_lineage_both_ways_page_by_page(shop: Shop, wang: UUID) -> None:
    """A lot that was used often is told in pages, and each use leads back to it."""
    await shop.grant(wang, 1_000)
    for number in range(7):
        paid = [{"method": "points", "points": 10 + number}]
        assert (await shop.put(f"B{number}", order(wang, line("tea", 10_000), payments=paid))).status_code == 201
    member = f"/v1/members/{public_id('mbr', wang)}"
    lot = f"{member}/lots/{loyalty.transfer_id(wang, 1)}/lineage"
    async with await shop.caller("ledger:read") as client:
        pages, cursor = [], ""
        while True:
            page = (await client.get(f"{lot}?limit=3{cursor}")).json()
            pages.append(page)
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert [len(page["movements"]) for page in pages] == [3, 3, 1]
        movements = [each for page in pages for each in page["movements"]]
        assert moved(movements) == [(10 + number, "redeem", f"B{number}") for number in range(7)]
        assert (pages[0]["origin"]["reference"], pages[0]["origin"]["lot_amount"]) == ("welcome", 1_000)
        assert pages[2]["origin"]["remaining"] == 1_000 - sum(range(10, 17))
        back_again = (await client.get(f"{member}/transfers/{movements[6]['transfer_id']}/lineage")).json()
        assert back_again["origin"]["order_id"] == "B6"
        assert [(each["lot_id"], each["points"], each["reference"]) for each in back_again["movements"]] == [
            (loyalty.transfer_id(wang, 1), 16, "welcome")
        ]
        for nobodys in (f"{member}/lots/{loyalty.transfer_id(wang, 999)}", f"{member}/transfers/x"):
            assert (await client.get(f"{nobodys}/lineage")).status_code == 404
    short = await shop.read("/v1/orders/B6/lineage?limit=1")
    assert ([one["reference"] for one in short["transfers"]], short["has_more"]) == (["order:B6:redeem"], True)
    rest = await shop.read(f"/v1/orders/B6/lineage?cursor={short['next_cursor']}")
    assert [one["reference"] for one in rest["transfers"]] == ["order:B6:earn", "order:B6:growth"]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)


async def test_a_page_of_lineage_reads_no_more_than_it_tells(shop: Shop, wang: UUID) -> None:
    """A page of a lot's uses finds its rows by the index of lots, however many other uses the member's books hold."""
    await shop.grant(wang, 100_000)
    await shop.rows(
        "INSERT INTO lot_uses (member_id, seq, use_no, lot_no, amount, gives_back) "
        "SELECT %s, 100 + n, 0, 1 + n %% 100, 1, 0 FROM generate_series(1, 50000) AS n RETURNING 1",
        (wang,),
    )
    async with await AsyncConnection.connect(shop.database.url, autocommit=True) as connection:
        await connection.execute("ANALYZE lot_uses")
        values = {"member": wang, "lots": [1], "after": 0, "limit": 51}
        rows = await (await connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {USES_OF_LOTS}", values)).fetchall()
    found = list(scans(rows[0][0][0]["Plan"]))
    uses = next(one for one in found if one.get("Relation Name") == "lot_uses")
    assert uses["Index Name"] == "lot_uses_lot_no_idx"
    assert uses["Actual Rows"] <= 51


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan's nodes."""
    yield plan
    for part in plan.get("Plans", []):
        yield from scans(part)
