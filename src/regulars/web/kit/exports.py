"""Lists that leave the house as files: who took which, with which filters, and how many rows, in the audit log.

A file is read in one snapshot, so that its rows belong together, and at the speed of the database: it is put down on
disk (`Spool`) while it is being sent, so that a slow line holds no connection and keeps no transaction open.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext, suppress
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import Final

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.web.kit.listings import CsvFile, Ending, Listing
from regulars.web.kit.viewers import Viewer, ViewerKind

logger = logging.getLogger(__name__)

_IN_MEMORY_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 16


class Spool:
    """Bytes that one writes and another reads, as far as they are there; on disk where they are many."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `close`
        self._written = 0
        self._ended = False
        self._news = asyncio.Event()

    def write(self, text: str) -> None:
        """Add text at the end."""
        content = text.encode()
        self._file.seek(self._written)
        self._file.write(content)
        self._written += len(content)
        self._news.set()

    def end(self) -> None:
        """Say that nothing more comes."""
        self._ended = True
        self._news.set()

    def close(self) -> None:
        """Delete what was written."""
        self._file.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Return everything from the beginning on, waiting for what is not written yet."""
        at = 0
        while at < self._written or not self._ended:
            if at == self._written:
                self._news.clear()
                await self._news.wait()
                continue
            self._file.seek(at)
            chunk = self._file.read(min(_CHUNK_BYTES, self._written - at))
            at += len(chunk)
            yield chunk


async def logged_file(
    database: Database, turns: asyncio.Semaphore, viewer: Viewer, listing: Listing, file: CsvFile
) -> AsyncGenerator[bytes, None]:
    """Send a file, and write into the audit log that it was begun and how it ended.

    It is read when it has its turn: each holds a connection for as long. What was searched for is personal data more
    often than not, so the log says only that something was. Of a file that was not taken to its end it tells the rows
    that had been read for it, which may be more than were sent.
    """
    asked = _asked(file)
    await _note(database, viewer, "begin_file", listing, asked)
    spool = Spool()
    writing = asyncio.create_task(_write(database, turns, file, spool))
    is_sent = False
    try:
        async for chunk in spool.chunks():
            yield chunk
        is_sent = True
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        spool.close()
        ending = file.ending if is_sent else Ending.LEFT
        await _note(database, viewer, "take_file", listing, f"{file.rows} rows, {ending}; {asked}")


async def _write(database: Database, turns: asyncio.Semaphore, file: CsvFile, spool: Spool) -> None:
    """Read a file in one snapshot, and put it down."""
    try:
        async with turns, database.transaction(one_snapshot=True) as tx:

            def same() -> AbstractAsyncContextManager[Transaction]:
                return nullcontext(tx)

            file.wanted = replace(file.wanted, reading=same)
            async with aclosing(file.lines()) as lines:
                async for line in lines:
                    spool.write(line)
    except Exception:
        logger.exception("a list could not be read")
        if file.ending is Ending.LEFT:  # not even begun, or it would have said so itself
            file.ending = Ending.FAILED
            spool.write(file.last_words())
    finally:
        spool.end()


def _asked(file: CsvFile) -> str:
    filters = [f"{name}={value}" for name, value in sorted(file.wanted.filters.items())]
    searched = ["searched"] if file.wanted.search else []
    return ", ".join([*filters, *searched, "columns " + " ".join(column.name for column in file.wanted.columns)])


async def _note(database: Database, viewer: Viewer, action: str, listing: Listing, detail: str) -> None:
    if viewer.kind is ViewerKind.NOBODY:  # the gallery's made-up people
        return
    async with database.transaction() as tx:
        tx.audit(
            AuditEntry(
                actor=viewer.session.actor,
                action=action,
                subject=f"list {listing.name}",
                request_id=tx.request_id,
                detail=detail,
            )
        )
