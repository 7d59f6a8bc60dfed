"""Lists that leave the house as files: who took which, with which filters, and how many rows, in the audit log."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.database import Database
from regulars.web.kit.listings import CsvFile, Listing
from regulars.web.kit.viewers import Viewer, ViewerKind


async def logged_lines(database: Database, viewer: Viewer, listing: Listing, file: CsvFile) -> AsyncIterator[str]:
    """Write a file, and into the audit log that it was begun and how it ended.

    What was searched for is personal data more often than not, so the log says only that something was.
    """
    asked = _asked(file)
    await _note(database, viewer, "begin_file", listing, asked)
    try:
        async with aclosing(file.lines()) as lines:
            async for line in lines:
                yield line
    finally:
        await _note(database, viewer, "take_file", listing, f"{file.rows} rows, {file.ending}; {asked}")


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
