"""How a row's columns become values of fields, and a record's values a body. No I/O."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from regulars.platform.errors import Datum, DomainError
from regulars.platform.imports.contracts import (
    NESTED_AT_MOST,
    Field,
    ImportKind,
    Mapped,
    Record,
    Row,
    RowProblem,
    Values,
)
from regulars.platform.imports.errors import (
    ColumnMissing,
    ColumnUnknown,
    FieldNotImported,
    ValueUnreadable,
    ZoneMissing,
)

_ECHO: Final = 64
_MANY_DIGITS: Final = 40
_UNSAID: Final = "…"  # what cannot even be written down
_encode = msgspec.json.Encoder().encode


def check_mapping(kind: ImportKind, mapping: Mapped) -> None:
    """Check that every field is one of the kind's. Raises FieldNotImported, ValueUnreadable."""
    asked = [(name, f"/mapping/columns/{column}") for column, name in mapping.columns.items()]
    asked += [(name, f"/mapping/constants/{name}") for name in mapping.constants]
    asked += [(name, f"/mapping/dates/{name}") for name in mapping.dates]
    for name, pointer in asked:
        if name not in kind.fields:
            raise FieldNotImported(pointer=pointer, field=name, fields=", ".join(sorted(kind.fields)))
    if mapping.time_zone is not None and _zone(mapping.time_zone) is None:
        raise ValueUnreadable(pointer="/mapping/time_zone", field="time_zone", form="Asia/Shanghai")
    if mapping.delimiter in '"\r\n\0':
        raise ValueUnreadable(pointer="/mapping/delimiter", field="delimiter", form=", ; |")


def columns_used(kind: ImportKind, mapping: Mapped, columns: Sequence[str] | None) -> dict[str, str]:
    """Return which field each column is (None: rows name them). Raises ColumnMissing, ColumnUnknown."""
    if not mapping.columns:
        for number, name in enumerate(columns or (), 1):
            if name not in kind.fields:
                raise ColumnUnknown(number=number)
        return {name: name for name in kind.fields}
    for name in mapping.columns if columns is not None else ():
        if name not in (columns or ()):
            raise ColumnMissing(column=name[:_ECHO])
    return dict(mapping.columns)


def records(kind: ImportKind, mapping: Mapped, used: dict[str, str], rows: Iterable[Row]) -> Iterator[Record]:
    """Make records of rows; what is wrong with one is its own."""
    read = [(row, *_values(kind, mapping, used, row)) for row in rows]
    if kind.together is None:
        yield from [_record(kind, row.line, [values], problem) for row, values, problem in read]
        return
    for _, group in groupby(enumerate(read), key=lambda one: _same_record(kind, one)):
        members = [one for _, one in group]
        problem = next((each for _, _, each in members if each is not None), None)
        yield _record(kind, members[0][0].line, [values for _, values, _ in members], problem)


def same_as_before(kind: ImportKind, mapping: Mapped, used: dict[str, str], before: Row, row: Row) -> bool:
    """Return whether a row belongs to the record of the one before it."""
    if kind.together is None or before.problem is not None or row.problem is not None:
        return False
    column = next((name for name, field in used.items() if field == kind.together), kind.together)
    value = row.columns.get(column, mapping.constants.get(kind.together))
    if value is None or value == "" or isinstance(value, list | dict):  # what can be anything but a name is a fault
        return False
    return bool(value == before.columns.get(column, mapping.constants.get(kind.together)))


def problem_of_record(kind: ImportKind, used: dict[str, str], record: Record, refusal: DomainError) -> RowProblem:
    """Say of a refused record which column it is about, and what stood there unless that is personal."""
    field = _field_of(record, refusal.pointer or "")
    column = next((name for name, each in used.items() if each == field), field)
    known = kind.fields.get(field)
    is_personal = known is None or known.personal
    data: dict[str, Datum] = {
        name: None if is_personal and field and name in {"value", "quantity"} else value
        for name, value in refusal.data.items()
    }
    value = None if is_personal or field not in record.values else str(record.values[field])[:_ECHO]
    return RowProblem(
        line=record.line, column=column, value=value, code=refusal.code, pointer=refusal.pointer, data=data
    )


def _same_record(kind: ImportKind, one: tuple[int, tuple[Row, Values, DomainError | None]]) -> object:
    at, (_, values, problem) = one
    name = values.get(kind.together or "")
    return (at,) if problem is not None or name is None else ("", str(name))


