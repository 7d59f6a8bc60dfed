"""Of `client.ledger`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime

from msgspec import Struct

from regulars_client.models.ledger import PendingUnits


class WalletBalance(Struct, frozen=True, kw_only=True):
    """Part of `WalletsAnswer`."""

    wallet: str
    balance: int
    available: int
    pending: int
    debt: int
    expired: int = 0
    pending_parts: list[PendingUnits] = []
    next_expiry: PendingUnits | None = None
    held: int = 0


class WalletsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.get_wallets`: read a member's wallets."""

    member_id: str
    as_of: datetime
    wallets: list[WalletBalance]
