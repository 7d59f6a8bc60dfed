"""The part of the walk through the API in which two members turn out to be one person, and then not."""

import httpx

from tests.entrypoints.walking_policies import Asks


async def walk_merges(walk: Asks) -> None:
    """Sign two members up, merge them, and undo it."""
    ask = walk.ask
    members = []
    for kind, value in (("phone", "13912345678"), ("email", "li.na@example.com")):
        signed_up = await ask(
            "signUpMember",
            "Li Na signed up in a shop with her phone, and at home with her address.",
            "POST",
            "/v1/members",
            {"market": "CN", "channel": "online", "identities": [{"kind": kind, "value": value}]},
        )
        members.append(signed_up["member_id"])
    home, shop = f"/v1/members/{members[1]}", f"/v1/members/{members[0]}"
    await ask(
        "accrue",
        "In the shop she was given points.",
        "POST",
        f"{shop}/accruals",
        {"wallet": "points", "amount": 120, "reason": "Opening day"},
    )
    wish = {"absorb": members[0], "reason": "The same person signed up twice"}
    await ask(
        "mergeMembers",
        "Both are one person: what would go over? Nothing is written with `dry_run`.",
        "POST",
        f"{home}/merges",
        {**wish, "dry_run": True},
    )
    merged = await ask(
        "mergeMembers",
        "The member of the shop becomes part of the other: number, points lot by lot, all of it. Its id means the "
        "other from now on, in every request.",
        "POST",
        f"{home}/merges",
        wish,
    )
    await ask("listMerges", "What was merged, also by the old id.", "GET", f"{shop}/merges")
    await ask(
        "undoMerge",
        "It was her sister. What is still there goes back; what was spent meanwhile would be owed.",
        "POST",
        f"{home}/merges/{merged['merge_id']}/undo",
        {"reason": "Two persons after all"},
    )


async def walk_proposals(walk: Asks, client: httpx.AsyncClient) -> None:
    """Let requests name two members together; confirm one proposal, dismiss another; change the rules."""
    ask = walk.ask
    members = []
    for kind, value in (("phone", "13912345679"), ("email", "zhou.min@example.com"), ("card", "RG5500110011")):
        signed_up = await ask(
            "signUpMember",
            "Three memberships: by a phone, by an address, by a card.",
            "POST",
            "/v1/members",
            {"market": "CN", "channel": "online", "identities": [{"kind": kind, "value": value}]},
        )
        members.append(signed_up["member_id"])
    for member in members:
        gift = {"amount": 10, "reason": "Opening day", "reference": "opening:2026"}
        path = f"/v1/members/{member}/accruals"
        await ask("accrue", "Each was given points, so all hold accounts.", "POST", path, gift)
    both = [{"kind": "phone", "value": "13912345679"}, {"kind": "email", "value": "zhou.min@example.com"}]
    for path, body in (
        ("/v1/members", {"market": "CN", "channel": "store", "identities": both}),
        (f"/v1/members/{members[0]}/identities", {"kind": "card", "value": "RG5500110011"}),
    ):
        refused = await client.post(path, json=body, headers={"Idempotency-Key": f"named-together-{len(body)}"})
        assert refused.json()["code"] == "identity_taken", refused.text
    listed = await ask(
        "listMergeProposals",
        "One sign-up named the phone of the first and the address of the second, and the third's card was to be given "
        "to the first. Both were refused: who may be one person?",
        "GET",
        "/v1/merge-proposals?state=open",
    )
    card, address = [f"/v1/merge-proposals/{one['proposal_id']}" for one in listed["proposals"]]
    await ask("getMergeProposal", "Why, who holds an account, and who decides: values are masked.", "GET", address)
    await ask(
        "confirmMergeProposal",
        "Staff know her: the two are merged, and it can be undone.",
        "POST",
        f"{address}/confirm",
        {"reason": "She showed both at the counter"},
    )
    await ask(
        "dismissMergeProposal",
        "The card is her husband's. The same evidence does not propose them again.",
        "POST",
        f"{card}/dismiss",
        {"reason": "The card is a relative's"},
    )
    rules = await ask("listIdentityRules", "By which rules was that decided?", "GET", "/v1/identity-rules")
    kinds = [
        {**one, "blocked": [*one["blocked"], "*@shared.example"]} if one["kind"] == "email" else one
        for one in rules["in_force"]["kinds"]
    ]
    await ask(
        "changeIdentityRules",
        "Addresses of a shared mailbox are nobody's from now on.",
        "PUT",
        "/v1/identity-rules",
        {"based_on": rules["in_force"]["version"], "kinds": kinds, "reason": "One mailbox for a whole office"},
    )
