"""Imports in the console: a file from the browser, part by part; what is known of it; tried, imported, discarded.

Rows of a file are shown to whoever sent it and to nobody else: another's import is as one that is not there.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from msgspec import Meta

from regulars.platform.auth.staff.contracts import Viewer
from regulars.platform.bulk import service as jobs
from regulars.platform.bulk.contracts import JOB_PREFIX, Job
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.tasks import run_job
from regulars.platform.errors import DomainError
from regulars.platform.http.asked import asked
from regulars.platform.ids import public_id
from regulars.platform.imports import service
from regulars.platform.imports.contracts import PART_BYTES, Format, Import, Mapped, Mode, Part
from regulars.platform.imports.errors import FileTooLarge, FormatUnknown, ImportKindUnknown
from regulars.platform.imports.files import ImportFiles
from regulars.platform.imports.glancing import shown, tried, veiled
from regulars.platform.imports.routes import number_in
from regulars.web.console.account import who
from regulars.web.console.import_mapping import mapping_pages
from regulars.web.console.import_words import FIELDS
from regulars.web.console.importing import (
    ALSO_NEEDED,
    IMPORTS,
    JOBS_READ,
    ONE,
    WRITE,
    House,
    note,
    path_of,
)
from regulars.web.console.job_words import ROWS, STATES, job_path, why_failed
from regulars.web.console.jobs import DATA, refused_rows
from regulars.web.kit.cells import Badge, Cell, Link, Quiet
from regulars.web.kit.forms import ALREADY, Form, blank_form, form_values, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

NEW: Final = f"{IMPORTS}/new"
MOST_BYTES: Final = 1_000_000_000  # of a file from a browser; the command line has no such limit
ENDINGS: Final[dict[str, Format]] = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "parquet": "parquet"
}  # fmt: skip
_HELP: Final[dict[str, str]] = {
    "members": mark("Sign-ups: a phone number, an address or a card, and when. Who is there already stays as is."),
    "consents": mark("What members agreed to or took back: for what, by which channel, when, and with which words."),
    "orders": mark("Orders, or lines of them: rows that follow each other with the same id are one order."),
    "accruals": mark("Points that members get: opening balances, or those of a partner."),
}
_SHOWN_ROWS: Final = 20
_SHOWN_REFUSED: Final = 20
_ARRIVES: Final = Badge(mark("File not complete"), "warning")
_WAITS: Final = Badge(mark("To be mapped"), "warning")
_FINE, _REFUSED = mark("Fine"), mark("Refused")
_TRIED: Final = Badge(mark("File checked"), "info")

AnyRequest = Request[Any, Any, Any]


class NewImport(msgspec.Struct):
    """What is to be imported. The file comes along, or part by part afterwards."""

    kind: Annotated[str, Meta(max_length=32)]
    name: Annotated[str, Meta(max_length=200)]


def import_pages(kit: Kit) -> Pages:
    """Return the pages of imports."""
    house = House(kit, ImportFiles(kit.services.settings.home, kit.services.vault.pepper))
    handlers = [_all(kit), *_begin(house), _part(house), _one(house), *_acts(house), *mapping_pages(house)]
    entry = Entry(IMPORTS, mark("Imports"), icon="file-import", permission=WRITE)
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(DATA, (entry,))])


# --- the list ---


def _state(one: Import, job: Job | None) -> Badge:
    if job is None:
        return _WAITS if one.arrived else _ARRIVES
    return _TRIED if one.dry_run and job.state == "done" else STATES[job.state]


def _counted(job: Job | None, what: str) -> Cell:
    return None if job is None else job.counts.get(what)


def _link(row: tuple[Import, Job | None]) -> Link:
    one = row[0]
    return Link(one.name or public_id(JOB_PREFIX, one.job_id), path_of(one.job_id))


_LISTING: Final = Listing(
    name="imports",
    columns=(
        Column("name", mark("File"), _link),
        Column("kind", mark("Rows"), lambda row: Badge(ROWS[row[0].kind]), minor=True),
        Column("state", mark("State"), lambda row: _state(*row)),
        Column("rows", mark("Rows read"), lambda row: _counted(row[1], "rows"), minor=True),
        Column("refused", mark("Refused"), lambda row: _counted(row[1], "refused"), minor=True),
        Column("begun", mark("Begun"), lambda row: row[0].begun_at, minor=True),
    ),
    filters=(Choice("kind", mark("Rows"), tuple(ROWS.items())),),
    empty=mark("You have imported nothing in the last seven days."),
)


def _all(kit: Kit) -> Any:  # noqa: ANN401 - a route handler
    @get(IMPORTS, guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def imports(request: AnyRequest) -> Response[Any]:
        me = who(request).actor

        async def fetch(wanted: Wanted) -> Slice:
            before = None if wanted.after is None else job_id_in(wanted.after)
            async with wanted.reading() as tx:
                found = await service.list_imports(
                    tx, by=me, kind=wanted.filters.get("kind"), before=before, limit=wanted.limit + 1
                )
                rows = found[: wanted.limit]
                known = await jobs.find_jobs(tx, [one.job_id for one in rows])
            after = public_id(JOB_PREFIX, rows[-1].job_id) if len(found) > wanted.limit else None
            return Slice([(one, known.get(one.job_id)) for one in rows], after=after)

        return await kit.listing(request, "console/imports.html", _LISTING, fetch, new=NEW)

    return imports


# --- a file ---


def _offered(kit: Kit, viewer: Viewer) -> list[str]:
    """Return the kinds of rows that somebody may import."""
    return [name for name in kit.imports if name not in ALSO_NEEDED or viewer.may(ALSO_NEEDED[name])]


def _format_of(name: str) -> Format | None:
    return ENDINGS.get(name.rpartition(".")[2].lower())


def _begin(house: House) -> list[Any]:
    kit = house.kit

    def blank(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        return kit.render(
            request,
            "console/import_new.html",
            status=status,
            form=form,
            kinds=[
                (name, in_language(ROWS[name], form.language), in_language(_HELP[name], form.language))
                for name in _offered(kit, who(request))
            ],
            limit=MOST_BYTES,
            part_bytes=_part_bytes(kit),
            endings=",".join(f".{ending}" for ending in ENDINGS),
        )

    @get(NEW, guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def new(request: AnyRequest) -> Response[bytes]:
        return blank(request, blank_form(kit.page(request).language, kind="members"))

    @post(IMPORTS, guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def begin(request: AnyRequest) -> Response[Any]:
        sent = await request.form()
        file = sent.get("file")
        by_script = "application/json" in request.headers.get("accept", "")
        language = kit.page(request).language
        kind, name = str(sent.get("kind", "")), str(sent.get("name", ""))
        content = await file.read() if isinstance(file, UploadFile) else b""
        if isinstance(file, UploadFile):
            name = file.filename
        form: Form[Any] = Form(language, {"kind": kind, "file": "", "format": "", "name": name})
        try:
            one = await _begun(house, request, kind, name, content)
        except DomainError as error:
            if by_script:
                return Response({"problem": told(error, language)}, status_code=error.status)
            return blank(request, form.refused(error), error.status)
        if by_script:
            return Response({"path": path_of(one.job_id)}, status_code=201)
        return kit.see(path_of(one.job_id))

    return [new, begin]


async def _begun(house: House, request: AnyRequest, kind: str, name: str, content: bytes) -> Import:
    offered = _offered(house.kit, who(request))
    if kind not in offered:
        raise ImportKindUnknown(pointer="/kind", kind=kind, kinds=", ".join(offered))
    form = _format_of(name)
    if form is None:
        raise FormatUnknown(pointer="/file", endings=", ".join(f".{ending}" for ending in ENDINGS))
    actor = who(request).actor
    async with house.kit.services.database.transaction(actor=actor) as tx:
        one = await service.begin(
            tx,
            house.kit.imports[kind],
            form=form,
            mapping=Mapped(),
            mode="rest",
            dry_run=True,
            name=name[:200],
            by=actor,
        )
        note(tx, "begin_import", one)
        if content:
            one = await service.put_part(tx, house.files, one.job_id, 1, content, by=actor)
    return one


def _part_bytes(kit: Kit) -> int:
    return min(PART_BYTES, kit.services.settings.body_limit_bytes)


def _part(house: House) -> Any:  # noqa: ANN401 - a route handler
    kit = house.kit

    @post(f"{ONE}/parts/{{part_no:str}}", guards=[kit.guards.staff(JOBS_READ, WRITE)], status_code=204)
    async def part(request: AnyRequest, import_id: FromPath[str], part_no: FromPath[str]) -> None:
        number, actor = number_in(part_no), who(request).actor
        if number > -(-MOST_BYTES // _part_bytes(kit)):
            raise FileTooLarge(limit_bytes=MOST_BYTES)
        async with kit.services.database.transaction(actor=actor) as tx:
            await service.put_part(tx, house.files, job_id_in(import_id), number, asked(request.scope).body, by=actor)

    return part


# --- one import, as far as it is ---


def _one(house: House) -> Any:  # noqa: ANN401 - a route handler
    kit = house.kit

    @get(ONE, guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def shown_import(request: AnyRequest, import_id: FromPath[str]) -> Response[bytes]:
        page, actor = kit.page(request), who(request).actor
        async with kit.services.database.transaction() as tx:
            one = await service.read_import(tx, job_id_in(import_id), by=actor)
            parts = await service.parts_of(tx, one.job_id)
            job = (await jobs.find_jobs(tx, [one.job_id])).get(one.job_id)
            refused = await service.problems(tx, house.files, one.job_id, after=0, limit=_SHOWN_REFUSED)
        missing = service.missing_part(parts)
        if missing or not parts:
            return kit.render(
                request,
                "console/import_file.html",
                page=page,
                one=one,
                path=path_of(one.job_id),
                missing=missing,
                parts=parts[-1].part_no if parts else 0,
                last_bytes=parts[-1].bytes if parts else 0,
                limit=MOST_BYTES,
                part_bytes=_part_bytes(kit),
            )
        if job is None:
            return kit.see(f"{path_of(one.job_id)}/mapping")
        why = refused_rows(refused, page.language)
        headings, read = await _as_read(house, one, parts, page.language, why) if one.dry_run else ([], [])
        return kit.render(
            request,
            "console/import.html",
            page=page,
            one=one,
            job=job,
            path=path_of(one.job_id),
            job_path=job_path(one.job_id),
            failure=why_failed(job, page.language),
            counts={"imported": 0, "known": 0, "refused": 0, "rows": 0} | job.counts,
            refused=why,
            headings=headings,
            read=read,
        )

    return shown_import


async def _as_read(
    house: House, one: Import, parts: Sequence[Part], language: str, why: Sequence[Sequence[Cell]]
) -> tuple[list[str], list[list[Cell]]]:
    """Return the first rows as the mapping has them read: headings, and cells; by what people are found, in part."""
    kind = house.kind_of(one)
    try:
        found = await house.glance(one, parts, one.mapping)
    except DomainError:  # the job says why
        return [], []
    now = house.kit.services.database.clock.now()
    records = [tried(kind, record, now) for record in found.records[:_SHOWN_ROWS]]
    refused, by_check = in_language(_REFUSED, language), {row[0]: str(row[-1]) for row in why}
    used = list(dict.fromkeys(name for record in records for name in record.values))
    headings = [
        in_language(mark("Line"), language),
        in_language(mark("What comes of it"), language),
        *[in_language(FIELDS[name], language) for name in used],
    ]
    rows: list[list[Cell]] = [
        [
            record.line,
            _fate(refused, record.problem.said(language) if record.problem else by_check.get(record.line, "")),
            *[
                veiled(shown(record.values[name]), personal=kind.fields[name].personal)
                if name in record.values
                else None
                for name in used
            ],
        ]
        for record in records
    ]
    return headings, rows


def _fate(refused: str, because: str) -> Cell:
    return Quiet(refused, because) if because else Badge(_FINE, "success")


def _acts(house: House) -> list[Any]:
    kit = house.kit

    @post(f"{ONE}/start", guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def start(request: AnyRequest, import_id: FromPath[str]) -> Response[bytes]:
        actor, job_id = who(request).actor, job_id_in(import_id)
        sent = sent_form(request, actor)
        mode: Mode = "all" if form_values(request).get("mode") == "all" else "rest"
        async with kit.services.database.transaction(actor=actor) as tx:
            if (led := await sent.led_to(tx)) is not None:
                return kit.see(led, Notice(ALREADY))
            one = await service.read_import(tx, job_id, by=actor)
            house.require(who(request), one)
            kind, mapping = house.kind_of(one), one.mapping
            one = await service.settle(
                tx, kind, job_id, mapping=mapping, mode=mode, dry_run=False, by=actor, task=run_job
            )
            note(tx, "start_import", one)
            await sent.leads_to(tx, path_of(job_id))
        return kit.see(path_of(job_id))

    @post(f"{ONE}/discard", guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def discard(request: AnyRequest, import_id: FromPath[str]) -> Response[bytes]:
        actor, job_id = who(request).actor, job_id_in(import_id)
        async with kit.services.database.transaction(actor=actor) as tx:
            one = await service.read_import(tx, job_id, by=actor)
            note(tx, "discard_import", one)
            await service.discard(tx, house.files, job_id, by=actor)
        return kit.see(IMPORTS, Notice(mark("The file is deleted. What was imported of it stays.")))

    return [start, discard]
