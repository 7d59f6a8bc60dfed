"""The part of the walk through the API in which members live together, and then not."""

from tests.entrypoints.walking_policies import Asks

TOLD = "They told us at the counter"


async def walk_households(walk: Asks) -> None:
    """Form a household, change who lives there, read it, and dissolve it."""
    ask = walk.ask
    members = []
    for number in (1, 2, 3):
        signed_up = await ask(
            "signUpMember",
            "Somebody of the Zhao family signs up.",
            "POST",
            "/v1/members",
            {"market": "CN", "channel": "online", "identities": [{"kind": "card", "value": f"ZHAO{number}"}]},
        )
        members.append(signed_up["member_id"])
    mother, father, child = members
    formed = await ask(
        "formHousehold",
        "Two of them live together.",
        "POST",
        "/v1/households",
        {"head": mother, "members": [father], "name": "The Zhaos", "reason": TOLD},
    )
    home = f"/v1/households/{formed['household_id']}"
    await ask(
        "addToHousehold",
        "The child lives there, too.",
        "POST",
        f"{home}/members",
        {"member": child, "reason": TOLD},
    )
    await ask(
        "changeHouseholdHead",
        "The father is the head from now on.",
        "POST",
        f"{home}/head",
        {"member": father, "reason": TOLD},
    )
    await ask(
        "removeFromHousehold",
        "The child has grown up and moves out.",
        "POST",
        f"{home}/members/{child}/remove",
        {"reason": TOLD},
    )
    await ask(
        "renameHousehold",
        "The name is kept sealed, and in no answer that is stored.",
        "PATCH",
        home,
        {"name": "Zhao", "reason": TOLD},
    )
    await ask("getHousehold", "Who lives there, with the name.", "GET", home)
    await ask("listHouseholdChanges", "What changed, by whom and why.", "GET", f"{home}/changes?limit=3")
    await ask("listMemberHouseholds", "Where the child lived.", "GET", f"/v1/members/{child}/households")
    await ask("dissolveHousehold", "They part.", "POST", f"{home}/dissolve", {"reason": TOLD})
    await ask("listHouseholds", "Households that are no more.", "GET", "/v1/households?dissolved=true")
