"""Refusals about members and their identities. None of them repeats a value."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from regulars.platform.errors import Conflict, InvalidInput


class Named(NamedTuple):
    """Whose values one request named together, by what they are found by; `wanted_by`: who was to have them."""

    owners: Mapping[bytes, UUID]
    wanted_by: UUID | None = None


class IdentityTaken(Conflict):
    """The value already points to a member; whose it is, only a lookup tells those who may see it.

    `named` never leaves the program: two members named by one request may be one person (`members.proposals`).
    """

    code = "identity_taken"
    status = 409
    message = "This number, address, card or id already belongs to a member. Look that member up, or give another one."
    named: Named | None = None

    @classmethod
    def by(cls, pointer: str, named: Named) -> "IdentityTaken":
        """Return the refusal of a request that named somebody's values."""
        refusal = cls(pointer=pointer)
        refusal.named = named
        return refusal


class IdentityMissing(InvalidInput):
    """A sign-up without any identity: nobody could find the member again."""

    code = "identity_missing"
    status = 422
    message = (
        "A member needs at least one identity in “identities”: a phone number, an e-mail address, a card or an id."
    )


class LastIdentity(Conflict):
    """The only identity of a member cannot be removed."""

    code = "last_identity"
    status = 409
    message = "This is the member's only identity, and without it nobody finds the member again. Add another one first."


class TooManyIdentities(Conflict):
    """The member has as many identities as a member may have."""

    code = "too_many_identities"
    status = 409
    message = "A member may have {limit} identities. Remove one that is no longer used first."


class PhoneImpossible(InvalidInput):
    """Not a number in use by the numbering plan of its country."""

    code = "phone_impossible"
    status = 422
    message = (
        "This is not a phone number as written in {country}. "
        "Check the digits, or write it with its country code, beginning with +."
    )


class PhoneWithoutCountry(InvalidInput):
    """A phone number without a country code, and nothing said of the country it was written in."""

    code = "phone_without_country"
    status = 422
    message = "Write the phone number with its country code, beginning with +, or name the “market” it belongs to."


class EmailImpossible(InvalidInput):
    """Not an e-mail address that could receive a message."""

    code = "email_impossible"
    status = 422
    message = "This is not an e-mail address. Write it as name@example.com."


class CardImpossible(InvalidInput):
    """Not a card number."""

    code = "card_impossible"
    status = 422
    message = "A card number has 4 to 64 letters and digits. Scan the card again, or type the number as printed."


class ExternalIdImpossible(InvalidInput):
    """An id of another system that does not say which system, or holds characters that no id has."""

    code = "external_id_impossible"
    status = 422
    message = (
        "Write the id as namespace:id, the namespace in small letters, e.g. webshop:4711, "
        "with at most 200 characters and no spaces at its ends."
    )


class MemberExists(Conflict):
    """The given member id belongs to a member with other facts."""

    code = "member_exists"
    status = 409
    message = "A member with this id exists already, with another market or another moment of sign-up. Use another id."


class MemberErased(Conflict):
    """The given member id belonged to a member who was erased."""

    code = "member_erased"
    status = 409
    message = "The member with this id was erased and cannot come back under it. Sign up with a new id."


class JustMerged(Conflict):
    """Somebody merged the member while this request was on its way."""

    code = "member_merged"
    status = 409
    message = "This member is part of {member} since a moment ago. Send the request again."


class InstantImpossible(InvalidInput):
    """A moment before the programme could have begun, or in the future."""

    code = "instant_impossible"
    status = 422
    message = "The time in {field} must lie between {earliest} and {latest}. Correct the date, and give its time zone."
