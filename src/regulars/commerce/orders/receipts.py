"""Finding an order at a counter by its receipt code, in whatever shop it was bought: counted and logged."""

from typing import Final

from regulars.commerce.contracts import FindReceipt
from regulars.commerce.errors import UnknownReceipt
from regulars.commerce.orders import store
from regulars.commerce.orders.schemas import is_order_id
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.rules import Policy
from regulars.platform.auth.throttle.subjects import Counters
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.vault.contracts import Vault

# Only codes that lead nowhere stay counted: who holds a receipt is not slowed.
SOUGHT: Final = Policy(bucket="receipt sought", free=20, base_seconds=15, cap_seconds=900, leak_seconds=90)


async def find_receipt(tx: Transaction, vault: Vault, wish: FindReceipt) -> str | DomainError:
    """Return the id of the first order that is there; see `commerce.api`."""
    attempt = Counters(vault.pepper).attempt(SOUGHT, wish.device)
    if blocked := await throttle.count(tx, attempt):
        return blocked
    possible = [text for text in wish.typed if is_order_id(text)]
    known = await store.read_keys(tx, sorted(possible)) if possible else {}
    found = next((text for text in possible if text in known), None)
    if found is not None:
        await throttle.forgive(tx, attempt)
    tx.audit(
        AuditEntry(
            actor=wish.device,
            action="look_up_order",
            subject=found or f"store {wish.store_id}",
            reason=wish.assistant,
            request_id=tx.request_id,
            detail=f"store {wish.store_id}" + ("" if found else ", nothing"),
        )
    )
    return found or UnknownReceipt(pointer="/code")
