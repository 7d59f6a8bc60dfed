"""Refusals about proposals."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class UnknownProposal(NotFound):
    """There is no such proposal, or its members were erased."""

    code = "unknown_proposal"
    message = "There is no such proposal: it never was, or one of the two was erased. List the proposals to find it."


class ProposalEnded(Conflict):
    """Somebody, or the rule, was faster."""

    code = "proposal_ended"
    message = "This proposal is no longer open ({state} at {ended_at}). Read it again to see what came of it."


class AccountMeanwhile(Exception):
    """Something was booked or bought for one of the two while the rule merged them."""


class SurvivorNotOfProposal(InvalidInput):
    """Who stays must be one of the two."""

    code = "survivor_not_of_proposal"
    message = "Name one of the two members of the proposal in “survivor”, or leave it out."
