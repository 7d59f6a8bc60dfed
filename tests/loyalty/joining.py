"""Merging and parting books in a test: what the room of members does with the ledger's part, one transaction each."""

from datetime import datetime
from uuid import UUID

from regulars.loyalty.merging import service as merging
from regulars.members.contracts.merging import BooksMoved, BooksReturned, Merging
from regulars.platform.ids import derived_id
from tests.loyalty.programme import START, Programme


def merge_of(survivor: UUID, absorbed: UUID, at: datetime, name: str = "merge") -> Merging:
    """Return a merge whose id follows from its name."""
    return Merging(derived_id(START, name), survivor, absorbed, at)


async def merge(programme: Programme, wish: Merging, *, dry_run: bool = False) -> BooksMoved:
    """Merge the books of two members."""
    async with programme.database.transaction() as tx:
        return await merging.merge(tx, wish, dry_run)


async def undo(programme: Programme, wish: Merging, at: datetime, *, dry_run: bool = False) -> BooksReturned:
    """Part them again."""
    async with programme.database.transaction() as tx:
        return await merging.undo(tx, wish._replace(at=at), dry_run)
