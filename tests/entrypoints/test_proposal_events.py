"""What becomes of proposals is told as facts: raised, decided, passed on and open again, each once."""

import json
from typing import Any

import pytest

from tests.entrypoints.proposing import CARD, EMAIL, OTHER_EMAIL, decide, listed, name_together, only, two
from tests.entrypoints.test_merging import Door, door

__all__ = ["door"]  # the fixture
pytestmark = pytest.mark.anyio
RAISED, ENDED = "MergeProposed", "MergeProposalEnded"


async def facts(door: Door) -> list[tuple[str, Any, str | None]]:
    """Return the facts of proposals since the last look: type, proposal, outcome."""
    async with door.services.database.transaction() as tx:
        rows = await tx.rows("SELECT type, payload FROM outbox WHERE type LIKE 'MergePropos%%' ORDER BY seq")
    told = [(kind, json.loads(payload)) for kind, payload in rows]
    return [(kind, one["proposal_id"], one.get("outcome")) for kind, one in told]


async def test_each_turn_of_a_proposal_is_told_once(door: Door) -> None:
    both = await two(door, {"phone": "+8613912340001", "card": CARD}, {"email": EMAIL})
    await door.sign_up(email=OTHER_EMAIL)
    await name_together(door)
    await name_together(door)  # counted, and no news
    (first,) = await facts(door)
    assert (first[0], first[2]) == (RAISED, None)

    await name_together(door, ("card", CARD), ("email", OTHER_EMAIL))
    merged = await door.merge(both.other, both.first)
    after = (await facts(door))[1:]
    assert [(kind, outcome) for kind, _, outcome in after] == [
        (RAISED, None),
        (ENDED, "merged"),
        (ENDED, "superseded"),
        (RAISED, None),
    ]
    assert (after[1][1], after[2][1]) == (first[1], after[0][1])

    await door.undo(both.other, merged["merge_id"])
    assert [(kind, outcome) for kind, _, outcome in (await facts(door))[5:]] == [(ENDED, "superseded"), (RAISED, None)]
    assert (await facts(door))[-1][1] == after[0][1], "what the merge had ended is open again"

    await decide(door, await only(door), "dismiss")
    assert (await facts(door))[7:] == [(ENDED, after[0][1], "dismissed")]
    assert sorted(one["state"] for one in await listed(door)) == ["dismissed", "superseded", "undone"]


async def test_confirmed_by_staff_it_is_told_once(door: Door) -> None:
    await two(door)
    await name_together(door)
    found = await only(door)
    await decide(door, found, "confirm", dry_run=True)
    await decide(door, found, "confirm")
    assert [(kind, outcome) for kind, _, outcome in await facts(door)] == [(RAISED, None), (ENDED, "merged")]
