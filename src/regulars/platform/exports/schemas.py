"""What callers send and get about exports."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from regulars.platform.bulk.contracts import JOB_PREFIX
from regulars.platform.exports.contracts import Chosen, Export, ExportKind, Form, People, columns_of
from regulars.platform.ids import public_id
from regulars.platform.texts import say

Instant = Annotated[datetime, Meta(tz=True, examples=["2026-11-01T00:00:00Z"])]


class TableExportBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be exported: rows of a kind, all or those of a time, a market, a store, a channel or a wallet.

    Without `columns` the rows have all that are not personal; with `importable` those that an import of the same kind
    takes. `since` and `until` choose by the instant that the documentation names; by what else rows of a kind can be
    chosen, `GET /v1/export-kinds` says.
    """

    kind: Annotated[str, Meta(min_length=1, max_length=32, examples=["transfers"])]
    columns: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(min_length=1, max_length=64)] | None = None
    importable: bool = False
    since: Instant | None = None
    until: Instant | None = None
    market: Annotated[str, Meta(min_length=1, max_length=16, examples=["CN"])] | None = None
    store_id: Annotated[str, Meta(min_length=1, max_length=64, examples=["store-7"])] | None = None
    channel: Annotated[str, Meta(min_length=1, max_length=32, examples=["online"])] | None = None
    wallet: Annotated[str, Meta(min_length=1, max_length=32, examples=["points"])] | None = None


class TableExportAnswer(Struct, frozen=True, kw_only=True):
    """An export; its job has the same id. `rows` and `parts` are those of its file so far.

    `as_of`: the rows are those that were committed when the export began, at this instant of the programme's clock.
    """

    export_id: str
    kind: str
    columns: list[str]
    personal: bool
    since: datetime | None
    until: datetime | None
    market: str | None
    store_id: str | None
    channel: str | None
    wallet: str | None
    asked_by: str
    asked_at: datetime
    as_of: datetime | None
    rows: int
    parts: int
    ready: bool
    kept_until: datetime
    links: dict[str, str]


class TableExportsPage(Struct, frozen=True, kw_only=True):
    """Exports, the last begun first."""

    exports: list[TableExportAnswer]
    has_more: bool
    next_cursor: str | None


class ExportColumnAnswer(Struct, frozen=True, kw_only=True):
    """A column: what it says, in the caller's language and with its unit, and its form.

    `personal` ones need the scope `members:personal` and a purpose.
    """

    name: str
    about: str
    form: Form
    personal: bool
    importable: bool


class ExportKindAnswer(Struct, frozen=True, kw_only=True):
    """What can be exported. `scope` is needed beside `exports:write`; `by_…` says by what rows may be chosen."""

    kind: str
    about: str
    scope: str
    by_time: bool
    by_market: bool
    by_store: bool
    by_channel: bool
    by_wallet: bool
    columns: list[ExportColumnAnswer]


class ExportKindsAnswer(Struct, frozen=True):
    """Everything that can be exported."""

    kinds: list[ExportKindAnswer]


def chosen_of(kind: ExportKind, body: TableExportBody) -> Chosen:
    """Read what is wanted."""
    columns = tuple(kind.importable) if body.importable and body.columns is None else body.columns
    return Chosen(
        columns=None if columns is None else tuple(columns),
        since=body.since,
        until=body.until,
        market=body.market,
        store_id=body.store_id,
        channel=body.channel,
        wallet=body.wallet,
    )


def export_answer(one: Export) -> TableExportAnswer:
    """Write an export."""
    shown = public_id(JOB_PREFIX, one.job_id)
    links = {"job": f"/v1/jobs/{shown}"} | ({"file": f"/v1/exports/{shown}/file"} if one.ended else {})
    return TableExportAnswer(
        export_id=shown,
        kind=one.kind,
        columns=list(one.columns),
        personal=one.personal,
        since=one.chosen.since,
        until=one.chosen.until,
        market=one.chosen.market,
        store_id=one.chosen.store_id,
        channel=one.chosen.channel,
        wallet=one.chosen.wallet,
        asked_by=one.begun_by,
        asked_at=one.begun_at,
        as_of=one.as_of,
        rows=one.rows,
        parts=one.parts,
        ready=one.ended,
        kept_until=one.expires_at,
        links=links,
    )


def kind_answer(kind: ExportKind, people: People, language: str) -> ExportKindAnswer:
    """Write what can be exported of a kind, in a language."""
    return ExportKindAnswer(
        kind=kind.name,
        about=say(kind.about, language),
        scope=kind.scope,
        by_time=bool(kind.at),
        by_market=bool(kind.market),
        by_store=bool(kind.store_id),
        by_channel=bool(kind.channel),
        by_wallet=bool(kind.wallet),
        columns=[
            ExportColumnAnswer(
                name=name,
                about=say(column.about, language),
                form=column.form,
                personal=column.is_personal,
                importable=name in kind.importable,
            )
            for name, column in columns_of(kind, people).items()
        ],
    )
