"""Reading proposals for pages."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from regulars.members.contracts.proposals import Evidence, Proposal, ProposalsWanted
from regulars.members.proposals import store
from regulars.platform.db.transaction import Transaction


async def list_proposals(tx: Transaction, wanted: ProposalsWanted) -> list[tuple[Proposal, list[Evidence]]]:
    """Return proposals with what speaks for them, the last seen first. Raises nothing."""
    found = await store.listed(tx, wanted)
    evidence = await store.evidence(tx, found) if found else {}
    return [(one, evidence.get(one.proposal_id, [])) for one in found]


def open_of(tx: Transaction, member_id: UUID) -> Callable[[], Awaitable[list[Proposal]]]:
    """Ask for the open proposals of a member along with the next read of the transaction; what is returned answers."""
    return store.ask_open_of(tx, member_id)


async def count_open(tx: Transaction, at_most: int = 100) -> int:
    """Return how many proposals are open, counted up to so many. Raises nothing."""
    return await store.count_open(tx, at_most)
