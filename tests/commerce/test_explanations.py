"""Why: each decision by its own record, with exact values, in both languages, and the same for ever."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec import structs

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Adjust, AnswerAdjustment, AskAdjustment, PlaceHold, PostHold, VoidHold
from regulars.loyalty.ledger.holding import hold_id_of
from regulars.loyalty.policy.contracts import AdjustmentPolicy, EarningPolicy, PaymentPolicy, TierPolicy, TierRule
from regulars.platform.ids import new_id, public_id
from tests.commerce.shop import DAY, EXPIRES, MATURE, NOW, POLICY, Shop, line, order

pytestmark = pytest.mark.anyio
Json = Any


@pytest.fixture
async def asker(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may read the ledger and orders."""
    async with await shop.caller("ledger:read", "orders:read") as client:
        yield client


async def why(client: httpx.AsyncClient, path: str, language: str = "en") -> Json:
    answer = await client.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return answer.json()


def rules(found: Json, part: str = "reasons") -> dict[str, Json]:
    return {each["rule"]: each["values"] for each in found[part]}


def sentences(found: Json, part: str = "reasons") -> list[str]:
    return [each["sentence"] for each in found[part]]


def of(member_id: UUID, what: str) -> str:
    return f"/v1/members/{public_id('mbr', member_id)}/{what}"


def transfer(member_id: UUID, seq: int, what: str = "transfers") -> str:
    return of(member_id, f"{what}/{loyalty.transfer_id(member_id, seq)}/explain")


async def do(shop: Shop, *commands: Json) -> list[Json]:
    """Carry out direct postings and holds; none is refused."""
    async with shop.database.transaction(by_keys=True) as tx:
        done = await loyalty.carry_out(tx, shop.rules.configuration, commands)
    assert not [one for one in done if isinstance(one, Exception)], done
    return list(done)


# --- one decision after the other ---------------------------------------------------------------------------------


async def test_an_earning_is_explained_step_by_step(shop: Shop, wang: UUID, asker: httpx.AsyncClient) -> None:
    await shop.grant(wang, 1_000)
    await shop.put("A1", order(wang, line("tv", 120_050), payments=[{"method": "points", "points": 1_000}]))

    found = await why(asker, transfer(wang, 3))

    assert {name: found[name] for name in ("about", "policy_version", "currency", "effective_at")} == {
        "about": "transfer",
        "policy_version": 1,
        "currency": "CNY",
        "effective_at": "2026-03-02T12:00:00Z",
    }
    assert rules(found) == {
        "earning.order": {"amount": 1_190, "wallet": "points", "reference": "order:A1:earn", "order_id": "A1"},
        "earning.base": {
            "total_minor": 120_050,
            "points_used": 1_000,
            "points_value_minor": 1_000,
            "paid_minor": 119_050,
            "minor_per_point": 100,
            "base": 1_190,
        },
        "earning.multiplier": {"tier": "regular", "multiplier": 1, "points": 1_190},
        "earning.maturity": {
            "available_at": f"{MATURE:%Y-%m-%dT%H:%M:%S}Z",
            "expires_at": f"{EXPIRES:%Y-%m-%dT%H:%M:%S}Z",
            "maturity_hours": 168,
            "expiry_months": 12,
        },
    }
    assert rules(found, "near") == {"earning.next_point": {"missing_minor": 50, "points": 1}}
    assert sentences(found) == [
        "Order A1 earned 1,190 points.",
        (
            "CN¥1,190.50 were paid in money (total CN¥1,200.50, less 1,000 points worth CN¥10.00); every full CN¥1.00 "
            "gives one base point: 1,190."
        ),
        "The tier Regular earns 1 point for each base point: 1,190.",
        (
            "The points can be spent from Mar 9, 2026 20:00, 168 hours after the order, and run out at Apr 1, 2027 "
            "00:00: the end of the month 12 months later."
        ),
    ]
    assert sentences(found, "near") == ["CN¥0.50 more paid in money would have given one more base point (1 point)."]
    assert [(link["kind"], link["href"]) for link in found["links"]] == [
        ("order", "/v1/orders/A1/explain"),
        ("lot", transfer(wang, 3, "lots")),
    ]
    told = await why(asker, transfer(wang, 3), "zh")
    assert sentences(told)[:2] == [
        "订单 A1 获得 1,190 积分。",
        "以货币支付 ¥1,190.50（总额 ¥1,200.50，减去价值 ¥10.00 的 1,000 积分）；每满 ¥1.00 得 1 个基础积分，共 1,190。",
    ]
    both = await why(asker, transfer(wang, 3) + "?languages=all")
    assert both["reasons"][0]["sentences"] == {
        "en": "Order A1 earned 1,190 points.",
        "zh": "订单 A1 获得 1,190 积分。",
    }
    paid = await why(asker, transfer(wang, 2))
    assert rules(paid) == {
        "payment.used": {"points_used": 1_000, "points_value_minor": 1_000},
        "payment.share": {"max_percent": 5, "total_minor": 120_050, "point_value_minor": 1, "share": 6_002},
        "payment.limits": {"allowed": 1_000, "spendable": 1_000},
        "posting.lots": {"lots": 1, "first_expires_at": "2027-03-31T16:00:00Z"},
    }
    assert rules(paid, "near") == {}
    assert [link["kind"] for link in paid["links"]] == ["order", "lot"]
    grown = await why(asker, transfer(wang, 4))
    assert [*rules(grown)] == ["earning.order", "earning.base", "earning.growth"]


