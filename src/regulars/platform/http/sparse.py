"""Answers of which only some fields are wanted: `?fields=order_id,lines.sku`, on every read, without its route knowing.

Which names there are is read from the type of the answer, so that a slip is refused also where a list is empty.
"""

from collections.abc import Sequence
from typing import Any, Final, get_args, get_origin

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import inspect

from regulars.platform.http.errors import AnswerFieldUnknown, TooManyFields

FIELDS: Final = "fields"
MOST_FIELDS: Final = 100
# A list without them would not tell that it goes on.
ALWAYS: Final = ("has_more", "next_cursor")

Form = dict[str, "Form"] | None  # what stands in a part of an answer by its names; None: anything may
Wanted = dict[str, "Wanted"]  # which parts are wanted; of one that names none all of it is


def form_of(handler: HTTPRouteHandler) -> Form:
    """Return what stands in the answer of a read; None for what is no object of known fields (texts, pages)."""
    answered = handler.parsed_fn_signature.return_type.annotation
    if get_origin(answered) is Response:
        (answered,) = get_args(answered)
    if not isinstance(answered, type) or not issubclass(answered, msgspec.Struct):
        return None
    return form_of_type(answered)


def form_of_type(answered: type[msgspec.Struct]) -> Form:
    """Return what stands in objects of a type."""
    return _form(inspect.type_info(answered), ())


def _form(kind: inspect.Type, within: tuple[type, ...]) -> Form:
    if isinstance(kind, inspect.Metadata):
        return _form(kind.type, within)
    if isinstance(kind, inspect.StructType):
        if kind.cls in within:  # it holds others of its kind, without an end
            return None
        tag: dict[str, Form] = {kind.tag_field: {}} if kind.tag_field else {}
        return tag | {field.encode_name: _form(field.type, (*within, kind.cls)) for field in kind.fields}
    if isinstance(kind, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
        return _form(kind.item_type, within)
    if isinstance(kind, inspect.UnionType):
        return _together([_form(one, within) for one in kind.types])
    opaque = (inspect.DictType, inspect.AnyType, inspect.RawType, inspect.CustomType, inspect.TupleType)
    return None if isinstance(kind, opaque) else {}


def _together(forms: list[Form]) -> Form:
    known = [form for form in forms if form is not None]
    if len(known) < len(forms):
        return None
    names = {name for form in known for name in form}
    return {name: _together([form[name] for form in known if name in form]) for name in names}


def wanted_in(text: str, form: dict[str, Form]) -> Wanted:
    """Read which fields are wanted. Raises AnswerFieldUnknown, TooManyFields."""
    names = [name.strip() for name in text.split(",")]
    if len(names) > MOST_FIELDS:
        raise TooManyFields(pointer=f"/query/{FIELDS}", most=MOST_FIELDS)
    wanted: Wanted = {name: {} for name in ALWAYS if name in form}
    for name in names:
        _want(wanted, form, name)
    return wanted


def _want(wanted: Wanted, form: Form, name: str) -> None:
    inner: Form = form
    parts = name.split(".")
    for place, part in enumerate(parts):
        if inner is not None and part not in inner:
            raise AnswerFieldUnknown(
                pointer=f"/query/{FIELDS}",
                field=name[:200],
                place=".".join(parts[:place]) or "answer",
                known=", ".join(inner),
            )
        inner = None if inner is None else inner[part]
        if part in wanted and not wanted[part]:  # all of it is wanted already
            return
        if place == len(parts) - 1:
            wanted[part] = {}
        else:
            wanted = wanted.setdefault(part, {})


def with_place(form: Form, path: Sequence[str], given: Form) -> Form:
    """Return a form in which something more stands at a place."""
    if not path or form is None:
        return given if not path else None
    return {**form, path[0]: with_place(form.get(path[0], {}), path[1:], given)}


def want_too(wanted: Wanted, path: Sequence[str]) -> None:
    """Let what stands at a place be wanted: all of it, unless parts of it are named."""
    for part in path[:-1]:
        if part in wanted and not wanted[part]:  # all of that is wanted already
            return
        wanted = wanted.setdefault(part, {})
    wanted.setdefault(path[-1], {})


def sparse(value: Any, wanted: Wanted) -> Any:  # noqa: ANN401 - any JSON there is
    """Return of an answer what is wanted."""
    if not wanted:
        return value
    if isinstance(value, list):
        return [sparse(one, wanted) for one in value]
    if isinstance(value, dict):
        return {name: sparse(part, wanted[name]) for name, part in value.items() if name in wanted}
    return value
