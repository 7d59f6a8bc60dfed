"""The part of the walk in which a shop opens, a member signs up, and buys."""

from datetime import timedelta

from regulars.engagement import api as engagement
from regulars.engagement.channels.composing import Composer
from regulars.entrypoints.reactions import REACTIONS
from regulars.platform.outbox.relay import Relay
from tests.entrypoints.walking import Walking
from tests.entrypoints.walking_consents import walk_consents


async def walk_programme(walk: Walking) -> None:
    """Look at the programme, and open a shop."""
    ask = walk.ask
    await ask("getHealth", "The process is alive.", "GET", "/health")
    await ask("getReadiness", "It may be used; its programme clock says when it is.", "GET", "/ready")
    await ask("listMarkets", "One market, with its currency and time zone.", "GET", "/v1/markets")
    await ask("listWallets", "Points are spent; growth decides the tier.", "GET", "/v1/wallets")
    await ask("listPolicies", "What a purchase earns, and what a tier asks.", "GET", "/v1/policies")
    hangzhou = {"market": "CN", "name": "北辰 湖滨路店"}
    await ask("putStore", "A new shop opens in Hangzhou.", "PUT", "/v1/stores/hubin-road", hangzhou)
    await ask("getStore", "There it is.", "GET", "/v1/stores/hubin-road")
    await ask("listStores", "All shops, page by page.", "GET", "/v1/stores?limit=2")


async def walk_member(walk: Walking) -> str:
    """Sign Wang Fang up, and return who she is."""
    ask, mobile = walk.ask, {"kind": "phone", "value": "138 0013 8000"}
    signed_up = await ask(
        "signUpMember",
        "Wang Fang signs up in Nanjing Road, by her phone number. The market says how to read it.",
        "POST",
        "/v1/members",
        {"market": "CN", "channel": "store", "identities": [mobile]},
    )
    member = f"/v1/members/{signed_up['member_id']}"
    await ask(
        "lookUpMember",
        "Any channel finds her by it, written as it may be.",
        "POST",
        "/v1/members/lookup",
        {"kind": "phone", "value": "+86 138-0013-8000", "market": "CN"},
    )
    await ask(
        "addIdentity",
        "She can be found by her address as well.",
        "POST",
        f"{member}/identities",
        {"kind": "email", "value": "wang.fang@example.com"},
    )
    card = {"kind": "card", "value": "BC-000123"}
    wrong = await walk.client.post(f"{member}/identities", json=card, headers={"Idempotency-Key": "card"})
    await ask(
        "removeIdentity",
        "A lost card no longer finds her. The last identity of a member cannot be removed.",
        "DELETE",
        f"{member}/identities/{wrong.json()['identity_id']}",
    )
    await ask(
        "changeProfile",
        "She tells her name and birthday. They are kept encrypted, under a key of her own.",
        "PATCH",
        f"{member}/profile",
        {"given_name": "芳", "family_name": "王", "birthday": {"month": 5, "day": 20}, "language": "zh-CN"},
    )
    await walk_consents(walk.services, ask, member)
    await ask("getMember", "A key with `members:personal` reads her data in the clear, and says why.", "GET", member)
    return str(signed_up["member_id"])


async def walk_orders(walk: Walking, wang: str) -> None:
    """Buy online, bring a part back, and claim what was bought as a guest."""
    ask = walk.ask
    lines = [
        {"line_id": "1", "sku": "kettle", "amount": {"amount_minor": 89_900, "currency": "CNY"}},
        {"line_id": "2", "sku": "tea", "quantity": "3", "amount": {"amount_minor": 30_000, "currency": "CNY"}},
    ]
    order = {
        "member_id": wang,
        "state": "paid",
        "channel": "online",
        "market": "CN",
        "total": {"amount_minor": 119_900, "currency": "CNY"},
        "lines": lines,
    }
    await ask(
        "putOrder",
        "She buys online. The effects say what it did: points that are available when the return window closes, "
        "growth that lifts her to Silver at once. `explain` adds every rule's verdict; `dry_run` would only try.",
        "PUT",
        "/v1/orders/web-1001?explain=true",
        order,
    )
    await walk.clock(timedelta(days=2))
    await ask(
        "returnOrder",
        "Two days later one of the three packets of tea comes back, in another shop. What remains is settled anew.",
        "POST",
        "/v1/orders/web-1001/returns",
        {"return_id": "R-17", "store_id": "chunxi-road", "lines": [{"line_id": "2", "quantity": "1"}]},
    )
    await _tell(walk, timedelta(days=2))
    await ask("getOrder", "The order as it stands, line by line.", "GET", "/v1/orders/web-1001")
    await ask("getOrderLineage", "Everything that it caused.", "GET", "/v1/orders/web-1001/lineage")
    small = {"amount_minor": 5_900, "currency": "CNY"}
    guest = {
        "state": "paid",
        "channel": "store",
        "store_id": "nanjing-road",
        "market": "CN",
        "total": small,
        "lines": [{"sku": "cup", "amount": small}],
    }
    assert (await walk.client.put("/v1/orders/till-7-0042", json=guest)).is_success
    await ask(
        "claimOrder",
        "She forgot to show her card for a cup: within 30 days the order becomes hers.",
        "POST",
        "/v1/orders/till-7-0042/claim",
        {"member_id": wang},
    )
    await ask("listOrdersOfMember", "Her orders.", "GET", f"/v1/members/{wang}/orders?limit=1")


async def _tell(walk: Walking, after: timedelta) -> None:
    """Do what the worker does between a fact and its messages. While the clock stands nobody is told anything."""
    await walk.clock(after, ticking=True)
    database, vault = walk.services.database, walk.services.vault
    await Relay(database, REACTIONS).drain()
    async with database.transaction(set_based=True) as tx:
        await Composer(vault, engagement.reachable(walk.services.settings)).compose(tx)
    await walk.clock(after)
