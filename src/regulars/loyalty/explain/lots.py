"""Why a lot is as it is: what is left of it, where the rest went, and what brought it."""

from uuid import UUID

from msgspec import structs

from regulars.loyalty.errors import UnknownLot
from regulars.loyalty.explain import store
from regulars.loyalty.explain.links import to_transfer
from regulars.loyalty.explain.sentences import LOTS
from regulars.loyalty.explain.transfers import explained, read_decided
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.statement.rules import OpenLot, state_of
from regulars.platform.db.transaction import Transaction
from regulars.platform.explaining.contracts import Explanation, Reason


async def explain_lot(tx: Transaction, configuration: Configuration, member_id: UUID, lot_no: int) -> Explanation:
    """Say what is left of a lot, until when, where the rest went, and why it is there: by the transfer that brought it.

    Raises UnknownLot (404). Source: as `explain_transfer`, and holds.
    """
    row, moved = await store.lot(tx, member_id, lot_no)
    decided = None if row is None else (await read_decided(tx, configuration, member_id, [lot_no])).get(lot_no)
    if row is None or decided is None:
        raise UnknownLot
    wallet, amount, remaining, held, available_at, expires_at = row
    state = state_of(OpenLot(remaining, available_at, expires_at), tx.now, held)
    told = Reason(
        LOTS[state],
        {
            "wallet": wallet,
            "amount": amount,
            "remaining": remaining,
            "held": held,
            "available_at": available_at,
            "expires_at": expires_at,
        },
    )
    gone = [
        Reason("lot.moved", {"amount": units, "wallet": wallet, "kind": kind, "transfers": transfers})
        for kind, transfers, units in moved
        if units
    ]
    brought = explained(decided)
    return structs.replace(
        brought,
        about="lot",
        reasons=(told, *gone, *brought.reasons),
        links=(to_transfer(member_id, lot_no), *[link for link in brought.links if link.kind != "lot"]),
    )
