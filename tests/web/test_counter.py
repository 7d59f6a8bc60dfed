"""The counter: members found, orders rung up once, walk-ins registered; who looked whom up is known."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from regulars.members.counter.limits import LOOKED_UP
from regulars.platform import clock
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.web.store import drafts
from tests.web.counter import CARD, EMAIL, PHONE, CounterWorld, effects_of, hidden, hidden_of, refused, text_of
from tests.web.visitors import Visitors, brings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(services: Services) -> CounterWorld:
    return await CounterWorld(services.database, services.vault).begin()


@pytest.fixture
async def till(browser: httpx.AsyncClient, world: CounterWorld) -> httpx.AsyncClient:
    """A browser that is the device of a store."""
    browser.cookies.set("rgl_device", world.device.token)
    return browser


async def found(till: httpx.AsyncClient, typed: str) -> httpx.Response:
    answer = await till.post("/store/find", data={"code": typed})
    return await till.get(answer.headers["location"]) if answer.status_code == 303 else answer


async def rung_up(till: httpx.AsyncClient, page: httpx.Response, *lines: tuple[str, str, str]) -> httpx.Response:
    """Type lines, then go to payment."""
    for amount, quantity, name in lines:
        page = await till.post(
            "/store/till", data={**hidden(page), "amount": amount, "quantity": quantity, "name": name}
        )
        assert page.status_code == 200, refused(page)
    return await till.post("/store/till/review", data=hidden(page))


@pytest.mark.parametrize(
    "typed", [PHONE, "+86 138 0013 8000", "１３８００１３８０００", f" {EMAIL} ", CARD, CARD.lower()]
)
async def test_a_member_is_found_by_whatever_they_have(
    till: httpx.AsyncClient, world: CounterWorld, typed: str
) -> None:
    page = await found(till, typed)

    assert (text_of(page, "name"), text_of(page, "available")) == ("王**", "1,234")
    assert "It is their birthday today" in page.text
    for hidden_value in ("小明", PHONE, EMAIL, CARD, world.member.hex):
        assert hidden_value not in page.text


async def test_a_card_is_good_once(till: httpx.AsyncClient, world: CounterWorld) -> None:
    code = await world.card_code()

    assert text_of(await found(till, code), "available") == "1,234"
    again = await found(till, code)
    assert again.status_code == 409
    assert "was read before" in refused(again)


async def test_each_look_is_logged_without_what_was_typed(till: httpx.AsyncClient, world: CounterWorld) -> None:
    await found(till, PHONE)
    nobody = await found(till, "13900139000")

    device, member = world.device.device, public_id("mbr", world.member)
    actor = f"device:{public_id('dev', device.device_id)}"
    assert nobody.status_code == 404
    assert refused(nobody) == "Nobody was found by this. Check it, or register a new member."
    assert await world.audited("look_up_member") == [
        (actor, member, "", "store 367, by phone"),
        (actor, "store 367", "", "store 367, by phone or card, nobody"),
    ]


async def test_whoever_of_staff_is_signed_in_is_logged_too(
    till: httpx.AsyncClient, world: CounterWorld, services: Services
) -> None:
    from regulars.platform.auth.staff.permissions import Role

    visitors = Visitors(services)
    async with services.database.transaction(actor="test") as tx:
        account = await visitors.account(tx, Role.ASSISTANT)
    till.cookies.set("rgl_staff", (await visitors.staff(account))["rgl_staff"])
    await found(till, PHONE)

    ((_, _, reason, _),) = await world.audited("look_up_member")
    assert reason == f"assistant staff:{public_id('stf', account.staff_id)}"


async def test_a_device_that_tries_numbers_is_slowed(till: httpx.AsyncClient) -> None:
    statuses = [(await found(till, f"1390013{n:04}")).status_code for n in range(LOOKED_UP.free + 1)]

    assert statuses == [404] * LOOKED_UP.free + [429]
    assert "Too many attempts" in refused(await found(till, PHONE))


async def test_an_order_is_paid_partly_with_points(till: httpx.AsyncClient, world: CounterWorld) -> None:
    review = await rung_up(till, await found(till, PHONE), ("120", "2", "tea"), ("80.00", "0.535", "cherries"))

    assert review.status_code == 200
    assert (text_of(review, "total"), text_of(review, "left")) == ("CN¥200.00", "CN¥200.00")
    assert text_of(review, "most") == "At most 1,000 points, worth CN¥10.00. Points pay at most 5 % of an order."
    chosen = await till.post("/store/till/review", data={**hidden(review), "points": "1000"})
    assert text_of(chosen, "left") == "CN¥190.00"
    previewed = effects_of(chosen)
    assert previewed["points_redeemed"] == "1,000 points pay CN¥10.00"
    assert previewed["points_pending"].startswith("190 points earned, available from ")
    assert await world.points(world.member) == (1_234, 0, 0)

    done = await till.post("/store/till/confirm", data={**hidden(chosen), "points": "1000"})

    receipt = await till.get(done.headers["location"])
    assert effects_of(receipt) == previewed
    assert text_of(receipt, "paid") == "CN¥190.00"
    assert text_of(receipt, "receipt") in done.headers["location"]
    assert await world.points(world.member) == (234, 190, 0)


async def test_confirming_twice_posts_once(till: httpx.AsyncClient, world: CounterWorld) -> None:
    review = await rung_up(till, await found(till, PHONE), ("200", "", ""))
    sent = {**hidden(review), "points": "0"}

    first, second = [await till.post("/store/till/confirm", data=sent) for _ in range(2)]

    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert await world.points(world.member) == (1_234, 200, 0)
    assert len(await world.audited("record_order")) == 1
    other = {**sent, "line": ["99900|1000|-"]}
    refusal = await till.post("/store/till/confirm", data=other)
    assert refusal.status_code == 409
    assert "The order is paid, so its lines, amounts and payments stand." in refused(refusal)
    assert await world.points(world.member) == (1_234, 200, 0)


async def test_a_refused_confirmation_is_put_right_and_goes_through(
    till: httpx.AsyncClient, world: CounterWorld
) -> None:
    """Two tills show the same points; the second one to ask for them is told, and takes fewer."""
    reviews = [await rung_up(till, await found(till, PHONE), ("200", "", "tea")) for _ in range(2)]
    first = await till.post("/store/till/confirm", data={**hidden(reviews[0]), "points": "1000"})
    second = await till.post("/store/till/confirm", data={**hidden(reviews[1]), "points": "1000"})

    assert (first.status_code, second.status_code) == (303, 409)
    assert "tea" in second.text
    again = await till.post("/store/till/review", data=hidden(second))
    chosen = await till.post("/store/till/confirm", data={**hidden(again), "points": "234"})
    assert chosen.status_code == 303, refused(chosen)
    twice = await till.post("/store/till/confirm", data={**hidden(again), "points": "234"})
    assert twice.headers["location"] == chosen.headers["location"]
    assert await world.points(world.member) == (0, 190 + 197, 0)


async def test_what_was_refused_goes_through_once_its_reason_is_gone(
    till: httpx.AsyncClient, world: CounterWorld
) -> None:
    reviews = [await rung_up(till, await found(till, PHONE), ("200", "", "tea")) for _ in range(2)]
    await till.post("/store/till/confirm", data={**hidden(reviews[0]), "points": "1000"})
    sent = {**hidden(reviews[1]), "points": "1000"}
    assert (await till.post("/store/till/confirm", data=sent)).status_code == 409
    await world.grant(world.member, 1_000, "more")

    assert (await till.post("/store/till/confirm", data=sent)).status_code == 303
    assert await world.points(world.member) == (234, 380, 0)


async def test_a_tier_reached_is_told_then_and_at_the_next_scan(till: httpx.AsyncClient) -> None:
    review = await rung_up(till, await found(till, PHONE), ("1000", "", "coat"))
    done = await till.post("/store/till/confirm", data={**hidden(review), "points": "0"})

    assert effects_of(await till.get(done.headers["location"]))["tier_reached"] == "New tier: Silver"
    assert "They have just become Silver" in (await found(till, PHONE)).text


async def test_a_guest_earns_nothing_and_gets_a_receipt(till: httpx.AsyncClient) -> None:
    review = await rung_up(till, await till.get("/store/till"), ("9.90", "", ""))
    assert "Pay with points" not in review.text
    done = await till.post("/store/till/confirm", data={**hidden(review), "points": "0"})

    receipt = await till.get(done.headers["location"])
    assert (receipt.status_code, effects_of(receipt)) == (200, {})
    assert "it can be claimed by a member for 30 days" in receipt.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"amount": "twelve"}, "Please write an amount, as in 12.50."),
        ({"amount": "1.234"}, "Please write an amount, as in 12.50."),
        ({"amount": "-5"}, "Please write an amount, as in 12.50."),
        ({"amount": "5", "quantity": "0"}, "Please write a quantity, as in 2 or 0.535."),
        ({"amount": "5", "quantity": "0.5355"}, "Please write a quantity, as in 2 or 0.535."),
        ({"name": "tea"}, "Please write an amount, as in 12.50."),
    ],
)
async def test_what_is_typed_wrong_is_said_at_its_field(
    till: httpx.AsyncClient, typed: dict[str, str], said: str
) -> None:
    page = await till.get("/store/till")
    answer = await till.post("/store/till", data={**hidden(page), **typed})

    assert answer.status_code == 422
    assert said in answer.text


async def test_lines_are_removed_and_nothing_is_not_rung_up(till: httpx.AsyncClient) -> None:
    page = await till.get("/store/till")
    page = await till.post("/store/till", data={**hidden(page), "amount": "5", "name": "<b>tea</b>"})
    assert "&lt;b&gt;tea" in page.text
    page = await till.post("/store/till", data={**hidden(page), "remove": "0"})
    assert text_of(page, "total") == "CN¥0.00"

    answer = await till.post("/store/till/review", data=hidden(page))
    assert (answer.status_code, refused(answer)) == (422, "Please write what is bought first.")


async def test_more_points_than_the_policy_allows_are_refused(till: httpx.AsyncClient, world: CounterWorld) -> None:
    review = await rung_up(till, await found(till, PHONE), ("100", "", ""))
    answer = await till.post("/store/till/confirm", data={**hidden(review), "points": "501"})

    assert answer.status_code in {409, 422}
    assert refused(answer)
    assert await world.points(world.member) == (1_234, 0, 0)


async def test_what_one_device_found_is_nothing_to_another(till: httpx.AsyncClient, world: CounterWorld) -> None:
    page = await found(till, PHONE)
    ticket = hidden(page)["member"][0]
    review = await rung_up(till, page, ("100", "", ""))
    done = await till.post("/store/till/confirm", data={**hidden(review), "points": "0"})

    elsewhere = brings({"rgl_device": world.other_device.token})
    till.cookies.clear()
    for path in (f"/store/till?member={ticket}", f"/store/till?member={public_id('mbr', world.member)}"):
        answer = await till.get(path, headers=elsewhere)
        assert (answer.status_code, "王" in answer.text) == (409, False)
    assert (await till.get(done.headers["location"], headers=elsewhere)).status_code == 404
    stolen = await till.post("/store/till/confirm", data={**hidden(review), "points": "0"}, headers=elsewhere)
    assert (stolen.status_code, "王" in stolen.text) == (409, False)
    assert hidden(stolen)["order"] != hidden(review)["order"]


# --- an order under way --------------------------------------------------------------------------------------------


async def test_a_till_that_was_left_alone_keeps_the_next_customer_s_lines(
    till: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await till.get("/store/till")
    real = clock.wall_now
    monkeypatch.setattr(clock, "wall_now", lambda: real() + timedelta(hours=30))
    review = await rung_up(till, page, ("5", "", "tea"), ("7", "", "cup"))

    assert (review.status_code, text_of(review, "total")) == (200, "CN¥12.00")
    done = await till.post("/store/till/confirm", data={**hidden(review), "points": "0"})
    again = await till.post("/store/till/confirm", data={**hidden(review), "points": "0"})
    assert done.status_code == again.status_code == 303
    assert done.headers["location"] == again.headers["location"]


@pytest.mark.parametrize("step", ["/store/till", "/store/till/review", "/store/till/confirm"])
async def test_a_member_seen_too_long_ago_leaves_and_the_lines_stay(
    till: httpx.AsyncClient, world: CounterWorld, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    review = await rung_up(till, await found(till, PHONE), ("200", "", "tea"))
    real = clock.wall_now
    monkeypatch.setattr(clock, "wall_now", lambda: real() + timedelta(minutes=61))
    left = await till.post(step, data={**hidden(review), "points": "0"})

    assert left.status_code == 409
    assert refused(left).startswith("The member was found too long ago and has left this order.")
    assert (text_of(left, "total"), "member" in hidden(left), "王" in left.text) == ("CN¥200.00", False, False)
    back_again = await till.post("/store/till", data={**hidden(left), "code": PHONE})
    assert (text_of(back_again, "name"), text_of(back_again, "total")) == ("王**", "CN¥200.00")
    review = await till.post("/store/till/review", data=hidden(back_again))
    await till.post("/store/till/confirm", data={**hidden(review), "points": "0"})
    assert await world.points(world.member) == (1_234, 200, 0)


@pytest.mark.parametrize("step", ["/store/till", "/store/till/review", "/store/till/confirm"])
async def test_a_card_shown_after_the_goods_were_rung_up_makes_the_order_theirs(
    till: httpx.AsyncClient, world: CounterWorld, step: str
) -> None:
    review = await rung_up(till, await till.get("/store/till"), ("200", "", "tea"))
    theirs = await till.post(step, data={**hidden(review), "code": await world.card_code()})

    assert (theirs.status_code, text_of(theirs, "name"), text_of(theirs, "total")) == (200, "王**", "CN¥200.00")
    assert await world.audited("record_order") == []
    review = await till.post("/store/till/review", data=hidden(theirs))
    done = await till.post("/store/till/confirm", data={**hidden(review), "points": "1000"})
    assert done.status_code == 303, refused(done)
    assert await world.points(world.member) == (234, 190, 0)


async def test_a_line_being_typed_is_not_lost_to_a_card(till: httpx.AsyncClient) -> None:
    page = await till.get("/store/till")
    both = await till.post("/store/till", data={**hidden(page), "amount": "200", "name": "tea", "code": PHONE})

    assert (text_of(both, "name"), text_of(both, "total")) == ("王**", "CN¥200.00")


async def test_nobody_found_leaves_the_order_as_it_was(till: httpx.AsyncClient) -> None:
    review = await rung_up(till, await till.get("/store/till"), ("200", "", "tea"))
    nobody = await till.post("/store/till/review", data={**hidden(review), "code": "13900139000"})

    assert (nobody.status_code, text_of(nobody, "total")) == (404, "CN¥200.00")
    assert refused(nobody) == "Nobody was found by this. Check it, or register a new member."
    assert hidden(nobody)["order"] == hidden(review)["order"]


async def test_a_walk_in_registered_in_the_middle_of_an_order_gets_it(till: httpx.AsyncClient) -> None:
    page = await till.get("/store/till")
    page = await till.post("/store/till", data={**hidden(page), "amount": "120", "name": "tea"})
    form = await till.post("/store/till/register", data={**hidden(page), "amount": "80", "name": "cup"})
    assert form.status_code == 200
    wrong = await till.post("/store/register", data={**hidden_of(form, "/store/register"), "value": "12"})
    assert wrong.status_code == 422
    sent = {**hidden_of(wrong, "/store/register"), "value": "13900139000", "name": "李雷"}
    theirs = await till.post("/store/register", data=sent)

    assert (theirs.status_code, text_of(theirs, "name"), text_of(theirs, "total")) == (200, "李**", "CN¥200.00")
    review = await till.post("/store/till/review", data=hidden(theirs))
    done = await till.post("/store/till/confirm", data={**hidden(review), "points": "0"})
    assert effects_of(await till.get(done.headers["location"]))["points_pending"].startswith("200 points earned")


async def test_who_is_found_to_be_a_member_while_registering_gets_the_order(till: httpx.AsyncClient) -> None:
    page = await till.get("/store/till")
    form = await till.post("/store/till/register", data={**hidden(page), "amount": "80", "name": "cup"})
    taken = await till.post("/store/register", data={**hidden_of(form, "/store/register"), "value": PHONE})
    assert taken.status_code == 409
    theirs = await till.post("/store/till", data={**hidden_of(taken, "/store/till"), "code": PHONE})

    assert (text_of(theirs, "name"), text_of(theirs, "total")) == ("王**", "CN¥80.00")


# --- walk-ins ------------------------------------------------------------------------------------------------------


async def test_a_walk_in_is_registered_with_consent_and_buys_at_once(
    till: httpx.AsyncClient, world: CounterWorld
) -> None:
    form = await till.get("/store/register")
    assert "Send me offers and news by text message. I can take this back at any time." in form.text
    sent: dict[str, Any] = {
        **hidden(form),
        "value": "139 0013 9000",
        "name": "李雷",
        "consents": ["sign-up-sms-2026-11", "made up"],
    }
    first, second = [await till.post("/store/register", data=sent) for _ in range(2)]

    assert first.status_code == second.status_code == 303
    page = await till.get(first.headers["location"])
    assert (text_of(page, "name"), text_of(page, "available")) == ("李**", "0")
    async with world.database.transaction() as tx:
        rows = await tx.rows("SELECT purpose, channel, decision, wording_version, store_id FROM consents")
    assert rows == [("marketing", "sms", "given", "sign-up-sms-2026-11", "367")]
    assert len(await world.audited("register_walk_in")) == 1
    review = await rung_up(till, page, ("50", "", ""))
    done = await till.post("/store/till/confirm", data={**hidden(review), "points": "0"})
    assert effects_of(await till.get(done.headers["location"]))["points_pending"].startswith("50 points earned")


async def test_a_form_sent_again_for_another_customer_makes_another_member(
    till: httpx.AsyncClient, world: CounterWorld
) -> None:
    """As after the Back button: the second customer is not given the account of the first."""
    form = hidden(await till.get("/store/register"))
    sent = [{**form, "value": "13900139000", "name": "Alice"}, {**form, "value": "13900139001", "name": "Bob"}]
    alice, bob = [await till.post("/store/register", data=one) for one in sent]

    pages = [await till.get(one.headers["location"]) for one in (alice, bob)]
    assert [text_of(page, "name") for page in pages] == ["A**", "B**"]
    review = await rung_up(till, pages[1], ("500", "", "coat"))
    await till.post("/store/till/confirm", data={**hidden(review), "points": "0"})
    assert "500 more to come" in (await found(till, "13900139001")).text
    assert "more to come" not in (await found(till, "13900139000")).text
    again = await till.post("/store/register", data={**form, "value": "+86 139 0013 9001", "name": "Bob"})
    assert text_of(await till.get(again.headers["location"]), "name") == "B**"
    assert len(await world.audited("register_walk_in")) == 2


async def test_who_is_a_member_already_is_not_told_of(till: httpx.AsyncClient, world: CounterWorld) -> None:
    form = await till.get("/store/register")
    taken = await till.post("/store/register", data={**hidden(form), "value": PHONE, "name": "Mallory"})

    assert taken.status_code == 409
    assert refused(taken) == "A member has this already, so nothing was changed."
    assert "王" not in taken.text
    assert "1,234" not in taken.text
    assert [entry[3] for entry in await world.audited("register_walk_in")] == ["refused: identity_taken"]


async def test_a_number_that_cannot_be_is_said_at_its_field(till: httpx.AsyncClient) -> None:
    form = await till.get("/store/register")
    answer = await till.post("/store/register", data={**hidden(form), "value": "12"})

    assert answer.status_code == 422
    assert 'aria-describedby="field-value-problem"' in answer.text


@pytest.mark.parametrize("path", ["/store", "/store/till", "/store/returns", "/store/register"])
async def test_the_pages_speak_chinese(till: httpx.AsyncClient, path: str) -> None:
    page = await till.get(path, headers={"Accept-Language": "zh-CN"})

    assert page.status_code == 200
    assert 'lang="zh-CN"' in page.text


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [
        ("CNY", "12.50", 1_250),
        ("CNY", "12,5", 1_250),
        ("CNY", "１２。５", 1_250),
        ("CNY", "1,234", None),
        ("JPY", "1200", 1_200),
        ("JPY", "12.5", None),
        ("JPY", "1,200", None),
        ("KWD", "1.234", 1_234),
        ("KWD", "0,500", 500),
        ("KWD", "1234,567", 1_234_567),
        ("KWD", "1,234", None),
        ("KWD", "1.2345", None),
    ],
)
def test_amounts_are_read_as_the_currency_writes_them_and_never_on_a_guess(
    currency: str, typed: str, minor: int | None
) -> None:
    assert drafts.read_amount(typed, currency) == minor
