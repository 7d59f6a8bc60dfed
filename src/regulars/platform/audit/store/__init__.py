"""SQL of the audit log."""

from collections.abc import Sequence
from typing import Any, LiteralString

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.clock import wall_now
from regulars.platform.db import arrays

INSERT_ENTRIES: LiteralString = """
INSERT INTO audit_entries (written_at, actor, action, subject, reason, request_id, detail)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
"""
# The same where they differ in nothing else, as those of one batch.
INSERT_ALIKE: LiteralString = """
INSERT INTO audit_entries (written_at, actor, action, reason, request_id, subject, detail)
SELECT %s, %s::text, %s::text, %s::text, %s::text, * FROM unnest(%s::text[], %s::text[])
"""


def insert_entries(entries: Sequence[AuditEntry]) -> tuple[LiteralString, tuple[Any, ...]]:
    """Return the statement that appends entries in the given order."""
    alike = {(entry.actor, entry.action, entry.reason, entry.request_id) for entry in entries}
    if len(alike) == 1:
        return INSERT_ALIKE, (
            wall_now(),
            *alike.pop(),
            arrays.texts([entry.subject for entry in entries]),
            arrays.texts([entry.detail for entry in entries]),
        )
    return INSERT_ENTRIES, (
        wall_now(),
        arrays.texts([entry.actor for entry in entries]),
        arrays.texts([entry.action for entry in entries]),
        arrays.texts([entry.subject for entry in entries]),
        arrays.texts([entry.reason for entry in entries]),
        arrays.texts([entry.request_id for entry in entries]),
        arrays.texts([entry.detail for entry in entries]),
    )