async def test_returns_are_explained_each_by_what_remained_then(
    shop: Shop, wang: UUID, asker: httpx.AsyncClient
) -> None:
    await shop.grant(wang, 1_000)
    await shop.put("A1", order(wang, line("tv", 120_000, 4), payments=[{"method": "points", "points": 1_000}]))
    for number in (1, 2):
        await shop.back("A1", return_id=f"R{number}", lines=[{"line_id": "1", "quantity": "1"}])

    lines = {one["reference"]: one for one in (await shop_statement(shop, wang))}
    first = await why(asker, transfer(wang, lines["order:A1:return:R1:claw_back"]["seq"]))
    second = await why(asker, transfer(wang, lines["order:A1:return:R2:claw_back"]["seq"]))
    gave = await why(asker, transfer(wang, lines["order:A1:return:R2:give_back"]["seq"]))

    assert rules(first)["return.remains"] == {"total_minor": 120_000, "kept_minor": 90_000}
    assert rules(first)["return.base"] == {
        "base": 892,
        "base_before": 1_190,
        "lost": 298,
        "multiplier": 1,
        "points": 298,
    }
    assert rules(second)["return.remains"] == {"total_minor": 120_000, "kept_minor": 60_000}
    assert rules(second)["return.base"] == {
        "base": 595,
        "base_before": 892,
        "lost": 297,
        "multiplier": 1,
        "points": 297,
    }
    assert rules(gave)["return.share"] == {"points_used": 1_000, "points_before": 750, "points_left": 500}
    assert sentences(second)[0] == "Return R2 of order A1 took back 297 points earned on what came back."
    assert sentences(second)[2] == ("That counts 595 base points instead of 892: 297 × 1 = 297 points less.")

    whole = await why(asker, "/v1/orders/A1/explain")
    assert [each["id"] for each in whole["returns"]] == ["R1", "R2"]
    assert rules(whole["order"])["earning.base"]["base"] == 1_190
    assert rules(whole["order"])["payment.offer"] == {
        "allowed": 1_000,
        "max_percent": 5,
        "total_minor": 120_000,
        "share": 6_000,
        "spendable": 1_000,
        "asked": 1_000,
    }
    assert rules(whole["order"], "near") == {"earning.next_point": {"missing_minor": 100, "points": 1}}
    assert rules(whole["returns"][0]) == {
        "return.remains": {"total_minor": 120_000, "kept_minor": 90_000},
        "return.money_back": {"money_back_minor": 29_750, "returned_minor": 30_000},
        "return.given_back": {"points": 250},
        "return.clawed_back": {"points": 298, "to_debt": 0},
        "return.growth": {"growth": 298},
        "tier.lost": {"from_tier": "silver", "tier": "regular"},
    }


async def shop_statement(shop: Shop, member_id: UUID) -> list[dict[str, Any]]:
    async with shop.database.transaction() as tx:
        page = await loyalty.statement(tx, member_id, limit=200)
    return [structs.asdict(line) for line in page.lines]


