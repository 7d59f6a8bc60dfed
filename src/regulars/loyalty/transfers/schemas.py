"""What callers send and get about transfers between members."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from regulars.loyalty.ledger.schemas import Amount, Reference, Why
from regulars.loyalty.transfers.contracts import (
    TRANSFER_PREFIX,
    Transferred,
    TransferReversed,
    TransferSeen,
    TransferSide,
)
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id, public_id

DryRun = Annotated[bool, Meta(description="Only tell what would be; nothing is written.")]


class TransferBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points to give to another member."""

    to: Annotated[str, Meta(description="The member who gets them.")]
    amount: Amount
    reason: Why = ""
    reference: Reference | None = None
    dry_run: DryRun = False


class TransferReversalBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wish that a transfer be taken back."""

    reason: Annotated[str, Meta(min_length=3, max_length=200, examples=["It was meant for somebody else"])]
    dry_run: DryRun = False


class TransferAnswer(Struct, frozen=True, kw_only=True):
    """Points that went from one member to another. `transfer_id` is null where nothing was written."""

    transfer_id: str | None
    member_id: str
    to: str
    wallet: str
    amount: int
    reference: str
    reason: str
    recorded_at: datetime
    reversed_at: datetime | None


class TransferReversedAnswer(Struct, frozen=True, kw_only=True):
    """What taking a transfer back gave back, or would with `dry_run`.

    `returned` goes back as it is there, `covered` was spent and comes out of other points, `shortfall` is owed by who
    had got them; `expired` ran out meanwhile.
    """

    transfer_id: str
    member_id: str
    to: str
    wallet: str
    returned: int
    covered: int
    shortfall: int
    expired: int
    recorded_at: datetime
    dry_run: bool


class TransferSeenAnswer(Struct, frozen=True, kw_only=True):
    """A transfer as one of the two has it; `other` is the other member."""

    transfer_id: str
    side: TransferSide
    other: str
    wallet: str
    amount: int
    reference: str | None
    reason: str
    actor: str
    recorded_at: datetime
    reversed_at: datetime | None


class TransfersAnswer(Struct, frozen=True):
    """A page of transfers, the last first."""

    transfers: list[TransferSeenAnswer]
    has_more: bool
    next_cursor: str | None


def transfer_id_in(text: str) -> UUID:
    """Read the id of a transfer between members. Raises NotFound."""
    found = parse_public_id(TRANSFER_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def transfer_answer(found: Transferred) -> TransferAnswer:
    """Write a transfer as callers get it."""
    return TransferAnswer(
        transfer_id=None if found.transfer_id is None else public_id(TRANSFER_PREFIX, found.transfer_id),
        member_id=public_id(MEMBER_PREFIX, found.member_id),
        to=public_id(MEMBER_PREFIX, found.to_id),
        wallet=found.wallet,
        amount=found.amount,
        reference=found.reference,
        reason=found.reason,
        recorded_at=found.recorded_at,
        reversed_at=found.reversed_at,
    )


def reversed_answer(found: TransferReversed) -> TransferReversedAnswer:
    """Write a transfer that was taken back as callers get it."""
    return TransferReversedAnswer(
        transfer_id=public_id(TRANSFER_PREFIX, found.transfer_id),
        member_id=public_id(MEMBER_PREFIX, found.member_id),
        to=public_id(MEMBER_PREFIX, found.to_id),
        wallet=found.wallet,
        returned=found.returned,
        covered=found.covered,
        shortfall=found.shortfall,
        expired=found.expired,
        recorded_at=found.recorded_at,
        dry_run=found.dry_run,
    )


def seen_answer(found: TransferSeen) -> TransferSeenAnswer:
    """Write a transfer of a list."""
    return TransferSeenAnswer(
        transfer_id=public_id(TRANSFER_PREFIX, found.transfer_id),
        side=found.side,
        other=public_id(MEMBER_PREFIX, found.other_id),
        wallet=found.wallet,
        amount=found.amount,
        reference=found.reference,
        reason=found.reason,
        actor=found.actor,
        recorded_at=found.recorded_at,
        reversed_at=found.reversed_at,
    )
