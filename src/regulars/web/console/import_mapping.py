"""How a file's columns become fields: suggested, chosen, kept as a file, taken from one; then the file is checked."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath

from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.tasks import run_job
from regulars.platform.errors import DomainError
from regulars.platform.imports import service
from regulars.platform.imports.contracts import Import, ImportKind, Mapped, Part
from regulars.platform.imports.glancing import Found, Glance, veiled
from regulars.platform.imports.mapping_files import read_mapping, write_mapping
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.service import list_markets
from regulars.web.console.account import who
from regulars.web.console.import_words import DATES, FIELDS, dates_of, suggested, with_comma
from regulars.web.console.importing import JOBS_READ, ONE, WRITE, House, note, path_of
from regulars.web.kit.forms import ALREADY, Form, blank_form, form_values, sent_form
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import in_language, mark

MAPPING: Final = f"{ONE}/mapping"
MOST_COLUMNS: Final = 150  # that a form shows; a mapping file may name any
_CHANNELS: Final = ("store", "online", "app", "partner", "social", "phone")
_STATES: Final = ("paid", "fulfilled", "placed", "open", "cancelled")
_CHOOSE: Final = mark("Choose a field for at least one column: nothing else is read.")
_TWICE: Final = mark("Two columns lead to {field}. Leave one of them out.")
_NO_NAME: Final = mark("This looks like somebody's data. The first line of the file should name its columns.")
# Names of columns are kept in the clear: where the first line is missing, what stands there must not be.
_DATA: Final = re.compile(r"@|[0-9]{6}|\d[\d ()-]{7,}\d")
_NO_NUMBER: Final = mark("Please write a whole number, in digits.")

AnyRequest = Request[Any, Any, Any]


class _Seen(msgspec.Struct, frozen=True):
    """An import with its file's parts, and the markets there are."""

    one: Import
    parts: list[Part]
    markets: list[Market]


def mapping_pages(house: House) -> list[Any]:
    """Return the page on which columns are mapped, and what is done there."""
    return [*_shown(house), *_files(house), _sent(house)]


async def _seen(house: House, request: AnyRequest, public: str) -> _Seen:
    async with house.kit.services.database.transaction() as tx:
        one = await service.read_import(tx, job_id_in(public), by=who(request).actor)
        parts = await service.parts_of(tx, one.job_id)
        return _Seen(one, parts, await list_markets(tx))


def _suggestion(kind: ImportKind, found: Glance, markets: list[Market]) -> Mapped:
    """Return the mapping that most likely fits a file."""
    columns = suggested(kind, [one.name for one in found.columns])
    market = markets[0] if markets else None
    constants: dict[str, str | int | bool] = {}
    if market is not None and "market" not in columns.values() and "market" in kind.fields:
        constants["market"] = market.code
    if _is_sold_by(kind) and "channel" not in columns.values():
        constants["channel"] = _CHANNELS[0]
    if "state" in kind.fields and "state" not in columns.values():
        constants["state"] = _STATES[0]
    if market is not None and "currency" in kind.fields and "currency" not in columns.values():
        constants["currency"] = market.currency
    return Mapped(
        columns=columns,
        constants=constants,
        dates=dates_of(kind, columns, found.columns),
        time_zone=None if market is None else market.time_zone,
        decimal="," if with_comma(kind, columns, found.columns) else ".",
        delimiter=found.delimiter,
    )


def _values(kind: ImportKind, mapping: Mapped, columns: list[Found], mode: str) -> dict[str, Any]:
    """Return a mapping as the form shows it."""
    shown: dict[str, Any] = {f"column.{at}": mapping.columns.get(one.name, "") for at, one in enumerate(columns)}
    shown |= {f"constant.{name}": mapping.constants.get(name, "") for name in kind.fields}
    shown |= {f"date.{name}": mapping.dates.get(name, "") for name in kind.fields}
    told = {"time_zone": mapping.time_zone or "", "decimal": mapping.decimal, "delimiter": mapping.delimiter}
    return shown | told | {"mode": mode}