async def test_nothing_changes_what_was_explained(shop: Shop, wang: UUID, asker: httpx.AsyncClient) -> None:
    """A later policy, tier, balance and return leave every earlier explanation as it was."""
    await shop.grant(wang, 300, reference="gift", reason="Birthday")
    for name, offered in (("A1", 9), ("A2", 200)):
        paid = order(wang, line("tv", 99_950), payments=[{"method": "points", "points_at_most": offered}])
        assert (await shop.put(name, paid)).status_code == 201
    await do(shop, Adjust(member_id=wang, wallet="points", amount=-5, reference="care:1", reason="Typo", actor="ann"))
    at = f"{NOW + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}Z"
    shop.at(NOW + timedelta(hours=2))
    paths = [transfer(wang, one["seq"]) for one in await shop_statement(shop, wang)]
    paths += [
        "/v1/orders/A2/explain",
        of(wang, f"tier/explain?as_of={at}"),
        of(wang, f"wallets/points/explain?as_of={at}"),
    ]
    before = {path: await why(asker, path + ("&" if "?" in path else "?") + "languages=all") for path in paths}
    assert len(before) == 11

    shop.at(NOW + 2 * DAY)
    later = structs.replace(
        POLICY,
        earning=EarningPolicy(minor_per_point=7, maturity_hours=1, expiry_months=2),
        payment=PaymentPolicy(point_value_minor=9, max_percent=50, min_spendable=1),
        adjustments=AdjustmentPolicy(approve_above=1),
        tier=TierPolicy(
            tiers=(
                TierRule(code="regular", threshold=0, multiplier=8),
                TierRule(code="silver", threshold=1, multiplier=9),
                TierRule(code="gold", threshold=2, multiplier=9),
                TierRule(code="diamond", threshold=3, multiplier=9),
            ),
            window_days=3,
        ),
    )
    async with shop.database.transaction() as tx:
        await loyalty.activate_policy(tx, later, NOW + 2 * DAY)
    shop.at(NOW + 3 * DAY)
    assert (await shop.put("A3", order(wang, line("car", 900_000)))).status_code == 201  # another tier and balance
    assert (await shop.back("A1", return_id="R1")).status_code == 201

    changed = {
        path
        for path in paths
        if await why(asker, path + ("&" if "?" in path else "?") + "languages=all") != before[path]
    }
    assert changed == set()


async def test_balance_lot_and_tier_with_their_near_misses(shop: Shop, wang: UUID, asker: httpx.AsyncClient) -> None:
    await shop.grant(wang, 191, reference="gift", reason="Birthday")
    await shop.put("A1", order(wang, line("tv", 66_000)))

    found = await why(asker, of(wang, "wallets/points/explain"))
    assert found["reasons"][0]["values"] == {
        "wallet": "points",
        "balance": 851,
        "available": 191,
        "held": 0,
        "pending": 660,
        "expired": 0,
        "debt": 0,
    }
    assert [(one["values"]["kind"], one["values"]["amount"]) for one in found["reasons"][1:3]] == [
        ("accrue", 191),
        ("earn", 660),
    ]
    assert sentences(found)[1:] == [
        "191 points given, in 1 entry.",
        "660 points earned by orders, in 1 entry.",
        "660 can be spent from Mar 9, 2026 20:00.",
        "191 run out at Apr 1, 2027 00:00 unless they are used before.",
    ]
    assert rules(found, "near") == {"payment.minimum": {"spendable": 191, "minimum": 200, "missing": 9}}
    growth = await why(asker, of(wang, "wallets/growth/explain"), "zh")
    assert sentences(growth)[0] == "累计 660 成长值；它们决定等级，不能用于支付。"

    lot = await why(asker, transfer(wang, 1, "lots"))
    assert (lot["about"], lot["reasons"][0]["rule"], lot["reasons"][0]["values"]["remaining"]) == (
        "lot",
        "lot.available",
        191,
    )
    assert sentences(lot)[1:] == [
        "191 points were given: Birthday.",
        "They can be spent from Mar 2, 2026 20:00 and run out at Apr 1, 2027 00:00.",
    ]
    tier = await why(asker, of(wang, "tier/explain"))
    assert rules(tier) == {
        "tier.first": {"tier": "regular"},
        "tier.standing": {"tier": "regular", "metric": 660, "window_days": 365},
    }
    assert rules(tier, "near") == {"tier.next": {"next_tier": "silver", "missing": 340, "window_days": 365}}
    assert sentences(tier, "near") == ["340 more growth within 365 days reach the tier Silver."]
    await shop.put("A2", order(wang, line("tv", 34_000)))
    risen = await why(asker, of(wang, "tier/explain"))
    assert risen["reasons"][0]["values"] == {
        "tier": "silver",
        "metric": 1_000,
        "threshold": 1_000,
        "window_days": 365,
        "effective_at": "2026-03-02T12:00:00Z",
        "reference": "order:A2",
        "order_id": "A2",
        "return_id": None,
    }
    assert rules(risen)["tier.reached"] == {"from_tier": "regular", "tier": "silver"}
    assert risen["links"][0]["href"] == "/v1/orders/A2/explain"


