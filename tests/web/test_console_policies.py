"""Policies in the console: drafted as a form, compared, previewed, scheduled, agreed to, withdrawn; without scripts."""

import re

import httpx
import pytest
from msgspec import structs

from regulars.loyalty import api as loyalty
from regulars.loyalty.policy.contracts import TransferPolicy
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.web.console.policy_forms import read_policy, sent_values, values_of
from tests.web.site import DAY, NOW, POLICY, Site
from tests.web.test_console_finance import work
from tests.web.test_console_members import words
from tests.web.visitors import Visitors

pytestmark = pytest.mark.anyio
POLICIES = "/console/policies"


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


def proposal(page: str) -> dict[str, str]:
    """Return which proposal the form of agreeing names."""
    form = page[page.index('/approve"') : page.index("</form>", page.index('/approve"'))]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def fields(page: str) -> dict[str, str]:
    """Return what the form of a draft would send."""
    form = page[page.index('id="policy-form"') : page.index("</form>", page.index('id="policy-form"'))]
    found = {}
    for tag in re.findall(r"<input [^>]*>", form):
        given = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if given["type"] != "checkbox" or re.search(r"\schecked", tag):
            found[given["name"]] = given.get("value", "")
    for name, inner in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inner)
        found[name] = chosen[1] if chosen else ""
    return found


async def begun(browser: httpx.AsyncClient) -> str:
    answer = await browser.post(POLICIES, data={"name": "Silver asks for less", "version": ""})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_draft_is_written_compared_previewed_scheduled_and_withdrawn(site: Site) -> None:
    async with site.browsing(Role.MARKETER) as browser:
        draft = await begun(browser)
        sent = fields((await browser.get(draft)).text)
        sent |= {"tier.tiers.1.threshold": "400", "earning.expiry_months": "18", "act": "save"}
        saved = await browser.post(draft, data=sent)
        assert saved.status_code == 303, words(saved.text)
        said = words((await browser.get(draft)).text)
        assert "Silver needs 400 growth instead of" in said
        assert "Points run out 18 months after the month of the order, instead of 12 months." in said

        asked = await browser.post(f"{POLICIES}/previews", data={"draft": draft.rpartition("/")[2], "at": ""})
        waiting = await browser.get(asked.headers["location"])
        assert "Looking at every member" in words(waiting.text)
        await work(site)
        found = words((await browser.get(asked.headers["location"])).text)
        assert "Rises at once" in found
        assert "What orders would have earned" in found
        listed = await browser.get(asked.headers["location"] + "?format=csv")
        assert listed.headers["content-type"].startswith("text/csv")

        near = await browser.post(f"{draft}/schedule", data=_when("2026-03-02T12:00"))
        assert near.status_code == 409
        assert "is too near" in near.text
        none = await browser.post(f"{draft}/schedule", data=_when("tomorrow"))
        assert (none.status_code, "Please write date and time" in none.text) == (422, True)
        done = await browser.post(f"{draft}/schedule", data=_when("2026-03-05T00:00"))
        assert done.status_code == 303, words(done.text)
        listing = words((await browser.get(POLICIES)).text)
        assert "Scheduled" in listing
        version = words((await browser.get(f"{POLICIES}/versions/2")).text)
        assert "What it changes, compared with version 1" in version
        gone = await browser.post(f"{POLICIES}/versions/2/withdraw", data={"reason": "not yet"})
        assert gone.status_code == 303
        assert "Scheduled" not in words((await browser.get(POLICIES)).text)
        assert "Withdrawn" in words((await browser.get(f"{POLICIES}?ended=1")).text)
        again = await browser.post(f"{POLICIES}/versions/2/withdraw", data={"reason": "not yet"})
        assert again.status_code == 409


def _when(at: str, revision: str = "2", based_on: str = "1") -> dict[str, str]:
    return {"at": at, "reason": "agreed", "revision": revision, "based_on": based_on}


