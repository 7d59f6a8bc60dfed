"""Types of the API's description, as they are written in Python."""

from dataclasses import dataclass
from typing import Any, Final

from clients.generate.description import Description, Schema, component
from clients.generate.names import struct_name

_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None", "any": "Any"}
_FORMATS: Final = {"date-time": "datetime", "date": "date"}


@dataclass(frozen=True, slots=True)
class Types:
    """Writes types. What is `sent` has exactly the described choices; what is answered may one day have another.

    So an older client reads the answers of a newer deployment: within a version the API only adds.
    """

    description: Description
    sent: bool

    def of(self, schema: Schema) -> str:
        """Return the type of a schema."""
        if (named := component(schema)) is not None:
            return self._of_component(named)
        for several in ("oneOf", "anyOf"):
            if several in schema:
                return self._union([self.of(one) for one in schema[several] if one])
        if "enum" in schema or "const" in schema:
            return self._choice(schema)
        kind = schema.get("type", "any")
        if isinstance(kind, list):
            return self._union([self.of({**schema, "type": one}) for one in kind])
        return self._of_kind(kind, schema)

    def _of_kind(self, kind: str, schema: Schema) -> str:
        if kind == "array":
            return f"{'Sequence' if self.sent else 'list'}[{self.of(schema.get('items', {}))}]"
        if kind == "object":
            return f"dict[str, {self._values(schema)}]"
        return _FORMATS.get(schema.get("format", ""), _PLAIN[kind])

    def _of_component(self, named: str) -> str:
        found = self.description.schemas[named]
        return struct_name(named) if is_object(found) else self.of(found)

    def _choice(self, schema: Schema) -> str:
        choices: list[Any] = schema.get("enum", [schema.get("const")])
        texts = [choice for choice in choices if choice is not None]
        if all(isinstance(choice, str) for choice in texts):
            kind = f"Literal[{', '.join(map(quoted, texts))}]" if self.sent else "str"
        else:
            kind = _PLAIN["boolean" if isinstance(texts[0], bool) else "integer"]
        return self._union([kind, "None"]) if None in choices else kind

    def _values(self, schema: Schema) -> str:
        extra = schema.get("additionalProperties")
        return self.of(extra) if isinstance(extra, dict) else "Any"

    def _union(self, kinds: list[str]) -> str:
        parts = list(dict.fromkeys(kinds))
        if "Any" in parts:
            return "Any"
        return " | ".join(sorted(parts, key=lambda part: part == "None"))


def or_unset(kind: str) -> str:
    """Return the type of what may be left out as well."""
    if kind in {"Any", "object"}:
        return kind
    without = kind.removesuffix(" | None")
    return f"{without} | UnsetType{kind[len(without) :]}"


def is_object(schema: Schema) -> bool:
    """True for what becomes a class."""
    return schema.get("type") == "object" and "properties" in schema


def quoted(text: str) -> str:
    """Write a text in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