async def test_holds_and_corrections(shop: Shop, wang: UUID, asker: httpx.AsyncClient) -> None:
    strict = structs.replace(POLICY, adjustments=AdjustmentPolicy(approve_above=100))
    async with shop.database.transaction() as tx:
        await loyalty.activate_policy(tx, strict, NOW)
    await shop.grant(wang, 500)
    held: dict[str, Any] = {"member_id": wang, "wallet": "points", "amount": 80, "deadline": NOW + DAY}
    for name in ("a", "b", "c"):
        await do(shop, PlaceHold(**held, purpose="Workshop", reference=name))
    await do(shop, PostHold(member_id=wang, hold_id=hold_id_of("a"), amount=30))
    await do(shop, VoidHold(member_id=wang, hold_id=hold_id_of("b"), reason="Called off."))

    def at(name: str) -> str:
        return of(wang, f"holds/{public_id('hld', hold_id_of(name))}/explain")

    assert sentences(await why(asker, at("a"))) == [
        "30 of the 80 points held were used at Mar 2, 2026 20:00: Workshop.",
        (
            "They were kept at Mar 2, 2026 20:00, of 1 lots, the soonest to run out first; meanwhile nothing else uses "
            "them."
        ),
        "50 are free again.",
    ]
    assert sentences(await why(asker, at("b"), "zh"))[0] == (
        "80 积分的冻结（Workshop）已于 2026年3月2日 20:00 解除：Called off。"
    )
    assert sentences(await why(asker, at("c")))[0] == "80 points are held until Mar 3, 2026 20:00: Workshop."
    shop.at(NOW + 2 * DAY)
    assert sentences(await why(asker, at("c")))[0] == (
        "The hold of 80 points (Workshop) was over at its deadline, Mar 3, 2026 20:00: nobody used it."
    )

    async with shop.database.transaction(by_keys=True) as tx:
        (asked,) = await loyalty.decide_adjustments(
            tx,
            shop.rules.configuration,
            [
                AskAdjustment(
                    member_id=wang, wallet="points", amount=120, reference="x", reason="Lost receipt.", actor="ann"
                )
            ],
        )
    assert not isinstance(asked, Exception)
    waiting = of(wang, f"adjustment-requests/{public_id('adj', asked.request_id)}/explain")
    assert rules(await why(asker, waiting), "near") == {"correction.over": {"over": 20}}
    async with shop.database.transaction(by_keys=True) as tx:
        (done,) = await loyalty.decide_adjustments(
            tx,
            shop.rules.configuration,
            [AnswerAdjustment(member_id=wang, request_id=asked.request_id, approve=True, actor="bob", note="Seen it")],
        )
    assert not isinstance(done, Exception)
    found = await why(asker, waiting)
    assert sentences(found) == [
        "bob approved the correction of 120 points that ann asked for: Lost receipt.",
        "Corrections of more than 100 need a second person, who answers within 14 days.",
        "With the answer: Seen it.",
    ]
    posted = await why(asker, found["links"][0]["href"])
    assert sentences(posted)[:2] == [
        "120 points were added as a correction by ann: Lost receipt.",
        "bob approved it: corrections of more than 100 need a second person.",
    ]


