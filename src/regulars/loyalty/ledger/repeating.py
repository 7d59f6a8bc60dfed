"""Direct postings that are in the books already, and what they answer to whoever repeats them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from regulars.loyalty.contracts import Posting
from regulars.loyalty.ledger.book import Book


class Earlier(NamedTuple):
    """A direct posting that is already in the books, as `reading.READ_REFERENCES` gives it."""

    member_id: UUID
    reference: str
    seq: int
    wallet_id: int
    kind: str
    amount: int
    balance: int
    debt_change: int
    effective_at: datetime
    recorded_at: datetime
    command_hash: bytes | None
    available_at: datetime | None
    expires_at: datetime | None

    def repeated(self, wallet: str, debt: int) -> Posting:
        """Return what it answers to whoever repeats it; `debt` is what the wallet owes now."""
        return Posting(
            member_id=self.member_id,
            seq=self.seq,
            wallet=wallet,
            kind=self.kind,
            amount=self.amount,
            reference=self.reference,
            balance=self.balance,
            debt=debt,
            effective_at=self.effective_at,
            recorded_at=self.recorded_at,
            debt_repaid=max(-self.debt_change, 0),
            available_at=self.available_at,
            expires_at=self.expires_at,
        )


def earlier_now(book: Book, posting: Posting, wallet_id: int, command_hash: bytes) -> Earlier:
    """Return a posting just made as the database will give it."""
    lot = book.lots.get(posting.seq)
    return Earlier(
        member_id=posting.member_id,
        reference=posting.reference,
        seq=posting.seq,
        wallet_id=wallet_id,
        kind=posting.kind,
        amount=posting.amount,
        balance=posting.balance,
        debt_change=-posting.debt_repaid,
        effective_at=posting.effective_at,
        recorded_at=posting.recorded_at,
        command_hash=command_hash,
        available_at=lot.available_at if lot else None,
        expires_at=lot.expires_at if lot else None,
    )
