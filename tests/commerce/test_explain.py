"""Why: each rule's verdict with the actual values, its version, the near miss, and a sentence in both languages."""

from typing import Any
from uuid import UUID

import pytest

from tests.commerce.shop import DAY, NOW, Shop, line, order

pytestmark = pytest.mark.anyio


def verdicts(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    assert all(each["policy_version"] in {1, None} for each in document["explanation"])
    return {each["rule"]: each["values"] for each in document["explanation"]}


async def test_a_paid_order_is_explained(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 150)
    answer = await shop.put("A1", order(wang, line("tv", 99_950)), "?explain=true")

    assert verdicts(answer.json()) == {
        "earning.base": {
            "total_minor": 99_950,
            "points_used": 0,
            "points_value_minor": 0,
            "paid_minor": 99_950,
            "minor_per_point": 100,
            "base": 999,
        },
        "earning.multiplier": {"tier": "regular", "multiplier": 1, "points": 999},
        "earning.growth": {"growth": 999},
        "earning.maturity": {
            "available_at": "2026-03-09T12:00:00Z",
            "expires_at": "2027-03-31T16:00:00Z",
            "maturity_hours": 168,
            "expiry_months": 12,
        },
        "payment.minimum": {"spendable": 150, "minimum": 200, "missing": 50},
        "tier.standing": {"tier": "regular", "metric": 999, "window_days": 365},
        "tier.next": {"next_tier": "silver", "missing": 1, "window_days": 365},
    }
    sentences = {each["rule"]: each["sentence"] for each in answer.json()["explanation"]}
    assert sentences["payment.minimum"] == (
        "No points may pay yet: 150 can be spent and 200 are needed; 50 more unlock it."
    )
    assert sentences["tier.next"] == "1 more growth within 365 days reach the tier Silver."
    read = await shop.client.get("/v1/orders/A1?explain=true", headers={"Accept-Language": "zh-CN"})
    told = {each["rule"]: each["sentence"] for each in read.json()["explanation"]}
    assert told["tier.next"] == "365 天内再得 1 成长值即达到等级银卡。"
    assert told["earning.multiplier"] == "等级普通每个基础积分得 1 积分：共 999。"
    assert "payment.minimum" not in told  # how the member stood before is not kept
    assert "explanation" not in await shop.read("/v1/orders/A1")


async def test_paying_with_points_is_explained_before_and_after(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 900)
    open_order = await shop.put("A1", order(wang, line("tv", 10_000), state="open"), "?explain=true")
    assert verdicts(open_order.json()) == {
        "earning.awaits_payment": {"state": "open"},
        "payment.possible": {"allowed": 500, "spendable": 900, "share": 500, "max_percent": 5},
        "tier.standing": {"tier": "regular", "metric": 0, "window_days": 365},
        "tier.next": {"next_tier": "silver", "missing": 1_000, "window_days": 365},
    }
    paid = order(wang, line("tv", 10_000), payments=[{"method": "points", "points_at_most": 10_000}])
    found = verdicts((await shop.put("A1", paid, "?explain=true&dry_run=true")).json())
    assert found["payment.used"] == {"points_used": 500, "points_value_minor": 500}
    assert found["earning.base"]["base"] == 95
    assert "payment.possible" not in found


async def test_a_return_and_its_fall_are_explained(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, line("tv", 120_000)))
    shop.at(NOW + 8 * DAY)
    await shop.put("A2", order(wang, line("car", 5_000_000), payments=[{"method": "points", "points": 1_200}]))
    owing = verdicts((await shop.back("A1", "?explain=true", return_id="R1")).json())
    assert owing["return.remains"] == {"total_minor": 120_000, "kept_minor": 0}
    assert owing["return.clawed_back"] == {"points": 1_200, "to_debt": 1_200}
    assert owing["return.growth"] == {"growth": 1_200}
    assert owing["tier.top"] == {"tier": "diamond"}
    found = verdicts((await shop.put("A3", order(wang, line("tea", 100)), "?explain=true")).json())
    assert found["payment.debt"] == {"debt": 1_200, "spendable": 0}
    assert found["earning.debt"] == {"debt_repaid": 3}
    fell = verdicts((await shop.back("A2", "?explain=true", return_id="R1")).json())
    assert fell["tier.lost"] == {"from_tier": "diamond", "tier": "regular"}
    assert fell["return.given_back"] == {"points": 1_200}
