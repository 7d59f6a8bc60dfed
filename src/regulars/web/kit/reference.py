"""The reference of the API as pages: what its description says, drawn here, with nothing from elsewhere."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from regulars.platform.errors import NotFound
from regulars.platform.http.openapi import description_of
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.viewers import ViewerKind

REFERENCE: Final = "/docs/api"
_DEEPEST: Final = 3  # fields within fields that are shown; the examples show the rest
_BOUNDS: Final = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "maxItems": "at most {}",
}
_SAYS_NOTHING: Final = {"Request fulfilled, document follows", "Document created, URL follows"}  # Litestar's own
AnyRequest = Request[Any, Any, Any]
Schema = dict[str, Any]


class Field(NamedTuple):
    """A parameter or a field: its name (one within another with a dot), what it holds, and what is said of it."""

    name: str
    kind: str
    is_required: bool
    told: str
    place: str = ""


class Answer(NamedTuple):
    """An answer of an operation by its status; a refusal has no fields."""

    status: str
    told: str
    fields: list[Field]
    example: str


class Operation(NamedTuple):
    """One operation as it is drawn."""

    name: str
    method: str
    path: str
    summary: str
    paragraphs: list[str]
    scopes: list[str]
    parameters: list[Field]
    body: list[Field]
    example: str
    answers: list[Answer]
    refusals: list[Answer]


class Reference(NamedTuple):
    """The operations by their group, and the version of the program."""

    version: str
    groups: dict[str, list[Operation]]


def reference_pages(kit: Kit) -> Pages:
    """Return the pages of the reference: all operations, and those of a group in full."""
    read: list[Reference] = []

    def reference(request: AnyRequest) -> Reference:
        if not read:
            read.append(reference_of(msgspec.json.decode(description_of(request.app))))
        return read[0]

    @get(REFERENCE, guards=[kit.guards.anybody(ViewerKind.STAFF)])
    async def overview(request: AnyRequest) -> Response[bytes]:
        return kit.render(request, "kit/reference.html", reference=reference(request))

    @get(REFERENCE + "/{group:str}", guards=[kit.guards.anybody(ViewerKind.STAFF)])
    async def group_of(request: AnyRequest, group: FromPath[str]) -> Response[bytes]:
        found = reference(request)
        if group not in found.groups:
            raise NotFound
        return kit.render(request, "kit/reference_group.html", reference=found, group=group)

    return Pages(ViewerKind.NOBODY, [overview, group_of])


def reference_of(described: Schema) -> Reference:
    """Read a description (OpenAPI)."""
    groups: dict[str, list[Operation]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(described, path, method, operation))
    return Reference(described["info"]["version"], dict(sorted(groups.items())))


def _operation(described: Schema, path: str, method: str, operation: Schema) -> Operation:
    content: Schema = next(iter(operation.get("requestBody", {}).get("content", {}).values()), {})
    answers = [
        _answer(described, status, _followed(described, answer)) for status, answer in operation["responses"].items()
    ]
    return Operation(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        paragraphs=operation.get("description", "").split("\n\n"),
        scopes=next(iter(operation.get("security", [{}])[0].values()), []),
        parameters=[_parameter(described, one) for one in operation.get("parameters", [])],
        body=list(_fields(described, content.get("schema", {}), "", 0)),
        example=_written(content),
        answers=[one for one in answers if one.status < "3"],
        refusals=sorted(one for one in answers if one.status >= "3"),
    )


def _parameter(described: Schema, one: Schema) -> Field:
    schema = _followed(described, one["schema"])
    told = one.get("description") or schema.get("description", "")
    return Field(one["name"], _kind(described, schema), bool(one.get("required")), told, one["in"])


def _answer(described: Schema, status: str, answer: Schema) -> Answer:
    content: Schema = next(iter(answer.get("content", {}).values()), {})
    fields = list(_fields(described, content.get("schema", {}), "", 0)) if status < "3" else []
    told = answer.get("description", "")
    return Answer(status, "" if told in _SAYS_NOTHING else told, fields, _written(content))


def _written(content: Schema) -> str:
    if content.get("example") is None:
        return ""
    example = content["example"]
    return example if isinstance(example, str) else msgspec.json.format(msgspec.json.encode(example), indent=2).decode()


def _fields(described: Schema, schema: Schema, within: str, depth: int) -> Iterator[Field]:
    schema = _plain(described, schema)
    needed = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        inner = _plain(described, part)
        told = part.get("description") or inner.get("description", "")
        yield Field(f"{within}{name}", _kind(described, part), name in needed, told)
        if depth < _DEEPEST - 1:
            yield from _fields(described, inner.get("items", inner), f"{within}{name}.", depth + 1)


def _followed(described: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        _, _, kind, name = schema["$ref"].split("/")
        schema = described["components"][kind][name]
    return schema


def _plain(described: Schema, schema: Schema) -> Schema:
    """Return a form without null and without the way to it; of several forms the first."""
    schema = _followed(described, schema)
    choices = [one for one in _choices(schema) if one.get("type") != "null"]
    return {**_plain(described, choices[0]), **schema} if choices else schema


def _choices(schema: Schema) -> list[Schema]:
    found: list[Schema] = schema.get("oneOf") or schema.get("anyOf") or []
    return found


def _kind(described: Schema, schema: Schema) -> str:
    """Say what a field holds, in a few words."""
    schema = _followed(described, schema)
    if choices := _choices(schema):
        kinds = [_kind(described, one) for one in choices]
        return ", ".join([" or ".join(dict.fromkeys(kind for kind in kinds if kind)), *_bounds(schema)])
    if "enum" in schema:
        return " · ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "items" in schema:
        return ", ".join([f"list of {_kind(described, schema['items']) or 'anything'}", *_bounds(schema)])
    kind = schema.get("format") or schema.get("type", "")
    return ", ".join([" or ".join(kind) if isinstance(kind, list) else kind, *_bounds(schema)])


def _bounds(schema: Schema) -> list[str]:
    return [said.format(f"{schema[name]:.0f}") for name, said in _BOUNDS.items() if name in schema]