# --- refusals -----------------------------------------------------------------------------------------------------


async def test_a_refusal_is_explained_later_to_whom_it_concerns(
    shop: Shop, wang: UUID, asker: httpx.AsyncClient
) -> None:
    await shop.grant(wang, 391)
    body = order(wang, line("tv", 10_000), payments=[{"method": "points", "points": 400}])
    refused = await shop.client.put(
        "/v1/orders/A1", json=body, headers={"Idempotency-Key": "till-7-1", "X-Request-Id": "req-of-the-till"}
    )
    assert (refused.status_code, refused.json()["instance"]) == (409, "req-of-the-till")
    await shop.grant(wang, 5_000, reference="more")
    async with shop.database.transaction() as tx:
        await loyalty.activate_policy(tx, structs.replace(POLICY, payment=PaymentPolicy(max_percent=50)), NOW + DAY)
    shop.at(NOW + 2 * DAY)

    found = await why(shop.client, "/v1/explain/refusals/req-of-the-till")

    assert (found["about"], found["id"], found["policy_version"]) == ("refusal", "req-of-the-till", 1)
    assert found["effective_at"] == "2026-03-02T12:00:00Z"
    assert rules(found) == {
        "refusal.points_not_usable": {
            "asked": 400,
            "allowed": 391,
            "spendable": 391,
            "minimum": 200,
            "debt": 0,
            "over": 9,
            "total_minor": 10_000,
            "max_percent": 5,
            "point_value_minor": 1,
            "action": "record_order",
            "subject": "A1",
        }
    }
    assert sentences(found, "near") == ["9 fewer would have been taken."]
    told = await why(shop.client, "/v1/explain/refusals?idempotency_key=till-7-1", "zh")
    assert sentences(told) == [
        "400 积分不能用于支付此订单：目前最多可用 391（可用：391，最低要求：200，欠分：0）。请最多使用 391。"
    ]
    nobody_elses = await asker.get("/v1/explain/refusals/req-of-the-till")
    assert (nobody_elses.status_code, nobody_elses.json()["code"]) == (404, "refusal_not_kept")
    assert (await asker.get("/v1/explain/refusals?idempotency_key=till-7-1")).status_code == 404
    async with await shop.caller("audit:read") as auditor:
        assert (await why(auditor, "/v1/explain/refusals/req-of-the-till"))["reasons"] == found["reasons"]
    assert (await shop.client.get("/v1/explain/refusals/req_unknown")).status_code == 404


async def test_what_went_through_or_said_nothing_of_the_request_is_not_kept(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, line("tv", 10_000)))
    await shop.back("A9", return_id="R1")  # 404
    assert await shop.rows("SELECT code FROM refusals") == []
    await shop.back("A1", return_id="R1", lines=[{"line_id": "1", "quantity": "3"}], key=new_id().hex)
    ((data,),) = await shop.rows("SELECT data FROM refusals WHERE code = 'return_too_much' AND action = 'record_order'")
    assert data == '{"line_id":"1","left":"1","asked":"3","over":"2"}'


async def test_ids_that_are_nobodys_are_refused(shop: Shop, wang: UUID, asker: httpx.AsyncClient) -> None:
    lee = await shop.member("lee")
    await shop.grant(lee, 10)
    for path in (
        transfer(wang, 1),
        transfer(wang, 1, "lots"),
        of(wang, f"transfers/{loyalty.transfer_id(lee, 1)}/explain"),
        of(wang, "transfers/x/explain"),
        of(wang, f"holds/{public_id('hld', new_id())}/explain"),
        of(wang, "holds/x/explain"),
        of(wang, f"adjustment-requests/{public_id('adj', new_id())}/explain"),
        of(new_id(), "tier/explain"),
        of(new_id(), "wallets/points/explain"),
        "/v1/orders/nobodys/explain",
    ):
        assert (await asker.get(path)).status_code == 404, path
    assert (await asker.get(of(wang, "wallets/gold/explain"))).json()["code"] == "unknown_wallet"
    assert (await asker.get(of(wang, "tier/explain?as_of=2036-01-01T00:00:00Z"))).json()["code"] == "as_of_ahead"
