"""A policy as a document: written, and read from what somebody wrote, where a misspelt name must not pass."""

from collections.abc import Iterator
from typing import Any

import msgspec

from regulars.loyalty.policy.contracts import Policy

_encode = msgspec.json.Encoder().encode


def written(policy: Policy) -> str:
    """Return the document that stands for a policy."""
    return _encode(policy).decode()


def unknown_fields(given: Any, understood: Any, where: str = "") -> Iterator[str]:  # noqa: ANN401 - whatever was sent
    """Yield the fields of what was sent that nothing reads, e.g. `tier.tiers[1].treshold`.

    `understood` is what was made of it, as builtins.
    """
    if isinstance(given, dict) and isinstance(understood, dict):
        for name, value in given.items():
            field = f"{where}.{name}" if where else name
            if name in understood:
                yield from unknown_fields(value, understood[name], field)
            else:
                yield field
    elif isinstance(given, list) and isinstance(understood, list):
        for position, (value, read) in enumerate(zip(given, understood, strict=True)):
            yield from unknown_fields(value, read, f"{where}[{position}]")
