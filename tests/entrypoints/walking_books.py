"""The part of the walk in which points move, and somebody looks at them."""

from datetime import timedelta

from tests.entrypoints.walking import Walking
from tests.entrypoints.walking_extensions import extensions
from tests.entrypoints.walking_whys import walk_whys


async def walk_books(walk: Walking, wang: str) -> None:
    """Post, correct, hold, and read what came of it."""
    ask, member = walk.ask, f"/v1/members/{wang}"
    await walk.clock(timedelta(days=19))
    await ask(
        "accrue",
        "A present for her birthday. Its reference names the fact: it posts once, whoever retries.",
        "POST",
        f"{member}/accruals",
        {"amount": 200, "reason": "Birthday", "reference": "birthday:2026"},
    )
    await ask(
        "accrueBatch",
        "The same for many members; each row is decided on its own.",
        "POST",
        "/v1/accruals/batch",
        {"accruals": [{"member_id": wang, "amount": 50, "reference": "may-day:2026", "reason": "May Day"}]},
    )
    await ask(
        "redeem",
        "She spends points at a partner's. The soonest to expire go first.",
        "POST",
        f"{member}/redemptions",
        {"amount": 300, "reason": "Café Yunhe", "reference": "partner:yunhe:881"},
    )
    await ask(
        "adjust",
        "Somebody corrects a mistake, and says why.",
        "POST",
        f"{member}/adjustments",
        {"amount": -50, "reason": "May Day was counted twice", "reference": "care:5521"},
    )
    await _corrections(walk, member)
    await extensions(walk, walk.client, member)
    await _holds(walk, member)
    await ask("getWallets", "What she has, and what is pending.", "GET", f"{member}/wallets")
    told = "What her points are made of; `expand` gives the orders along that brought them."
    await ask("listLots", told, "GET", f"{member}/lots?limit=2&expand=lots.order")
    await ask(
        "getStatement",
        "Each movement with its reason, in the language asked for.",
        "GET",
        f"{member}/statement?limit=4",
        language="zh",
    )
    await ask("getTier", "Her tier, why she has it, and what is missing for the next.", "GET", f"{member}/tier")
    await walk_whys(walk, wang)


async def _corrections(walk: Walking, member: str) -> None:
    """Ask for corrections, which another key answers."""
    ask, requests = walk.ask, f"{member}/adjustment-requests"
    asked = await ask(
        "askAdjustment",
        "A correction that a second person must look at (the policy may say from which amount on) is asked for.",
        "POST",
        requests,
        {"amount": 120, "reason": "Receipt of 4 May was not scanned", "reference": "care:5530"},
    )
    await ask("listAdjustmentRequests", "It waits for somebody else.", "GET", "/v1/adjustment-requests?limit=1")
    await ask(
        "approveAdjustment",
        "Another key approves it: it is posted, once.",
        "POST",
        f"{requests}/{asked['request_id']}/approve",
        {"note": "Seen the receipt"},
    )
    other = await walk.client.post(
        requests, json={"amount": 9_000, "reason": "Goodwill"}, headers={"Idempotency-Key": "goodwill"}
    )
    await ask(
        "refuseAdjustment",
        "Another request is refused; nothing is posted.",
        "POST",
        f"{requests}/{other.json()['request_id']}/refuse",
        {"note": "Too much"},
    )


async def _holds(walk: Walking, member: str) -> None:
    """Keep points for something, and use or free them."""
    ask, kept = walk.ask, {"amount": 300, "deadline": "2026-06-02T10:00:00Z"}
    placed = await ask(
        "placeHold",
        "She books a tea workshop: 300 points are kept until it begins. They are hers, but not to spend.",
        "POST",
        f"{member}/holds",
        {**kept, "purpose": "Tea workshop on 2 June", "reference": "workshop:118"},
    )
    hold = f"{member}/holds/{placed['hold_id']}"
    await ask("getHold", "What it keeps of which lots.", "GET", hold)
    await ask(
        "postHold",
        "The workshop was cheaper than announced: 250 of them are used, 50 are free again.",
        "POST",
        f"{hold}/post",
        {"amount": 250},
    )
    other = await walk.client.post(
        f"{member}/holds", json={**kept, "purpose": "Kite festival"}, headers={"Idempotency-Key": "kites"}
    )
    await ask(
        "voidHold",
        "Another booking is called off. Had nobody said so, the deadline would have ended it.",
        "POST",
        f"{member}/holds/{other.json()['hold_id']}/void",
        {"reason": "Rain"},
    )
    await ask("listHolds", "All of them, the latest first.", "GET", f"{member}/holds?limit=1")
