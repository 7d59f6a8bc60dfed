"""Looking for somebody to give points to asks the database the same, whether anybody is found or not."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from regulars.platform.services import Services
from tests.commerce.shop import DAY
from tests.web.counted import CountedDatabase
from tests.web.membership import LATER, Membership
from tests.web.test_portal_data import Hand
from tests.web.test_portal_giving import GIVE, giving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(database_url: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[CountedDatabase]:  # noqa: ARG001 - asks for the plugin
    async with CountedDatabase(database_url, tmp_path) as opened:
        yield opened


async def test_nobody_and_somebody_take_the_same_questions(
    services: Services, database: CountedDatabase, browser: httpx.AsyncClient
) -> None:
    membership = await Membership(services).begin(giving(waiting_days=30))
    wang = Hand(browser, await membership.cookies(membership.wang))
    late = await membership.join("+8613900139001")
    await membership.grant(late, 10, "so that there are books")
    async with database.transaction() as tx:
        tx.write("UPDATE members SET signed_up_at = %s WHERE member_id = %s", (LATER - 90 * DAY, membership.wang))
    asked = []
    for who in ("13911112222", "13900139001", "13911112223", "13900139001"):
        database.tally.restart()
        assert (await wang.post(GIVE, who=who, amount="20")).status_code == 422
        asked.append(database.tally.asked)
    assert len(set(asked[1:])) == 1, "what is asked for the first time only is planned, and does not count"
