"""Metrics at a glance: what the database knows now, and what this very process measured, labelled as that."""

import re

import pytest

from regulars.platform.auth.staff.permissions import Role
from regulars.platform.metrics.measures import REQUEST_SECONDS, Histogram
from regulars.platform.services import Services
from tests.web.site import Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio
PAGE = "/console/metrics"


async def test_metrics_tell_what_is_known_now_and_what_this_process_measured(services: Services) -> None:
    site = await Site(services).begin()
    for _ in range(19):
        services.requests.note("GET", "/v1/members/{member_id}", 200, 0.004)
    services.requests.note("GET", "/v1/members/{member_id}", 500, 30.0)
    async with site.browsing(Role.AUDITOR) as auditor, site.browsing(Role.FINANCE) as other:
        lane = next(one for one in services.lanes if one.action == "record_order")
        for size in (1.0, 4.0):
            lane.batches.sizes.observe(size)
            lane.batches.waits.observe(0.002)
            lane.batches.writes.observe(0.02)
        shown = await auditor.get(PAGE)
        refused = (await other.get(PAGE)).status_code
    said = words(shown.text)
    unread = (await site.rows("SELECT count(*) FROM outbox"))[0][0]

    assert refused == 403
    assert f"Events on their way {unread}" in said
    assert "never verified" in said
    assert 'href="/console/health/parked"' in shown.text
    assert re.search(r"GET /v1/members/\{member_id\} 20 [\d.,]+ a (second|minute) ≤ 5 ms ≤ 5 ms 1\b", said)
    assert "Recorded an order record_order 5 2 2.5 ≤ 2.5 ms ≤ 25 ms 0" in said
    assert re.search(r"The largest tables \w+ [\d.,]+ [KM]B · about", said)
    assert "Since" in said


def test_a_histogram_tells_within_which_bound_a_share_lies() -> None:
    found = Histogram(REQUEST_SECONDS)
    assert found.within(0.5) is None
    for seconds in (0.001, 0.002, 0.003, 60.0):
        found.observe(seconds)

    assert (found.count, found.within(0.25), found.within(0.5), found.within(0.75)) == (4, 0.001, 0.0025, 0.005)
    assert found.within(0.95) == float("inf")
