"""What is asked of transfers between members, and what they answer."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from regulars.loyalty.policy.contracts import TransferPolicy
from regulars.platform.errors import DomainError

TRANSFER_PREFIX = "ptr"

TransferSide = Literal["given", "received"]
TransferSpan = Literal["day", "month", "year"]


class TransferPoints(Struct, frozen=True, kw_only=True):
    """A wish that a member give points to another (`to_id`), by `actor`; `reference` names the fact for ever."""

    member_id: UUID
    to_id: UUID
    amount: int
    reference: str
    actor: str
    reason: str = ""
    recorded_at: datetime | None = None


class ReverseTransfer(Struct, frozen=True, kw_only=True):
    """A wish that a transfer be taken back, of the member who gave; what cannot be given back is owed."""

    member_id: UUID
    transfer_id: UUID
    actor: str
    reason: str
    dry_run: bool = False


class Transferred(Struct, frozen=True, kw_only=True):
    """Points that went from one member to another, in units of the spending wallet.

    `transfer_id` is None where nothing was written.
    """

    transfer_id: UUID | None
    member_id: UUID
    to_id: UUID
    wallet: str
    amount: int
    reference: str
    reason: str
    recorded_at: datetime
    reversed_at: datetime | None = None


class TransferReversed(Struct, frozen=True, kw_only=True):
    """What taking a transfer back gave back, or, with `dry_run`, would.

    `returned` goes back as it is there, `covered` was spent and comes out of other units, `shortfall` out of nothing:
    the receiver owes it then. `expired` ran out meanwhile, and does not go back.
    """

    transfer_id: UUID
    member_id: UUID
    to_id: UUID
    wallet: str
    returned: int
    covered: int
    shortfall: int
    expired: int
    recorded_at: datetime
    dry_run: bool = False


class TransferSeen(Struct, frozen=True, kw_only=True):
    """A transfer in the list of one of the two; `other_id` is the other one.

    `member_id` is the id under which it is kept: of somebody who was merged, each side has one of its own.
    """

    transfer_id: UUID
    member_id: UUID
    side: TransferSide
    other_id: UUID
    wallet: str
    amount: int
    reference: str | None
    reason: str
    actor: str
    recorded_at: datetime
    reversed_at: datetime | None

    @property
    def place(self) -> tuple[datetime, UUID, UUID]:
        """Where in the list it stands."""
        return self.recorded_at, self.transfer_id, self.member_id


class TransferRoom(Struct, frozen=True, kw_only=True):
    """A limit of what a member may give on a local day, in a month or in twelve, and how much of it is left now."""

    span: TransferSpan
    limit: int
    left: int


class TransferStanding(Struct, frozen=True, kw_only=True):
    """What a member may give, whoever is to get it: by `policy`, with `available` units and `debt` of them owed.

    `gives_from` is when the waiting days are over (UTC). `refusal` is what stands against the amount asked for.
    """

    policy: TransferPolicy
    available: int
    debt: int
    gives_from: datetime
    room: tuple[TransferRoom, ...]
    refusal: DomainError | None = None
