"""What is done in the background: the list, one job as it goes on, stopped or let go on, and the rows it refused."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.bulk import service
from regulars.platform.bulk.contracts import Job, ListWanted
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.schemas import refusal_of
from regulars.platform.bulk.tasks import run_job
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import Conflict, NotFound
from regulars.platform.imports import service as imports
from regulars.platform.imports.contracts import RowProblem
from regulars.platform.imports.files import ImportFiles
from regulars.platform.imports.routes import errors_as_csv
from regulars.platform.imports.schemas import HIDDEN, masked
from regulars.platform.places import read_place, write_place
from regulars.platform.texts import in_figures, say
from regulars.web.console.account import who
from regulars.web.console.actors import names_of
from regulars.web.console.job_words import (
    JOB_WORDS,
    JOBS,
    STATES,
    Titles,
    came_of_it,
    counted,
    job_path,
    page_of,
    title_of,
    titles_of,
    why_failed,
)
from regulars.web.console.member_privacy import who as named
from regulars.web.console.revealing import PERSONAL, Looks, Purpose
from regulars.web.kit.cells import Cell, Code, Link
from regulars.web.kit.formats import Formats
from regulars.web.kit.forms import Form, blank_form, form_values, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import noted
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind, local_path

ONE: Final = f"{JOBS}/{{job_id:str}}"
READ, WRITE = "jobs:read", "jobs:write"
DATA: Final = mark("Data")  # the group in the navigation: what comes in, what goes out, and how far it is
_FEW: Final = 20

AnyRequest = Request[Any, Any, Any]


def job_pages(kit: Kit) -> Pages:
    """Return the pages of jobs."""
    handlers = [_all(kit), *_one(kit), *_changes(kit)]
    entry = Entry(JOBS, mark("Jobs"), icon="activity", permission=READ)
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(DATA, (entry,))])


def _listing(told: "_Told") -> Listing:
    return Listing(
        name="jobs",
        columns=(
            Column("job", mark("Job"), told.link),
            Column("state", mark("State"), lambda job: STATES[job.state]),
            Column("came", mark("How far, and what came of it"), told.came, wraps=True),
            Column("by", mark("Asked for by"), lambda job: told.who(job.asked_by), minor=True),
            Column("asked", mark("Asked for"), lambda job: job.asked_at, wide=True),
            Column("ended", mark("Ended"), lambda job: job.ended_at, wide=True),
        ),
        filters=(
            Choice("kind", mark("Kind"), tuple((kind, words.label) for kind, words in JOB_WORDS.items())),
            Choice("state", mark("State"), tuple((state, badge.label) for state, badge in STATES.items())),
            Choice("by", mark("Asked for by"), (("me", mark("Me")),)),
        ),
        empty=mark("No jobs yet."),
    )


class _Told:
    """What the list says beside its rows; filled as they are read."""

    def __init__(self, formats: Formats, *, see_staff: bool) -> None:
        self.formats = formats
        self.language = formats.language
        self.titles: Titles = {}
        self._names: dict[str, str] = {}
        self._see_staff = see_staff

    async def read(self, tx: Transaction, jobs: list[Job]) -> None:
        self.titles = await titles_of(tx, jobs)
        self._names = await names_of(tx, [job.asked_by for job in jobs], self.language)

    def link(self, job: Job) -> Cell:
        return Link(title_of(job, self.titles, self.language), job_path(job.job_id))

    def came(self, job: Job) -> Cell:
        return came_of_it(job, self.titles, self.formats)

    def who(self, actor: str) -> Cell:
        return named(actor, self._names, see_staff=self._see_staff)


def _fetch(told: _Told, me: str) -> Callable[[Wanted], Awaitable[Slice]]:
    async def fetch(wanted: Wanted) -> Slice:
        chosen = ListWanted(
            asked_by=me if wanted.filters.get("by") else None,
            kind=wanted.filters.get("kind"),
            state=wanted.filters.get("state"),  # type: ignore[arg-type]  # one of its options
            before=read_place(wanted.after),
            limit=wanted.limit + 1,
        )
        async with wanted.reading() as tx:
            found = await service.list_jobs(tx, chosen)
            rows = found[: wanted.limit]
            await told.read(tx, rows)
        after = write_place(rows[-1].asked_at, rows[-1].job_id) if len(found) > wanted.limit else None
        return Slice(rows, after=after)

    return fetch


def _all(kit: Kit) -> Any:  # noqa: ANN401 - a route handler
    @get(JOBS, guards=[kit.guards.staff(READ)])
    async def jobs(request: AnyRequest) -> Response[Any]:
        viewer = who(request)
        told = _Told(kit.page(request).formats, see_staff=viewer.may("staff:read"))
        return await kit.listing(request, "console/jobs.html", _listing(told), _fetch(told, viewer.actor))

    return jobs


def _facts(job: Job, asked_by: Cell, language: str) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("State"), STATES[job.state]),
        (mark("Asked for by"), asked_by),
        (mark("Asked for"), job.asked_at),
        (mark("Began"), job.began_at),
        (mark("Ended"), job.ended_at),
        (mark("Id"), Code(job_path(job.job_id).rpartition("/")[2])),
    ]
    return [(in_language(label, language), value) for label, value in told]


def refused_rows(found: Sequence[RowProblem], language: str, *, clear: bool = False) -> list[list[Cell]]:
    """Return why rows were refused, as a table has it; what stood in them only where it is to be `clear`.

    Values of personal fields were never kept; those of others may be somebody's, in a shifted column.
    """
    return [
        [
            one.line,
            one.column or None,
            HIDDEN if one.value is None else one.value,
            say(refusal_of(one.code, one.data).message, language, **one.data),
        ]
        for one in (found if clear else map(masked, found))
    ]


def _one(kit: Kit) -> list[Any]:
    looks = Looks(kit, JOBS)

    async def show(request: AnyRequest, job_id: str, form: Form[Any], *, status: int = 200) -> Response[bytes]:
        page, viewer = kit.page(request), who(request)
        look = looks.at(request, job_id_in(job_id))  # it was logged when it began
        async with kit.services.database.transaction() as tx:
            found = await service.read_job(tx, job_id_in(job_id), by=None)
            words = JOB_WORDS.get(found.kind)
            titles = await titles_of(tx, [found])
            names = await names_of(tx, [found.asked_by], page.language)
            refused: list[RowProblem] = []
            if words is not None and words.refused and found.counts.get("refused"):
                files = ImportFiles(kit.services.settings.home, kit.services.vault.pepper)
                refused = await imports.problems(tx, files, found.job_id, after=0, limit=_FEW)
        asked_by = named(found.asked_by, names, see_staff=viewer.may("staff:read"))
        return kit.render(
            request,
            "console/job.html",
            page=page,
            status=status,
            form=form,
            look=look,
            may_reveal=bool(refused) and look is None and viewer.may(PERSONAL),
            job=found,
            title=title_of(found, titles, page.language),
            counts=counted(found, titles),
            facts=_facts(found, asked_by, page.language),
            failure=why_failed(found, page.language),
            refused=refused_rows(refused, page.language, clear=look is not None),
            opens=page_of(found, titles, viewer),
            may_act=viewer.may(WRITE) or found.asked_by == viewer.actor,
            path=job_path(found.job_id),
        )

    @get(ONE, guards=[kit.guards.staff(READ)])
    async def job(request: AnyRequest, job_id: FromPath[str]) -> Response[bytes]:
        return await show(request, job_id, blank_form(kit.page(request).language))

    @post(f"{ONE}/reveal", guards=[kit.guards.staff(READ, PERSONAL)])
    async def reveal(request: AnyRequest, job_id: FromPath[str]) -> Response[bytes]:
        """Log one look at what stood in refused rows, and let the page and the file show it for some minutes."""
        form, one = read_form(request, Purpose, kit.page(request).language), job_id_in(job_id)
        if form.value is None:
            return await show(request, job_id, form, status=422)
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            found = await _with_refused(tx, one)
            _note(tx, "read_personal_data", job_id, _rows(found), reason=form.value.purpose)
        return kit.see(job_path(one), cookies=[looks.cookie(request, one, form.value.purpose)])

    @post(f"{ONE}/hide", guards=[kit.guards.staff(READ, PERSONAL)])
    async def hide(job_id: FromPath[str]) -> Response[bytes]:
        return kit.see(job_path(job_id_in(job_id)), cookies=[looks.hidden()])

    return [job, reveal, hide, _refused(kit, looks)]


def _refused(kit: Kit, looks: Looks) -> Any:  # noqa: ANN401 - a route handler
    @get(f"{ONE}/refused", guards=[kit.guards.staff(READ)])
    async def refused(request: AnyRequest, job_id: FromPath[str]) -> Stream:
        """Give them as a file, with what stood in them where that is revealed."""
        one, viewer = job_id_in(job_id), who(request)
        look = looks.at(request, one)
        async with kit.services.database.transaction(actor=viewer.actor) as tx:
            found = await _with_refused(tx, one)
            _note(tx, "take_refused_rows", job_id, _rows(found), reason="" if look is None else look.purpose)
        return Stream(
            errors_as_csv(kit.services, one, kit.page(request).language, clear=look is not None),
            media_type="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="{job_id}-refused.csv"',
                "Cache-Control": "no-store",
            },
        )

    return refused


async def _with_refused(tx: Transaction, job_id: UUID) -> Job:
    """Return a job of a kind that keeps why rows were refused. Raises NotFound."""
    found = await service.read_job(tx, job_id, by=None)
    words = JOB_WORDS.get(found.kind)
    if words is None or not words.refused:
        raise NotFound
    return found


def _rows(job: Job) -> str:
    return f"{job.counts.get('refused', 0)} rows"


def _note(tx: Transaction, action: str, subject: str, detail: str = "", *, reason: str = "") -> None:
    entry = AuditEntry(
        actor=tx.actor, action=action, subject=subject, request_id=tx.request_id, detail=detail, reason=reason
    )
    tx.audit(entry)


Act = Callable[[Transaction, UUID, str | None], Awaitable[Job]]


def _changes(kit: Kit) -> list[Any]:
    async def changed(request: AnyRequest, public: str, action: str, act: Act, said: str) -> Response[bytes]:
        """Do something with a job: with one's own, or with any for who may; what cannot be done is said there."""
        viewer, one = who(request), job_id_in(public)
        notice = Notice(said)
        try:
            async with kit.services.database.transaction(actor=viewer.actor) as tx:
                await act(tx, one, None if viewer.may(WRITE) else viewer.actor)
                _note(tx, action, public)
        except Conflict as error:
            notice = Notice(noted(error).message, "error", values=in_figures(error.data))
        return kit.see(local_path(form_values(request).get("next"), job_path(one)), notice)

    async def stop(tx: Transaction, one: UUID, by: str | None) -> Job:
        return await service.cancel(tx, one, by=by, actor=tx.actor)

    async def go_on(tx: Transaction, one: UUID, by: str | None) -> Job:
        return await service.resume(tx, run_job, one, by=by)

    @post(f"{ONE}/cancel", guards=[kit.guards.staff(READ)])
    async def cancel(request: AnyRequest, job_id: FromPath[str]) -> Response[bytes]:
        said = mark("The job is stopped. What it did stands; it may go on from there.")
        return await changed(request, job_id, "cancel_job", stop, said)

    @post(f"{ONE}/resume", guards=[kit.guards.staff(READ)])
    async def resume(request: AnyRequest, job_id: FromPath[str]) -> Response[bytes]:
        return await changed(request, job_id, "resume_job", go_on, mark("The job goes on from where it stopped."))

    return [cancel, resume]
