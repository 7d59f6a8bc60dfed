"""Jobs in words: what each kind is, what its jobs are called, what their figures are, and where results lie.

Whatever becomes a kind of jobs has an entry here; one that has none is shown by its bare name.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from regulars.platform.bulk.contracts import JOB_PREFIX, Job, State
from regulars.platform.bulk.schemas import refusal_of
from regulars.platform.db.transaction import Transaction
from regulars.platform.exports import service as exports
from regulars.platform.exports.contracts import EXPORT
from regulars.platform.ids import public_id
from regulars.platform.imports import service as imports
from regulars.platform.imports.contracts import IMPORT
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

Titles = Mapping[UUID, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class JobWords:
    """How jobs of one kind are told of; `label` and those of `counts` are marked texts.

    `titles` reads what some jobs are about: a marked text and a name that somebody gave, or "". `refused`: rows that
    were refused are kept, as a file to be taken. `results` gives pairs of marked text and path, of a job that is done.
    """

    label: str
    counts: Mapping[str, str]
    titles: Callable[[Transaction, Sequence[UUID]], Awaitable[Titles]]
    refused: bool = False
    results: Callable[[Job], Sequence[tuple[str, str]]] = lambda _: ()


async def _imports_called(tx: Transaction, job_ids: Sequence[UUID]) -> Titles:
    found = await imports.named(tx, job_ids)
    return {one.job_id: (ROWS.get(one.kind, one.kind), one.name) for one in found}


async def _exports_called(tx: Transaction, job_ids: Sequence[UUID]) -> Titles:
    return {one.job_id: ("", one.kind) for one in await exports.named(tx, job_ids)}


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
        refused=True,
    ),
    EXPORT: JobWords(label=mark("Table export"), counts={"rows": mark("Rows written")}, titles=_exports_called),
}


def job_path(job_id: UUID) -> str:
    """Return where one job is shown."""
    return f"{JOBS}/{public_id(JOB_PREFIX, job_id)}"


async def titles_of(tx: Transaction, jobs: Sequence[Job]) -> Titles:
    """Return what jobs are about, those that are known; asked once for each kind among them."""
    found: dict[UUID, tuple[str, str]] = {}
    for kind, words in JOB_WORDS.items():
        if ids := [job.job_id for job in jobs if job.kind == kind]:
            found |= await words.titles(tx, ids)
    return found


def title_of(job: Job, titles: Titles, language: str) -> str:
    """Return what a job is called: its kind, and what it is about."""
    words = JOB_WORDS.get(job.kind)
    kind = job.kind if words is None else in_language(words.label, language)
    about, name = titles.get(job.job_id, ("", ""))
    return " · ".join([part for part in (kind, in_language(about, language) if about else "", name) if part])


def came_of_it(job: Job, formats: Formats) -> str:
    """Return what a job did in a few words: how much, and what was refused."""
    if job.is_open:
        return formats.share(job.done / job.all_of_it) if job.all_of_it else ""
    words = JOB_WORDS.get(job.kind)
    labels = {} if words is None else words.counts
    told = [
        f"{in_language(label, formats.language)} {formats.number(job.counts[name])}"
        for name, label in labels.items()
        if job.counts.get(name)
    ]
    return ", ".join(told)


def why_failed(job: Job, language: str) -> str:
    """Return why a job failed, with the remedy; empty for one that did not."""
    return "" if job.failure is None else refusal_of(job.failure.code, job.failure.data).said(language)
