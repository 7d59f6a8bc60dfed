"""The demo's door: whether a deployment is one."""

from regulars.demo import store
from regulars.platform.db.transaction import Transaction


async def is_demo(tx: Transaction) -> bool:
    """Tell whether a year was replayed in this database. Raises nothing. Source: replay_progress."""
    return bool(await store.replays(tx))
