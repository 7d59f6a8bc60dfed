"""What a version of the API promises, and whether an API keeps it: what was there is there, and means what it meant.

Requests may only be taken more widely than before, answers only be told more fully.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

Schema = dict[str, Any]
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_TOLD: Final = {"description", "summary", "example", "examples", "title", "tags"}  # words, which may change


def promised(described: Schema) -> Schema:
    """Return what a description promises: its operations and their forms, without words."""
    return {
        "paths": {
            path: {method: _operation(one) for method, one in found.items()}
            for path, found in described["paths"].items()
        },
        "schemas": {name: _bare(schema) for name, schema in described["components"]["schemas"].items()},
    }


def _operation(operation: Schema) -> Schema:
    answers = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    return {
        "operationId": operation["operationId"],
        "parameters": {
            f"{one['in']} {one['name']}": {"required": one.get("required", False), "schema": _bare(one["schema"])}
            for one in operation.get("parameters", [])
        },
        "body": _forms(operation.get("requestBody", {})),
        "answers": {status: _forms(answer) for status, answer in answers.items()},
    }


def _forms(content: Schema) -> Schema:
    return {kind: _bare(one.get("schema", {})) for kind, one in content.get("content", {}).items()}


def _bare(schema: Any) -> Any:  # noqa: ANN401 - any JSON there is
    if isinstance(schema, list):
        return [_bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {inner: _bare(one) for inner, one in part.items()} if name == "properties" else _bare(part)
        for name, part in schema.items()
        if name not in _TOLD
    }


def broken(old: Schema, new: Schema) -> list[str]:
    """Return what of the old promises the new ones do not keep."""
    return sorted(set(_broken(old, new)))


def unkept(old: Schema, new: Schema, changed: Collection[str]) -> list[str]:
    """Return what of an older version's promises is not kept.

    What was `changed` since (`POST /v1/orders`) is turned back for those who speak that version; the rest is not.
    """
    operations = {f"{method.upper()} {path}" for path, methods in new["paths"].items() for method in methods}
    without = {
        path: {method: one for method, one in methods.items() if f"{method.upper()} {path}" not in changed}
        for path, methods in old["paths"].items()
    }
    gone = [f"{operation} was changed, and is not there" for operation in changed if operation not in operations]
    return sorted({*gone, *_broken({**old, "paths": without}, new)})


def _broken(old: Schema, new: Schema) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            told = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{told} is gone"
                continue
            if after["operationId"] != before["operationId"]:
                yield f"{told} is called otherwise"
            yield from _parameters(told, before["parameters"], after["parameters"], Sides(old, new, is_answer=False))
            for kind, schema in before["body"].items():
                yield from _form(
                    f"{told} takes {kind}", after["body"].get(kind), schema, Sides(old, new, is_answer=False)
                )
            for status, forms in before["answers"].items():
                for kind, schema in forms.items():
                    answer = after["answers"].get(status, {}).get(kind)
                    yield from _form(f"{told} answers {status} {kind}", answer, schema, Sides(old, new, is_answer=True))


def _form(told: str, after: Schema | None, before: Schema, sides: "Sides") -> Iterator[str]:
    if after is None:
        yield f"{told}: no more"
    else:
        yield from sides.compare(told, before, after, ())


def _parameters(told: str, old: Schema, new: Schema, sides: "Sides") -> Iterator[str]:
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            yield f"{told}: {name} is gone"
            continue
        if after["required"] and not before["required"]:
            yield f"{told}: {name} is required"
        yield from sides.compare(f"{told}: {name}", before["schema"], after["schema"], ())
    for name in set(new) - set(old):
        if new[name]["required"]:
            yield f"{told}: {name} is required"


class Sides(NamedTuple):
    """The old and the new, and whether what is compared is an answer, or what is sent."""

    old: Schema
    new: Schema
    is_answer: bool

    def compare(self, told: str, before: Schema, after: Schema, within: tuple[str, ...]) -> Iterator[str]:
        """Yield how the new form breaks what the old one promised."""
        name = before.get("$ref", "")
        if name in within:
            return
        within = (*within, name) if name else within
        before, after = _followed(self.old, before), _followed(self.new, after)
        for many in ("oneOf", "anyOf"):
            if many in before or many in after:
                yield from self._choices(told, before, after, within)
                return
        if self.is_answer and before and not after:
            yield f"{told}: may be anything"
        yield from self._kinds(told, before, after)
        yield from self._names(told, before, after, within)
        if "items" in before and "items" in after:
            yield from self.compare(f"{told}[]", before["items"], after["items"], within)
        if not self.is_answer:
            yield from _narrowed(told, before, after)

    def _kinds(self, told: str, before: Schema, after: Schema) -> Iterator[str]:
        old, new = _types(before), _types(after)
        narrow, wide = (new, old) if self.is_answer else (old, new)
        if wide and not narrow <= wide:
            yield f"{told}: {sorted(old)} became {sorted(new)}"

    def _names(self, told: str, before: Schema, after: Schema, within: tuple[str, ...]) -> Iterator[str]:
        old, new = before.get("properties", {}), after.get("properties", {})
        for name, schema in old.items():
            if name not in new:
                yield f"{told}.{name} is gone"
            else:
                yield from self.compare(f"{told}.{name}", schema, new[name], within)
        needed, given = set(before.get("required", ())), set(after.get("required", ()))
        for name in (needed - given) & set(new) if self.is_answer else given - needed:
            yield f"{told}.{name} {'may be left out' if self.is_answer else 'is required'}"

    def _choices(self, told: str, before: Schema, after: Schema, within: tuple[str, ...]) -> Iterator[str]:
        old, new = _choices_of(before), _choices_of(after)
        for one in new if self.is_answer else old:
            pairs = [(other, one) if self.is_answer else (one, other) for other in (old if self.is_answer else new)]
            if not any(not list(self.compare(told, *pair, within)) for pair in pairs):
                yield f"{told}: a choice is {'new' if self.is_answer else 'gone'}"


def _followed(whole: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = whole["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _choices_of(schema: Schema) -> list[Schema]:
    return schema.get("oneOf") or schema.get("anyOf") or [schema]


def _types(schema: Schema) -> set[str]:
    found = schema.get("type", [])
    return set(found) if isinstance(found, list) else {found}


def _narrowed(told: str, before: Schema, after: Schema) -> Iterator[str]:
    if "enum" in after and not set(before.get("enum", ["anything"])) <= set(after["enum"]):
        yield f"{told}: choices were taken away"
    if after.get("pattern", before.get("pattern")) != before.get("pattern"):
        yield f"{told}: another pattern"
    for bound in _MOST:
        if bound in after and (bound not in before or after[bound] < before[bound]):
            yield f"{told}: less is taken ({bound})"
    for bound in _LEAST:
        if bound in after and (bound not in before or after[bound] > before[bound]):
            yield f"{told}: more is asked ({bound})"
