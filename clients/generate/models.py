"""Writes the structs of requests and answers, a module for each group and one for what several of them share."""

import keyword
from collections.abc import Iterator
from textwrap import fill, indent
from typing import Any, Final

from clients.generate import names
from clients.generate.description import Description, Field, Schema, component, components_in, fields_of
from clients.generate.kinds import Types, is_object, or_unset, quoted
from clients.generate.text import MOST_LINES, docstring, module

SHARED: Final = "shared"
EVENTS: Final = "events"
_PACKAGE: Final = "regulars_client.models"
_ALSO: Final = ("PublicEvent", "Problem", "FieldProblem")  # read by hand-written parts
_HEADROOM: Final = 60
_NOTHING: Final = object()


def modules(description: Description) -> dict[str, str]:
    """Return the modules of the package `models`: name and text."""
    sent, answered = _directions(description)
    homes = _homes(description, sent | answered)
    written: dict[str, str] = {}
    where: dict[str, str] = {}
    for home in [SHARED, *sorted(set(homes.values()) - {SHARED})]:
        members = [name for name in _in_order(description, homes) if homes[name] == home]
        structs = {
            name: _struct(description, name, Types(description, sent=name not in answered), home) for name in members
        }
        for number, part in enumerate(_parts(structs), start=1):
            name = names.module_name(home) if number == 1 else f"{names.module_name(home)}_{number}"
            offered: dict[str, list[str]] = {}
            for struct, found in where.items():
                offered.setdefault(f"{_PACKAGE}.{found}", []).append(struct)
            told = "What several groups of operations share." if home == SHARED else f"Of `client.{home}`."
            written[name] = module(told, "\n\n\n".join(structs[one] for one in part), own=offered)
            where.update({names.struct_name(one): name for one in part})
    written["__init__"] = _package(description, where)
    return written


def homes_of(description: Description) -> dict[str, list[str]]:
    """Return every struct's name by the module that offers them all."""
    sent, answered = _directions(description)
    return {_PACKAGE: sorted(names.struct_name(name) for name in sent | answered)}


def _directions(description: Description) -> tuple[set[str], set[str]]:
    """Return the structs that are sent (bodies themselves are arguments), and those that are answered."""
    sent: set[str] = set()
    answered: set[str] = set()
    for operation in description.operations:
        for field in operation.body or ():
            _reach(description, field.schema, sent)
        _reach(description, operation.answer or {}, answered)
    for name in [*description.events.values(), *_ALSO]:
        _reach(description, {"$ref": f"#/components/schemas/{name}"}, answered)
    return sent, answered


def _reach(description: Description, schema: Schema, found: set[str]) -> None:
    for name in components_in(schema):
        if name not in found and is_object(description.schemas[name]):
            found.add(name)
            _reach(description, description.schemas[name], found)


def _homes(description: Description, wanted: set[str]) -> dict[str, str]:
    used: dict[str, set[str]] = {name: set() for name in wanted}
    for operation in description.operations:
        reached: set[str] = set()
        for schema in [operation.answer or {}, *(field.schema for field in operation.body or ())]:
            _reach(description, schema, reached)
        for name in reached:
            used[name].add(operation.tag)
    for event in [*description.events.values(), "PublicEvent"]:
        reached = set()
        _reach(description, {"$ref": f"#/components/schemas/{event}"}, reached)
        for name in reached:
            used[name].add(EVENTS)
    for name in ("Problem", "FieldProblem"):
        used[name] |= {EVENTS, SHARED}
    return {name: next(iter(tags)) if len(tags) == 1 else SHARED for name, tags in used.items()}


def _in_order(description: Description, wanted: dict[str, str]) -> list[str]:
    """Return the structs, each behind those that it is made of, else by name."""
    done: dict[str, None] = {}

    def put(name: str) -> None:
        if name not in done:
            for part in components_in(description.schemas[name]):
                if part in wanted and part != name:
                    put(part)
            done[name] = None

    for name in sorted(wanted):
        put(name)
    return list(done)


