"""Exports in the console: whole tables asked for, followed, taken as files of any format, and deleted.

Everybody sees the own exports; who may stop others' jobs sees all. Rows are only for who may read such rows at all, and
personal columns for who may reveal personal data and says what for, each time.
"""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.staff.contracts import Viewer
from regulars.platform.bulk import service as jobs
from regulars.platform.bulk.contracts import JOB_PREFIX, Job
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.tasks import run_job
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.exports import service
from regulars.platform.exports.contracts import Chosen, Export, Exported, ExportKind, Format, PartRows, columns_of
from regulars.platform.exports.contracts import Column as Exportable
from regulars.platform.exports.errors import ExportExpired, ExportUnderWay, ParquetNotWritten
from regulars.platform.exports.files import ExportFiles
from regulars.platform.exports.routes import streamed
from regulars.platform.exports.writing import Writer
from regulars.platform.ids import public_id
from regulars.platform.markets.service import list_markets
from regulars.platform.places import read_place, write_place
from regulars.platform.texts import in_figures
from regulars.web.console.account import who
from regulars.web.console.actors import names_of
from regulars.web.console.export_words import NEEDED, TABLES, grouped, plain, told
from regulars.web.console.job_words import STATES, job_path, why_failed
from regulars.web.console.jobs import DATA
from regulars.web.console.member_privacy import who as named
from regulars.web.console.member_words import CONSENT_CHANNELS
from regulars.web.console.words import CHANNELS, wallet_name
from regulars.web.kit.cells import Badge, Cell, Link
from regulars.web.kit.errors import PermissionNeeded
from regulars.web.kit.formats import Formats
from regulars.web.kit.forms import ALREADY, REQUIRED, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import noted
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

EXPORTS: Final = "/console/exports"
NEW: Final = f"{EXPORTS}/new"
ONE: Final = f"{EXPORTS}/{{file_id:str}}"
READ, WRITE = "jobs:read", "exports:write"
_OF_OTHERS: Final = "jobs:write"
_PERSONAL: Final = "members:personal"
_READY: Final = Badge(mark("Ready"), "success")
_GONE: Final = Badge(mark("File deleted"), "neutral")
_NO_COLUMN: Final = mark("Choose at least one column.")
_DAY: Final = timedelta(days=1)
_BY: Final = {"market": mark("Market"), "store_id": mark("Store"), "channel": mark("Channel"), "wallet": mark("Wallet")}

AnyRequest = Request[Any, Any, Any]
Purpose = Annotated[str, Meta(min_length=5, max_length=200)] | None


class NewExport(msgspec.Struct):
    """What is to be exported: with `which` "all" every column that is not personal, and of the others those chosen."""

    kind: Annotated[str, Meta(max_length=32)]
    which: str
    columns: list[Annotated[str, Meta(max_length=64)]]
    since: date | None = None
    until: date | None = None
    market: Annotated[str, Meta(max_length=16)] | None = None
    store_id: Annotated[str, Meta(max_length=64)] | None = None
    channel: Annotated[str, Meta(max_length=32)] | None = None
    wallet: Annotated[str, Meta(max_length=32)] | None = None
    purpose: Purpose = None


class Taken(msgspec.Struct):
    """How a file is taken, and what for where it has personal data."""

    format: Format
    spreadsheet: bool = False
    purpose: Purpose = None


class _PurposeMissing(Exception):
    """Personal data is to be taken, and it was not said what for."""


class House(NamedTuple):
    """What the pages of exports stand on."""

    kit: Kit
    exported: Exported
    files: ExportFiles

    def kind_of(self, name: str) -> ExportKind:
        """Return a kind of exports. Raises NotFound (404)."""
        if name not in self.exported.kinds or name not in TABLES:
            raise NotFound
        return self.exported.kinds[name]

    def columns(self, kind: ExportKind) -> dict[str, Exportable]:
        """Return every column that rows of a kind may have."""
        return columns_of(kind, self.exported.people)


def export_pages(kit: Kit) -> Pages:
    """Return the pages of exports."""
    if kit.exports is None:
        return Pages(ViewerKind.STAFF, [])
    house = House(kit, kit.exports, ExportFiles(kit.services.settings.home, kit.services.vault.pepper))
    entry = Entry(EXPORTS, mark("Exports"), icon="file-export", permission=WRITE)
    handlers = [_all(kit), *_begin(house), *_one(house), _delete(house)]
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(DATA, (entry,))])


def _whose(viewer: Viewer) -> str | None:
    return None if viewer.may(_OF_OTHERS) else viewer.actor


def _may(viewer: Viewer, kind: ExportKind, *, personal: bool = False) -> bool:
    return viewer.may(NEEDED[kind.scope]) and (not personal or viewer.may(_PERSONAL))


