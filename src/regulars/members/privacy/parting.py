"""What has been gathered of members who are merged, or parted again."""

from uuid import UUID

from regulars.members.privacy import store
from regulars.platform.db.transaction import Transaction


def forget_waiting_exports(tx: Transaction, absorbed_id: UUID) -> None:
    """Forget the exports that wait of who becomes part of another: everything about both is asked for under one id."""
    store.forget_waiting(tx, [absorbed_id])


def forget_shared_exports(tx: Transaction, merge_id: UUID) -> None:
    """Forget the exports of both members of a merge that tell of both: those of since then, and those that wait."""
    store.forget_shared(tx, merge_id)
