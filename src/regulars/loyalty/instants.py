"""Past instants that callers ask for: as of when the books are read."""

from datetime import UTC, datetime

from regulars.loyalty.statement.errors import AsOfAhead
from regulars.platform.http.errors import WrongForm


def past_instant(as_of: datetime, now: datetime) -> datetime:
    """Return the instant in UTC. Raises WrongForm without a time zone, AsOfAhead in the future."""
    if as_of.tzinfo is None:
        raise WrongForm(pointer="/query/as_of", field="as_of", example="2026-05-01T12:00:00Z")
    try:
        at = as_of.astimezone(UTC)
    except OverflowError:
        raise WrongForm(pointer="/query/as_of", field="as_of", example="2026-05-01T12:00:00Z") from None
    if at > now:
        raise AsOfAhead(pointer="/query/as_of", as_of=at.isoformat(), now=now.isoformat())
    return at
