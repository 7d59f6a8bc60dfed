"""Where what an explanation refers to is explained itself."""

from uuid import UUID

from regulars.loyalty.public_ids import transfer_id
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.explaining.contracts import Link
from regulars.platform.ids import public_id


def of_member(member_id: UUID) -> str:
    """Return the address of a member."""
    return f"/v1/members/{public_id(MEMBER_PREFIX, member_id)}"


def to_order(order_id: str) -> Link:
    """Return the link to an order."""
    return Link("order", order_id, f"/v1/orders/{order_id}/explain")


def to_transfer(member_id: UUID, seq: int) -> Link:
    """Return the link to a transfer."""
    found = transfer_id(member_id, seq)
    return Link("transfer", found, f"{of_member(member_id)}/transfers/{found}/explain")


def to_lot(member_id: UUID, lot_no: int) -> Link:
    """Return the link to a lot."""
    found = transfer_id(member_id, lot_no)
    return Link("lot", found, f"{of_member(member_id)}/lots/{found}/explain")


def to_hold(member_id: UUID, hold_id: UUID) -> Link:
    """Return the link to a hold."""
    found = public_id("hld", hold_id)
    return Link("hold", found, f"{of_member(member_id)}/holds/{found}/explain")


def to_request(member_id: UUID, request_id: UUID) -> Link:
    """Return the link to a correction that was asked for."""
    found = public_id("adj", request_id)
    return Link("adjustment_request", found, f"{of_member(member_id)}/adjustment-requests/{found}/explain")
