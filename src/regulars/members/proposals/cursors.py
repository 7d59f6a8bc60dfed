"""Where a page of proposals ends, as it stands in addresses."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from regulars.members.contracts.proposals import Proposal

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DIGITS: Final = 17


def write(proposal: Proposal) -> str:
    """Write the place of a proposal in the list."""
    return f"{(proposal.last_seen_at - _EPOCH) // _MICROSECOND}_{proposal.proposal_id.hex}"


def read(text: str) -> tuple[datetime, UUID] | None:
    """Read a place; None for what is none."""
    micros, _, proposal = text.partition("_")
    if not (micros.isascii() and micros.isdecimal() and len(micros) <= _DIGITS):
        return None
    try:
        return _EPOCH + int(micros) * _MICROSECOND, UUID(proposal)
    except (ValueError, OverflowError):
        return None
