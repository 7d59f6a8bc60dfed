"""The part of the walk that asks why."""

from tests.entrypoints.walking import Walking


async def walk_whys(walk: Walking, wang: str) -> None:
    """Ask why, of everything there is."""
    ask, member = walk.ask, f"/v1/members/{wang}"
    statement = (await walk.client.get(f"{member}/statement?limit=200")).json()["lines"]
    used = next(line["transfer_id"] for line in statement if line["kind"] == "redeem")
    lot = next(line["transfer_id"] for line in statement if line["reference"] == "birthday:2026")
    holds = (await walk.client.get(f"{member}/holds")).json()["holds"]
    asked = (await walk.client.get(f"/v1/adjustment-requests?member_id={wang}&ended=true")).json()["requests"]
    approved = next(one["request_id"] for one in asked if one["state"] == "approved")
    line, points = f"{member}/transfers/{used}", f"{member}/lots/{lot}"
    await ask(
        "explainOrder",
        "Why did the kettle's order do what it did, and its return? By the policy of its time.",
        "GET",
        "/v1/orders/web-1001/explain",
    )
    await ask("explainBalance", "Why has she so many points?", "GET", f"{member}/wallets/points/explain")
    await ask("explainTransfer", "Why is that line there?", "GET", f"{line}/explain", language="zh")
    await ask("explainLot", "Until when are the birthday's points good, and why?", "GET", f"{points}/explain")
    await ask("explainTier", "Why is she Silver, and what is missing for Gold?", "GET", f"{member}/tier/explain")
    await ask("explainHold", "What became of the hold?", "GET", f"{member}/holds/{holds[0]['hold_id']}/explain")
    await ask(
        "explainAdjustmentRequest",
        "Why did that correction need somebody else?",
        "GET",
        f"{member}/adjustment-requests/{approved}/explain",
    )
    await ask("getTransferLineage", "Of which points was the café paid?", "GET", f"{line}/lineage")
    await ask("getLotLineage", "And where did the birthday's points go?", "GET", f"{points}/lineage")
    refused = await walk.client.post(
        f"{member}/redemptions",
        json={"amount": 90_000, "reason": "Café Yunhe"},
        headers={"Idempotency-Key": "too-much", "X-Request-Id": "cafe-883"},
    )
    assert refused.status_code == 409, refused.text
    await ask("explainRefusal", "Why was the café refused, an hour ago?", "GET", "/v1/explain/refusals/cafe-883")
    await ask(
        "explainRefusalOfKey",
        "The same by the idempotency key.",
        "GET",
        "/v1/explain/refusals?idempotency_key=too-much",
        language="zh",
    )
