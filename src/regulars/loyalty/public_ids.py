"""Ids in addresses and answers: members, and the transfers in a member's books.

A transfer's id is its member's and its number in that member's books; a lot has the id of the transfer that brought it.
"""

from typing import Final
from uuid import UUID

from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id

TRANSFER: Final = "trf"
SEQ_DIGITS: Final = 12


def member_id_in(text: str) -> UUID:
    """Read the id of a member. Raises NotFound."""
    found = parse_public_id(MEMBER_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def transfer_id(member_id: UUID, seq: int) -> str:
    """Write the id of a transfer, e.g. `trf_0190f0c27c5a7cc58f8c1d2e3f405162000000000007`."""
    return f"{TRANSFER}_{member_id.hex}{seq:0{SEQ_DIGITS}x}"


def seq_in(member_id: UUID, text: str) -> int | None:
    """Read the number of a transfer in a member's books; None if it is no id of theirs."""
    beginning = f"{TRANSFER}_{member_id.hex}"
    digits = text.removeprefix(beginning)
    if not text.startswith(beginning) or len(digits) != SEQ_DIGITS or not digits.isalnum() or not digits.isascii():
        return None
    try:
        return int(digits, 16)
    except ValueError:
        return None


def place_of_transfer(text: str) -> tuple[UUID, int] | None:
    """Read in whose books a transfer is, and its number there; None if it is no id of one."""
    digits = text.removeprefix(f"{TRANSFER}_")
    member_id = parse_public_id(MEMBER_PREFIX, f"{MEMBER_PREFIX}_{digits[:-SEQ_DIGITS]}")
    seq = None if member_id is None else seq_in(member_id, text)
    return None if member_id is None or seq is None else (member_id, seq)
