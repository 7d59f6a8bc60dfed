"""What an order's points did goes on through merges, their undoing and extensions, and leads back to the order."""

from datetime import timedelta

import pytest

from regulars.loyalty import api as loyalty
from regulars.platform.auth import service as keys
from regulars.platform.clock import ClockSetting
from tests.entrypoints.test_merging import Door, door
from tests.entrypoints.test_parting import of

pytestmark = pytest.mark.anyio
__all__ = ["door"]


async def mature(door: Door) -> str:
    """Let what was earned become spendable; returns an instant later than it runs out."""
    database = door.services.database
    async with database.transaction() as tx:
        then = tx.now + timedelta(days=10)
    database.clock.follow(ClockSetting(then, then, ticking=False))
    return (then + timedelta(days=700)).isoformat()


async def test_lineage_goes_on_through_a_merge_and_its_undoing(door: Door) -> None:
    """From an order of the absorbed member to what its points did in the survivor's books, and back."""
    survivor, absorbed = await door.sign_up(external="one:1"), await door.sign_up(external="two:2")
    await door.order("of-A", absorbed, 120_000)
    gift = {"wallet": "points", "amount": 2_000, "reason": "gift", "expires_at": await mature(door)}
    await door.call("POST", f"/v1/members/{survivor}/accruals", gift, status=201)
    own = (await door.call("GET", "/v1/orders/of-A/lineage"))["lots"][0]
    assert (own["points"], own["movements"]) == (1_200, [])
    merged = await door.merge(survivor, absorbed)
    spent = {"amount": 500, "reason": "at the till", "reference": "till-1"}
    await door.call("POST", f"/v1/members/{survivor}/redemptions", spent, status=201)

    found = await door.call("GET", "/v1/orders/of-A/lineage")

    (out,) = found["lots"][0]["movements"]
    (there,) = found["moved"]
    assert (out["kind"], out["points"], out["to_member"], out["to_lot"]) == (
        "move_out",
        1_200,
        survivor,
        there["lot_id"],
    )
    assert (there["member_id"], there["why"], there["points"], there["remaining"]) == (survivor, "merge", 1_200, 700)
    (use,) = there["movements"]
    assert (use["kind"], use["points"], use["reference"]) == ("redeem", 500, "till-1")
    # And back: from what was spent to the lot, to the order, and to the lot of the other books.
    used = loyalty.transfer_id(of(survivor), use["seq"])
    back = await door.call("GET", f"/v1/members/{survivor}/transfers/{used}/lineage")
    assert [(one["lot_id"], one["points"], one["order_id"]) for one in back["movements"]] == [
        (there["lot_id"], 500, "of-A")
    ]
    lot = await door.call("GET", f"/v1/members/{survivor}/lots/{there['lot_id']}/lineage")
    assert (lot["origin"]["order_id"], lot["origin"]["from_member"]) == ("of-A", absorbed)
    gave = await door.call("GET", f"/v1/members/{absorbed}/transfers/{lot['origin']['from_transfer']}/lineage")
    assert gave["origin"]["to_transfer"] == there["lot_id"]
    assert [(one["lot_id"], one["points"], one["order_id"]) for one in gave["movements"]] == [
        (there["from_lot"], 1_200, "of-A")
    ]

    await door.undo(survivor, merged["merge_id"])

    found = await door.call("GET", "/v1/orders/of-A/lineage")
    over, *others = found["moved"]
    assert sorted([(one["member_id"], one["why"], one["points"]) for one in others]) == sorted(
        [(absorbed, "undo", 700), (absorbed, "cover", 500)]
    )
    # Whose it was then is another person now: what was spent is told, not for what.
    assert [(one["kind"], one["points"], one["reference"], one["order_id"]) for one in over["movements"]] == [
        ("redeem", 500, "", None),
        ("move_out", 700, "", None),
    ]
    for one in others:
        lot = await door.call("GET", f"/v1/members/{absorbed}/lots/{one['lot_id']}/lineage")
        assert (lot["origin"]["order_id"], lot["origin"]["from_lot"]) == ("of-A", there["lot_id"])
        gave = await door.call("GET", f"/v1/members/{survivor}/transfers/{lot['origin']['from_transfer']}/lineage")
        assert sum([each["points"] for each in gave["movements"]]) == one["points"]
        assert {each["order_id"] for each in gave["movements"]} == {None}  # the gift's, and of another's order
    assert await door.problems() == {}


