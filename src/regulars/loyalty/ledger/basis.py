"""The basis of a transfer: the values it was decided by, kept with the row so that its reason never changes."""

import msgspec

_encode = msgspec.json.Encoder().encode


def basis(**values: str | int | None) -> str:
    """Return the values as JSON text, leaving out what is None or empty."""
    return _encode({name: value for name, value in values.items() if value not in {None, ""}}).decode()


def read_basis(text: str) -> dict[str, str | int]:
    """Return the values of a row; none for rows that need none."""
    return msgspec.json.decode(text, type=dict[str, str | int]) if text else {}
