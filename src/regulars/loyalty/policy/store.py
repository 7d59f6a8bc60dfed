"""SQL of policies and wallets."""

from datetime import datetime
from typing import Any, LiteralString

import msgspec

from regulars.loyalty.policy.contracts import Appending, Policy
from regulars.loyalty.policy.reading import written
from regulars.platform.db.transaction import Statement, Transaction

# Asked by every batch that posts. To read the closed months is also a lock on their table until the batch ends: who
# closes a month waits for whoever may have read this before (`finance/store/closing.py`); who books what a version does
# when it comes waits for whoever may not have read that it came (`arrivals/service.py`).
LATEST: LiteralString = """
SELECT coalesce(max(version), 0), (SELECT count(*) FROM wallets), (SELECT max(month) FROM finance_closes),
       (SELECT count(*) FROM policy_withdrawals), (SELECT coalesce(max(version), 0) FROM policy_arrivals)
FROM loyalty_policies
"""
LATEST_VERSION = Statement(LATEST)

_decode = msgspec.json.Decoder(Policy).decode


async def read_policies(tx: Transaction) -> list[Policy]:
    """Return every version that is in force or was or will be, the oldest first: none that was withdrawn."""
    rows = await tx.rows(
        "SELECT p.version, p.active_from, p.document FROM loyalty_policies AS p WHERE NOT EXISTS "
        "(SELECT FROM policy_withdrawals AS w WHERE w.version = p.version) ORDER BY p.version"
    )
    return [
        msgspec.structs.replace(_decode(document), version=version, active_from=active_from)
        for version, active_from, document in rows
    ]


async def read_lifting(tx: Transaction) -> frozenset[int]:
    """Return the versions that lift, when they come, whoever then deserves more."""
    return frozenset([version for (version,) in await tx.rows("SELECT version FROM loyalty_policies WHERE lifts")])


async def read_versions(tx: Transaction) -> list[tuple[Policy, tuple[Any, ...]]]:
    """Return every version, withdrawn ones too, with the other columns: recorded at, name, by, approved by, reason,
    withdrawn at, by, because.
    """
    rows = await tx.rows(
        "SELECT p.version, p.active_from, p.document, p.recorded_at, p.name, p.scheduled_by, p.approved_by, p.reason, "
        "w.withdrawn_at, w.withdrawn_by, w.reason "
        "FROM loyalty_policies AS p LEFT JOIN policy_withdrawals AS w ON w.version = p.version ORDER BY p.version"
    )
    return [
        (msgspec.structs.replace(_decode(document), version=version, active_from=active_from), tuple(more))
        for version, active_from, document, *more in rows
    ]


def insert_policy(tx: Transaction, policy: Policy, recorded_at: datetime, by: Appending) -> None:
    """Append a version."""
    tx.write(
        "INSERT INTO loyalty_policies (version, active_from, recorded_at, document, name, scheduled_by, approved_by, "
        "reason, lifts) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, true)",
        (
            policy.version,
            policy.active_from,
            recorded_at,
            written(policy),
            by.name,
            by.by,
            by.approved_by,
            by.reason,
        ),
    )


def insert_withdrawal(tx: Transaction, policy: Policy, at: datetime, by: str, reason: str) -> None:
    """Withdraw a version whose instant is still to come."""
    tx.write(
        "INSERT INTO policy_withdrawals (version, active_from, withdrawn_at, withdrawn_by, reason) "
        "VALUES (%s, %s, %s, %s, %s)",
        (policy.version, policy.active_from, at, by, reason),
    )


async def highest_version(tx: Transaction) -> int:
    """Return the highest number that was ever given to a version; 0 before the first."""
    rows = await tx.rows("SELECT coalesce(max(version), 0) FROM loyalty_policies")
    return int(rows[0][0])


async def closed_until(tx: Transaction) -> datetime | None:
    """Return the last instant before which books are closed, in any market."""
    rows = await tx.rows("SELECT max(until) FROM finance_bounds")
    found: datetime | None = rows[0][0]
    return found


async def decided_after(tx: Transaction, at: datetime) -> bool:
    """Say whether any book has recorded something after an instant; looks at every book."""
    rows = await tx.rows("SELECT EXISTS (SELECT FROM member_books WHERE last_recorded_at > %s)", (at,))
    return bool(rows[0][0])


async def lock_policies(tx: Transaction) -> None:
    """Let one transaction at a time append versions."""
    await tx.rows("LOCK TABLE loyalty_policies, policy_withdrawals IN SHARE ROW EXCLUSIVE MODE")


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
