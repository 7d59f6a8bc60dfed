"""What a caller may have meant who names something that is not there: the names that are, the likeliest first."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any, Final

from msgspec import inspect

NAMED_AT_MOST: Final = 12
NONE: Final = "—"

_STEPS: Final = re.compile(r"\.([^.\[]+)|\[(?:\d+|\.\.\.)\]")
_LISTS: Final = (inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType)


def likeliest(name: str, known: Iterable[str]) -> str:
    """Return names in a line, those most like `name` first, of many only the first; a dash where there are none."""
    wanted = _plain(name)
    found = sorted(known, key=lambda one: -SequenceMatcher(None, wanted, _plain(one)).ratio())
    return ", ".join([*found[:NAMED_AT_MOST], *(["…"] if len(found) > NAMED_AT_MOST else [])]) or NONE


def names_at(body: Any, place: str) -> list[str]:  # noqa: ANN401 - whatever is decoded into
    """Return the fields that a type has at a place such as `.lines[1].payer`."""
    kinds = _plainly(inspect.type_info(body))
    for step in _STEPS.finditer(place):
        kinds = [inner for kind in kinds for inner in _within(kind, step[1])]
    return list(dict.fromkeys([name for kind in kinds for name in _fields(kind)]))


def choices_at(body: Any, place: str) -> list[str]:  # noqa: ANN401 - whatever is decoded into
    """Return the values that a type takes at a place, where it takes some alone."""
    kinds, around = _plainly(inspect.type_info(body)), list[inspect.Type]()
    last: str | None = None
    for step in _STEPS.finditer(place):
        last, around = step[1], kinds
        kinds = [inner for kind in kinds for inner in _within(kind, last)]
    tags = [kind.tag for kind in around if isinstance(kind, inspect.StructType) and kind.tag_field == last]
    found = [value for kind in kinds for value in _choices(kind)]
    return list(dict.fromkeys([str(value) for value in (*found, *tags)]))


def _choices(kind: inspect.Type) -> list[Any]:
    if isinstance(kind, inspect.LiteralType):
        return list(kind.values)
    return [one.value for one in kind.cls] if isinstance(kind, inspect.EnumType) else []


def _plainly(kind: inspect.Type) -> list[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return _plainly(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [one for each in kind.types for one in _plainly(each)]
    return [kind]


def _within(kind: inspect.Type, name: str | None) -> list[inspect.Type]:
    """Return what stands in a part of something: under a name, or (None) as any of a list or dictionary."""
    if isinstance(kind, inspect.StructType) and name is not None:
        return [one for field in kind.fields if field.encode_name == name for one in _plainly(field.type)]
    if isinstance(kind, _LISTS) and name is None:
        return _plainly(kind.item_type)
    if isinstance(kind, inspect.DictType) and name is None:
        return _plainly(kind.value_type)
    return []


def _fields(kind: inspect.Type) -> list[str]:
    if not isinstance(kind, inspect.StructType):
        return []
    return [*([kind.tag_field] if kind.tag_field else []), *[field.encode_name for field in kind.fields]]


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")