async def test_tiers_are_added_moved_and_taken_out_by_buttons(site: Site) -> None:
    async with site.browsing(Role.MARKETER) as browser:
        draft = await begun(browser)
        sent = fields((await browser.get(draft)).text)
        count = int(sent["tiers"])
        added = fields((await browser.post(draft, data={**sent, "act": "add"})).text)
        assert added["tiers"] == str(count + 1)
        added |= {f"tier.tiers.{count}.code": "Black Card", f"tier.tiers.{count}.threshold": "90,000"}
        down = fields((await browser.post(draft, data={**added, "act": f"down:{count}"})).text)
        assert down[f"tier.tiers.{count - 1}.code"] == "Black Card"
        up = fields((await browser.post(draft, data={**down, "act": f"up:{count - 1}"})).text)
        assert up == added
        assert (await browser.post(draft, data={**up, "act": "save"})).status_code == 303
        saved = fields((await browser.get(draft)).text)
        assert saved[f"tier.tiers.{count}.code"] == "black_card"
        out = fields((await browser.post(draft, data={**saved, "act": f"remove:{count}"})).text)
        assert out["tiers"] == str(count)


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(site: Site) -> None:
    async with site.browsing(Role.MARKETER) as browser:
        draft = await begun(browser)
        sent = fields((await browser.get(draft)).text)
        wrong = {
            **sent,
            "earning.minor_per_point": "many",
            "payment.max_percent": "",
            "tier.review.kind": "month_start",
            "tier.review.months": "13",
            "act": "save",
        }
        answer = await browser.post(draft, data=wrong)
        assert answer.status_code == 422
        for name in ("earning.minor_per_point", "payment.max_percent", "tier.review.months"):
            assert f'id="field-{name}-problem"' in answer.text
        assert 'value="many"' in answer.text
        steep = await browser.post(draft, data={**sent, "tier.tiers.1.threshold": "99999999", "act": "save"})
        assert steep.status_code == 422
        assert 'id="field-tier.tiers.2.threshold-problem"' in steep.text
        much = await browser.post(draft, data={**sent, "payment.max_percent": "101", "act": "save"})
        assert 'id="field-payment.max_percent-problem"' in much.text
        async with site.services.database.transaction() as tx:
            (found,) = await loyalty.list_drafts(tx)
        assert found.revision == 1
        assert (await browser.post(draft, data={**sent, "name": "other", "act": "save"})).status_code == 303
        lost = await browser.post(draft, data={**sent, "name": "mine", "act": "save"})
        assert (lost.status_code, "Somebody changed this draft meanwhile" in lost.text) == (409, True)


async def test_a_second_person_agrees_where_the_policy_asks_for_one(site: Site) -> None:
    database = site.services.database
    async with database.transaction() as tx:
        (policy,) = await loyalty.list_policies(tx)
        strict = structs.replace(policy, changes=loyalty.ChangePolicy(second_person=True))
        await loyalty.schedule_version(tx, database.clock, strict, NOW + DAY)
    site.at(NOW + 2 * DAY)
    async with site.browsing(Role.MARKETER) as marketer, site.browsing(Role.FINANCE) as finance:
        draft = await begun(marketer)
        sent = fields((await marketer.get(draft)).text)
        assert (await marketer.post(draft, data={**sent, "earning.expiry_months": "6"})).status_code == 303
        proposed = await marketer.post(f"{draft}/schedule", data=_when("2026-03-09T00:00", based_on="2"))
        assert proposed.status_code == 303, words(proposed.text)
        assert "somebody else must agree" in words((await marketer.get(draft)).text)
        seen = proposal((await finance.get(draft)).text)
        assert (await marketer.post(f"{draft}/approve", data={**seen, "note": ""})).status_code == 403
        assert (await finance.post(f"{draft}/approve", data={"note": ""})).status_code == 422
        back = await finance.post(f"{draft}/refuse", data={**seen, "note": "too soon"})
        assert back.status_code == 303
        assert "too soon" in words((await marketer.get(draft)).text)
        await marketer.post(f"{draft}/schedule", data=_when("2026-03-09T00:00", based_on="2"))
        stale = await finance.post(f"{draft}/approve", data={**seen, "revision": "1"})
        assert (stale.status_code, "not what you have seen" in words(stale.text)) == (409, True)
        seen = proposal((await finance.get(draft)).text)
        assert (await finance.post(f"{draft}/approve", data={**seen, "note": ""})).status_code == 303
    async with database.transaction() as tx:
        assert (await loyalty.read_version(tx, 3)).state == "scheduled"


async def test_an_older_draft_is_scheduled_only_by_who_saw_what_came_meanwhile(site: Site) -> None:
    async with site.browsing(Role.MARKETER) as browser:
        first, second = await begun(browser), await begun(browser)
        for draft, field in ((first, "earning.expiry_months"), (second, "payment.max_percent")):
            sent = fields((await browser.get(draft)).text)
            assert (await browser.post(draft, data={**sent, field: "7"})).status_code == 303
        assert (await browser.post(f"{first}/schedule", data=_when("2026-03-05T00:00"))).status_code == 303
        late = await browser.post(f"{second}/schedule", data=_when("2026-03-06T00:00"))
        assert (late.status_code, "Version 2 came after this draft" in words(late.text)) == (409, True)
        page = (await browser.get(second)).text
        assert "takes back what it brought" in words(page)
        assert 'name="based_on" value="2"' in page
        done = await browser.post(f"{second}/schedule", data=_when("2026-03-06T00:00", based_on="2"))
        assert done.status_code == 303, words(done.text)


async def test_who_schedules_what_stands_on_a_withdrawn_version_says_that_they_saw_it(site: Site) -> None:
    async with site.browsing(Role.MARKETER) as browser:
        first = await begun(browser)
        sent = fields((await browser.get(first)).text)
        assert (await browser.post(first, data={**sent, "earning.expiry_months": "7"})).status_code == 303
        assert (await browser.post(f"{first}/schedule", data=_when("2026-03-05T00:00"))).status_code == 303
        second = await begun(browser)
        assert "withdrawn" not in words((await browser.get(second)).text)
        assert (await browser.post(f"{POLICIES}/versions/2/withdraw", data={"reason": "not yet"})).status_code == 303

        page = (await browser.get(second)).text
        assert "begun from version 2, or last compared with it, and that version was withdrawn on" in words(page)
        assert "Points run out 7 months" in words(page)
        assert '<input type="checkbox" name="based_on" value="1"' in page
        unseen = {name: value for name, value in _when("2026-03-06T00:00", "1").items() if name != "based_on"}
        late = await browser.post(f"{second}/schedule", data=unseen)
        assert (late.status_code, "would come with the draft all the same" in words(late.text)) == (409, True)
        done = await browser.post(f"{second}/schedule", data={**unseen, "based_on": "1"})
        assert done.status_code == 303, words(done.text)
        assert "was withdrawn on" not in words((await browser.get(second)).text)


