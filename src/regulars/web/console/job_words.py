"""Jobs in words: what each kind is, what its jobs are called, what their figures are, and where results lie.

Whatever becomes a kind of jobs has an entry here; one that has none is shown by its bare name.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from regulars.platform.auth.staff.contracts import Viewer
from regulars.platform.bulk.contracts import JOB_PREFIX, Job, State
from regulars.platform.bulk.schemas import refusal_of
from regulars.platform.db.transaction import Transaction
from regulars.platform.exports import service as exports
from regulars.platform.exports.contracts import EXPORT
from regulars.platform.ids import public_id
from regulars.platform.imports import service as imports
from regulars.platform.imports.contracts import IMPORT, Import
from regulars.web.console.export_words import TABLES
from regulars.web.kit.cells import Badge
from regulars.web.kit.formats import Formats
from regulars.web.kit.texts import in_language, mark

JOBS: Final = "/console/jobs"
STATES: Final[dict[State, Badge]] = {
    "queued": Badge(mark("Waits"), "neutral"),
    "running": Badge(mark("Runs"), "info"),
    "done": Badge(mark("Done"), "success"),
    "failed": Badge(mark("Failed"), "error"),
    "cancelled": Badge(mark("Stopped"), "warning"),
}
ROWS: Final[dict[str, str]] = {
    "members": mark("Members"),
    "orders": mark("Orders"),
    "consents": mark("Consents"),
    "accruals": mark("Points"),
}


class About(NamedTuple):
    """What a job is about: marked texts, the name that somebody gave to it or "", and whether it only tries."""

    what: Sequence[str]
    name: str = ""
    tries: bool = False


Titles = Mapping[UUID, About]


@dataclass(frozen=True, slots=True)
class JobWords:
    """How jobs of one kind are told of; `label` and those of `counts` are marked texts.

    `titles` reads what some jobs are about. `page` is where what came of it is shown, and `opens` says so, to who asked
    for it and has the permission `needs`; to others who have `of_others`, if that is given. `refused`: rows that were
    refused are kept, as a file to be taken.
    """

    label: str
    counts: Mapping[str, str]
    titles: Callable[[Transaction, Sequence[UUID]], Awaitable[Titles]]
    page: str
    opens: str
    needs: str
    of_others: str = ""
    refused: bool = False


async def _imports_called(tx: Transaction, job_ids: Sequence[UUID]) -> Titles:
    found = await imports.named(tx, job_ids)
    return {one.job_id: About([*_checked(one), ROWS.get(one.kind, one.kind)], one.name, one.dry_run) for one in found}


def _checked(one: Import) -> list[str]:
    return [mark("Check")] if one.dry_run else []


async def _exports_called(tx: Transaction, job_ids: Sequence[UUID]) -> Titles:
    found = await exports.named(tx, job_ids)
    return {one.job_id: About([TABLES.get(one.kind, one.kind)]) for one in found}


JOB_WORDS: Final[dict[str, JobWords]] = {
    IMPORT: JobWords(
        label=mark("Import"),
        counts={
            "rows": mark("Rows read"),
            "imported": mark("Imported"),
            "known": mark("There already"),
            "refused": mark("Refused"),
        },
        titles=_imports_called,
        page="/console/imports",
        opens=mark("Open the import"),
        needs="imports:write",
        refused=True,
    ),
    EXPORT: JobWords(
        label=mark("Table export"),
        counts={"rows": mark("Rows written")},
        titles=_exports_called,
        page="/console/exports",
        opens=mark("Open the export"),
        needs="exports:write",
        of_others="jobs:write",
    ),
}
# What a check says of rows instead of what an import says.
_WOULD: Final = {"imported": mark("Would be imported"), "refused": mark("Would be refused")}


def job_path(job_id: UUID) -> str:
    """Return where one job is shown."""
    return f"{JOBS}/{public_id(JOB_PREFIX, job_id)}"


async def titles_of(tx: Transaction, jobs: Sequence[Job]) -> Titles:
    """Return what jobs are about, those that are known; asked once for each kind among them."""
    found: dict[UUID, About] = {}
    for kind, words in JOB_WORDS.items():
        if ids := [job.job_id for job in jobs if job.kind == kind]:
            found |= await words.titles(tx, ids)
    return found


def title_of(job: Job, titles: Titles, language: str) -> str:
    """Return what a job is called: its kind, and what it is about."""
    words = JOB_WORDS.get(job.kind)
    kind = job.kind if words is None else in_language(words.label, language)
    about = titles.get(job.job_id, About(()))
    told = [kind, *[in_language(part, language) for part in about.what], about.name]
    return " · ".join([part for part in told if part])


def page_of(job: Job, titles: Titles, viewer: Viewer) -> tuple[str, str] | None:
    """Return where somebody sees what came of a job: a marked text and a path; None where it is not shown to them."""
    words = JOB_WORDS.get(job.kind)
    if words is None or job.job_id not in titles or not viewer.may(words.needs):
        return None
    is_theirs = job.asked_by == viewer.actor or (words.of_others != "" and viewer.may(words.of_others))
    return (words.opens, f"{words.page}/{public_id(JOB_PREFIX, job.job_id)}") if is_theirs else None


def counted(job: Job, titles: Titles) -> list[tuple[str, int]]:
    """Return the figures of a job: marked texts and numbers. One that only tries says what would be."""
    words = JOB_WORDS.get(job.kind)
    labels = {} if words is None else words.counts
    tries = titles.get(job.job_id, About(())).tries
    return [
        (_WOULD.get(name, label) if tries else label, job.counts[name])
        for name, label in labels.items()
        if name in job.counts
    ]


def came_of_it(job: Job, titles: Titles, formats: Formats) -> str:
    """Return what a job did in a few words: how much, and what was refused."""
    if job.is_open:
        return formats.share(job.done / job.all_of_it) if job.all_of_it else ""
    told = [
        f"{in_language(label, formats.language)} {formats.number(count)}"
        for label, count in counted(job, titles)
        if count
    ]
    return ", ".join(told)


def why_failed(job: Job, language: str) -> str:
    """Return why a job failed, with the remedy; empty for one that did not."""
    return "" if job.failure is None else refusal_of(job.failure.code, job.failure.data).said(language)
