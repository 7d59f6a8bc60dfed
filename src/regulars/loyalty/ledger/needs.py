"""What a batch has to see before it can be decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from regulars.loyalty.contracts import Accrue, Adjust, ExtendLot, PlaceHold, PostHold, Redeem, VoidHold
from regulars.loyalty.ledger import holding

HoldCommand = PlaceHold | PostHold | VoidHold
HOLD_COMMANDS = (PlaceHold, PostHold, VoidHold)
PostingCommand = Accrue | Redeem | Adjust | ExtendLot
DirectCommand = PostingCommand | HoldCommand


@dataclass(slots=True)
class Needs:
    """What a batch has to see: which members, whose lots, which orders, references and holds, up to which instant.

    `postings` is how many transfers each member will probably get at the batch's own instant: they are numbered with
    the lock. It may be wrong, and left out.
    """

    until: datetime
    members: set[UUID] = field(default_factory=set)
    lots_of: set[UUID] = field(default_factory=set)
    orders: set[tuple[UUID, str]] = field(default_factory=set)
    references: set[tuple[UUID, str]] = field(default_factory=set)
    holds: set[tuple[UUID, UUID]] = field(default_factory=set)
    postings: dict[UUID, int] = field(default_factory=dict)

    def want(self, command: DirectCommand) -> None:
        """Add what a direct posting or a hold has to see."""
        member_id = command.member_id
        self.members.add(member_id)
        if isinstance(command, Accrue):
            self.references.add((member_id, command.reference))
            return
        self.lots_of.add(member_id)
        if isinstance(command, Redeem | Adjust | ExtendLot):
            self.references.add((member_id, command.reference))
        elif isinstance(command, PlaceHold):
            self.holds.add((member_id, holding.hold_id_of(command.reference)))
        else:
            self.holds.add((member_id, command.hold_id))

    def follow(self, merged: Mapping[UUID, UUID]) -> set[UUID]:
        """Need of those into whose books others were merged what was needed of these; returns who they are."""
        self.members |= set(merged.values())
        self.references |= {(merged[one], reference) for one, reference in self.references if one in merged}
        self.holds |= {(merged[one], hold_id) for one, hold_id in self.holds if one in merged}
        passing_through = {member_id for member_id, _ in self.orders} | self.lots_of
        self.lots_of |= {each for one, into in merged.items() if one in passing_through for each in (one, into)}
        return set(merged.values())
