"""Reports that are being computed: stopping one. Each page shows its own, by the kit's `ui.report`."""

from typing import Any, Final

from litestar import Request, Response, post
from litestar.params import FromPath

from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import REPORT_PREFIX, Report
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, local_path, viewer_of

REPORTS: Final = "/console/reports"

AnyRequest = Request[Any, Any, Any]


def cancel_path(report: Report) -> str:
    """Return where a report is stopped."""
    return f"{REPORTS}/{public_id(REPORT_PREFIX, report.report_id)}/cancel"


def report_pages(kit: Kit) -> Pages:
    """Return the address at which reports are stopped, each by whoever asked for it; `next` leads back."""

    @post(f"{REPORTS}/{{report_id:str}}/cancel", guards=[kit.guards.staff()])
    async def stop(request: AnyRequest, report_id: FromPath[str]) -> Response[bytes]:
        actor, found = viewer_of(request).session.actor, parse_public_id(REPORT_PREFIX, report_id)
        if found is None:
            raise NotFound
        async with kit.services.database.transaction(actor=actor) as tx:
            asked = await reports.read_report(tx, found)
            if asked.asked_by != actor:
                raise NotFound
            reports.cancel(tx, found, by=actor)
        form = await request.form()
        return kit.see(local_path(str(form.get("next", "")), "/console"), Notice(mark("Counting is stopped."), "info"))

    return Pages(ViewerKind.STAFF, [stop])
