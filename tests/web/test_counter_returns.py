"""Returns at the counter: found by receipt code in any shop, previewed, taken once, with what that does to points."""

import httpx
import pytest

from regulars.commerce.orders.receipts import SOUGHT
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.web.store.seals import RETURN, Seals
from tests.web.counter import CounterWorld, effects_of, hidden, refused, text_of

pytestmark = pytest.mark.anyio

ORDER = "K7QD3-M9X2A"


@pytest.fixture
async def world(services: Services) -> CounterWorld:
    world = await CounterWorld(services.database, services.vault).begin()
    await world.buy(ORDER, 120_00, 50_00, 30_00, member_id=world.member, points=1_000)
    return world


@pytest.fixture
async def till(browser: httpx.AsyncClient, world: CounterWorld) -> httpx.AsyncClient:
    """A browser that is the device of another store than the one where it was bought."""
    browser.cookies.set("rgl_device", world.other_device.token)
    return browser


async def found(till: httpx.AsyncClient, typed: str = ORDER) -> tuple[str, httpx.Response]:
    answer = await till.post("/store/returns/find", data={"code": typed})
    if answer.status_code != 303:
        return "", answer
    return answer.headers["location"], await till.get(answer.headers["location"])


@pytest.mark.parametrize("typed", [ORDER, "k7qd3m9x2a", " K7QD3 M9X2A "])
async def test_an_order_of_another_shop_is_found_by_its_code(
    till: httpx.AsyncClient, world: CounterWorld, typed: str
) -> None:
    _, page = await found(till, typed)

    assert page.status_code == 200
    assert "bought in another shop" in page.text
    assert "Nanjing Road" not in page.text
    assert public_id("mbr", world.member) not in page.text
    actor = f"device:{public_id('dev', world.other_device.device.device_id)}"
    assert await world.audited("look_up_order") == [(actor, ORDER, "", "store 406")]


async def test_one_of_three_comes_back_once(till: httpx.AsyncClient, world: CounterWorld) -> None:
    """200.00 paid with 1,000 points and 190.00: 50.00 of it gives 250 points back and takes 48 of 190."""
    path, page = await found(till)
    assert await world.points(world.member) == (234, 190, 0)

    review = await till.post(f"{path}/review", data={**hidden(page), "quantity-2": "1"})
    assert (text_of(review, "returned"), text_of(review, "money-back")) == ("CN¥50.00", "CN¥47.50")
    expected = {
        "points_given_back": "250 points that paid come back",
        "points_clawed_back": "48 earned points are taken back",
    }
    assert effects_of(review) == expected
    assert await world.points(world.member) == (234, 190, 0)

    sent = {**hidden(review)}
    first, second = [await till.post(f"{path}/confirm", data=sent) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    done = await till.get(first.headers["location"])
    assert "Done: goods worth CN¥50.00 came back." in done.text
    assert text_of(done, "money-back") == "CN¥47.50"
    assert effects_of(done) == expected
    assert await world.points(world.member) == (484, 142, 0)
    async with world.database.transaction() as tx:
        rows = await tx.rows("SELECT order_id, store_id, returned_minor FROM order_returns")
    assert rows == [(ORDER, "406", 50_00)]

    _, again = await found(till)
    assert "0 of 1 left" in again.text
    rest = await till.post(f"{path}/review", data={**hidden(again), "all": "true"})
    assert (text_of(rest, "returned"), text_of(rest, "money-back")) == ("CN¥150.00", "CN¥142.50")
    await till.post(f"{path}/confirm", data=hidden(rest))
    assert await world.points(world.member) == (1_234, 0, 0)
    assert "Everything has come back already" in (await found(till))[1].text


async def test_a_guest_s_order_comes_back_without_points(till: httpx.AsyncClient, world: CounterWorld) -> None:
    await world.buy("GUEST-00001", 10_00)
    path, page = await found(till, "GUEST-00001")
    review = await till.post(f"{path}/review", data={**hidden(page), "all": "true"})

    assert "No points move." in review.text
    assert text_of(review, "money-back") == "CN¥10.00"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "Please say how much of which line comes back."),
        ({"quantity-1": "2"}, "Please write a quantity, as in 2 or 0.535."),
        ({"quantity-1": "x"}, "Please write a quantity, as in 2 or 0.535."),
        ({"quantity-9": "1"}, "Please say how much of which line comes back."),
    ],
)
async def test_what_cannot_come_back_is_refused(till: httpx.AsyncClient, sent: dict[str, str], said: str) -> None:
    path, page = await found(till)
    answer = await till.post(f"{path}/review", data={**hidden(page), **sent})

    assert (answer.status_code, refused(answer)) == (422, said)


async def test_a_refused_return_is_put_right_and_taken_once(till: httpx.AsyncClient, world: CounterWorld) -> None:
    """Two tills take back the same cup; the second one is told, and takes back the pot instead."""
    path, _ = await found(till)
    forms = [await till.get(path) for _ in range(2)]
    reviews = [await till.post(f"{path}/review", data={**hidden(form), "quantity-2": "1"}) for form in forms]
    first, second = [await till.post(f"{path}/confirm", data=hidden(review)) for review in reviews]

    assert (first.status_code, second.status_code) == (303, 422)
    sent = {"form": hidden(second)["form"], "quantity-3": "1"}
    changed, twice = [await till.post(f"{path}/confirm", data=sent) for _ in range(2)]
    assert changed.status_code == 303, refused(changed)
    assert changed.headers["location"] == twice.headers["location"]
    async with world.database.transaction() as tx:
        rows = await tx.rows("SELECT returned_minor FROM order_returns ORDER BY 1")
    assert rows == [(30_00,), (50_00,)]


@pytest.mark.parametrize("tail", ["=", "==", "==\r\nX-Evil: 1", "\n", " ", "%", "\N{DEGREE SIGN}"])
async def test_a_ticket_is_written_in_one_way_only(world: CounterWorld, tail: str) -> None:
    seals = Seals(world.vault.pepper)
    device = world.device.device.device_id
    ticket = seals.write(RETURN, device, ORDER)

    assert seals.read(RETURN, device, ticket) == ORDER
    assert seals.read(RETURN, device, ticket + tail) is None
    assert seals.read(RETURN, device, ticket[:9] + tail + ticket[9:]) is None


async def test_a_ticket_adds_no_line_to_an_answer_s_head(till: httpx.AsyncClient) -> None:
    path, _ = await found(till)
    answer = await till.get(f"{path}==%0d%0aX-Evil:%201/done/nothing")

    assert (answer.status_code, answer.headers.get("x-evil")) == (409, None)


async def test_codes_that_are_tried_are_slowed(till: httpx.AsyncClient) -> None:
    statuses = [(await found(till, f"K7QD3M9{n:03}"))[1].status_code for n in range(SOUGHT.free + 1)]

    assert statuses == [404] * SOUGHT.free + [429]


async def test_a_ticket_is_the_device_s_own(till: httpx.AsyncClient, world: CounterWorld) -> None:
    path, _ = await found(till)
    till.cookies.set("rgl_device", world.device.token)

    assert (await till.get(path)).status_code == 409
    assert (await till.get(f"/store/returns/{ORDER}")).status_code == 409
