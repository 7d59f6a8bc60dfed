"""One call of an operation, before it is sent: what is asked, of what type the answer is, and which key names it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote
from uuid import uuid4

import msgspec
from msgspec import UNSET

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A request and the type of its answer. Operations make it; a transport sends it, as often as it takes.

    `takes_key` is true of what changes something: it is named by `key`, or else by one that is made here, once. A body
    of bytes is sent as it is, as `media_type`.
    """

    method: str
    path: str
    answer: type[Answer]
    query: Mapping[str, object] = field(default_factory=dict)
    body: object = UNSET
    media_type: str = "application/json"
    takes_key: bool = False
    key: str | None = None

    def __post_init__(self) -> None:
        if self.takes_key and self.key is None:
            object.__setattr__(self, "key", str(uuid4()))

    def parameters(self) -> dict[str, str]:
        """Return the query as it is sent."""
        return {name: _written(value) for name, value in self.query.items() if value is not None}

    def content(self) -> bytes | None:
        """Return the body as it is sent: the same bytes in every attempt, as the key stands for them."""
        if isinstance(self.body, bytes):
            return self.body
        return None if self.body is UNSET else msgspec.json.encode(self.body)

    @property
    def waits_seconds(self) -> float:
        """For how long the answer may be held back because it was asked to wait for news."""
        wait = self.query.get("wait")
        return float(wait) if isinstance(wait, int | float) else 0.0


class Page(Protocol):
    """An answer that may go on."""

    @property
    def has_more(self) -> bool: ...
    @property
    def next_cursor(self) -> str | None: ...


AnyPage = TypeVar("AnyPage", bound=Page)


def given(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that were given. None is null; what was left out is not sent."""
    return {name: value for name, value in fields.items() if value is not UNSET}


def part(value: object) -> str:
    """Write a value as one part of a path, whatever letters it has."""
    return quote(_written(value), safe="")


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join([_written(one) for one in value])
    return str(value)