def _path(job_id: UUID) -> str:
    return f"{EXPORTS}/{public_id(JOB_PREFIX, job_id)}"


def _called(one: Export, language: str) -> str:
    return in_language(TABLES.get(one.kind, one.kind), language)


def _is_gone(one: Export, job: Job | None) -> bool:
    return job is None or one.expires_at <= wall_now()


def _state(one: Export, job: Job | None) -> Badge:
    if job is None or _is_gone(one, job):
        return _GONE
    return _READY if one.ended else STATES[job.state]


def _note(tx: Transaction, action: str, subject: str, *, reason: str = "", detail: str = "") -> None:
    tx.audit(
        AuditEntry(
            actor=tx.actor, action=action, subject=subject, request_id=tx.request_id, reason=reason, detail=detail
        )
    )


def _missing(form: Form[Any], name: str, why: str) -> Form[Any]:
    return Form(form.language, form.values, {**form.problems, name: in_language(why, form.language)})


# --- the list ---


def _listing(names: dict[str, str], language: str, *, see_staff: bool, sees_all: bool) -> Listing:
    return Listing(
        name="table-exports",
        columns=(
            Column("what", mark("Table"), lambda row: Link(_called(row[0], language), _path(row[0].job_id))),
            Column("state", mark("State"), lambda row: _state(*row)),
            Column("rows", mark("Rows written"), lambda row: row[0].rows, minor=True),
            Column("by", mark("Asked for by"), lambda row: named(row[0].begun_by, names, see_staff=see_staff)),
            Column("asked", mark("Asked for"), lambda row: row[0].begun_at, minor=True),
            Column("kept", mark("Kept until"), lambda row: row[0].expires_at, minor=True),
        ),
        filters=(
            Choice("kind", mark("Table"), tuple(TABLES.items())),
            *((Choice("by", mark("Asked for by"), (("me", mark("Me")),)),) if sees_all else ()),
        ),
        empty=mark("No tables have been exported in the last month."),
    )


def _all(kit: Kit) -> Any:  # noqa: ANN401 - a route handler
    @get(EXPORTS, guards=[kit.guards.staff(READ, WRITE)])
    async def table_exports(request: AnyRequest) -> Response[Any]:
        viewer, language = who(request), kit.page(request).language
        names: dict[str, str] = {}

        async def fetch(wanted: Wanted) -> Slice:
            before = read_place(wanted.after)
            async with wanted.reading() as tx:
                found = await service.list_exports(
                    tx,
                    by=viewer.actor if wanted.filters.get("by") else _whose(viewer),
                    kind=wanted.filters.get("kind"),
                    before=before,
                    limit=wanted.limit + 1,
                )
                rows = found[: wanted.limit]
                known = await jobs.find_jobs(tx, [one.job_id for one in rows])
                names.update(await names_of(tx, [one.begun_by for one in rows], language))
            after = write_place(rows[-1].begun_at, rows[-1].job_id) if len(found) > wanted.limit else None
            return Slice([(one, known.get(one.job_id)) for one in rows], after=after)

        listing = _listing(names, language, see_staff=viewer.may("staff:read"), sees_all=_whose(viewer) is None)
        return await kit.listing(request, "console/exports.html", listing, fetch, new=NEW)

    return table_exports


# --- a new one ---


def _begin(house: House) -> list[Any]:
    kit = house.kit

    def kinds(request: AnyRequest, language: str) -> Response[bytes]:
        known = house.exported.kinds
        groups = grouped([name for name in TABLES if name in known and _may(who(request), known[name])])
        offered = [
            (
                in_language(heading, language),
                [
                    (f"{NEW}?kind={name}", in_language(TABLES[name], language), plain(known[name].about, language))
                    for name in names
                ],
            )
            for heading, names in groups
        ]
        return kit.render(request, "console/export_kinds.html", groups=offered)

    async def blank(request: AnyRequest, kind: ExportKind, form: Form[Any], status: int = 200) -> Response[bytes]:
        language = form.language
        people = house.exported.people.columns if kind.member and who(request).may(_PERSONAL) else {}
        return kit.render(
            request,
            "console/export_new.html",
            status=status,
            form=form,
            kind=kind,
            title=in_language(TABLES[kind.name], language),
            about=plain(kind.about, language),
            columns=[told(name, column, language) for name, column in kind.columns.items()],
            personal=[told(name, column, language) for name, column in people.items()],
            at=kind.at.rpartition(".")[2],
            choices=await _choices(house, kind, language),
        )

    @get(NEW, guards=[kit.guards.staff(READ, WRITE)])
    async def new(request: AnyRequest) -> Response[bytes]:
        language, name = kit.page(request).language, request.query_params.get("kind", "")
        if not name:
            return kinds(request, language)
        kind = house.kind_of(name)
        if not _may(who(request), kind):
            raise PermissionNeeded
        return await blank(request, kind, blank_form(language, kind=name, which="all", columns=[]))

    @post(EXPORTS, guards=[kit.guards.staff(READ, WRITE)])
    async def begin(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, NewExport, kit.page(request).language)
        kind = house.kind_of(str(form.values["kind"]))
        form, wish = _wish(house, request, kind, form)
        if wish is None:
            return await blank(request, kind, form, 422)
        try:
            led, notice = await _begun(house, request, wish)
        except DomainError as error:
            return await blank(request, kind, form.refused(error), error.status)
        return kit.see(led, notice)

    return [new, begin]


