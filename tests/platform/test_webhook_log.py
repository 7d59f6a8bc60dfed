"""The log of a webhook is asked by what is wished for only: how long it is does not matter."""

from typing import Final

import pytest

from regulars.platform.webhooks.contracts import Chosen
from regulars.platform.webhooks.store import deliveries
from tests.platform.receiving import House, house
from tests.platform.relaying import NOON

pytestmark = pytest.mark.anyio
__all__ = ["house"]  # the fixture
DELIVERED: Final = 5000
FAILED: Final = 7
MADE: Final = """
INSERT INTO webhook_deliveries (
    delivery_id, endpoint_id, event_id, type, line, position, state, attempts, queued_at, settled_at
)
SELECT gen_random_uuid(), %s, gen_random_uuid(), 'points.accrued', gen_random_uuid(), number,
    CASE WHEN number %% (%s / %s) = 1 THEN 'failed' ELSE 'delivered' END, 1, %s, %s
FROM generate_series(1, %s) AS number
"""
VISITED: Final = (
    "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'webhook_deliveries'"
)


@pytest.mark.parametrize("way", ["set_based", "by_keys"])
async def test_what_failed_is_found_among_what_arrived_without_reading_that(house: House, way: str) -> None:
    endpoint_id, _ = await house.endpoint("http://127.0.0.1:9/", "points.accrued")
    async with house.database.transaction() as tx:
        tx.write(MADE, (endpoint_id, DELIVERED, FAILED, NOON, NOON, DELIVERED))
    async with house.database.transaction() as tx:
        tx.write("ANALYZE webhook_deliveries", ())
        made = await tx.rows("SELECT count(*) FROM webhook_deliveries WHERE state = 'failed'")
    number = made[0][0]
    assert FAILED <= number <= FAILED + 1

    chosen = Chosen(states=("failed",))
    async with house.database.transaction(set_based=way == "set_based", by_keys=way == "by_keys") as tx:
        assert await deliveries.count(tx, endpoint_id, chosen, DELIVERED) == number
        visited = (await tx.rows(VISITED))[0][0]
        assert await deliveries.replay(tx, endpoint_id, chosen, NOON, DELIVERED) == number
        visited_then = (await tx.rows(VISITED))[0][0] - visited
    assert 0 < visited <= 3 * number
    assert 0 < visited_then <= 5 * number