async def test_who_may_not_write_reads(site: Site) -> None:
    async with site.browsing(Role.MARKETER) as browser:
        draft = await begun(browser)
    async with site.browsing(Role.CARE) as reader:
        page = await reader.get(draft)
        assert page.status_code == 200
        assert 'id="policy-form"' not in page.text
        assert "All that it says" in words(page.text)
        assert (await reader.post(draft, data={"act": "save"})).status_code == 403


async def test_no_browser_holds_back_a_draft_for_a_section_that_is_not_there(site: Site) -> None:
    """Whatever a browser asks to be filled in is filled in: nobody has to tick a section to save another."""
    async with site.browsing(Role.MARKETER) as browser:
        page = (await browser.get(await begun(browser))).text
    sent, needed = fields(page), re.findall(r'<(?:input|select) [^>]*name="([^"]+)"[^>]*\srequired', page)
    assert {"transfers.among", "transfers.smallest", "transfers.waiting_days", "transfers.lowest_tier"} <= set(needed)
    assert [name for name in needed if name in sent and not sent[name]] == []
    assert "transfers" not in sent
    found, problems = read_policy(sent_values(sent), "en")
    assert problems == {}
    assert found is not None
    assert found.transfers is None
    ticked, _ = read_policy(sent_values({**sent, "transfers": "true"}), "en")
    assert ticked is not None
    assert ticked.transfers is not None
    assert (ticked.transfers.among, ticked.transfers.smallest, ticked.transfers.largest) == ("household", 1, None)


def test_a_form_says_all_of_a_policy() -> None:
    """What is read from the fields of a policy is the policy: every field stands in the form."""
    policy = loyalty.Policy(
        tier=loyalty.TierPolicy(
            tiers=(loyalty.TierRule(code="a", threshold=0), loyalty.TierRule(code="b", threshold=7, multiplier=3)),
            qualifying_wallet="stars",
            window_days=33,
            review=loyalty.AnniversaryReview(after_months=7, grace_days=8),
        ),
        earning=loyalty.EarningPolicy(minor_per_point=11, maturity_hours=12, expiry_months=13),
        payment=loyalty.PaymentPolicy(point_value_minor=14, max_percent=15, min_spendable=16),
        returns=loyalty.ReturnPolicy(give_back_days=17, shortfall="only_pending"),
        adjustments=loyalty.AdjustmentPolicy(approve_above=18, answer_days=19),
        changes=loyalty.ChangePolicy(second_person=True),
        spending_wallet="coins",
    )
    for one in (
        policy,
        structs.replace(policy, tier=structs.replace(policy.tier, review=loyalty.MonthlyReview(months=(2, 8)))),
        structs.replace(policy, transfers=TransferPolicy(among="anyone", largest=20, received_per_year=21)),
    ):
        sent = {name: str(value) for name, value in values_of(one).items() if value is not False}
        assert read_policy(sent_values(sent), "en") == (one, {})


async def test_a_first_policy_is_scheduled_and_one_that_stands_on_nothing_but_a_withdrawn_one_knowingly(
    services: Services,
) -> None:
    site = Site(services)
    site.at(NOW)
    site.visitors = await Visitors(services).begin()
    async with services.database.transaction(actor="test") as tx:
        loyalty.define_standard_wallets(tx)
        command = loyalty.CreateDraft(name="first", actor="test", policy=POLICY)
        made = await loyalty.work_on_policy(tx, services.database.clock, command)
    first = f"{POLICIES}/drafts/{public_id(loyalty.DRAFT_PREFIX, made.draft_id)}"
    async with site.browsing(Role.MARKETER) as browser:
        assert 'name="based_on"' not in (await browser.get(first)).text
        unseen = {"at": "2026-03-05T00:00", "reason": "agreed", "revision": "1"}
        done = await browser.post(f"{first}/schedule", data=unseen)
        assert done.status_code == 303, words(done.text)
        again = await begun(browser)
        assert (await browser.post(f"{POLICIES}/versions/1/withdraw", data={"reason": "not yet"})).status_code == 303
        page = (await browser.get(again)).text
        assert '<input type="checkbox" name="based_on" value="1"' in page
        late = await browser.post(f"{again}/schedule", data=unseen)
        assert (late.status_code, "no other version is there to compare it with" in words(late.text)) == (409, True)
        done = await browser.post(f"{again}/schedule", data={**unseen, "based_on": "1"})
        assert done.status_code == 303, words(done.text)
