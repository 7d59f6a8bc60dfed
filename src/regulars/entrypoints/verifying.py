"""Verifying everything at once, from the command line."""

from regulars.entrypoints.commands import cli_actor
from regulars.entrypoints.wiring import checks, declare_tasks
from regulars.platform.audit.contracts import Head
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.verification.books import Verified, proven_head, record_books
from regulars.platform.verification.contracts import Finding
from regulars.platform.verification.service import verify


async def verify_and_record(database: Database, audit_head: str) -> list[Finding]:
    """Run every check, and keep what those of the books found. The audit log must extend the given head.

    With an empty one it must extend the head that the verifications before proved.
    """
    declare_tasks()
    began = wall_now()
    async with database.transaction() as tx:
        head = audit_head or await proven_head(tx)
    listed = checks(Head.parse(head))
    found = [finding async for finding in verify(database, listed)]
    of_books = tuple(one for one, check in zip(found, listed, strict=True) if not check.quick)
    async with database.transaction(actor=cli_actor()) as tx:
        record_books(tx, Verified(findings=of_books, audit_head=head), by=cli_actor(), began=began)
    return found
