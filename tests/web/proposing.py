"""Requests that name two members together, past the pages."""

from uuid import UUID

from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, SignUp
from regulars.members.contracts.proposals import ProposalsWanted
from regulars.members.proposals import service
from regulars.platform.services import Services


async def named_together(services: Services, *pairs: tuple[str, str]) -> list[UUID]:
    """Let sign-ups name a phone and an address of two members; return the open proposals, the last seen first."""
    kinds = (IdentityKind.PHONE, IdentityKind.EMAIL)
    wishes = [
        SignUp(
            market="CN",
            identities=tuple([IdentityValue(kind, value) for kind, value in zip(kinds, pair, strict=True)]),
            channel="store",
        )
        for pair in pairs
    ]
    async with services.database.transaction(actor="test") as tx:
        await service.note(tx, services.vault, await members.sign_up(tx, services.vault, wishes))
    async with services.database.transaction() as tx:
        found = await members.proposals.list_proposals(tx, ProposalsWanted(state="open"))
    return [one.proposal_id for one, _ in found]
