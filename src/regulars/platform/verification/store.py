"""SQL of verification."""

from regulars.platform.db.transaction import Transaction


def read_one_snapshot(tx: Transaction) -> None:
    """Let everything this transaction reads be of one instant, whatever others commit; it must not write."""
    tx.write("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    tx.write("SET LOCAL lock_timeout = 0")
