"""The part of the walk through the API in which two members turn out to be one person, and then not."""

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
        "accruePoints",
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
