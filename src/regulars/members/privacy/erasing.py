"""Erasures are carried out: first the journal, then the key, then what the database holds.

The key goes before the transaction that clears the database, and not in it: a crash between the two leaves a member
who is unreadable and not yet cleared, which the next look finishes; never one who is called erased and can be read.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from regulars.domain_events.members import MemberErased
from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.privacy import Parts
from regulars.members.merging import reading as merging
from regulars.members.merging.restoring import part_erased
from regulars.members.privacy import store
from regulars.members.privacy.own import OWN
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import new_id, public_id
from regulars.platform.texts import mark
from regulars.platform.vault.contracts import Vault
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault

logger = logging.getLogger(__name__)

ACTOR: Final = "privacy"
JOURNAL: Final = "journal"
AT_ONCE: Final = 100
STILL_THERE: Final = mark(
    "{member} was erased, and there is still {what}: find out how it came back, and have the member erased again."
)
NOT_ENDED: Final = mark("The erasure of {member} began and did not end: run a worker (`regulars work`).")
LEFT_BEHIND: Final = (  # as the question of what is left behind calls them
    mark("a value by which it is found"),
    mark("a value"),
    mark("a value at another member"),
    mark("a profile"),
    mark("a session"),
    mark("what was there before a merge"),
    mark("a household's name"),
    mark("a place in a household"),
)
_STUCK_AFTER: Final = timedelta(minutes=10)


async def carry_out_due(database: Database, vault: Vault, parts: Parts, *, at: datetime | None = None) -> int:
    """Erase the members whose waiting time is over at an instant of the wall clock (now); returns how many."""
    now, erased = at or wall_now(), 0
    async with database.transaction(actor=ACTOR) as tx:
        waiting = await store.due(tx, now, AT_ONCE)
    for member_id in waiting:
        try:
            erased += await _carry_out(database, vault, parts, member_id, now)
        except Exception as error:  # noqa: BLE001 - what stops one erasure stops none behind it; it is tried again
            logger.warning("erasure not carried out: %s", describe(error))
    return erased


async def _carry_out(database: Database, vault: Vault, parts: Parts, member_id: UUID, now: datetime) -> int:
    async with database.transaction(actor=ACTOR) as tx:
        if not await store.begin(tx, member_id, now):
            return 0
    async with database.transaction(actor=ACTOR) as tx:
        family = await merging.family(tx, member_id)  # a merge waits for no erasure, so nobody joins any more
    for one in (*family, member_id):
        await vault.destroy(one)
    async with database.transaction(actor=ACTOR) as tx:
        return await _clear(tx, parts, dict.fromkeys((member_id, *family), now))


async def apply_journal(database: Database, vault: Vault, parts: Parts) -> int:
    """Erase again whom a restore brought back; returns how many. Before anything is served, and harmless any time."""
    journaled = await vault.erased()
    ids, again = list(journaled), 0
    for first in range(0, len(ids), AT_ONCE):
        async with database.transaction(actor=ACTOR) as tx:
            back = await store.unerased(tx, ids[first : first + AT_ONCE])
            await part_erased(tx, vault, parts, journaled if back else ())
            again += await _clear(tx, parts, {member_id: journaled[member_id] for member_id in back})
    if again:
        logger.warning("members erased before were brought back by a restore, and are erased again: %d", again)
    return again


async def _clear(tx: Transaction, parts: Parts, members: Mapping[UUID, datetime]) -> int:
    """Forget or make unreadable whatever the database holds of members whose keys are gone; returns how many."""
    cleared = [member_id for member_id in sorted(members) if await store.erase_member(tx, member_id)]
    if not cleared:
        return 0
    for part in (OWN, *parts):
        await part.erase(tx, cleared)
    into = await merging.who_they_are(tx, cleared)
    for member_id in cleared:
        await _note(tx, member_id, members[member_id], into.get(member_id))
    return len(cleared)


async def _note(tx: Transaction, member_id: UUID, erased_at: datetime, into: UUID | None) -> None:
    asked = await store.finish(tx, member_id, wall_now())
    if asked is None:
        asked = JOURNAL, "erased before this database was restored"
        if into is not None:
            asked = ACTOR, f"part of {public_id(MEMBER_PREFIX, into)}, who was erased"
        store.insert_again(tx, new_id(), member_id, asked, erased_at)
    tx.audit(
        AuditEntry(
            actor=asked[0],
            action="erase_member",
            subject=public_id(MEMBER_PREFIX, member_id),
            reason=asked[1],
        )
    )
    tx.publish(MemberErased(member_id=member_id, recorded_at=tx.now))


async def _nothing_left(tx: Transaction) -> CheckResult:
    erased, found, stuck = await store.left_behind(tx, wall_now() - _STUCK_AFTER, MAX_PROBLEMS)
    problems = [
        Fault(STILL_THERE, {"member": public_id(MEMBER_PREFIX, UUID(member)), "what": [Fault(what)]})
        for member, _, what in (one.partition(" ") for one in found)
    ]
    problems += [Fault(NOT_ENDED, {"member": public_id(MEMBER_PREFIX, member_id)}) for member_id in stuck]
    return CheckResult(ok=not problems, rows_checked=erased, problems=problems)


def checks() -> list[Check]:
    """Return what must hold of members who were erased."""
    return [Check(mark("erased members"), _nothing_left)]
