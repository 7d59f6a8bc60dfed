"""Stopping a report: whoever asked may, nobody else."""

from uuid import UUID

import pytest

from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.transaction import JsonValue, Transaction
from regulars.platform.ids import new_id, public_id
from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import REPORT_PREFIX, Done, More, Parameters
from regulars.platform.reports.registry import report
from regulars.platform.reports.tasks import compute_report
from regulars.platform.services import Services
from tests.web.site import Site

pytestmark = pytest.mark.anyio


@report("test.nothing")
async def count_nothing(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
    """Say nothing."""
    del tx, parameters, carry
    return Done(0)


async def test_a_report_is_stopped_by_whoever_asked_for_it(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.OWNER) as owner, site.browsing(Role.FINANCE) as other:
        ((staff_id,),) = await site.rows("SELECT staff_id FROM staff_accounts WHERE roles = ARRAY['owner']")
        assert isinstance(staff_id, UUID)
        actor = f"staff:{public_id('stf', staff_id)}"
        async with services.database.transaction() as tx:
            asked = await reports.ask(tx, compute_report, count_nothing, {}, by=actor)
        path = f"/console/reports/{public_id(REPORT_PREFIX, asked.report_id)}/cancel"
        refused = await other.post(path)
        unknown = await owner.post(f"/console/reports/{public_id(REPORT_PREFIX, new_id())}/cancel")
        strange = await owner.post("/console/reports/mbr_1/cancel")
        before = await site.rows("SELECT count(*) FROM report_cancellations")
        stopped = await owner.post(path, data={"next": "/console/stores"})
        astray = await owner.post(path, data={"next": "https://elsewhere.example"})

    assert (refused.status_code, unknown.status_code, strange.status_code, before) == (404, 404, 404, [(0,)])
    assert (stopped.status_code, stopped.headers["Location"]) == (303, "/console/stores")
    assert astray.headers["Location"] == "/console"
    async with services.database.transaction() as tx:
        assert (await reports.read_report(tx, asked.report_id)).state == "cancelled"
