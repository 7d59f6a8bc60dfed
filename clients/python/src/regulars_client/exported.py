"""The rows of an export, one by one, however often their download breaks off."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import msgspec

from regulars_client.asynchronous.exports import AsyncExports
from regulars_client.blocking.exports import Exports
from regulars_client.errors import NoAnswer

_SHORT: Final = "Of {told} rows {arrived} arrived."

Row = dict[str, Any]
_read: Final = msgspec.json.Decoder(Row).decode


class _Arrived:
    """How many rows arrived, and how often in a row the download broke off before the next one."""

    def __init__(self, attempts: int) -> None:
        self.rows, self._breaks, self._attempts = 0, 0, attempts

    @property
    def to_skip(self) -> int | None:
        """What is asked to be left out; nothing at first."""
        return self.rows or None

    def one(self) -> None:
        """Note one more row."""
        self.rows, self._breaks = self.rows + 1, 0

    def all_of(self, told: int | None, began: int) -> None:
        """Raise NoAnswer if fewer arrived than were told of."""
        if told is not None and self.rows - began < told:
            raise NoAnswer(_SHORT.format(told=told, arrived=self.rows - began))

    def goes_on(self) -> bool:
        """Note that it broke off, and say whether it is to be tried again."""
        self._breaks += 1
        return self._breaks < self._attempts


def rows_of(exports: Exports, export_id: str, attempts: int) -> Iterator[Row]:
    """See `Regulars.export_rows`."""
    arrived = _Arrived(attempts)
    while True:
        began = arrived.rows
        with exports.download(export_id, format_="jsonl", skip_rows=arrived.to_skip) as file:
            try:
                for line in file.lines():
                    arrived.one()
                    yield _read(line)
                arrived.all_of(file.rows, began)
            except NoAnswer:
                if not arrived.goes_on():
                    raise
            else:
                return


async def rows_of_async(exports: AsyncExports, export_id: str, attempts: int) -> AsyncIterator[Row]:
    """See `AsyncRegulars.export_rows`."""
    arrived = _Arrived(attempts)
    while True:
        began = arrived.rows
        async with await exports.download(export_id, format_="jsonl", skip_rows=arrived.to_skip) as file:
            try:
                async for line in file.lines():
                    arrived.one()
                    yield _read(line)
                arrived.all_of(file.rows, began)
            except NoAnswer:
                if not arrived.goes_on():
                    raise
            else:
                return
