"""Corrections that were asked for, as postings see them: one reference is corrected once, whichever way it came."""

from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from regulars.loyalty.contracts import Adjust
from regulars.loyalty.errors import AlreadyAskedFor, ReferenceReused, RequestOver
from regulars.platform.ids import derived_id

_NO_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)


def request_id_of(member_id: UUID, reference: str) -> UUID:
    """Return the id that follows from whose a request is, and from its reference."""
    return derived_id(_NO_INSTANT, "adjustment", member_id.hex, reference)


def reference_of(request_id: UUID) -> str:
    """Return the reference under which an approved request is posted."""
    return f"adjustment:{request_id.hex}"


class Asked(NamedTuple):
    """A request, as `reading.READ_REQUESTS` gives it; `answer` is None of one that nobody answered."""

    member_id: UUID
    reference: str
    wallet: str
    amount: int
    reason: str
    expires_at: datetime
    answer: str | None
    answered_at: datetime | None

    @property
    def posted_as(self) -> str:
        """Return the reference of what it posts."""
        return reference_of(request_id_of(self.member_id, self.reference))

    def require_approved(self, command: Adjust, now: datetime) -> None:
        """Raise why a correction is not posted again under the request's reference, unless the request posted it.

        Another wish is ReferenceReused; AlreadyAskedFor waits for its answer, RequestOver was refused or not answered.
        """
        if (command.wallet, command.amount, command.reason) != (self.wallet, self.amount, self.reason):
            raise ReferenceReused(pointer="/reference", reference=self.reference)
        if self.answer == "approved":
            return
        if self.answer is None and now < self.expires_at:
            raise AlreadyAskedFor(
                pointer="/reference", reference=self.reference, expires_at=self.expires_at.isoformat()
            )
        at = self.answered_at or self.expires_at
        raise RequestOver(pointer="/reference", state=self.answer or "expired", at=at.isoformat())
