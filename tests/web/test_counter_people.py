"""Who works at a till: a device alone does little or nothing, as settings say; who signs in is named and checked."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.auth.staff import service as staff
from regulars.platform.auth.staff.contracts import Account
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.database import Database
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.web.conftest import BROWSER
from tests.web.counter import PHONE, CounterWorld, hidden, refused
from tests.web.visitors import Visitors

pytestmark = pytest.mark.anyio
ORDER = "K7QD3-M9X2A"


def services_with(database: Database, home: Path, **settings: Any) -> Services:  # noqa: ANN401 - of the settings named
    made = Settings(home=home, development=True, brand_name="Beichen", **settings)
    return Services(made, database, LocalVault(home / "vault"))


class Shop:
    """A till under some settings, and staff of its shop."""

    def __init__(self, services: Services, client: httpx.AsyncClient) -> None:
        self.services, self.client, self.visitors = services, client, Visitors(services)

    async def begin(self) -> "Shop":
        self.world = await CounterWorld(self.services.database, self.services.vault).begin()
        self.client.cookies.set("rgl_device", self.world.device.token)
        return self

    async def signs_in(self, role: Role) -> Account:
        async with self.services.database.transaction(actor="test") as tx:
            account = await self.visitors.account(tx, role)
        self.client.cookies.set("rgl_staff", (await self.visitors.staff(account))["rgl_staff"])
        return account

    async def takes_back(self) -> tuple[httpx.Response, httpx.Response]:
        """Return what reviewing and what confirming a return of everything answers."""
        path = (await self.client.post("/store/returns/find", data={"code": ORDER})).headers["location"]
        form = hidden(await self.client.get(path))
        review = await self.client.post(f"{path}/review", data={**form, "all": "true"})
        return review, await self.client.post(f"{path}/confirm", data={**form, "quantity-1": "1"})


@pytest.fixture
async def shop(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    services = services_with(database, tmp_path, **request.param)
    transport = httpx.ASGITransport(app=create_app(services, web(services)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example", headers=BROWSER) as client:
        yield await Shop(services, client).begin()
    await services.drain()


@pytest.mark.parametrize("shop", [{"till_needs_person": True}], indirect=True)
async def test_a_till_that_needs_a_person_does_nothing_alone(shop: Shop) -> None:
    alone = await shop.client.get("/store")
    assert (alone.status_code, "/console/sign-in?next=/store" in alone.text) == (403, True)
    assert (await shop.client.post("/store/find", data={"code": PHONE})).status_code == 403
    assert (await shop.client.get("/store/till")).status_code == 403
    assert (await shop.client.post("/store/returns/find", data={"code": ORDER})).status_code == 403
    assert await shop.world.audited("look_up_member") == []

    await shop.signs_in(Role.FINANCE)
    assert (await shop.client.get("/store/till")).status_code == 403
    assistant = await shop.signs_in(Role.ASSISTANT)
    there = await shop.client.get("/store")
    assert (there.status_code, "Nanjing Road · assistant" in there.text) == (200, True)
    assert (await shop.client.post("/store/find", data={"code": PHONE})).status_code == 303
    ((_, _, reason, _),) = await shop.world.audited("look_up_member")
    assert reason == f"assistant staff:{public_id('stf', assistant.staff_id)}"

    async with shop.services.database.transaction(actor="test") as tx:
        await staff.disable(tx, assistant.staff_id, by=None)
    assert (await shop.client.post("/store/find", data={"code": PHONE})).status_code == 403


@pytest.mark.parametrize("shop", [{"till_needs_person": True}], indirect=True)
async def test_staff_of_another_shop_do_not_open_this_till(shop: Shop) -> None:
    await shop.signs_in(Role.ASSISTANT)
    shop.client.cookies.set("rgl_device", shop.world.other_device.token)

    assert (await shop.client.get("/store/till")).status_code == 403


@pytest.mark.parametrize(
    ("shop", "why"),
    [
        ({"till_return_days": 0}, "This was bought more than 0 days ago."),
        ({"till_return_minor": 99_99}, "This is more than a till takes back by itself."),
    ],
    indirect=["shop"],
)
async def test_a_return_beyond_the_limits_needs_a_store_manager(shop: Shop, why: str) -> None:
    await shop.world.buy(ORDER, 100_00, member_id=shop.world.member)
    for role in (None, Role.ASSISTANT):
        if role is not None:
            await shop.signs_in(role)
        review, confirmed = await shop.takes_back()
        assert (review.status_code, confirmed.status_code) == (403, 403)
        assert refused(review).startswith(why)
    assert await shop.world.audited("record_order") == []

    manager = await shop.signs_in(Role.STORE_MANAGER)
    review, confirmed = await shop.takes_back()
    assert (review.status_code, confirmed.status_code) == (200, 303)
    ((_, subject, reason, _),) = await shop.world.audited("record_order")
    assert (subject, reason) == (ORDER, f"assistant staff:{public_id('stf', manager.staff_id)}")


@pytest.mark.parametrize("shop", [{"till_return_minor": 100_00}], indirect=True)
async def test_piece_by_piece_no_more_comes_back_than_at_once(shop: Shop) -> None:
    await shop.world.buy(ORDER, 60_00, 60_00, member_id=shop.world.member)
    answers = []
    for line in (1, 2):
        path = (await shop.client.post("/store/returns/find", data={"code": ORDER})).headers["location"]
        form = hidden(await shop.client.get(path))
        answers.append(await shop.client.post(f"{path}/confirm", data={**form, f"quantity-{line}": "1"}))

    assert [answer.status_code for answer in answers] == [303, 403]
    assert refused(answers[1]).startswith("This is more than a till takes back by itself.")


@pytest.mark.parametrize("shop", [{"till_return_minor": 100_00, "till_return_days": 1}], indirect=True)
async def test_a_return_within_the_limits_is_taken_by_a_till_alone(shop: Shop) -> None:
    await shop.world.buy(ORDER, 100_00, member_id=shop.world.member)

    assert [answer.status_code for answer in await shop.takes_back()] == [200, 303]
