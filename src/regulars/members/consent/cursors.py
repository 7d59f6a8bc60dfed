"""Where a page of the log of consents ends, as it stands in addresses."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from regulars.members.contracts import Consent, LogPlace

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DIGITS: Final = 17


def write(consent: Consent) -> str:
    """Write the place of a decision."""
    return f"{(consent.recorded_at - _EPOCH) // _MICROSECOND}_{consent.consent_id.hex}"


def read(text: str) -> LogPlace | None:
    """Read a place; None for what is none."""
    micros, _, consent = text.partition("_")
    if not (micros.isascii() and micros.isdecimal() and len(micros) <= _DIGITS):
        return None
    try:
        return LogPlace(_EPOCH + int(micros) * _MICROSECOND, UUID(consent))
    except (ValueError, OverflowError):
        return None
