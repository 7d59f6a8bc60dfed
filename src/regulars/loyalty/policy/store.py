"""SQL of policies and wallets."""

from datetime import datetime
from typing import Any, LiteralString

import msgspec

from regulars.loyalty.policy.contracts import Policy
from regulars.platform.db.transaction import Statement, Transaction

# Asked by every batch that posts. To read the closed months is also a lock on their table until the batch ends: who
# closes a month waits for whoever may have read this before (`finance/store/closing.py`).
LATEST: LiteralString = """
SELECT coalesce(max(version), 0), (SELECT count(*) FROM wallets), (SELECT max(month) FROM finance_closes)
FROM loyalty_policies
"""
LATEST_VERSION = Statement(LATEST)

_decode = msgspec.json.Decoder(Policy).decode
_encode = msgspec.json.Encoder().encode


async def read_policies(tx: Transaction) -> list[Policy]:
    """Return every version, the oldest first."""
    rows = await tx.rows("SELECT version, active_from, document FROM loyalty_policies ORDER BY version")
    return [
        msgspec.structs.replace(_decode(document), version=version, active_from=active_from)
        for version, active_from, document in rows
    ]


def insert_policy(tx: Transaction, policy: Policy, recorded_at: datetime) -> None:
    """Append a version."""
    tx.write(
        "INSERT INTO loyalty_policies (version, active_from, recorded_at, document) VALUES (%s, %s, %s, %s)",
        (policy.version, policy.active_from, recorded_at, _encode(policy).decode()),
    )


async def decided_after(tx: Transaction, at: datetime) -> bool:
    """Say whether any book has recorded something after an instant; looks at every book."""
    rows = await tx.rows("SELECT EXISTS (SELECT FROM member_books WHERE last_recorded_at > %s)", (at,))
    return bool(rows[0][0])


async def lock_policies(tx: Transaction) -> None:
    """Let one transaction at a time append versions."""
    await tx.rows("LOCK TABLE loyalty_policies IN SHARE ROW EXCLUSIVE MODE")


async def lock_wallets(tx: Transaction) -> None:
    """Let one transaction at a time define wallets."""
    await tx.rows("LOCK TABLE wallets IN SHARE ROW EXCLUSIVE MODE")


async def read_wallets(tx: Transaction) -> list[tuple[Any, ...]]:
    """Return (wallet_id, code, qualifying, spendable) of every wallet."""
    return await tx.rows("SELECT wallet_id, code, qualifying, spendable FROM wallets ORDER BY wallet_id")


def upsert_wallet(tx: Transaction, wallet_id: int, code: str, *, qualifying: bool, spendable: bool) -> None:
    """Define a wallet; what it is for never changes."""
    tx.write(
        "INSERT INTO wallets (wallet_id, code, qualifying, spendable) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (wallet_id, code, qualifying, spendable),
    )
