"""The part of the walk through the API in which other systems learn what happened."""

from typing import Final

from regulars.platform.db.database import Database
from tests.entrypoints.walking_policies import Asks

# Instants of the wall clock in answers about webhooks.
HOOKS: Final = ("queued_at", "settled_at", "old_secret_until")


async def walk_events(walk: Asks, database: Database) -> None:
    """Read the feed, then be called."""
    await walk.ask(
        "listEvents",
        "What was paid, for who would rather ask than be called: `next_cursor` goes on behind it, now or tomorrow.",
        "GET",
        "/v1/events?types=order.paid&limit=1",
    )
    made = await walk.ask(
        "createWebhook",
        "The web shop would rather be called. The secret is shown this once: with it the shop checks signatures.",
        "POST",
        "/v1/webhooks",
        {"url": "https://203.0.113.7/hooks", "types": ["order.paid", "tier.reached"], "description": "The web shop"},
    )
    path = f"/v1/webhooks/{made['webhook_id']}"
    await walk.ask("listWebhooks", "All of them.", "GET", "/v1/webhooks")
    await walk.ask("changeWebhook", "The shop wants everything.", "PATCH", path, {"types": []})
    await walk.ask("getWebhook", "There it is.", "GET", path)
    await walk.ask(
        "rotateWebhookSecret",
        "The secret was left in a log: for a day both sign, so the shop changes it without missing anything.",
        "POST",
        f"{path}/rotate",
        {"overlap_hours": 24},
    )
    ping = await walk.ask("testWebhook", "Does it get through? An event that means nothing.", "POST", f"{path}/test")
    await walk.ask("listDeliveries", "It waits for a courier.", "GET", f"{path}/deliveries?limit=10")
    async with database.transaction() as tx:  # as three days without an answer would leave it
        tx.write("UPDATE webhook_deliveries SET state = 'failed', due_at = NULL, settled_at = queued_at")
    one = f"{path}/deliveries/{ping['delivery_id']}"
    await walk.ask("getDelivery", "Nobody answered for three days: it was given up.", "GET", one)
    await walk.ask(
        "replayDeliveries",
        "The shop is back. How much was given up?",
        "POST",
        f"{path}/replay",
        {"states": ["failed"], "dry_run": True},
    )
    await walk.ask("replayDelivery", "Send it anew.", "POST", f"{one}/replay")
    await walk.ask("deleteWebhook", "The shop closes.", "DELETE", path)
