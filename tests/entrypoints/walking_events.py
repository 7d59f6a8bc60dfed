"""The part of the walk through the API in which other systems learn what happened."""

from tests.entrypoints.walking_policies import Asks


async def ask_what_happened(walk: Asks) -> None:
    """Read the feed."""
    await walk.ask(
        "listEvents",
        "What was paid, for who would rather ask than be called: `next_cursor` goes on behind it, now or tomorrow.",
        "GET",
        "/v1/events?types=order.paid&limit=1",
    )
