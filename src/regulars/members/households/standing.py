"""How a household changes: pure transitions, each noted. No I/O, no clock."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from regulars.members.contracts.households import HouseholdChangeKind
from regulars.members.households.limits import LONGEST_NAME


class Noted(NamedTuple):
    """A change as it is noted: `head_id` is the head after it, `since` when the place began that was taken or left."""

    change_no: int
    kind: HouseholdChangeKind
    member_id: UUID | None
    head_id: UUID | None
    since: datetime | None


@dataclass(slots=True)
class Standing:
    """A household while it is being changed: its members by when they came, and what was noted of the change."""

    household_id: UUID
    head_id: UUID | None
    last_change: int
    members: dict[UUID, datetime]
    dissolved_at: datetime | None = None
    noted: list[Noted] = field(default_factory=list)

    def form(self, head_id: UUID, at: datetime) -> None:
        """Begin with a head."""
        self.head_id = head_id
        self._note("formed")
        self.join(head_id, at)

    def join(self, member_id: UUID, since: datetime) -> None:
        """Let somebody live here."""
        self.members[member_id] = since
        self._note("joined", member_id, since)

    def leave(self, member_id: UUID, at: datetime, *, heir: UUID | None = None) -> None:
        """Let somebody leave: the head passes to `heir`, or whoever is here longest; without anybody it ends."""
        since = self.members.pop(member_id)
        if self.head_id != member_id:
            self._note("left", member_id, since)
            return
        self.head_id = heir if heir in self.members else self._longest_here()
        self._note("left", member_id, since)
        if self.head_id is None:
            self._end(at)
        else:
            self._note("head_changed", self.head_id)

    def take_over(self, leaves: UUID, comes: UUID, at: datetime) -> None:
        """Let one take the place of another who is the same person: since when, and as what."""
        since, was_head = self.members[leaves], self.head_id == leaves
        self.join(comes, since)
        self.leave(leaves, at, heir=comes if was_head else None)

    def pass_head(self, member_id: UUID) -> None:
        """Let one of the members be the head."""
        self.head_id = member_id
        self._note("head_changed", member_id)

    def rename(self) -> None:
        """Note that the name changed."""
        self._note("renamed")

    def dissolve(self, at: datetime) -> None:
        """Let everybody leave, the head last."""
        for member_id in sorted(self.members, key=lambda one: (one == self.head_id, self.members[one], one)):
            self.leave(member_id, at)

    def revive(self, member_id: UUID, since: datetime) -> None:
        """Take a dissolution back, with one member."""
        self.dissolved_at, self.head_id = None, member_id
        self._note("revived")
        self.join(member_id, since)

    def _end(self, at: datetime) -> None:
        self.dissolved_at = at
        self._note("dissolved")

    def _longest_here(self) -> UUID | None:
        return min(self.members, key=lambda one: (self.members[one], one), default=None)

    def _note(self, kind: HouseholdChangeKind, member_id: UUID | None = None, since: datetime | None = None) -> None:
        self.last_change += 1
        self.noted.append(Noted(self.last_change, kind, member_id, self.head_id, since))


def is_name(name: str) -> bool:
    """Tell whether a household can be called so."""
    return name.isprintable() and name == name.strip() and 1 <= len(name) <= LONGEST_NAME


def masked(name: str) -> str:
    """Return a name as those see it who may not read personal data."""
    return f"{name[0]}**"
