"""Ids in addresses: what is not one of ours leads nowhere."""

from uuid import UUID

from regulars.members.contracts import CONSENT_PREFIX, IDENTITY_PREFIX, MEMBER_PREFIX
from regulars.members.contracts.households import HOUSEHOLD_PREFIX
from regulars.members.contracts.merging import MERGE_PREFIX, PROPOSAL_PREFIX
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id, public_id


def member_id_in(text: str) -> UUID:
    """Read the id of a member. Raises NotFound."""
    return _id_in(MEMBER_PREFIX, text)


def identity_id_in(text: str) -> UUID:
    """Read the id of an identity. Raises NotFound."""
    return _id_in(IDENTITY_PREFIX, text)


def consent_id_in(text: str) -> UUID:
    """Read the id of a decision on consent. Raises NotFound."""
    return _id_in(CONSENT_PREFIX, text)


def member_actor(member_id: UUID) -> str:
    """Return as whom a member acts, in the books: `member:mbr_…`."""
    return f"member:{public_id(MEMBER_PREFIX, member_id)}"


def merge_id_in(text: str) -> UUID:
    """Read the id of a merge. Raises NotFound."""
    return _id_in(MERGE_PREFIX, text)


def household_id_in(text: str) -> UUID:
    """Read the id of a household. Raises NotFound."""
    return _id_in(HOUSEHOLD_PREFIX, text)


def proposal_id_in(text: str) -> UUID:
    """Read the id of a proposal to merge. Raises NotFound."""
    return _id_in(PROPOSAL_PREFIX, text)


def _id_in(prefix: str, text: str) -> UUID:
    found = parse_public_id(prefix, text)
    if found is None:
        raise NotFound
    return found


def field_of(identity_id: UUID) -> str:
    """Return the name under which the value of an identity is sealed."""
    return f"identity:{identity_id.hex}"
