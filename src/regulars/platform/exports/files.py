"""Parts of files of exports: rows as they were read, a member's own data sealed under the member's key within them.

So of a member who was erased no part can be read, whoever has the parts and every other key.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from regulars.platform.bulk.parts import PartFiles
from regulars.platform.exports.contracts import Cell, Column, ExportKind
from regulars.platform.exports.errors import ExportExpired
from regulars.platform.exports.store import Page

_PURPOSE: Final = "exports"


class ExportFiles(PartFiles):
    """The folder of exported files."""

    def __init__(self, home: Path, pepper: bytes) -> None:
        super().__init__(home, pepper, _PURPOSE, ExportExpired)


class Packed(Struct, frozen=True, array_like=True):
    """A part: the cells of each row but for members' own, whose each row is, and what is sealed of each of those."""

    rows: list[list[Cell]]
    whose: list[UUID]
    sealed: dict[UUID, Cell]

    def last(self, rows: int) -> "Packed":
        """Return the part with its last rows alone."""
        begin = len(self.rows) - rows
        return self if not begin else Packed(self.rows[begin:], self.whose[begin:], self.sealed)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Packed).decode


def pack(kind: ExportKind, columns: Sequence[str], page: Page, sealed: Mapping[UUID, Cell]) -> bytes:
    """Write a page down."""
    own = [kind.columns[name] for name in columns if name in kind.columns]
    rows = [[_cell(column, value) for column, value in zip(own, row, strict=False)] for row in page.rows]
    return _encode(Packed(rows, page.members if sealed else [], dict(sealed)))


def unpack(content: bytes) -> Packed:
    """Read what `pack` wrote."""
    return _decode(content)


def _cell(column: Column, value: Cell) -> Cell:
    told = value
    if value is None or column.told is not None:
        told = None if column.told is None or value is None else column.told(value)
    elif column.prefix:
        told = f"{column.prefix}_{value.hex}"
    elif isinstance(value, datetime):
        told = value.astimezone(UTC)
    elif isinstance(value, Decimal):
        told = str(value)
    elif column.form == "json" and isinstance(value, str):
        told = msgspec.Raw(value.encode())
    return told