def _record(kind: ImportKind, line: int, values: Sequence[Values], problem: DomainError | None) -> Record:
    merged = {name: value for each in reversed(values) for name, value in each.items()}
    if problem is None:
        try:
            folded = kind.fold(values)
            body = _encode(folded.body)
        except DomainError as refusal:
            problem = refusal
        except (TypeError, UnicodeError):
            problem = ValueUnreadable(field="", form="JSON")
        else:
            return Record(line=line, values=merged, body=body, fields=folded.fields, rows=len(values))
    return Record(line=line, values=merged, problem=problem, rows=len(values))


def _field_of(record: Record, pointer: str) -> str:
    """Return the field that a pointer leads to: that of the longest part of the body that is known to come from one."""
    place = pointer
    while place:
        if place in record.fields:
            return record.fields[place]
        place = place.rpartition("/")[0]
    return pointer.removeprefix("/").partition("/")[0]


def _values(kind: ImportKind, mapping: Mapped, used: dict[str, str], row: Row) -> tuple[Values, DomainError | None]:
    if row.problem is not None:
        return {}, row.problem
    values: Values = dict(mapping.constants)
    problem: DomainError | None = None
    for number, (column, value) in enumerate(row.columns.items(), 1):
        name = used.get(column)
        if name is None:
            if mapping.columns:
                continue
            problem = problem or ColumnUnknown(number=number)
            continue
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            values[name] = _value(name, kind.fields[name], mapping, value)
        except DomainError as refusal:
            values[name] = _UNSAID if _is_too_deep(value) else value
            problem = problem or refusal
    return values, problem


def _value(name: str, field: Field, mapping: Mapped, value: Any) -> Any:  # noqa: ANN401 - whatever a file holds
    if isinstance(value, str):
        value = value.strip()
    if field.form == "instant":
        return _instant(name, mapping, value)
    if field.form == "whole":
        return _whole(name, mapping, value)
    if field.form == "decimal":
        return _decimal(name, mapping, value)
    if field.form == "json":
        return _json(name, value)
    if isinstance(value, bool | float | bytes | list | dict | date):
        raise ValueUnreadable(pointer=f"/{name}", field=name, form="text")
    return str(value)


def _instant(name: str, mapping: Mapped, value: Any) -> str:  # noqa: ANN401 - whatever a file holds
    form = mapping.dates.get(name, "2026-05-01T12:00:00Z")
    try:
        at = _read_instant(mapping.dates.get(name), value)
        if at.tzinfo is not None:
            return at.isoformat()
        zone = None if mapping.time_zone is None else _zone(mapping.time_zone)
        shown = None if zone is None else at.replace(tzinfo=zone).isoformat()
    except (ValueError, TypeError, OverflowError):
        raise ValueUnreadable(pointer=f"/{name}", field=name, form=form) from None
    if shown is None:
        raise ZoneMissing(pointer=f"/{name}", field=name)
    return shown


def _read_instant(form: str | None, value: Any) -> datetime:  # noqa: ANN401 - whatever a file holds
    """Read an instant, or a day's beginning. Raises ValueError, TypeError."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the caller gives it its zone
    if form is not None:
        return datetime.strptime(value, form)  # noqa: DTZ007 - as above
    return datetime.fromisoformat(value)


def _whole(name: str, mapping: Mapped, value: Any) -> int:  # noqa: ANN401 - whatever a file holds
    number = Decimal(_decimal(name, mapping, value))
    if number != number.to_integral_value():
        raise ValueUnreadable(pointer=f"/{name}", field=name, form="1234")
    return int(number)


def _decimal(name: str, mapping: Mapped, value: Any) -> str:  # noqa: ANN401 - whatever a file holds
    text = value if isinstance(value, str) else ""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        text = str(value)
    elif mapping.decimal == "," and text.count(",") <= 1 and "." not in text:
        text = text.replace(",", ".")
    elif mapping.decimal == ",":
        text = ""
    try:
        number = Decimal(text if len(text) <= _MANY_DIGITS and text.isascii() and "_" not in text else "")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > _MANY_DIGITS:
        raise ValueUnreadable(pointer=f"/{name}", field=name, form=f"1234{mapping.decimal}56")
    return f"{number:f}"


def _json(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever a file holds
    try:
        found = msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise ValueUnreadable(pointer=f"/{name}", field=name, form="JSON") from None
    if _is_too_deep(found):
        raise ValueUnreadable(pointer=f"/{name}", field=name, form="JSON")
    return found


def _is_too_deep(value: Any) -> bool:  # noqa: ANN401 - whatever a file holds
    """Return whether lists and objects stand within one another further than anything that is imported."""
    level = [value]
    for _ in range(NESTED_AT_MOST):
        level = [
            inner
            for each in level
            if isinstance(each, list | dict)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
