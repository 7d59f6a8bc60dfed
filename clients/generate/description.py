"""The API's description (OpenAPI), read as far as a client needs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from clients.generate import names

JSON: Final = "application/json"
KEY_HEADER: Final = "Idempotency-Key"
# What asks for another form of the answer than the one that is typed.
FORM_PARAMETERS: Final = {"format"}
# What asks for parts of an answer, which have no type: `client.request` is for that.
PARTS_PARAMETERS: Final = {"fields"}
_COMPONENT: Final = "#/components/schemas/"
_METHODS: Final = ("get", "put", "post", "patch", "delete")

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body."""

    name: str
    schema: Schema
    required: bool
    told: str = ""

    @property
    def python(self) -> str:
        return names.argument(self.name)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `answer` is None where the answer is no JSON, or none that is described.

    `bytes_as` are the media types of a body that is sent as it is.
    """

    operation_id: str
    method: str
    path: str
    tag: str
    summary: str
    told: str
    in_path: tuple[Field, ...]
    in_query: tuple[Field, ...]
    body: tuple[Field, ...] | None
    bytes_as: tuple[str, ...]
    answer: Schema | None
    other_forms: bool
    takes_key: bool
    page_of: str | None

    @property
    def name(self) -> str:
        return names.method_name(self.operation_id, self.tag)


@dataclass(frozen=True, slots=True)
class Description:
    """What a client is written from. `events` are the names of public events with the component of their data."""

    operations: tuple[Operation, ...]
    schemas: dict[str, Schema]
    events: dict[str, str]

    @classmethod
    def of(cls, described: dict[str, Any]) -> "Description":
        """Read the document."""
        schemas = described["components"]["schemas"]
        read = cls(
            operations=tuple(
                _operation(path, method, operation, schemas)
                for path, item in described["paths"].items()
                for method in _METHODS
                if (operation := item.get(method)) is not None
            ),
            schemas=schemas,
            events={name: _data_of(webhook["post"]) for name, webhook in described.get("webhooks", {}).items()},
        )
        read.refuse_equal_names()
        return read

    def refuse_equal_names(self) -> None:
        """Raise ValueError if two operations of a group would have one name."""
        for tag in self.tags:
            said = [operation.name for operation in self.of_tag(tag)]
            if twice := sorted({name for name in said if said.count(name) > 1}):
                raise ValueError(f"{tag}: two operations are called {', '.join(twice)}; tell them apart in names.py")

    @property
    def tags(self) -> list[str]:
        """The groups, in alphabetical order."""
        return sorted({operation.tag for operation in self.operations})

    def of_tag(self, tag: str) -> list[Operation]:
        """Return the operations of a group, in the document's order."""
        return [operation for operation in self.operations if operation.tag == tag]


def component(schema: Schema) -> str | None:
    """Return the component that a schema refers to, if it refers to one."""
    reference = schema.get("$ref")
    return reference.removeprefix(_COMPONENT) if isinstance(reference, str) else None


def components_in(schema: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a JSON document
    """Give every component that a schema names, once for each time."""
    if isinstance(schema, dict):
        if (named := component(schema)) is not None:
            yield named
        for part in schema.values():
            yield from components_in(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from components_in(part)


def fields_of(schema: Schema) -> tuple[Field, ...]:
    """Return the fields of an object."""
    required = schema.get("required", [])
    return tuple(
        Field(name, found, name in required, found.get("description", ""))
        for name, found in schema.get("properties", {}).items()
    )


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Schema]) -> Operation:
    parameters = operation.get("parameters", [])
    answers = [
        (kind, content.get("schema", {}))
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        for kind, content in answer.get("content", {}).items()
    ]
    typed = next((schema for kind, schema in answers if kind == JSON and schema), None)
    query = _parameters(parameters, "query")
    return Operation(
        operation_id=operation["operationId"],
        method=method.upper(),
        path=path,
        tag=operation["tags"][0],
        summary=operation["summary"],
        told=operation.get("description", ""),
        in_path=_parameters(parameters, "path"),
        in_query=query,
        body=_body(operation, schemas),
        bytes_as=tuple(kind for kind in operation.get("requestBody", {}).get("content", {}) if kind != JSON),
        answer=typed,
        other_forms=typed is not None and any(kind != JSON for kind, _ in answers),
        takes_key=any(parameter["name"] == KEY_HEADER for parameter in parameters),
        page_of=_page_of(typed, query, schemas),
    )


def _parameters(parameters: list[dict[str, Any]], place: str) -> tuple[Field, ...]:
    return tuple(
        Field(found["name"], found["schema"], found.get("required", False), found.get("description", ""))
        for found in parameters
        if found["in"] == place and found["name"] not in PARTS_PARAMETERS
    )


def _body(operation: dict[str, Any], schemas: dict[str, Schema]) -> tuple[Field, ...] | None:
    content = operation.get("requestBody", {}).get("content", {})
    if JSON not in content:
        return None
    named = component(content[JSON]["schema"])
    if named is None:
        raise ValueError(f"{operation['operationId']}: name the struct of its body")
    return fields_of(schemas[named])


def _page_of(answer: Schema | None, query: tuple[Field, ...], schemas: dict[str, Schema]) -> str | None:
    """Return the field that holds a page's rows, if the operation answers page by page and rows are all there is."""
    named = None if answer is None else component(answer)
    if named is None or "cursor" not in {parameter.name for parameter in query}:
        return None
    properties = schemas[named].get("properties", {})
    rows = [name for name, schema in properties.items() if schema.get("type") == "array"]
    return rows[0] if len(rows) == 1 and {"has_more", "next_cursor"} <= properties.keys() else None


def _data_of(webhook: dict[str, Any]) -> str:
    """Return the component of an event's data."""
    content = next(iter(webhook["requestBody"]["content"].values()))
    narrowed = content["schema"]["allOf"][1]["properties"]["data"]
    named = component(narrowed)
    if named is None:
        raise ValueError(f"{webhook['summary']}: its data has no name")
    return named
