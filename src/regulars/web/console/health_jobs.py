"""The worker's jobs: when each schedule is due next, and what failed for good."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.platform.clock import wall_now
from regulars.platform.health.service import failed_tasks, retry_failed_jobs
from regulars.platform.jobs.schedules import schedules
from regulars.web.console.account import who
from regulars.web.kit.cells import Cell, Code, Quiet
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import mark

JOBS: Final = "/console/health/jobs"
READ, WRITE = "health:read", "health:write"

AnyRequest = Request[Any, Any, Any]


class Reason(msgspec.Struct):
    """Why failed jobs are tried again."""

    reason: Annotated[str, Meta(min_length=3, max_length=200)]


def job_pages(kit: Kit) -> Sequence[ControllerRouterHandler]:
    """Return the page of jobs, and what is done there."""

    async def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        page, now = kit.page(request), wall_now()
        async with kit.services.database.transaction() as tx:
            failed = await failed_tasks(tx)
        planned: list[list[Cell]] = [
            [Code(one.task), Quiet(page.formats.ago(one.next_at, now), page.formats.moment(one.next_at))]
            for one in schedules(now)
        ]
        return kit.render(
            request,
            "console/health_jobs.html",
            status=status,
            form=form,
            planned=planned,
            failed=[[Code(one.task), one.last_at, one.jobs] for one in failed],
            failed_jobs=sum([one.jobs for one in failed]),
        )

    @get(JOBS, guards=[kit.guards.staff(READ)])
    async def jobs(request: AnyRequest) -> Response[bytes]:
        return await show(request, blank_form(kit.page(request).language))

    @post(f"{JOBS}/retry", guards=[kit.guards.staff(READ, WRITE)])
    async def retry(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, Reason, kit.page(request).language)
        if form.value is None:
            return await show(request, form, 422)
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            count = await retry_failed_jobs(tx, reason=form.value.reason)
        return kit.see(JOBS, Notice(mark("{count} jobs are tried again at once."), values={"count": count}))

    return [jobs, retry]
