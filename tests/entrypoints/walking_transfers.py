"""The part of the walk through the API in which one member gives points to another."""

from tests.entrypoints.walking_policies import Asks


async def walk_transfers(walk: Asks, giver: str) -> None:
    """Give points as the policy allows, read both sides, and take them back."""
    ask = walk.ask
    friend = await ask(
        "signUpMember",
        "A friend of Wang Fang's signs up.",
        "POST",
        "/v1/members",
        {"market": "CN", "channel": "online", "identities": [{"kind": "card", "value": "FRIEND1"}]},
    )
    getter = friend["member_id"]
    given = await ask(
        "transferPoints",
        "Wang Fang gives points to a friend. `dry_run` would have told whether that is allowed.",
        "POST",
        f"/v1/members/{giver}/transfers",
        {"to": getter, "amount": 20, "reason": "Happy birthday"},
    )
    await ask("listTransfers", "What the friend gave and got.", "GET", f"/v1/members/{getter}/transfers?limit=10")
    await ask(
        "reverseTransfer",
        "It was meant for somebody else: what is unspent goes back, and what is lacking would be owed.",
        "POST",
        f"/v1/members/{giver}/transfers/{given['transfer_id']}/reverse",
        {"reason": "It was meant for somebody else"},
    )
