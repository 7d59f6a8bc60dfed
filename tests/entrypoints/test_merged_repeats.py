"""What was sent before two became one is sent again behind it, and nothing is done twice."""

from datetime import timedelta
from typing import Any

import pytest

from regulars.entrypoints.importing import job_kinds
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.stepping import do_step
from regulars.platform.clock import wall_now
from tests.entrypoints.test_merging import Door, door

__all__ = ["door"]  # the fixture
pytestmark = pytest.mark.anyio
OPENING = "phone,amount,reason\n13800138001,100,old club\n13800138002,40,old club\n13800138003,100,old club\n"
NAMED = (
    "phone,amount,reason,reference\n"
    "13800138001,7,gift,spring\n13800138002,8,gift,spring\n13800138003,9,gift,spring\n13800138002,5,gift,summer\n"
)
LATELY = f"{wall_now() - timedelta(days=30):%Y-%m-%dT00:00:00Z}"
BOUGHT = (
    "phone,order_id,sku,amount,occurred_at,state,channel,currency\n"
    f"13800138001,R-1,tea,30,{LATELY},paid,store,CNY\n"
    f"13800138003,R-3,tea,50,{LATELY},paid,store,CNY\n"
)
SENT = [
    {"reference": "slip-1", "identities": [{"kind": "phone", "value": "13800138001"}]},
    {"reference": "slip-2", "identities": [{"kind": "phone", "value": "13800138002"}]},
    {
        "reference": "slip-3",
        "identities": [{"kind": "phone", "value": "13800138003"}],
        "signed_up_at": "2020-05-01T00:00:00Z",
    },
]


async def imported(door: Door, content: str, kind: str = "accruals") -> dict[str, int]:
    """Import a file; return how many rows were imported, known, refused."""
    wish = {"kind": kind, "content": content, "mapping": {"constants": {"market": "CN"}}}
    job_id = (await door.call("POST", "/v1/imports", wish, status=202))["job_id"]
    kinds = job_kinds(door.services.settings, door.services.vault, door.services.database)
    step: int | None = 0
    while step is not None:
        async with door.services.database.transaction(set_based=True) as tx:
            step = await do_step(tx, kinds, job_id_in(job_id))
    counts: dict[str, int] = (await door.call("GET", f"/v1/jobs/{job_id}"))["counts"]
    return {name: count for name, count in counts.items() if count and name != "rows"}


async def signed_up(door: Door) -> list[str]:
    """Send the sign-ups; return whom each row gave."""
    rows: list[dict[str, Any]] = [{"market": "CN", "channel": "store", **one} for one in SENT]
    answer = await door.call("POST", "/v1/members/batch", {"members": rows})
    assert answer["refused"] == 0, answer
    return [row["member"]["member_id"] for row in answer["rows"]]


async def test_the_same_files_and_batches_do_nothing_more_once_their_members_are_one(door: Door) -> None:
    one, two, three = await signed_up(door)
    assert await imported(door, OPENING) == {"imported": 3}
    assert await imported(door, NAMED) == {"imported": 4}
    assert await imported(door, BOUGHT, "orders") == {"imported": 2}
    before = [await door.points(member) for member in (one, two, three)]
    first = (await door.merge(two, one))["merge_id"]
    second = (await door.merge(three, two))["merge_id"]
    together = await door.points(three)
    assert together == (sum([balance for balance, _ in before]), 0)

    assert await signed_up(door) == [three, three, three]
    assert await imported(door, OPENING) == {"known": 3}
    assert await imported(door, NAMED) == {"known": 4}
    assert await imported(door, BOUGHT, "orders") == {"known": 2}
    assert await door.points(three) == together
    by_old_id = f"member_id,phone,amount,reason\n{two},,1,late\n,13800138002,40,old club\n"
    assert await imported(door, by_old_id) == {"imported": 1, "known": 1}
    assert await imported(door, "phone,amount,reason\n13800138002,1,late\n") == {"known": 1}
    assert await door.points(three) == (together[0] + 1, 0)

    await door.undo(three, second)
    await door.undo(two, first)
    assert await signed_up(door) == [one, two, three]
    assert await imported(door, OPENING) == {"known": 3}
    assert await imported(door, NAMED) == {"known": 4}
    assert await imported(door, BOUGHT, "orders") == {"known": 2}
    before[2] = (before[2][0] + 1, 0)  # what came in while they were one is the one's who they were
    assert [await door.points(member) for member in (one, two, three)] == before
    assert await door.problems() == {}
