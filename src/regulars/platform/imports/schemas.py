"""What callers send and get about imports."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from regulars.platform.bulk.contracts import JOB_PREFIX
from regulars.platform.bulk.schemas import refusal_of
from regulars.platform.http.errors import FieldUnknown
from regulars.platform.ids import public_id
from regulars.platform.imports.contracts import Format, Import, Mapped, Mode, RowProblem
from regulars.platform.texts import say

HEAD: Final = ("line", "column", "value", "code", "detail")
HIDDEN: Final = "***"
# What refusals are filled with that never comes from a row: names, forms and numbers of ours.
_OURS: Final = frozenset(
    {"columns", "expected", "field", "fields", "form", "known", "limit", "limit_bytes", "line", "number"}
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class ImportBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be imported, and how. With `content` the whole file comes along, and the import is started at once.

    `mode`: `rest` imports the rows that are right, `all` imports everything or nothing (up to 20,000 rows).
    """

    kind: Annotated[str, Meta(min_length=1, max_length=32, examples=["members"])]
    format: Format = "csv"
    mapping: Mapped = field(default_factory=Mapped)
    mode: Mode = "rest"
    dry_run: bool = False
    name: Annotated[str, Meta(max_length=200, description="For you to know it by; write nobody's name.")] = ""
    content: Annotated[str, Meta(min_length=1, description="A whole CSV or JSON Lines file.")] | None = None


class ImportAnswer(Struct, frozen=True, kw_only=True):
    """An import; its job, once it was started, has the same id."""

    import_id: str
    kind: str
    format: Format
    mode: Mode
    dry_run: bool
    name: str
    mapping: Mapped
    asked_by: str
    asked_at: datetime
    kept_until: datetime
    parts: int
    bytes: int
    started: bool
    links: dict[str, str]


def import_answer(one: Import) -> ImportAnswer:
    """Write an import."""
    shown = public_id(JOB_PREFIX, one.job_id)
    links = {"errors": f"/v1/imports/{shown}/errors", "job": f"/v1/jobs/{shown}"} if one.started else {}
    return ImportAnswer(
        import_id=shown,
        kind=one.kind,
        format=one.format,
        mode=one.mode,
        dry_run=one.dry_run,
        name=one.name,
        mapping=one.mapping,
        asked_by=one.begun_by,
        asked_at=one.begun_at,
        kept_until=one.expires_at,
        parts=one.parts,
        bytes=one.bytes,
        started=one.started,
        links=links,
    )


def masked(one: RowProblem) -> RowProblem:
    """Return why a row was refused without anything that stood in it: in a shifted column it may be anybody's."""
    ours = _OURS - {"field"} if one.code == FieldUnknown.code else _OURS
    data = {name: value if name in ours or value is None else HIDDEN for name, value in one.data.items()}
    return replace(one, value=None, pointer=None, data=data)


def problems_as_csv(found: Iterable[RowProblem], language: str, *, with_head: bool) -> str:
    """Write why rows were refused, a line each, in a language; values of personal fields were never kept."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if with_head:
        writer.writerow(HEAD)
    for one in found:
        value = HIDDEN if one.value is None else one.value
        sentence = say(refusal_of(one.code, one.data).message, language, **one.data)
        writer.writerow([one.line, *[_no_formula(text) for text in (one.column, value, one.code, sentence)]])
    return out.getvalue()


def _no_formula(text: str) -> str:
    """Keep a spreadsheet from taking a caller's text for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
