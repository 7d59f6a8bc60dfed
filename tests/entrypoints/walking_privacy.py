"""The part of the walk in which a member reads what she was told, and what is known of her."""

from regulars.members.api import gather_waiting
from tests.entrypoints.walking import Walking


async def walk_messages(walk: Walking, wang: str) -> None:
    """Read what she was told."""
    told = await walk.ask(
        "listMessages", "What she was told.", "GET", f"/v1/members/{wang}/messages?limit=1", language="en"
    )
    await walk.ask(
        "markMessagesRead",
        "She has read it.",
        "POST",
        f"/v1/members/{wang}/messages/read",
        {"up_to": told["messages"][0]["message_id"]},
    )


async def walk_privacy(walk: Walking, wang: str) -> None:
    """Ask for all that is known of her, and think about leaving."""
    ask, erasure, exports = walk.ask, f"/v1/members/{wang}/erasure", f"/v1/members/{wang}/exports"
    export = await ask("askExport", "She wants to see everything we know of her.", "POST", exports)
    await gather_waiting(walk.services.database, walk.services.vault, ())
    await ask("listExports", "It is there for a week.", "GET", exports)
    await ask(
        "readExport",
        "Table by table; here only what the rooms of members hold. `format=html` gives a page to read.",
        "GET",
        f"{exports}/{export['export_id']}",
    )
    await ask("listPersonalReads", "Who looked at her, and why.", "GET", f"/v1/personal-reads?member_id={wang}&limit=2")
    await ask("getErasure", "She wonders what she would lose if she left for good.", "GET", erasure)
    await ask(
        "askErasure",
        "She wants to be forgotten. For three days she can think again.",
        "POST",
        erasure,
        {"reason": "The member asked for it"},
    )
    await ask("withdrawErasure", "She stays after all.", "DELETE", erasure)
