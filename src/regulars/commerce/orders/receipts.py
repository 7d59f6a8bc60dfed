"""Finding an order by its receipt code, in whatever shop it was bought: counted and logged."""

from typing import Final

from regulars.commerce.contracts import FindReceipt
from regulars.commerce.errors import UnknownReceipt
from regulars.commerce.orders import store
from regulars.commerce.orders.schemas import is_order_id
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.rules import Policy
from regulars.platform.auth.throttle.subjects import Counters
from regulars.platform.auth.tokens import read_typed_code
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.vault.contracts import Vault

# Only codes that lead nowhere stay counted: who holds a receipt is not slowed.
SOUGHT: Final = Policy(bucket="receipt sought", free=20, base_seconds=15, cap_seconds=900, leak_seconds=90)
# A member at home needs no more than the receipts in their hands; codes that are right stay counted too, for those of
# other tills may be guessed one after another.
CLAIMED: Final = Policy(bucket="receipt claimed", free=10, base_seconds=60, cap_seconds=3_600, leak_seconds=8_640)
_CODE_LETTERS: Final = 10


def receipt_ids(typed: str) -> tuple[str, ...]:
    """Return the order ids that a typed text may mean: a receipt code of ours however written, or another till's id."""
    text = typed.strip()
    code = read_typed_code(text)
    ours = f"{code[: _CODE_LETTERS // 2]}-{code[_CODE_LETTERS // 2 :]}"
    return (ours, text) if len(code) == _CODE_LETTERS else (text,)


async def find_receipt(tx: Transaction, vault: Vault, wish: FindReceipt) -> str | DomainError:
    """Return the id of the first order that is there; see `commerce.api`."""
    where = "portal" if wish.store_id is None else f"store {wish.store_id}"
    attempt = Counters(vault.pepper).attempt(CLAIMED if wish.store_id is None else SOUGHT, wish.device)
    if blocked := await throttle.count(tx, attempt):
        return blocked
    possible = [text for text in wish.typed if is_order_id(text)]
    known = await store.read_keys(tx, sorted(possible)) if possible else {}
    found = next((text for text in possible if text in known), None)
    if found is not None and wish.store_id is not None:
        await throttle.forgive(tx, attempt)
    tx.audit(
        AuditEntry(
            actor=wish.device,
            action="look_up_order",
            subject=found or where,
            reason=wish.assistant,
            request_id=tx.request_id,
            detail=where + ("" if found else ", nothing"),
        )
    )
    return found or UnknownReceipt(pointer="/code")
