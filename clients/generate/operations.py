"""Writes the operations, a class for each group, for callers who wait and for those who await: one template."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clients.generate import names
from clients.generate.description import FORM_PARAMETERS, Description, Field, Operation
from clients.generate.kinds import Types, or_unset, quoted
from clients.generate.models import homes_of
from clients.generate.text import MOST_LINES, WIDTH, docstring, module

_HEADROOM: Final = 80
_CALLS: Final = "regulars_client.calls"


@dataclass(frozen=True, slots=True)
class Manner:
    """How one of the two packages is written."""

    package: str
    prefix: str
    define: str
    wait: str
    transport: str
    download: str
    iterator: str
    walk: str
    told: str


BLOCKING: Final = Manner(
    "blocking", "", "def", "", "Transport", "Download", "Iterator", "walk", "for callers who wait for the answer"
)
ASYNCHRONOUS: Final = Manner(
    "asynchronous",
    "Async",
    "async def",
    "await ",
    "AsyncTransport",
    "AsyncDownload",
    "AsyncIterator",
    "walk_async",
    "for callers on an event loop",
)


def modules(description: Description, manner: Manner) -> dict[str, str]:
    """Return the modules of one package: name and text."""
    package = f"regulars_client.{manner.package}"
    own = {
        "msgspec": ["UNSET", "UnsetType"],
        _CALLS: ["Call", "given", "part"],
        f"{package}.transport": [manner.transport, manner.download, manner.walk],
        **homes_of(description),
    }
    written: dict[str, str] = {}
    for tag in description.tags:
        texts = [
            "\n\n".join(_methods(operation, Types(description, sent=True), Types(description, sent=False), manner))
            for operation in description.of_tag(tag)
        ]
        parts = list(_parts(texts))
        file, cls = names.module_name(tag), f"{manner.prefix}{names.class_name(tag)}"
        base = "Group"
        for number, part in enumerate(parts, start=1):
            last = number == len(parts)
            name = cls if last else f"{cls}Part{number}"
            where = file if last else f"{file}_{number}"
            uses = own | {f"{package}.transport": [*own[f"{package}.transport"], "Group"]}
            if number > 1:
                uses = own | {f"{package}.{file}_{number - 1}": [base]}
            told = docstring(f"Operations on {tag.replace('_', ' ')}.", 4)
            body = f"class {name}({base}):\n{told}\n\n" + "\n\n".join(part)
            written[where] = module(f"Operations on {tag.replace('_', ' ')}, {manner.told}.", body, own=uses)
            base = name
    written["__init__"] = _package(description, manner)
    return written


def _methods(operation: Operation, sent: Types, answered: Types, manner: Manner) -> Iterator[str]:
    """Give what is written of an operation: one method, and others for its pages and its other forms."""
    if operation.answer is None:
        yield _download(operation, operation.name, sent, manner)
        return
    answer = _answer(operation, answered)
    typed = [field for field in operation.in_query if field.name not in FORM_PARAMETERS]
    sending = f"{manner.wait}self._transport.call({_call(operation, typed, answer)})"
    define = f"{manner.define} {operation.name}"
    yield _method(operation, typed, sent, define=define, answer=answer, body=sending)
    if operation.page_of is not None:
        yield _iterating(operation, typed, sent, answered, manner)
    if operation.other_forms:
        yield _download(operation, names.downloading_name(operation.name), sent, manner)


def _answer(operation: Operation, answered: Types) -> str:
    return "None" if operation.answer is None else answered.of(operation.answer)


def _method(operation: Operation, query: list[Field], sent: Types, *, define: str, answer: str, body: str) -> str:
    """Write a method. `define` are the words before its arguments: `async def get`."""
    signature = f"({', '.join(_arguments(operation, query, sent))})"
    told = docstring(_told(operation, query), 8)
    return f"    {define}{signature} -> {answer}:\n{told}\n        return {body}"


def _told(operation: Operation, query: list[Field]) -> str:
    said = f"{operation.summary.rstrip('?.')}."
    if operation.summary.endswith("?"):
        said = operation.summary
    if operation.told:
        said += f"\n\n{operation.told}"
    described = [field for field in [*(operation.body or ()), *query] if field.told]
    if described:
        said += "\n\n" + " ".join(f"`{field.python}`: {field.told.rstrip('.')}." for field in described)
    return re.sub(r"\n(?!\n)(?<!\n\n)", " ", said) if "\n\n" not in said else said


def _arguments(operation: Operation, query: list[Field], sent: Types) -> Iterator[str]:
    yield "self"
    for field in operation.in_path:
        yield f"{field.python}: {sent.of(field.schema)}"
    if operation.bytes_as:
        yield "content: bytes"
    named = [
        *(f"{field.python}: {_taken(sent.of(field.schema))}" for field in operation.body or () if field.required),
        *(f"{field.python}: {sent.of(field.schema)}" for field in query if field.required),
        *(_optional(field, sent) for field in operation.body or () if not field.required),
        *(f"{field.python}: {_or_none(sent.of(field.schema))} = None" for field in query if not field.required),
    ]
    if operation.takes_key:
        named.append("idempotency_key: str | None = None")
    if named:
        yield "*"
        yield from named


def _taken(kind: str) -> str:
    return "object" if kind == "Any" else kind.replace("Any", "object")


def _optional(field: Field, sent: Types) -> str:
    kind = _taken(sent.of(field.schema))
    return f"{field.python}: {or_unset(kind)} = UNSET"


def _or_none(kind: str) -> str:
    return kind if kind.endswith("None") else f"{kind} | None"


def _call(operation: Operation, query: list[Field], answer: str) -> str:
    path = operation.path
    for field in operation.in_path:
        path = path.replace(f"{{{field.name}}}", f"{{part({field.python})}}")
    parts = [quoted(operation.method), f"{'f' if operation.in_path else ''}{quoted(path)}", answer]
    if query:
        parts.append(f"query={_mapping(query)}")
    if operation.body is not None:
        parts.append(f"body=given({_mapping(list(operation.body))})")
    if operation.bytes_as:
        parts += ["body=content", f"media_type={quoted(operation.bytes_as[0])}"]
    if operation.takes_key:
        parts += ["takes_key=True", "key=idempotency_key"]
    return f"Call({', '.join(parts)})"


def _mapping(fields: list[Field]) -> str:
    return "{" + ", ".join(f"{quoted(field.name)}: {field.python}" for field in fields) + "}"


def _download(operation: Operation, name: str, sent: Types, manner: Manner) -> str:
    query = list(operation.in_query)
    sending = f"{manner.wait}self._transport.download({_call(operation, query, 'bytes')})"
    return _method(operation, query, sent, define=f"{manner.define} {name}", answer=manner.download, body=sending)


def _iterating(operation: Operation, query: list[Field], sent: Types, answered: Types, manner: Manner) -> str:
    page = answered.description.schemas[_answer_component(operation)]
    row = answered.of(page["properties"][operation.page_of]["items"])
    kept = [field for field in query if field.name != "cursor"]
    passed = ", ".join(
        [
            *(field.python for field in operation.in_path),
            *(f"{field.python}={field.python}" for field in kept),
            "cursor=cursor",
        ]
    )
    name = names.iterating_name(operation.name)
    signature = f"({', '.join(_arguments(operation, kept, sent))})"
    told = docstring(f"Go through all pages of `{operation.name}`, row by row.", 8)
    body = (
        f"        return {manner.walk}(lambda cursor: self.{operation.name}({passed}), "
        f"lambda page: page.{operation.page_of})"
    )
    return f"    def {name}{signature} -> {manner.iterator}[{row}]:\n{told}\n{body}"


def _answer_component(operation: Operation) -> str:
    reference = (operation.answer or {})["$ref"]
    return str(reference).rpartition("/")[2]


def _parts(texts: list[str]) -> Iterator[list[str]]:
    """Give the methods of a group in parts that fit a file. Formatted they take about twice their lines."""
    part: list[str] = []
    lines = 0
    for text in texts:
        more = _lines_when_formatted(text)
        if part and lines + more > MOST_LINES - _HEADROOM:
            yield part
            part, lines = [], 0
        part.append(text)
        lines += more
    if part:
        yield part


def _lines_when_formatted(text: str) -> int:
    """Estimate how many lines the formatter makes of it: one for each argument where a line is too long."""
    return sum(line.count(", ") + 4 if len(line) > WIDTH else 1 for line in text.split("\n")) + 2


def _package(description: Description, manner: Manner) -> str:
    package = f"regulars_client.{manner.package}"
    imports = [
        f"from {package}.{names.module_name(tag)} import {manner.prefix}{names.class_name(tag)}"
        for tag in description.tags
    ]
    sets = [
        f"        self.{names.module_name(tag)} = {manner.prefix}{names.class_name(tag)}(transport)"
        for tag in description.tags
    ]
    body = (
        f"class {manner.prefix}Groups:\n"
        f"{docstring('The groups of operations, as the API reference has them.', 4)}\n\n"
        f"    def __init__(self, transport: {manner.transport}) -> None:\n" + "\n".join(sets)
    )
    own = {f"{package}.transport": [manner.transport]}
    text = module(f"All groups of operations, {manner.told}.", body, own=own)
    return text.replace("\n\n\nclass", "\n" + "\n".join(imports) + "\n\n\nclass", 1)
