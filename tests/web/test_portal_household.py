"""A member's household in the portal: who lives there as far as one may see, and leaving it, with a word."""

import httpx
import pytest

from regulars.members import api as members
from regulars.members.contracts.households import FormHousehold
from regulars.platform.ids import new_id
from regulars.platform.services import Services
from tests.web.membership import Membership
from tests.web.test_portal import words
from tests.web.test_portal_data import Hand

pytestmark = pytest.mark.anyio

HOME = "/portal/household"


async def test_a_member_sees_who_lives_there_and_leaves(services: Services, browser: httpx.AsyncClient) -> None:
    membership = await Membership(services).begin()
    wang, li = [Hand(browser, await membership.cookies(one)) for one in (membership.wang, membership.li)]
    alone, nowhere = await wang.get(HOME), await wang.get(f"{HOME}/leave")
    wish = FormHousehold(
        household_id=new_id(),
        head_id=membership.wang,
        member_ids=(membership.li,),
        name="Lakeside",
        actor="test",
        reason="they asked",
    )
    async with services.database.transaction() as tx:
        await members.households.form_household(tx, services.vault, 8, wish)
    heads, others = words(await wang.get(HOME)), words(await li.get(HOME))
    asked = await wang.get(f"{HOME}/leave")
    household = asked.text.partition('name="household" value="')[2].partition('"')[0]
    wrong = await wang.post(f"{HOME}/leave", household=household, confirmation="go")
    stale = await wang.post(f"{HOME}/leave", household=f"hhd_{new_id().hex}", confirmation="LEAVE")
    stays = words(await wang.get(HOME))
    left = [await wang.post(f"{HOME}/leave", household=household, confirmation="leave") for _ in range(2)]
    after, now_head = words(await wang.get(HOME)), words(await li.get(HOME))

    assert "You live in no household here" in words(alone)
    assert (nowhere.status_code, nowhere.headers["location"]) == (303, HOME)
    assert ("Lakeside" in heads, "You Head" in heads, "139****9000" in heads) == (True, True, True)
    assert ("Lakeside" in others, "L**" in others, "W** Head" in others) == (False, False, True)
    assert "Wang" not in others
    assert "139****9000 becomes the head" in words(asked)
    assert (wrong.status_code, stale.status_code, "You Head" in stays) == (422, 303, True)
    assert [one.status_code for one in left] == [303, 303]
    assert ("You live in no household here" in after, "Where you lived before" in after) == (True, True)
    assert "You Head" in now_head
    async with services.database.transaction() as tx:
        told = await tx.rows("SELECT actor, reason FROM household_changes WHERE kind = 'left'")
    assert told == [(f"member:mbr_{membership.wang.hex}", "the member left in the portal")]