async def _show(
    house: House,
    request: AnyRequest,
    seen: _Seen,
    *,
    mapping: Mapped | None = None,
    form: Form[Any] | None = None,
    status: int = 200,
) -> Response[bytes]:
    kit, one = house.kit, seen.one
    page, kind = kit.page(request), house.kind_of(seen.one)
    mapping = mapping or (one.mapping if one.mapping.columns else None)
    trouble, found = "", Glance([], [])
    try:
        found = await house.glance(one, seen.parts, None, "" if mapping is None else mapping.delimiter)
    except DomainError as error:
        trouble = told(error, page.language)
    if form is None:
        fits = mapping or _suggestion(kind, found, seen.markets)
        form = blank_form(page.language, **_values(kind, fits, found.columns, one.mode))
    language = page.language
    fields = [(name, in_language(FIELDS[name], language)) for name in kind.fields]
    plain = [(name, label) for name, label in fields if not kind.fields[name].personal and _is_plain(kind, name)]
    return kit.render(
        request,
        "console/import_mapping.html",
        page=page,
        status=status,
        one=one,
        path=path_of(one.job_id),
        form=form,
        trouble=trouble,
        columns=_veiled(kind, found.columns[:MOST_COLUMNS], form),
        too_many=len(found.columns) > MOST_COLUMNS,
        fields=fields,
        constants=[(name, label, _options(kind, name, seen.markets)) for name, label in plain],
        dates=[(name, label) for name, label in fields if kind.fields[name].form == "instant"],
        date_forms=DATES,
        is_csv=one.format == "csv",
        saved=bool(one.mapping.columns),
    )


def _veiled(kind: ImportKind, columns: list[Found], form: Form[Any]) -> list[Found]:
    """Return columns with what stands in them, that by which people are found in part: whoever sent it has the file."""

    def personal(at: int) -> bool:
        field = kind.fields.get(str(form.values.get(f"column.{at}", "")))
        return field is not None and field.personal

    return [
        Found(one.name, [veiled(sample, personal=personal(at)) for sample in one.samples])
        for at, one in enumerate(columns)
    ]


def _is_plain(kind: ImportKind, name: str) -> bool:
    return kind.fields[name].form in {"text", "whole"} and name not in {"order_id", "line_id", "member_id", "reference"}


def _is_sold_by(kind: ImportKind) -> bool:
    """Whether a row's channel is the way it came by; of a consent it is the way messages go."""
    return "channel" in kind.fields and "purpose" not in kind.fields


def _options(kind: ImportKind, name: str, markets: list[Market]) -> list[tuple[str, str]]:
    """Return what a field may be where that is known: pairs of value and text."""
    known = {
        "market": [one.code for one in markets],
        "channel": list(_CHANNELS) if _is_sold_by(kind) else [],
        "state": list(_STATES),
    }
    return [(one, one) for one in known.get(name, [])]


