"""What the pages of imports share: where they are, who may, and the file that is read."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.staff.contracts import Viewer
from regulars.platform.bulk.contracts import JOB_PREFIX
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.imports.contracts import Import, ImportKind, Mapped, Part
from regulars.platform.imports.errors import ImportKindUnknown
from regulars.platform.imports.files import ImportFiles, SealedFile
from regulars.platform.imports.glancing import Glance, glance
from regulars.web.kit.errors import PermissionNeeded
from regulars.web.kit.kit import Kit

IMPORTS: Final = "/console/imports"
ONE: Final = f"{IMPORTS}/{{import_id:str}}"
JOBS_READ, WRITE = "jobs:read", "imports:write"
# Rows that ask for a permission of their own: points as they do one by one; and that members agreed is not for whoever
# writes to them to say.
ALSO_NEEDED: Final = {"accruals": "points:write", "consents": "consents:write"}


class House(msgspec.Struct, frozen=True):
    """What the pages of imports stand on."""

    kit: Kit
    files: ImportFiles

    def kind_of(self, one: Import) -> ImportKind:
        """Return what an import's rows are. Raises ImportKindUnknown."""
        kind = self.kit.imports.get(one.kind)
        if kind is None:
            raise ImportKindUnknown(kind=one.kind, kinds=", ".join(self.kit.imports))
        return kind

    def require(self, viewer: Viewer, one: Import) -> None:
        """Let only who may have such rows carried out go on. Raises PermissionNeeded."""
        if one.kind in ALSO_NEEDED and not viewer.may(ALSO_NEEDED[one.kind]):
            raise PermissionNeeded

    async def glance(self, one: Import, parts: Sequence[Part], mapping: Mapped | None, delimiter: str = "") -> Glance:
        """Read the beginning of an import's file. Raises what is wrong with it."""
        file = SealedFile(self.files, one.job_id, parts)
        return await asyncio.to_thread(glance, file, one.format, self.kind_of(one), mapping, delimiter)


def path_of(job_id: UUID) -> str:
    """Return where an import is shown."""
    return f"{IMPORTS}/{public_id(JOB_PREFIX, job_id)}"


def note(tx: Transaction, action: str, one: Import) -> None:
    """Write into the audit log what somebody did with an import."""
    subject = public_id(JOB_PREFIX, one.job_id)
    tx.audit(AuditEntry(actor=tx.actor, action=action, subject=subject, request_id=tx.request_id, detail=one.kind))
