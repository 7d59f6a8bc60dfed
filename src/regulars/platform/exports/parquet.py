"""Rows as Parquet, a row group a part, by pyarrow: the one file here that knows it."""

import io
from collections.abc import Mapping
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from regulars.platform.exports.contracts import Column, Form
from regulars.platform.exports.writing import Rows, typed

_TYPES: Final[dict[Form, pa.DataType]] = {
    "text": pa.string(),
    "json": pa.string(),
    "whole": pa.int64(),
    "flag": pa.bool_(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", tz="UTC"),
    "decimal": pa.decimal128(18, 3),
}


class _Outlet(io.RawIOBase):
    """What is written, until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # any readable buffer
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class ParquetWriter:
    """A file that comes piece by piece; its foot, without which nobody reads it, comes last."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns
        self._schema = pa.schema([pa.field(name, _TYPES[column.form]) for name, column in columns.items()])
        self._outlet = _Outlet()
        self._writer = parquet.ParquetWriter(pa.PythonFile(self._outlet, mode="w"), self._schema, compression="zstd")

    def rows(self, rows: Rows) -> bytes:
        """Write a row group."""
        cells = list(zip(*rows, strict=True))
        arrays = [
            pa.array([typed(column, value) for value in values], type=field.type)
            for column, field, values in zip(self._columns.values(), self._schema, cells, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        return self._outlet.taken()

    def end(self) -> bytes:
        """Write the foot."""
        self._writer.close()
        return self._outlet.taken()