def _struct(description: Description, name: str, types: Types, home: str) -> str:
    schema = description.schemas[name]
    fields = fields_of(schema)
    tag = next((field for field in fields if "const" in field.schema), None)
    options = ["frozen=True", "kw_only=True"]
    if tag is not None:
        options += [f"tag_field={quoted(tag.name)}", f"tag={quoted(tag.schema['const'])}"]
    told = schema.get("description") or _said(description, name, home)
    lines = [f"class {names.struct_name(name)}(Struct, {', '.join(options)}):", docstring(told, 4), ""]
    for field in fields:
        if field is not tag:
            lines += _attribute(field, types)
    return "\n".join(lines)


def _said(description: Description, name: str, home: str) -> str:
    """Say what a struct is that has no words of its own: which operation answers it, or what it is part of."""
    for operation in description.operations:
        if operation.answer is not None and component(operation.answer) == name:
            group = names.module_name(operation.tag)
            return f"The answer of `client.{group}.{operation.name}`: {_lower(operation.summary)}."
    wholes = [
        names.struct_name(whole) for whole, schema in description.schemas.items() if name in set(components_in(schema))
    ]
    bodies = [
        f"client.{names.module_name(operation.tag)}.{operation.name}"
        for operation in description.operations
        if name in set(components_in([field.schema for field in operation.body or ()]))
    ]
    return f"Part of `{(bodies or wholes or [home])[0]}`."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _attribute(field: Field, types: Types) -> Iterator[str]:
    kind = types.of(field.schema)
    default = _default(field, sent=types.sent)
    if default == "UNSET":
        kind = or_unset(kind)
    name, value = field.name, default
    if keyword.iskeyword(name):
        name, value = f"{name}_", f"field(name={quoted(name)}{f', default={default}' if default else ''})"
    yield f"    {name}: {kind}{f' = {value}' if value else ''}"
    if field.told:
        yield docstring(field.told, 4)


def _default(field: Field, *, sent: bool) -> str:
    """Return what stands for a field that is not there: nothing where it always is, else what it means."""
    if field.required:
        return ""
    default: Any = field.schema.get("default", _NOTHING)
    if not sent and default is _NOTHING and _may_be_null(field.schema):
        return "None"
    if sent or default is _NOTHING or (isinstance(default, list | dict) and default):
        return "UNSET"
    return quoted(default) if isinstance(default, str) else repr(default)


def _may_be_null(schema: Schema) -> bool:
    return any(one.get("type") == "null" for several in ("oneOf", "anyOf") for one in schema.get(several, ()))


def _parts(structs: dict[str, str]) -> Iterator[list[str]]:
    """Give the structs of a group in parts that fit a file."""
    part: list[str] = []
    lines = 0
    for name, text in structs.items():
        more = text.count("\n") + 4
        if part and lines + more > MOST_LINES - _HEADROOM:
            yield part
            part, lines = [], 0
        part.append(name)
        lines += more
    if part:
        yield part


def _package(description: Description, where: dict[str, str]) -> str:
    lines = [
        f"from {_PACKAGE}.{found} import {', '.join(sorted(one for one in where if where[one] == found))}"
        for found in sorted(set(where.values()))
    ]
    everything = fill(", ".join(quoted(one) for one in ["EVENT_DATA", *sorted(where)]), 116)
    events = ",\n".join(
        f"    {quoted(event)}: {names.struct_name(data)}" for event, data in sorted(description.events.items())
    )
    told = '"""What the API takes and answers.\n\nWritten from the API\'s description: `make client` does it anew.\n"""'
    table = f"EVENT_DATA: Final[dict[str, type[Struct]]] = {{\n{events},\n}}\n"
    table += '"""What the data of an event is, by its type."""'
    imports = "from typing import Final\n\nfrom msgspec import Struct\n\n"
    offered = f"# fmt: off\n__all__ = [\n{indent(everything, '    ')},\n]\n# fmt: on\n"
    return f"{told}\n\n{imports}" + "\n".join(lines) + f"\n\n{table}\n\n{offered}"
