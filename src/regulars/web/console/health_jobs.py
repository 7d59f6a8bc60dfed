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
from regulars.web.kit.cells import Cell, Quiet
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark

JOBS: Final = "/console/health/jobs"
READ, WRITE = "health:read", "health:write"

# What the worker's tasks are called; a code in a log or an alarm is found by the line below the name.
TASK_NAMES: Final[dict[str, str]] = {
    "commerce.tasks.forget_device_codes": mark("Forget old device codes"),
    "commerce.tasks.roll_up_sales": mark("Add up sales"),
    "engagement.channels.tasks.forget_old_messages": mark("Forget old messages"),
    "loyalty.tasks.book_expiries": mark("Book points that ran out"),
    "loyalty.tasks.book_hold_ends": mark("Book holds that timed out"),
    "loyalty.tasks.book_policy_arrivals": mark("Book what new policies do to tiers"),
    "loyalty.tasks.book_tier_reviews": mark("Review tiers"),
    "loyalty.tasks.close_months": mark("Close the books of months"),
    "loyalty.tasks.forget_previews": mark("Forget old previews of policies"),
    "loyalty.tasks.roll_up_books": mark("Add up points"),
    "members.tasks.forget_card_codes": mark("Forget used card codes"),
    "members.tasks.forget_consent_letters": mark("Forget letters that asked for a consent"),
    "members.tasks.forget_member_sessions": mark("Forget ended sign-ins of members"),
    "members.tasks.roll_up_sign_ups": mark("Add up new members"),
    "platform.auth.tasks.forget_attempts": mark("Forget old sign-in attempts"),
    "platform.auth.tasks.forget_staff_sessions": mark("Forget ended sign-ins of staff"),
    "platform.bulk.tasks.end_abandoned_jobs": mark("End jobs that nobody works at any more"),
    "platform.bulk.tasks.forget_jobs": mark("Forget old jobs"),
    "platform.bulk.tasks.run_job": mark("Do a step of a job"),
    "platform.exports.tasks.delete_export_files": mark("Delete files that were exported"),
    "platform.exports.tasks.forget_exports": mark("Forget old exports"),
    "platform.imports.tasks.delete_import_files": mark("Delete files that were imported"),
    "platform.imports.tasks.forget_imports": mark("Forget old imports"),
    "platform.commit.tasks.forget_old_answers": mark("Forget answers kept for repetition"),
    "platform.commit.tasks.forget_old_refusals": mark("Forget refusals kept to be explained"),
    "platform.health.tasks.forget_ended_jobs": mark("Forget old jobs that failed"),
    "platform.health.tasks.forget_schedule_runs": mark("Forget when schedules ran"),
    "platform.outbox.tasks.forget_events": mark("Forget old events"),
    "platform.outbox.tasks.forget_handled": mark("Forget marks of handled events"),
    "platform.reports.tasks.end_abandoned_reports": mark("End reports that nobody computes any more"),
    "platform.reports.tasks.compute_report": mark("Compute a report"),
    "platform.reports.tasks.forget_reports": mark("Forget old reports"),
    "platform.webhooks.tasks.forget_old_deliveries": mark("Forget old deliveries of webhooks"),
}

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
            [
                _named(one.task, page.language),
                Quiet(page.formats.ago(one.next_at, now), page.formats.moment(one.next_at)),
            ]
            for one in schedules(now)
        ]
        return kit.render(
            request,
            "console/health_jobs.html",
            status=status,
            form=form,
            planned=planned,
            failed=[[_named(one.task, page.language), one.last_at, one.jobs] for one in failed],
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


def _named(task: str, language: str) -> Cell:
    name = TASK_NAMES.get(task)
    return task if name is None else Quiet(in_language(name, language), task)
