"""A guest's purchase becomes a member's by its receipt: at the till, and at home; codes cannot be tried at will."""

from datetime import timedelta

import httpx
import pytest

from regulars.commerce.orders.receipts import CLAIMED, SOUGHT
from regulars.members.access.sessions import open_session
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.web.counter import HERE, PHONE, CounterWorld, effects_of, hidden_of, refused

pytestmark = pytest.mark.anyio
GUEST, LI_S = "K7QD3-M9X2A", "0ABCD-EFGHJ"


@pytest.fixture
async def world(services: Services) -> CounterWorld:
    world = await CounterWorld(services.database, services.vault).begin()
    await world.buy(GUEST, 120_00, 50_00)
    li = await world.sign_up("13900139002", "li@home.example", "RG8000654321")
    await world.buy(LI_S, 70_00, member_id=li)
    return world


@pytest.fixture
async def till(browser: httpx.AsyncClient, world: CounterWorld) -> httpx.AsyncClient:
    """A browser that is the device of another store than the one where it was bought."""
    browser.cookies.set("rgl_device", world.other_device.token)
    return browser


@pytest.fixture
async def home(browser: httpx.AsyncClient, world: CounterWorld) -> httpx.AsyncClient:
    """The member's own browser."""
    async with world.database.transaction() as tx:
        opened = await open_session(tx, world.member, HERE, remember=True)
    browser.cookies.set("rgl_member", opened.token)
    return browser


async def begun(till: httpx.AsyncClient) -> dict[str, list[str]]:
    """Find the member and ask to claim a receipt; return the form's hidden fields."""
    page = await till.get((await till.post("/store/find", data={"code": PHONE})).headers["location"])
    path = page.text.partition('href="/store/claim')[2].partition('"')[0]
    return hidden_of(await till.get(f"/store/claim{path}"), "/store/claim")


async def test_a_receipt_is_claimed_at_any_till(till: httpx.AsyncClient, world: CounterWorld) -> None:
    sent = {**await begun(till), "code": "k7qd3 m9x2a"}
    first, second = [await till.post("/store/claim", data=sent) for _ in range(2)]

    assert first.status_code == second.status_code == 200
    assert "Done: the purchase of CN¥170.00 is theirs." in first.text
    assert effects_of(first)["points_pending"].startswith("170 points earned")
    assert await world.points(world.member) == (1_234, 170, 0)
    device = f"device:{public_id('dev', world.other_device.device.device_id)}"
    assert [(entry[0], entry[1]) for entry in await world.audited("record_order")] == [(device, GUEST)]


async def test_what_is_nobody_s_to_claim_is_said_at_the_till(till: httpx.AsyncClient, world: CounterWorld) -> None:
    form = await begun(till)
    for code, status, why in (
        ("NOTHING", 404, "No purchase has this receipt code. Check it and try again."),
        (LI_S, 409, f"The order {LI_S} already belongs to a member."),
    ):
        answer = await till.post("/store/claim", data={**form, "code": code})
        assert (answer.status_code, refused(answer)) == (status, why)
    assert await world.points(world.member) == (1_234, 0, 0)


async def test_nothing_is_claimed_for_nobody(till: httpx.AsyncClient, world: CounterWorld) -> None:
    for sent in ({"code": GUEST}, {"code": GUEST, "member": public_id("mbr", world.member)}):
        answer = await till.post("/store/claim", data=sent)
        assert (answer.status_code, answer.headers["location"]) == (303, "/store")
    assert await world.points(world.member) == (1_234, 0, 0)


async def test_codes_tried_at_a_till_are_slowed(till: httpx.AsyncClient) -> None:
    form = await begun(till)
    tried = [await till.post("/store/claim", data={**form, "code": f"X{n}"}) for n in range(SOUGHT.free + 1)]

    assert [answer.status_code for answer in tried] == [404] * SOUGHT.free + [429]


async def test_a_member_claims_a_receipt_at_home(home: httpx.AsyncClient, world: CounterWorld) -> None:
    assert 'href="/portal/claim"' in (await home.get("/portal/orders")).text
    first, second = [await home.post("/portal/claim", data={"code": GUEST.lower()}) for _ in range(2)]

    assert first.headers["location"] == second.headers["location"] == f"/portal/orders/{GUEST}"
    assert (await home.get(f"/portal/orders/{GUEST}")).status_code == 200
    assert await world.points(world.member) == (1_234, 170, 0)
    ((actor, subject, _, detail), *_) = await world.audited("look_up_order")
    assert (actor, subject, detail) == (f"member:{public_id('mbr', world.member)}", GUEST, "portal")


@pytest.mark.parametrize("code", ["NOTHING", LI_S, "<b>", "x" * 64])
async def test_another_s_purchase_is_as_if_there_were_none(
    home: httpx.AsyncClient, world: CounterWorld, code: str
) -> None:
    answer = await home.post("/portal/claim", data={"code": code})

    assert answer.status_code == 404
    assert "没有这个小票码的购买记录。请核对后再试。" in answer.text  # in the member's own language
    assert "<b>" not in answer.text
    assert await world.points(world.member) == (1_234, 0, 0)


async def test_a_receipt_is_claimed_within_thirty_days(home: httpx.AsyncClient, world: CounterWorld) -> None:
    async with world.database.transaction() as tx:
        tx.write(
            "UPDATE guest_orders SET document = jsonb_set(document::jsonb, '{occurred_at}', to_jsonb(%s::text))::text",
            ((tx.now - timedelta(days=31)).isoformat(),),
        )
    answer = await home.post("/portal/claim", data={"code": GUEST})

    assert answer.status_code == 409
    assert f"订单 {GUEST} 已超过 30 天，不能再认领。" in answer.text


async def test_codes_tried_at_home_are_slowed_right_ones_too(home: httpx.AsyncClient, world: CounterWorld) -> None:
    for number in range(CLAIMED.free):
        await world.buy(f"T-{number:05}", 10_00)
    tried = [await home.post("/portal/claim", data={"code": f"T-{number:05}"}) for number in range(CLAIMED.free)]

    assert {answer.status_code for answer in tried} == {303}
    refusal = await home.post("/portal/claim", data={"code": GUEST})
    assert (refusal.status_code, "尝试次数过多" in refusal.text) == (429, True)
    assert await world.points(world.member) == (1_234, 10 * CLAIMED.free, 0)
