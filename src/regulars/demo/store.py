"""SQL of the replay's progress, and of what a finished one came to."""

from typing import Any

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


async def read_finished(tx: Transaction, replay: str, replayed: str) -> tuple[Any, bool] | None:
    """Return the figures of the finished replay of this input, and whether the books balanced when last asked."""
    found = await tx.rows(
        "SELECT figures, books_balanced FROM finished_replays WHERE replay = %s AND input = %s", (replay, replayed)
    )
    return (found[0][0], found[0][1]) if found else None


def write_finished(tx: Transaction, replay: str, replayed: str, figures: bytes) -> None:
    """Record what a replay came to. Its books are still to be proven."""
    tx.write(
        """
        INSERT INTO finished_replays (replay, input, figures, books_balanced) VALUES (%s, %s, %s::jsonb, false)
        ON CONFLICT (replay) DO UPDATE
        SET input = excluded.input, figures = excluded.figures, books_balanced = excluded.books_balanced
        """,
        (replay, replayed, figures.decode()),
    )


def write_proof(tx: Transaction, replay: str, *, balanced: bool) -> None:
    """Record what the latest proof of the books found."""
    tx.write("UPDATE finished_replays SET books_balanced = %s WHERE replay = %s", (balanced, replay))
