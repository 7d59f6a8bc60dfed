"""What other rooms know of looking for somebody to give to."""

from uuid import UUID

from msgspec import Struct


class SeekRecipient(Struct, frozen=True, kw_only=True):
    """A member looks for another by a phone number, an address or a card, in full; `typed` is never logged.

    `market` is by which a number without a country is read, `address` where the request comes from.
    """

    member_id: UUID
    typed: str
    market: str
    address: str
    actor: str

    def __repr__(self) -> str:
        return f"SeekRecipient(member_id={self.member_id}, typed=…)"