def _shown(house: House) -> list[Any]:
    kit = house.kit

    @get(MAPPING, guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def mapping(request: AnyRequest, import_id: FromPath[str]) -> Response[bytes]:
        seen = await _seen(house, request, import_id)
        if service.missing_part(seen.parts) or not seen.parts:
            return kit.see(path_of(seen.one.job_id))
        return await _show(house, request, seen)

    return [mapping]


def _files(house: House) -> list[Any]:
    kit = house.kit

    @get(f"{MAPPING}/file", guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def kept(request: AnyRequest, import_id: FromPath[str]) -> Response[str]:
        async with kit.services.database.transaction() as tx:
            one = await service.read_import(tx, job_id_in(import_id), by=who(request).actor)
        head = {"Content-Disposition": f'attachment; filename="{one.kind}.toml"', "Cache-Control": "no-store"}
        return Response(write_mapping(one.mapping), headers=head, media_type="application/toml; charset=utf-8")

    @post(f"{MAPPING}/file", guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def taken(request: AnyRequest, import_id: FromPath[str]) -> Response[bytes]:
        seen = await _seen(house, request, import_id)
        sent = (await request.form()).get("mapping")
        try:
            found = read_mapping(await sent.read() if isinstance(sent, UploadFile) else b"")
        except DomainError as error:
            form: Form[Any] = Form(kit.page(request).language, {"mapping": ""})
            said = form.refused(error).trouble
            return await _show(house, request, seen, form=await _as_it_was(house, seen, said), status=error.status)
        return await _show(house, request, seen, mapping=found)

    return [kept, taken]


async def _as_it_was(house: House, seen: _Seen, trouble: str) -> Form[Any]:
    kind = house.kind_of(seen.one)
    known = seen.one.mapping if seen.one.mapping.columns else None
    found = await house.glance(seen.one, seen.parts, None, "" if known is None else known.delimiter)
    fits = known or _suggestion(kind, found, seen.markets)
    return Form("en", _values(kind, fits, found.columns, seen.one.mode), {}, trouble)


def _read(kind: ImportKind, sent: Mapping[str, str], language: str) -> tuple[Mapped | None, Form[Any]]:
    """Read the form into a mapping; None with the form where something is wrong with it."""
    problems: dict[str, str] = {}
    columns: dict[str, str] = {}
    for at in range(MOST_COLUMNS):
        name, field = sent.get(f"name.{at}", ""), sent.get(f"column.{at}", "")
        if not name or field not in kind.fields:
            continue
        if _DATA.search(name):
            problems[f"column.{at}"] = in_language(_NO_NAME, language)
        if field in columns.values():
            problems[f"column.{at}"] = in_language(_TWICE, language).format(field=in_language(FIELDS[field], language))
        columns[name] = field
    constants: dict[str, str | int | bool] = {}
    for name in kind.fields:
        value = sent.get(f"constant.{name}", "").strip()
        if value and kind.fields[name].form == "whole" and not (value.isascii() and value.isdecimal()):
            problems[f"constant.{name}"] = in_language(_NO_NUMBER, language)
        elif value:
            constants[name] = int(value) if kind.fields[name].form == "whole" else value
    form: Form[Any] = Form(language, sent, problems, "" if columns else in_language(_CHOOSE, language))
    if problems or not columns:
        return None, form
    try:
        return msgspec.convert(_held(kind, sent, columns, constants), Mapped), form
    except msgspec.ValidationError as error:
        return None, Form(language, sent, {}, str(error))


def _held(
    kind: ImportKind, sent: Mapping[str, str], columns: dict[str, str], constants: dict[str, str | int | bool]
) -> dict[str, Any]:
    dates = {name: sent.get(f"date.{name}", "") for name in kind.fields if name in columns.values()}
    held = {"columns": columns, "constants": constants, "dates": {name: form for name, form in dates.items() if form}}
    zone = sent.get("time_zone", "").strip()
    told = {name: sent[name] for name in ("decimal", "delimiter") if sent.get(name)}
    return held | told | ({"time_zone": zone} if zone else {})


def _sent(house: House) -> Any:  # noqa: ANN401 - a route handler
    kit = house.kit

    @post(MAPPING, guards=[kit.guards.staff(JOBS_READ, WRITE)])
    async def check(request: AnyRequest, import_id: FromPath[str]) -> Response[bytes]:
        seen, sent, language = await _seen(house, request, import_id), form_values(request), kit.page(request).language
        viewer, kind = who(request), house.kind_of(seen.one)
        house.require(viewer, seen.one)
        mapping, form = _read(kind, sent, language)
        if mapping is None:
            return await _show(house, request, seen, form=form, status=422)
        only_saved, once = sent.get("act") == "save", sent_form(request, viewer.actor)
        where = path_of(seen.one.job_id) + ("/mapping" if only_saved else "")
        try:
            async with kit.services.database.transaction(actor=viewer.actor) as tx:
                if (led := await once.led_to(tx)) is not None:
                    return kit.see(led, Notice(ALREADY))
                one = await service.settle(
                    tx,
                    kind,
                    seen.one.job_id,
                    mapping=mapping,
                    mode="all" if sent.get("mode") == "all" else "rest",
                    dry_run=True,
                    by=viewer.actor,
                    task=None if only_saved else run_job,
                )
                note(tx, "map_import" if only_saved else "check_import", one)
                await once.leads_to(tx, where)
        except DomainError as error:
            return await _show(house, request, seen, form=form.refused(error), status=error.status)
        return kit.see(where, Notice(mark("The mapping is kept.")) if only_saved else None)

    return check
