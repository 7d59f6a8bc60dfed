"""The worker's part: the rule merges, by itself, two of whom nothing is known but how to find them."""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.merging import PROPOSAL_PREFIX, MergingParts
from regulars.members.contracts.proposals import Proposal
from regulars.members.proposals import service, store
from regulars.members.proposals.errors import AccountMeanwhile, ProposalEnded, UnknownProposal
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe
from regulars.platform.errors import DomainError
from regulars.platform.ids import public_id
from regulars.platform.vault.contracts import Vault

logger = logging.getLogger(__name__)

ACTOR: Final = "rule:identities"
AT_ONCE: Final = 50
_AGAIN: Final = timedelta(hours=1)
_IDLE_SECONDS: Final = 5.0


async def run_proposals(database: Database, vault: Vault, parts: MergingParts, stop: asyncio.Event) -> None:
    """Look at proposals as they come due until `stop` is set. Outlives the database."""
    while not stop.is_set():
        done = 0
        try:
            done = await examine_due(database, vault, parts)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look tries again
            logger.warning("proposals not looked at: %s", describe(error))
        if not done:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _IDLE_SECONDS)


async def examine_due(database: Database, vault: Vault, parts: MergingParts, *, at: datetime | None = None) -> int:
    """Look at the proposals that are due at an instant of the wall clock (now); returns at how many."""
    now = at or wall_now()
    async with database.transaction() as tx:
        due = await store.due(tx, now, AT_ONCE)
    for proposal in due:
        await _examine(database, vault, parts, proposal, now)
    return len(due)


async def _examine(database: Database, vault: Vault, parts: MergingParts, proposal: Proposal, now: datetime) -> None:
    """Look at one, in a transaction of its own; what stands against merging the two may have passed in an hour."""
    try:
        async with database.transaction(actor=ACTOR) as tx:
            if await service.examine(tx, vault, parts, proposal, ACTOR):
                public = public_id(PROPOSAL_PREFIX, proposal.proposal_id)
                tx.audit(
                    AuditEntry(
                        actor=ACTOR,
                        action="merge_members",
                        subject=public_id(MEMBER_PREFIX, proposal.member_id),
                        reason="neither holds an account, and nothing else is known of either",
                        detail=f"proposal {public}, with {public_id(MEMBER_PREFIX, proposal.other_id)}",
                    )
                )
    except (ProposalEnded, UnknownProposal):
        return
    except AccountMeanwhile:  # looked at once more: there it says why it is left to staff
        async with database.transaction(actor=ACTOR) as tx:
            await service.examine(tx, vault, parts, proposal, ACTOR)
    except DomainError as refusal:
        async with database.transaction(actor=ACTOR) as tx:
            store.leave_to_staff(tx, proposal.proposal_id, "waits", refusal.code, now + _AGAIN)
    except Exception as error:  # noqa: BLE001 - one that cannot be looked at holds up no other
        logger.warning("proposal not looked at: %s", describe(error))
        async with database.transaction(actor=ACTOR) as tx:
            store.leave_to_staff(tx, proposal.proposal_id, "waits", None, now + _AGAIN)
