"""Two memberships of one person in the console: seen beside each other, merged, undone; every page looked at by axe."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, expect

from regulars.platform.auth.staff.permissions import Role
from tests.browser.chromium import Look, visiting
from tests.browser.club import Club, holds
from tests.browser.test_journeys import bought_online, texts
from tests.browser.walking import Walk, found_by

LOOKS = [
    Look(width, theme, language)
    for width, theme, language in (
        (390, "light", "zh"),
        (390, "dark", "en"),
        (820, "light", "en"),
        (1440, "dark", "zh"),
    )
] + [Look(1440, "light", "en"), Look(1440, "light", "zh")]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_two_who_are_one_are_merged_and_parted(chromium: Browser, club: Club, look: Look, pictures: Path) -> None:
    _ = texts(look.language)
    number = LOOKS.index(look)
    survivor = bought_online(club, f"1390013970{number}", f"ONE-2026-{number}", look.language)
    absorbed = bought_online(club, f"1390013971{number}", f"TWO-2026-{number}", look.language)
    told(club, survivor, "韩梅梅")
    with visiting(chromium, club.address, look, bypass_csp=True) as desk:
        holds(desk, staff=club.staff(Role.CARE, look.language))
        desk.expected_statuses |= {404, 409, 422}
        walk, page = Walk(desk, pictures, look), desk.page
        desk.open(f"/console/members/{survivor}/merges")
        walk.at("merges-empty")
        page.get_by_label(_("Id of the other member")).fill(survivor)
        page.get_by_role("button", name=_("Look at both")).click()
        expect(page.get_by_text(_("Both ids stand for the same member. Name two members.")).first).to_be_visible()
        walk.at("merge-of-one")
        desk.open(f"/console/members/{survivor}/merge?absorb=mbr_{'0' * 32}")
        walk.at("merge-of-nobody")
        desk.open(f"/console/members/{survivor}/merge?absorb={absorbed}")
        expect(page.get_by_role("heading", name=_("What will go over"))).to_be_visible()
        walk.at("merge")
        page.locator("form[action$='/merge'][method=post]").evaluate("one => { one.noValidate = true; }")
        page.get_by_role("button", name=_("Merge"), exact=True).click()
        expect(page.locator("[aria-invalid=true]")).to_be_visible()
        walk.at("merge-refused")
        page.get_by_label(_("Why")).fill("One person, two numbers")
        page.get_by_role("button", name=_("Merge"), exact=True).click()
        expect(page.get_by_text(_("The two members are one now."))).to_be_visible()
        walk.at("merges")
        page.get_by_role("link", name=_("Undo …")).click()
        walk.at("unmerge")
        page.get_by_label(_("Why")).fill("They are brothers")
        page.get_by_role("button", name=_("Undo the merge")).click()
        expect(page.get_by_text(_("The two members are two again."))).to_be_visible()
        walk.at("merges-undone")
    assert found_by(walk) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_who_may_be_one_is_looked_at_and_decided(chromium: Browser, club: Club, look: Look, pictures: Path) -> None:
    _ = texts(look.language)
    number = LOOKS.index(look)
    phone, address = f"1390013972{number}", f"may-be-{number}@home.example"
    first = bought_online(club, phone, f"THREE-2026-{number}", look.language)
    told(club, first, "韩梅梅")
    assert sent(club, "members", {"kind": "email", "value": address}) == 201
    assert sent(club, "members", {"kind": "phone", "value": phone}, {"kind": "email", "value": address}) == 409
    with visiting(chromium, club.address, look, bypass_csp=True) as desk:
        holds(desk, staff=club.staff(Role.CARE, look.language))
        desk.expected_statuses |= {404, 409, 422}
        walk, page = Walk(desk, pictures, look), desk.page
        desk.open("/console/proposals?state=dismissed&member=nobody")
        walk.at("proposals-empty")
        desk.open("/console/proposals?state=open")
        walk.at("proposals")
        page.locator("main tbody a[href^='/console/proposals/mpr_']").first.click()
        expect(page.get_by_role("heading", name=_("Why"))).to_be_visible()
        walk.at("proposal")
        path = page.url
        page.get_by_role("link", name=_("Look at both")).click()
        expect(page.get_by_role("heading", name=_("What will go over"))).to_be_visible()
        walk.at("proposal-merge")
        desk.open(f"/console/members/{first}")
        expect(page.get_by_role("link", name=_("Why, and what to do"))).to_be_visible()
        walk.at("proposal-hint")
        page.goto(path)
        page.get_by_role("button", name=_("They are two")).first.click()
        page.get_by_label(_("Why")).fill("Mother and daughter")
        walk.at("proposal-dismiss")
        page.get_by_role("dialog").get_by_role("button", name=_("They are two")).click()
        expect(page.get_by_text(_("They stay two. The same evidence does not propose them again."))).to_be_visible()
        page.goto(path)
        walk.at("proposal-dismissed")
        desk.open("/console/proposals/mpr_01900000000070008000000000000000")
        walk.at("proposal-unknown")
    assert found_by(walk) == []


def sent(club: Club, path: str, *identities: dict[str, str]) -> int:
    """Sign somebody up past the pages; return the status."""
    answer = httpx.post(
        f"{club.address}/v1/{path}",
        json={"market": "CN", "channel": "online", "identities": list(identities)},
        headers={"Authorization": f"Bearer {club.key}", "Idempotency-Key": uuid4().hex},
    )
    return answer.status_code


def told(club: Club, member_id: str, name: str) -> None:
    """Let a member have a name."""
    answer = httpx.patch(
        f"{club.address}/v1/members/{member_id}/profile",
        json={"display_name": name, "birthday": {"month": 5, "day": 17}},
        headers={"Authorization": f"Bearer {club.key}"},
    )
    assert answer.is_success, answer.text
