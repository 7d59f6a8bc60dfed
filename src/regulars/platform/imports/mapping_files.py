"""A mapping as a file that people keep: written as TOML, read from TOML or JSON."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from regulars.platform.imports.contracts import Mapped
from regulars.platform.imports.errors import MappingUnreadable

_TABLES: Final = ("columns", "constants", "dates")
_PLAIN: Final = ("delimiter", "decimal", "time_zone")
_SAID: Final = 200


def write_mapping(mapping: Mapped) -> str:
    """Return a mapping as TOML, as `regulars import --mapping` takes it."""
    held: dict[str, Any] = msgspec.to_builtins(mapping)
    lines = [f"{name} = {_value(held[name])}" for name in _PLAIN if held[name] is not None]
    for table in _TABLES:
        if held[table]:
            lines += ["", f"[{table}]", *_pairs(held[table])]
    return "\n".join(lines) + "\n"


def read_mapping(content: bytes) -> Mapped:
    """Read a mapping, TOML or JSON. Raises MappingUnreadable."""
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()
        held = msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        return msgspec.convert(held, Mapped)
    except (tomllib.TOMLDecodeError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MappingUnreadable(why=str(error)[:_SAID]) from None


def _pairs(held: Mapping[str, Any]) -> list[str]:
    return [f"{_value(name)} = {_value(value)}" for name, value in held.items()]


def _value(value: str | int | bool) -> str:  # noqa: FBT001 - a value of a constant
    # JSON's texts, numbers and truths are TOML's, but for one sign that TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
