"""Rows of a Parquet file, group by group, by pyarrow: the one file that knows it."""

import io
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from regulars.platform.imports.contracts import GROUP_BYTES, Row
from regulars.platform.imports.errors import RowGroupTooLarge
from regulars.platform.imports.reading import Place, Placed, Source, check_names, unreadable

_BATCH: Final = 1000


def open_parquet(file: io.RawIOBase, *, group_bytes: int = GROUP_BYTES) -> Source:
    """Return the reader of a Parquet file. Raises FileUnreadable, ColumnTwice, RowGroupTooLarge.

    A few kilobytes can unpack to gigabytes, so a group of rows of more than `group_bytes` is not read at all.
    """
    try:
        opened = parquet.ParquetFile(pa.PythonFile(io.BufferedReader(file), mode="r"), pre_buffer=False)
    except (pa.ArrowException, OSError):
        raise unreadable("parquet") from None
    told = opened.metadata
    for group in [told.row_group(number) for number in range(told.num_row_groups)]:
        if sum([group.column(number).total_uncompressed_size for number in range(group.num_columns)]) > group_bytes:
            raise RowGroupTooLarge(limit_bytes=group_bytes)
    return _Parquet(opened)


class _Parquet:
    def __init__(self, opened: "parquet.ParquetFile") -> None:
        self._opened = opened
        self.columns: list[str] | None = list(opened.schema_arrow.names)
        check_names(self.columns)
        self.size: int = opened.metadata.num_rows
        self._ends = [0]
        for group in range(opened.metadata.num_row_groups):
            self._ends.append(self._ends[-1] + opened.metadata.row_group(group).num_rows)

    def done(self, place: Place) -> int:
        return place.at

    def rows(self, place: Place) -> Iterator[Placed]:
        at = place.at
        for group, end in enumerate(self._ends[1:]):
            if end <= at:
                continue
            for row in self._group(group, at - self._ends[group]):
                at += 1
                yield Placed(Row(line=at, columns=row), Place(at, at))

    def _group(self, group: int, behind: int) -> Iterator[dict[str, object]]:
        """Give the rows of a group behind so many, which are passed over without being made rows."""
        try:
            for batch in self._opened.iter_batches(batch_size=_BATCH, row_groups=[group]):
                yield from batch.slice(min(behind, batch.num_rows)).to_pylist()
                behind = max(0, behind - batch.num_rows)
        except (pa.ArrowException, OSError):
            raise unreadable("parquet") from None
