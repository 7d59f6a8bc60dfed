"""SQL of the replay's progress."""

from regulars.platform.db.transaction import Transaction


async def facts_done(tx: Transaction, replay: str) -> dict[int, int]:
    """Return how many facts each shard has behind it."""
    return dict(await tx.rows("SELECT shard, facts_done FROM replay_progress WHERE replay = %s", (replay,)))


def advance(tx: Transaction, replay: str, shard: int, facts: int) -> None:
    """Record that a shard has come at least so far."""
    tx.write(
        """
        INSERT INTO replay_progress (replay, shard, facts_done) VALUES (%s, %s, %s)
        ON CONFLICT (replay, shard) DO UPDATE
        SET facts_done = greatest(replay_progress.facts_done, excluded.facts_done)
        """,
        (replay, shard, facts),
    )


async def replays(tx: Transaction) -> list[str]:
    """Return the names of the programmes whose replay this database holds."""
    return [row[0] for row in await tx.rows("SELECT DISTINCT replay FROM replay_progress ORDER BY replay")]
