"""The overview, stores and the programme: figures of a period, each by its own currency, of one's own stores only."""

import msgspec
import pytest
from msgspec import structs

from regulars.loyalty.policy.contracts import AdjustmentPolicy, Policy, ReturnPolicy, TierPolicy, TierRule
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.markets.service import define_market
from regulars.platform.services import Services
from regulars.web.console.programme import correcting_said, returning_said
from regulars.web.kit.formats import formats_of
from tests.web.site import Site
from tests.web.test_console_members import words
from tests.web.visitors import MARKET, OTHER_STORE, STORE

pytestmark = pytest.mark.anyio
DAYS = "from=2026-01-31&to=2026-03-02"


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


async def test_the_overview_counts_a_period_against_the_one_before(site: Site) -> None:
    async with site.browsing(Role.OWNER) as browser:
        said = words((await browser.get(f"/console?{DAYS}")).text)
        usual = words((await browser.get("/console")).text)
        strange = await browser.get("/console?from=2026-03-02&to=0001-01-01")

    # o-2, o-3 and o-4 (600 + 200 + 150) against o-1 (800); 75.00 came back; all was recorded now.
    assert "Paid orders 3 200% more" in said
    assert "Revenue CN¥950.00 18.8% more" in said
    assert "Came back CN¥75.00" in said
    assert "Members who bought 1 0% unchanged" in said
    assert "As of 2 Mar 2026 12:00" in said or "As of Mar 2, 2026 12:00" in said
    assert "Points issued 2,245" in said
    assert "Points used 500" in said
    assert "Points taken back 75" in said
    assert "Points outstanding The bookings 1,670 at most CN¥16.70" in said
    assert "On Mar 2, 2026 most members (2) are Regular." in said
    assert "CN¥950.00 in CNY; the most on one day were CN¥600.00, on Feb 10, 2026." in said
    assert "Paid orders 4" in usual, "a replayed year is looked at as a whole"
    assert strange.status_code == 200


async def test_shops_see_the_figures_of_their_stores_only(site: Site) -> None:
    async with site.browsing(Role.STORE_MANAGER) as browser:
        said = words((await browser.get(f"/console?{DAYS}")).text)
        stores = words((await browser.get(f"/console/stores?{DAYS}")).text)
        own = words((await browser.get(f"/console/stores/{STORE}?{DAYS}")).text)
        other = await browser.get(f"/console/stores/{OTHER_STORE}")
    async with site.browsing(Role.COMMUNITY) as browser:
        refused = await browser.get("/console/stores")

    assert "Revenue CN¥150.00" in said
    assert "Members who bought – not counted yet" in said
    assert ("Points issued" in said, "Members by tier" in said) == (False, False)
    assert ("Nanjing Road" in stores, "Wudaokou" in stores) == (True, False)
    assert "Revenue CN¥150.00" in own
    assert (other.status_code, refused.status_code) == (404, 403)


async def test_stores_are_listed_with_their_figures(site: Site) -> None:
    async with site.browsing(Role.OWNER) as browser:
        said = words((await browser.get(f"/console/stores?{DAYS}")).text)
        unknown = await browser.get("/console/stores/nowhere")

    assert "Wudaokou 406 CN 1 – CN¥600.00 CN¥75.00 Nanjing Road 367 CN 1 – CN¥150.00" in said
    assert unknown.status_code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_programme_is_explained_in_words(site: Site, language: str) -> None:
    async with site.browsing(Role.AUDITOR, language=language) as browser:
        said = words((await browser.get("/console/programme")).text)
        pages = [await browser.get(path) for path in ("/console", "/console/stores", f"/console/stores/{STORE}")]

    if language == "en":
        assert "version 1, in force since" in said
        assert "Points pay at most 5 % of an order." in said
        assert "12 months after reaching a tier it is reviewed; who falls short has 30 days of grace." in said
        assert "Diamond 5,000 3" in said
        assert "Every full CN¥1.00 paid in money gives one base point; the tier multiplies it." in said
        assert "A point is worth CN¥0.01 when it pays: 1,000 points pay CN¥10.00." in said
        assert "minor" not in said
    else:
        assert "以货币支付的每满 ¥1.00 得 1 基础积分" in said
        assert "积分最多抵扣订单的 5%。" in said
    assert [one.status_code for one in pages] == [200] * 3


async def test_amounts_are_said_in_the_money_of_every_market(site: Site) -> None:
    async with site.services.database.transaction(actor="test") as tx:
        await define_market(
            tx, structs.replace(MARKET, code="JP", country="JP", currency="JPY", time_zone="Asia/Tokyo")
        )
    async with site.browsing(Role.AUDITOR) as browser:
        said = words((await browser.get("/console/programme")).text)

    assert "Every full CN¥1.00 / ¥100 paid in money gives one base point" in said


async def test_a_deployment_in_which_nothing_happened_yet_has_pages(services: Services) -> None:
    site = Site(services)
    from tests.web.visitors import Visitors

    site.visitors = await Visitors(services).begin()
    async with site.browsing(Role.OWNER) as browser:
        answers = [await browser.get(path) for path in ("/console", "/console/stores", "/console/programme")]

    assert [one.status_code for one in answers] == [200] * 3
    assert "Your programme has no figures yet." in answers[0].text
    assert "No policy is in force yet." in answers[2].text


@pytest.mark.parametrize(
    ("shortfall", "said"),
    [
        ("to_debt", "what is missing is owed and repaid by the next points."),
        ("within_balance", "as far as the balance has them; what is missing is forgiven."),
        ("only_pending", "only while they cannot be spent yet; the rest is forgiven."),
    ],
)
def test_what_a_return_takes_back_is_said_as_the_policy_has_it(shortfall: str, said: str) -> None:
    policy = Policy(
        tier=TierPolicy(tiers=(TierRule(code="regular", threshold=0),)),
        returns=msgspec.convert({"shortfall": shortfall}, ReturnPolicy),
        adjustments=AdjustmentPolicy(approve_above=5_000),
    )

    assert said in " ".join(returning_said(policy, "en"))
    assert "Corrections of more than 5,000 points need a second person, who has 14 days to answer." in correcting_said(
        policy, formats_of("en", "Asia/Shanghai")
    )