async def _choices(house: House, kind: ExportKind, language: str) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return by what rows may be chosen beside the time: the field, its label, and pairs of value and text."""
    async with house.kit.services.database.transaction() as tx:
        markets = await list_markets(tx) if kind.market else []
        stores = await commerce.every_store(tx) if kind.store_id else []
        wallets = await loyalty.list_wallets(tx) if kind.wallet else []
    ways = (CONSENT_CHANNELS if kind.name == "consents" else CHANNELS) if kind.channel else {}
    found = [
        ("market", [(one.code, one.code) for one in markets]),
        ("store_id", [(one.store_id, one.name) for one in stores]),
        ("channel", [(str(value), in_language(text, language)) for value, text in ways.items()]),
        ("wallet", [(one.code, wallet_name(one.code, language)) for one in wallets]),
    ]
    return [(name, in_language(_BY[name], language), options) for name, options in found if options]


class Wish(NamedTuple):
    """What somebody wants exported, who may have it."""

    kind: ExportKind
    names: list[str]
    chosen: Chosen
    purpose: str


async def _begun(house: House, request: AnyRequest, wish: Wish) -> tuple[str, Notice | None]:
    """Begin an export once, however often the form is sent; return where it is shown."""
    actor = who(request).actor
    sent = sent_form(request, actor)
    columns = service.chosen_columns(wish.kind, house.exported.people, wish.names)
    async with house.kit.services.database.transaction(actor=actor) as tx:
        if (led := await sent.led_to(tx)) is not None:
            return led, Notice(ALREADY)
        job_id = await service.begin(tx, run_job, wish.kind, columns, wish.chosen, by=actor)
        detail = public_id(JOB_PREFIX, job_id)
        _note(tx, "begin_export", f"export of {wish.kind.name}", reason=wish.purpose, detail=detail)
        await sent.leads_to(tx, _path(job_id))
    return _path(job_id), None


def _wish(house: House, request: AnyRequest, kind: ExportKind, form: Form[NewExport]) -> tuple[Form[Any], Wish | None]:
    """Return what is wanted, or nothing and the form with what is wrong. Raises PermissionNeeded (403)."""
    sent = form.value
    names = [] if sent is None else _names(house, kind, sent)
    personal = any(column.is_personal for name, column in house.columns(kind).items() if name in names)
    if not _may(who(request), kind, personal=personal):
        raise PermissionNeeded
    if sent is None:
        return form, None
    if not names:
        return _missing(form, "columns", _NO_COLUMN), None
    if personal and sent.purpose is None:
        return _missing(form, "purpose", REQUIRED), None
    chosen = _chosen(sent, house.kit.page(request).formats)
    return form, Wish(kind, names, chosen, (sent.purpose or "") if personal else "")


def _names(house: House, kind: ExportKind, wish: NewExport) -> list[str]:
    """Return the columns that are wanted, in the order in which they are offered; a strange one is refused later."""
    wanted = set(wish.columns) | (set(kind.columns) if wish.which == "all" else set())
    known = house.columns(kind)
    return [name for name in known if name in wanted] + sorted(wanted - known.keys())


def _chosen(wish: NewExport, formats: Formats) -> Chosen:
    def begins(day: date) -> datetime:
        return datetime.combine(day, time(), formats.zone)

    return Chosen(
        since=None if wish.since is None else begins(wish.since),
        until=None if wish.until is None else begins(wish.until + _DAY),
        market=wish.market,
        store_id=wish.store_id,
        channel=wish.channel,
        wallet=wish.wallet,
    )


# --- one export ---


def _facts(one: Export, job: Job | None, asked_by: Cell, language: str) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("State"), _state(one, job)),
        (mark("Rows written"), one.rows),
        (mark("Asked for by"), asked_by),
        (mark("Asked for"), one.begun_at),
        (mark("As it stood"), one.as_of),
        (mark("Kept until"), one.expires_at),
        *([(mark("Rows from"), one.chosen.since)] if one.chosen.since else []),
        *([(mark("Rows before"), one.chosen.until)] if one.chosen.until else []),
        *[(_BY[name], value) for name, value in one.chosen.by().items()],
    ]
    return [(in_language(label, language), value) for label, value in told]


async def _show(
    house: House, request: AnyRequest, file_id: str, form: Form[Any] | None = None, status: int = 200
) -> Response[bytes]:
    kit = house.kit
    page, viewer = kit.page(request), who(request)
    async with kit.services.database.transaction() as tx:
        one = await service.read_export(tx, job_id_in(file_id), by=_whose(viewer))
        job = (await jobs.find_jobs(tx, [one.job_id])).get(one.job_id)
        names = await names_of(tx, [one.begun_by], page.language)
    kind = house.kind_of(one.kind)
    known = house.columns(kind)
    asked_by = named(one.begun_by, names, see_staff=viewer.may("staff:read"))
    return kit.render(
        request,
        "console/export.html",
        page=page,
        status=status,
        form=form or blank_form(page.language, format="csv", spreadsheet=True),
        one=one,
        job=job,
        title=_called(one, page.language),
        facts=_facts(one, job, asked_by, page.language),
        failure="" if job is None else why_failed(job, page.language),
        columns=[told(name, known[name], page.language) for name in one.columns if name in known],
        is_gone=_is_gone(one, job),
        may_take=_may(viewer, kind, personal=one.personal),
        path=_path(one.job_id),
        job_path=job_path(one.job_id),
    )


def _one(house: House) -> list[Any]:
    kit = house.kit

    @get(ONE, guards=[kit.guards.staff(READ, WRITE)])
    async def table_export(request: AnyRequest, file_id: FromPath[str]) -> Response[bytes]:
        return await _show(house, request, file_id)

    @post(f"{ONE}/file", guards=[kit.guards.staff(READ, WRITE)], status_code=200)
    async def take(request: AnyRequest, file_id: FromPath[str]) -> Any:  # noqa: ANN401 - a stream or a page
        """Give the file as a stream; with personal data that is logged as a look at everybody in it."""
        form, viewer = read_form(request, Taken, kit.page(request).language), who(request)
        if form.value is None:
            return await _show(house, request, file_id, form, 422)
        try:
            one, parts, writer = await _opened(house, viewer, job_id_in(file_id), form.value)
        except _PurposeMissing:
            return await _show(house, request, file_id, _missing(form, "purpose", REQUIRED), 422)
        except (ExportExpired, ExportUnderWay, ParquetNotWritten) as error:
            return await _show(house, request, file_id, form.refused(error), error.status)
        source = service.Source(house.files, kit.services.vault, house.exported.people)
        name = f"{one.kind}-{file_id[-6:]}"
        return streamed(service.file_of(source, one, parts, writer), name, form.value.format, parts)

    return [table_export, take]


async def _opened(house: House, viewer: Viewer, job_id: UUID, taken: Taken) -> tuple[Export, list[PartRows], Writer]:
    """Return what a file is written out of, and note who takes it. Raises why it cannot be taken so."""
    async with house.kit.services.database.transaction(actor=viewer.actor) as tx:
        one = await service.read_export(tx, job_id, by=_whose(viewer))
        if not _may(viewer, house.kind_of(one.kind), personal=one.personal):
            raise PermissionNeeded
        if one.personal and taken.purpose is None:
            raise _PurposeMissing
        taking = service.Taking(
            actor=viewer.actor,
            request_id=tx.request_id,
            purpose=(taken.purpose or "") if one.personal else "",
            form=taken.format,
            spreadsheet=taken.spreadsheet,
        )
        kinds, people = house.exported
        return await service.take(tx, kinds, people, one.job_id, taking, by=_whose(viewer))


def _delete(house: House) -> Any:  # noqa: ANN401 - a route handler
    kit = house.kit

    @post(f"{ONE}/delete", guards=[kit.guards.staff(READ, WRITE)])
    async def delete(request: AnyRequest, file_id: FromPath[str]) -> Response[bytes]:
        viewer, one = who(request), job_id_in(file_id)
        try:
            async with kit.services.database.transaction(actor=viewer.actor) as tx:
                await service.delete(tx, house.files, one, by=_whose(viewer))
                _note(tx, "delete_export", file_id)
        except ExportUnderWay as error:
            return kit.see(_path(one), Notice(noted(error).message, "error", values=in_figures(error.data)))
        return kit.see(EXPORTS, Notice(mark("The file is deleted. Whoever has taken it has it.")))

    return delete
