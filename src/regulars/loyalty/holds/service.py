"""Reading holds: what is kept for whom, until when, and how it ended."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from regulars.loyalty.contracts import HoldStanding, HoldState, LotMove
from regulars.loyalty.errors import UnknownHold, UnknownMember
from regulars.loyalty.holds import store
from regulars.loyalty.ledger.holding import STATES, timed_out
from regulars.members import api as members
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.ids import public_id


async def holds(
    tx: Transaction, member_id: UUID, *, is_open: bool = False, after: UUID | None = None, limit: int = 50
) -> list[HoldStanding]:
    """Return a member's holds, the latest first, from behind the hold `after`; `is_open` leaves out those that ended.

    Units of each hold's wallet, instants UTC. A hold is over at its deadline, whether that is booked or not. Raises
    UnknownMember, UnknownHold (404). Source: holds, hold_lots, hold_ends.
    """
    before = store.NEWEST if after is None else await store.seq_of(tx, member_id, after)
    if before is None:
        raise UnknownHold(pointer="/query/cursor")
    rows = await store.read_holds(tx, member_id, hold_id=None, is_open=is_open, before=before, limit=limit, now=tx.now)
    if not rows and not await members.known_members(tx, [member_id]):
        raise UnknownMember(member_id=public_id("mbr", member_id))
    return [_standing(tx, member_id, list(parts)) for _, parts in groupby(rows, key=itemgetter(0))]


async def hold(tx: Transaction, member_id: UUID, hold_id: UUID) -> HoldStanding:
    """Return one hold of a member as it stands. Raises UnknownHold (404). Source: as `holds`."""
    rows = await store.read_holds(
        tx, member_id, hold_id=hold_id, is_open=False, before=store.NEWEST, limit=1, now=tx.now
    )
    if not rows:
        raise UnknownHold
    return _standing(tx, member_id, rows)


class HoldListed(NamedTuple):
    """A hold in a list of all, without its lots; `place` (instant, hold, member) continues the list behind it.

    Members who booked under the same reference share the id of their holds: only with whose it is a hold is one.
    """

    hold: HoldStanding
    place: tuple[datetime, UUID, UUID]


async def list_holds(
    tx: Transaction,
    *,
    state: HoldState | None = None,
    member_id: UUID | None = None,
    after: tuple[datetime, UUID, UUID] | None = None,
    limit: int = 25,
) -> list[HoldListed]:
    """Return holds of all members, or (all states) of one: open ones by what is over first, others the latest first.

    Units of each hold's wallet, instants UTC; `after` is a row's `place`. Raises nothing. Source: holds, hold_ends.
    """
    rows = await store.list_holds(tx, state=state, member_id=member_id, after=after, limit=limit, now=tx.now)
    listed = []
    for row in rows:
        found = _told(row[13], row, ())
        at = found.deadline if state == "open" else found.placed_at if state is None else row[14]
        listed.append(HoldListed(timed_out(found, tx.now), (at, found.hold_id, found.member_id)))
    return listed


def _standing(tx: Transaction, member_id: UUID, rows: Rows) -> HoldStanding:
    lots = tuple([LotMove(lot_no=row[13], amount=row[14]) for row in rows])
    return timed_out(_told(member_id, rows[0], lots), tx.now)


def _told(member_id: UUID, row: Sequence[Any], lots: tuple[LotMove, ...]) -> HoldStanding:
    hold_id, seq, wallet, amount, purpose, reference, placed_at, deadline, how, ended_at = row[:10]
    posted, transfer_seq, reason = row[10:13]
    return HoldStanding(
        member_id=member_id,
        hold_id=hold_id,
        seq=seq,
        wallet=wallet,
        amount=amount,
        purpose=purpose,
        reference=reference,
        state="open" if how is None else STATES[how],
        placed_at=placed_at,
        deadline=deadline,
        lots=lots,
        ended_at=ended_at,
        posted=posted or 0,
        released=0 if how is None else amount - posted,
        transfer_no=transfer_seq,
        reason=reason or "",
    )