async def test_other_books_are_told_to_who_may_read_them(door: Door) -> None:
    survivor, absorbed = await door.sign_up(external="one:1"), await door.sign_up(external="two:2")
    await door.order("of-A", absorbed, 120_000)
    await door.merge(survivor, absorbed)
    async with door.services.database.transaction() as tx:
        _, token = await keys.create_key(tx, label="orders", scopes=["orders:read"])
    answer = await door.client.get("/v1/orders/of-A/lineage", headers={"Authorization": f"Bearer {token}"})
    found = answer.json()
    assert found["moved"] == []
    assert survivor not in answer.text
    assert [(one["kind"], one["to_member"]) for one in found["lots"][0]["movements"]] == [("move_out", None)]


async def test_lineage_follows_a_chain_an_extension_and_a_return(door: Door) -> None:
    first, second, third = [await door.sign_up(external=f"no:{number}") for number in range(3)]
    await door.order("of-A", first, 120_000)
    later = await mature(door)
    (lot,) = (await door.call("GET", f"/v1/members/{first}/lots"))["lots"]
    extension = {"expires_at": later, "reason": "sorry"}
    await door.call("POST", f"/v1/members/{first}/lots/{lot['lot_id']}/extensions", extension, status=201)
    await door.merge(second, first)
    await door.merge(third, second)
    half = {"return_id": "r-1", "lines": [{"line_id": "1", "quantity": 1}]}
    await door.call("POST", "/v1/orders/of-A/returns", half, status=201)

    found = await door.call("GET", "/v1/orders/of-A/lineage")

    assert [(one["member_id"], one["why"], one["points"], one["remaining"]) for one in found["moved"]] == [
        (first, "extend", 1_200, 0),
        (second, "merge", 1_200, 0),
        (third, "merge", 1_200, 600),
        (second, "return", 600, 0),
        (first, "return", 600, 0),
    ]
    last = found["moved"][-1]["movements"]
    assert [(one["kind"], one["points"], one["order_id"]) for one in last] == [("claw_back", 600, "of-A")]
    # What moved for the return names the merge, and no order: whoever's order it is when that is read.
    moved = found["moved"][2]["movements"]
    assert [one["reference"].count(":") for one in moved] == [1]
    assert await door.problems() == {}


async def test_lineage_tells_the_tier_that_a_return_took_from_whoever_the_owner_is_one_with(door: Door) -> None:
    """The metric is with the last of a chain of merges: so is the tier that a return of an order lowers there."""
    first, second, third = [await door.sign_up(external=f"no:{number}") for number in range(3)]
    await door.order("of-A", first, 120_000)
    await door.merge(second, first)
    last = await door.merge(third, second)
    half = {"return_id": "r-1", "lines": [{"line_id": "1", "quantity": 1}]}
    await door.call("POST", "/v1/orders/of-A/returns", half, status=201)
    own = (first, "regular", "silver", "order:of-A", 1_200)
    there = (third, "silver", "regular", "order:of-A:return:r-1", 600)

    assert await tiers_told(door, "of-A") == [own, there]
    # Page by page, and once the two are two again, it is still what the order did; and nobody else's order did it.
    assert await tiers_told(door, "of-A", "?limit=1") == [own, there]
    await door.order("of-C", third, 5_000)
    await door.undo(third, last["merge_id"])
    assert await tiers_told(door, "of-A") == [own, there]
    assert await tiers_told(door, "of-C") == []
    # Who may not read members is told of the order's own books.
    async with door.services.database.transaction() as tx:
        _, token = await keys.create_key(tx, label="orders", scopes=["orders:read"])
    answer = await door.client.get("/v1/orders/of-A/lineage", headers={"Authorization": f"Bearer {token}"})
    assert [one["to_tier"] for one in answer.json()["tier_changes"]] == ["silver"]
    assert third not in answer.text


async def tiers_told(door: Door, order_id: str, query: str = "") -> list[tuple[str, str, str, str, int]]:
    """Return the changes of tiers that the lineage of an order tells: whose, between which, by what, the metric."""
    found = await door.call("GET", f"/v1/orders/{order_id}/lineage{query}")
    names = ("member_id", "from_tier", "to_tier", "reference", "metric")
    return [tuple([one[name] for name in names]) for one in found["tier_changes"]]
