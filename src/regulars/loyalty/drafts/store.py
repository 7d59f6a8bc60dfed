"""SQL of drafts."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from regulars.loyalty.drafts.contracts import DraftRevision, DraftState, PolicyDraft
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.reading import written
from regulars.platform.db.transaction import Transaction

_decode = msgspec.json.Decoder(Policy).decode

COLUMNS: LiteralString = """
SELECT d.draft_id, r.name, d.state, d.revision, r.document, d.created_by, d.created_at, r.changed_by, r.changed_at,
       d.proposed_for, d.proposed_by, d.note, d.version, d.based_on, w.withdrawn_at
FROM policy_drafts AS d JOIN policy_draft_revisions AS r ON r.draft_id = d.draft_id AND r.revision = d.revision
LEFT JOIN policy_withdrawals AS w ON w.version = d.based_on
"""
ONE: LiteralString = COLUMNS + "WHERE d.draft_id = %s"
ONE_LOCKED: LiteralString = ONE + " FOR UPDATE OF d"
LIST: LiteralString = """
WHERE (%(ended)s OR d.state IN ('draft', 'proposed'))
  AND (%(after_at)s::timestamptz IS NULL OR (d.created_at, d.draft_id) < (%(after_at)s, %(after_id)s::uuid))
ORDER BY d.created_at DESC, d.draft_id DESC LIMIT %(limit)s
"""
INSERT: LiteralString = """
INSERT INTO policy_drafts (draft_id, state, revision, created_by, created_at, proposed_by, note, based_on)
VALUES (%s, 'draft', 1, %s, %s, '', '', %s)
"""
INSERT_REVISION: LiteralString = """
INSERT INTO policy_draft_revisions (draft_id, revision, name, document, changed_by, changed_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
SET_STATE: LiteralString = """
UPDATE policy_drafts SET state = %s, proposed_for = %s, proposed_by = %s, note = %s, version = %s,
    based_on = coalesce(%s, based_on)
WHERE draft_id = %s
"""


async def read_draft(tx: Transaction, draft_id: UUID, *, lock: bool = False) -> PolicyDraft | None:
    """Return a draft; with `lock` nobody else changes it until this transaction ends."""
    rows = await tx.rows(ONE_LOCKED if lock else ONE, (draft_id,))
    return _draft(rows[0]) if rows else None


async def list_drafts(
    tx: Transaction, *, ended: bool, after: tuple[datetime, UUID] | None, limit: int
) -> list[PolicyDraft]:
    """Return drafts, the latest first, from behind one; `ended` includes those that are scheduled or given up."""
    after_at, after_id = after or (None, None)
    asked = {"ended": ended, "after_at": after_at, "after_id": after_id, "limit": limit}
    return [_draft(row) for row in await tx.rows(COLUMNS + LIST, asked)]


async def read_revisions(tx: Transaction, draft_id: UUID) -> list[DraftRevision]:
    """Return everything that a draft said, the latest first."""
    rows = await tx.rows(
        "SELECT revision, name, document, changed_by, changed_at FROM policy_draft_revisions "
        "WHERE draft_id = %s ORDER BY revision DESC",
        (draft_id,),
    )
    return [
        DraftRevision(revision=revision, name=name, policy=_decode(document), changed_by=by, changed_at=at)
        for revision, name, document, by, at in rows
    ]


def insert_draft(tx: Transaction, draft_id: UUID, by: str, at: datetime, based_on: int | None) -> None:
    """Begin a draft; its first revision follows."""
    tx.write(INSERT, (draft_id, by, at, based_on))


def insert_revision(tx: Transaction, draft: PolicyDraft) -> None:
    """Keep what a draft says now."""
    document = written(draft.policy)
    tx.write(
        INSERT_REVISION, (draft.draft_id, draft.revision, draft.name, document, draft.changed_by, draft.changed_at)
    )


def set_revision(tx: Transaction, draft_id: UUID, revision: int) -> None:
    """Let a revision be the one that holds."""
    tx.write("UPDATE policy_drafts SET revision = %s WHERE draft_id = %s", (revision, draft_id))


def set_state(
    tx: Transaction,
    draft_id: UUID,
    state: DraftState,
    *,
    proposed_for: datetime | None = None,
    proposed_by: str = "",
    note: str = "",
    version: int | None = None,
    based_on: int | None = None,
) -> None:
    """Note what became of a draft, and which version it was compared with, if that is new."""
    tx.write(SET_STATE, (state, proposed_for, proposed_by, note, version, based_on, draft_id))


def _draft(row: tuple[Any, ...]) -> PolicyDraft:
    draft_id, name, state, revision, document, created_by, created_at, changed_by, changed_at, *proposed = row
    proposed_for, proposed_by, note, version, based_on, withdrawn_at = proposed
    return PolicyDraft(
        draft_id=draft_id,
        name=name,
        state=state,
        revision=revision,
        policy=_decode(document),
        created_by=created_by,
        created_at=created_at,
        changed_by=changed_by,
        changed_at=changed_at,
        proposed_for=proposed_for,
        proposed_by=proposed_by,
        note=note,
        version=version,
        based_on=based_on,
        based_on_withdrawn_at=withdrawn_at,
    )
