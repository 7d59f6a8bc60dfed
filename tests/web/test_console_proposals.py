"""Members who may be one person in the console: why, side by side, confirmed or dismissed; a hint on their pages."""

import pytest

from regulars.members import api as members
from regulars.members.contracts.proposals import ProposalsWanted
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.web.proposing import named_together
from tests.web.site import Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio
HOME = "/console/proposals"
PAIR = ("13700137000", "chen@home.example")


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


@pytest.fixture
async def other(site: Site) -> str:
    """Return a second membership of Chen's, with a number of its own."""
    at = site.services.database.clock.now()
    return public_id("mbr", await site.member("137 0013 7000", "second@home.example", at=at))


async def states(services: Services) -> list[str]:
    async with services.database.transaction() as tx:
        return [one.state for one, _ in await members.proposals.list_proposals(tx, ProposalsWanted())]


async def test_a_pair_is_looked_at_and_confirmed(site: Site, services: Services, other: str) -> None:
    (proposal_id,) = await named_together(services, PAIR)
    public = public_id("mpr", proposal_id)
    async with site.browsing(Role.CARE) as browser:
        queue = words((await browser.get(f"{HOME}?state=open")).text)
        page = await browser.get(f"{HOME}/{public}")
        hint = (await browser.get(f"/console/members/{other}")).text
        look = page.text.partition('btn btn-primary" href="')[2].partition('"')[0].replace("&amp;", "&")
        beside = await browser.get(look)
        stays = look.partition("/members/")[2].partition("/")[0]
        absorb = look.partition("absorb=")[2].partition("&")[0]
        wish = {"absorb": absorb, "proposal": public}
        short = await browser.post(f"/console/members/{stays}/merge", data={**wish, "reason": "x"})
        merged = await browser.post(f"/console/members/{stays}/merge", data={**wish, "reason": "the same person"})
        again = await browser.post(f"/console/members/{stays}/merge", data={**wish, "reason": "the same person"})
        ended = words((await browser.get(f"{HOME}/{public}")).text)

    told = words(page.text)
    assert "To be decided" in queue
    assert "E-mail" in queue
    assert "+86 137****7000 (phone number)" in told
    assert "c***@home.example (e-mail address)" in told
    assert f"{HOME}/{public}" in hint
    assert "Somebody else may be this person, too." in words(hint)
    assert f'name="proposal" value="{public}"' in beside.text
    assert f'name="proposal" value="{public}"' in short.text
    assert (short.status_code, merged.status_code, again.status_code) == (422, 303, 409)
    assert await states(services) == ["confirmed"]
    assert "the same person" in ended
    assert "chen@home.example" not in told + queue + ended


async def test_a_pair_is_dismissed_with_a_reason(site: Site, services: Services, other: str) -> None:
    (proposal_id,) = await named_together(services, PAIR)
    path = f"{HOME}/{public_id('mpr', proposal_id)}"
    async with site.browsing(Role.CARE) as browser:
        empty = await browser.post(f"{path}/dismiss", data={"reason": ""})
        done = await browser.post(f"{path}/dismiss", data={"reason": "a mother and her son"})
        again = await browser.post(f"{path}/dismiss", data={"reason": "a mother and her son"})
        hint = (await browser.get(f"/console/members/{other}")).text
        unknown = await browser.get(f"{HOME}/mpr_{'0' * 32}")

    assert (empty.status_code, done.status_code, again.status_code) == (422, 303, 409)
    assert unknown.status_code == 404
    assert await states(services) == ["dismissed"]
    assert HOME + "/mpr" not in hint


async def test_who_may_not_merge_sees_nothing_of_it(site: Site, services: Services, other: str) -> None:
    await named_together(services, PAIR)
    async with site.browsing(Role.MARKETER) as browser:
        queue = await browser.get(HOME)
        page = (await browser.get(f"/console/members/{other}")).text

    assert queue.status_code == 403
    assert "/console/proposals" not in page


async def test_the_rules_are_shown(site: Site) -> None:
    async with site.browsing(Role.CARE) as browser:
        page = words((await browser.get(HOME)).text)

    assert "Nobody seems to be two members." in page
    assert "The rules that the program came with." in page
    assert "noreply@*" in page
