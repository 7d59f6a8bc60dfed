"""After a merge is undone the rows of each of the two name their own orders only: in the API, as files, as of then."""

from datetime import timedelta
from typing import Any

import pytest

from tests.entrypoints.test_merged_lineage import mature
from tests.entrypoints.test_merging import Door, door
from tests.entrypoints.test_parting import exported

pytestmark = pytest.mark.anyio
__all__ = ["door"]
HALF: dict[str, Any] = {"lines": [{"line_id": "1", "quantity": 1}]}
NAMES = ("own-of-S", "own-of-A", "r-of-S", "r-of-A", "last-of-A")


async def parted(door: Door) -> tuple[str, str, str]:
    """Return a survivor, an absorbed member, and an instant while they were one: with returns of either's orders.

    What is spent while they are one is of the order of the one; so the return of the other's takes units of both.
    """
    survivor, absorbed = await door.sign_up(external="one:1"), await door.sign_up(external="two:2")
    await door.order("own-of-S", survivor, 150_000)
    await door.order("own-of-A", absorbed, 160_000)
    await mature(door)
    merged = await door.merge(survivor, absorbed)
    spent = {"amount": 2_700, "reason": "at the till", "reference": "till-1"}
    await door.call("POST", f"/v1/members/{survivor}/redemptions", spent, status=201)
    await door.call("POST", "/v1/orders/own-of-A/returns", {"return_id": "r-of-A", **HALF}, status=201)
    await door.call("POST", "/v1/orders/own-of-S/returns", {"return_id": "r-of-S", **HALF}, status=201)
    async with door.services.database.transaction() as tx:
        during = tx.now.isoformat()
    await mature(door)
    await door.call("POST", "/v1/orders/own-of-A/returns", {"return_id": "last-of-A", **HALF}, status=201)
    await door.undo(survivor, merged["merge_id"])
    return survivor, absorbed, during


async def told_of(door: Door, member: str, during: str) -> dict[str, str]:
    """Return every answer that the API has of a member, by its path."""
    home = f"/v1/members/{member}"
    as_of = during.replace("+", "%2B")
    paths = [f"{home}/{one}" for one in ("wallets", "statement?limit=200", "lots?spent=true", "orders", "tier")]
    paths += [f"{home}/{one}" for one in ("tier/explain", f"tier?as_of={as_of}", f"tier/explain?as_of={as_of}")]
    paths += [f"{home}/wallets/{wallet}/explain" for wallet in ("points", "growth")]
    lines = (await door.call("GET", f"{home}/statement?limit=200"))["lines"]
    lots = (await door.call("GET", f"{home}/lots?spent=true"))["lots"]
    for kind, found in (("transfers", lines), ("lots", lots)):
        for one in found:
            name = one["transfer_id"] if kind == "transfers" else one["lot_id"]
            paths += [f"{home}/{kind}/{name}/{what}?limit=100" for what in ("explain", "lineage")]
    paths += [f"/v1/orders/{one['order_id']}/lineage" for one in (await door.call("GET", f"{home}/orders"))["orders"]]
    paths.append(await exported(door, member))
    found = {path: await door.client.get(path.replace("explain?limit=100", "explain")) for path in paths}
    assert {path: one.status_code for path, one in found.items() if one.status_code != 200} == {}
    return {path: one.text for path, one in found.items()}


async def test_rows_name_none_of_the_others_orders_once_a_merge_is_undone(door: Door) -> None:
    survivor, absorbed, during = await parted(door)
    for member, own in ((survivor, "S"), (absorbed, "A")):
        told = await told_of(door, member, during)
        others = [name for name in NAMES if not name.endswith(own)]
        assert [(path, name) for path, text in told.items() for name in others if name in text] == []
        assert any(f"own-of-{own}" in text for path, text in told.items() if "statement" in path)
    assert await door.problems() == {}


async def test_rows_name_the_orders_of_both_while_they_are_one(door: Door) -> None:
    survivor, absorbed = await door.sign_up(external="one:1"), await door.sign_up(external="two:2")
    await door.order("own-of-A", absorbed, 160_000)
    await door.merge(survivor, absorbed)
    (lot,) = (await door.call("GET", f"/v1/members/{survivor}/lots"))["lots"]
    assert lot["order_id"] == "own-of-A"
    await door.call("POST", "/v1/orders/own-of-A/returns", {"return_id": "r-of-A", **HALF}, status=201)
    tier = await door.call("GET", f"/v1/members/{survivor}/tier")
    assert tier["status"]["why"]["reference"] == "order:own-of-A:return:r-of-A"
    assert "own-of-A" in tier["status"]["reason"]


async def test_journals_of_finance_name_orders_beside_their_own_members(door: Door) -> None:
    """A journal is kept for years: what a merge moved for a return names the merge, before and after it is undone."""
    survivor, absorbed, _ = await parted(door)
    async with door.services.database.transaction() as tx:
        months = {f"{day:%Y-%m}" for day in (tx.now - timedelta(days=30), tx.now - timedelta(days=10), tx.now)}
    for form in ("csv", "beancount"):
        answers = [await door.client.get(f"/v1/finance/journals/{one}?form={form}&by=transfer") for one in months]
        assert {one.status_code for one in answers} == {200}
        between = "\n\n" if form == "beancount" else "\n"
        entries = [entry for one in answers for entry in one.text.split(between)]
        for member, own in ((survivor, "S"), (absorbed, "A")):
            rows = [entry for entry in entries if member in entry]
            assert rows
            assert [entry for entry in rows for name in NAMES if not name.endswith(own) and name in entry] == []
