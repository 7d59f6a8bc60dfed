"""What a batch has to see before it can be decided."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from regulars.loyalty.contracts import Accrue, Adjust, ExtendLot, PlaceHold, PostHold, Redeem, VoidHold
from regulars.loyalty.ledger import holding
from regulars.loyalty.ledger.entries import Named
from regulars.loyalty.ledger.requests import reference_of, request_id_of

HoldCommand = PlaceHold | PostHold | VoidHold
HOLD_COMMANDS = (PlaceHold, PostHold, VoidHold)
PostingCommand = Accrue | Redeem | Adjust | ExtendLot
DirectCommand = PostingCommand | HoldCommand


@dataclass(slots=True)
class Needs:
    """What a batch has to see: which members, whose lots, which orders, references and holds, up to which instant.

    `corrections` are references that may have been asked for, too, `alone` what nobody else has approved of them.
    `postings` is how many transfers each member will probably get at the batch's own instant: they are numbered with
    the lock. It may be wrong, and left out. `together`: something is recorded in all these books at one instant, which
    is the latest of theirs.
    """

    until: datetime
    members: set[UUID] = field(default_factory=set)
    lots_of: set[UUID] = field(default_factory=set)
    orders: set[tuple[UUID, str]] = field(default_factory=set)
    references: set[tuple[UUID, str]] = field(default_factory=set)
    holds: set[tuple[UUID, UUID]] = field(default_factory=set)
    postings: dict[UUID, int] = field(default_factory=dict)
    corrections: set[tuple[UUID, str]] = field(default_factory=set)
    alone: list[Adjust] = field(default_factory=list)
    together: bool = False

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
            if isinstance(command, Adjust):
                self.corrections.add((member_id, command.reference))
                self.alone += () if command.approved_by else (command,)
                self.references.add((member_id, reference_of(request_id_of(member_id, command.reference))))
        elif isinstance(command, PlaceHold):
            self.holds.add((member_id, holding.hold_id_of(command.reference)))
        else:
            self.holds.add((member_id, command.hold_id))

    def copy(self) -> "Needs":
        """Return the same needs, to be added to; how many transfers are expected is not among them."""
        return Needs(
            self.until,
            set(self.members),
            set(self.lots_of),
            set(self.orders),
            set(self.references),
            set(self.holds),
            together=self.together,
        )

    def size(self) -> int:
        """Return how much is asked for; following ways only adds to it."""
        return sum([len(self.members), len(self.lots_of), len(self.orders), len(self.references), len(self.holds)])

    def names(self) -> Iterator[tuple[UUID, str, str]]:
        """Give (member, kind, name) of all that may have been posted elsewhere for a member."""
        yield from ((member_id, "posting", reference) for member_id, reference in self.references)
        yield from ((member_id, "hold", str(hold_id)) for member_id, hold_id in self.holds)
        yield from ((member_id, "order", order_id) for member_id, order_id in self.orders)

    def follow(self, merged: Mapping[UUID, UUID], forwards: Mapping[tuple[Named, UUID, str], UUID]) -> None:
        """Need of those whom ids stand for what was needed of these, one step on."""
        self.members |= {*merged.values(), *forwards.values()}
        self.references |= {(merged[one], reference) for one, reference in self.references if one in merged}
        self.holds |= {(merged[one], hold_id) for one, hold_id in self.holds if one in merged}
        self.orders |= {(merged[one], order_id) for one, order_id in self.orders if one in merged}
        for (kind, _, name), there in forwards.items():
            if kind == "posting":
                self.references.add((there, name))
            elif kind == "hold":
                self.holds.add((there, UUID(name)))
                self.lots_of.add(there)
            else:
                self.orders.add((there, name))
        passing_through = {member_id for member_id, _ in self.orders} | self.lots_of
        self.lots_of |= {each for one, into in merged.items() if one in passing_through for each in (one, into)}
        self.lots_of |= {there for (kind, _, _), there in forwards.items() if kind == "order"}
