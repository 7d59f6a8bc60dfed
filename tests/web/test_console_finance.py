"""Finance in the console: figures that open to their rows, what they are made of, months that are closed for good."""

from datetime import date

import pytest

from regulars.entrypoints.commands import roll_everything_up
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, PlaceHold
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.reports.computing import compute_slice
from regulars.platform.services import Services
from tests.web.site import DAY, NOW, Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio
MONTHS = "/console/finance/months"


@pytest.fixture
async def site(services: Services) -> Site:
    """Return the site; what it has was recorded on 2 March, so March is the first month."""
    return await Site(services).begin()


async def work(site: Site) -> None:
    """Do what the worker does: compute every report that was asked for, bring closes to their end."""
    database = site.services.database
    async with database.transaction() as tx:
        asked = [row[0] for row in await tx.rows("SELECT report_id FROM reports ORDER BY asked_at")]
    for report_id in asked:
        more = True
        while more:
            async with database.transaction() as tx:
                more = await compute_slice(tx, report_id)
    async with database.transaction(set_based=True) as tx:
        await loyalty.go_on_closing(tx, site.rules.configuration)


async def in_april(site: Site) -> None:
    """Let it be April, with figures rolled up."""
    site.at(NOW + 31 * DAY)
    await roll_everything_up(site.services.database)


async def test_what_is_outstanding_opens_to_its_bookings(site: Site) -> None:
    async with site.browsing(Role.FINANCE) as browser:
        now = await browser.get("/console/finance")
        before = words((await browser.get("/console/finance?at=2026-03-02T11:59")).text)
        ahead = await browser.get("/console/finance?at=2026-03-03T00:00")
        strange = await browser.get("/console/finance?at=yesterday")
    said = words(now.text)

    assert "Outstanding 1,670 nobody owes any Worth at most CN¥16.70 each at CN¥0.01, if every one is used" in said
    assert "Fair value – no estimate of breakage yet" in said
    assert 'href="/console/bookings?wallet=points&amp;recorded_to=2026-03-02"' in now.text
    assert "Outstanding 0" in before
    for refused in (ahead, strange):
        assert refused.status_code == 422
        assert "Choose a moment that has passed" in refused.text


async def test_what_it_is_made_of_is_computed_in_the_background(site: Site) -> None:
    keep = PlaceHold(
        member_id=site.chen, wallet="points", amount=70, purpose="Workshop", deadline=NOW + DAY, reference="k"
    )
    async with site.services.database.transaction(set_based=True) as tx:
        await loyalty.carry_out(tx, site.rules.configuration, [keep])
    async with site.browsing(Role.FINANCE) as browser:
        asked = await browser.post("/console/finance/composition", data={"at": ""})
        waiting = words((await browser.get("/console/finance")).text)
        await work(site)
        said = words((await browser.get("/console/finance")).text)

    assert (asked.status_code, asked.headers["Location"]) == (303, "/console/finance")
    assert "Reading the lots" in waiting
    async with site.services.database.transaction() as tx:
        wallet = next(one for one in await loyalty.balances(tx, site.chen) if one.wallet == "points")
        _, composed = await loyalty.composition(tx, None)
    assert f"Can be spent {wallet.available:,} Held for a purpose 70 Pending {wallet.pending:,}" in said
    assert composed is not None
    assert sum(one.outstanding for one in composed.rows) == wallet.balance == 1_670
    assert {(one.tier, one.market, one.wallet) for one in composed.rows} == {("silver", "CN", "points")}


async def test_months_are_listed_and_each_movement_opens_to_its_rows(site: Site) -> None:
    await in_april(site)
    async with site.browsing(Role.AUDITOR) as browser:
        answer = await browser.get(MONTHS)
        month = await browser.get(f"{MONTHS}/2026-03")
        other = [await browser.get(f"{MONTHS}/{name}") for name in ("2026-13", "2099-01", "march")]
    said = words(answer.text)

    assert "Mar 2026 0 +2,245 -500 – – -75 – 1,670 CN¥16.70 Next to close" in said
    assert "recorded_from=2026-03-01&amp;recorded_to=2026-03-31" in answer.text
    assert "Issued" in words(month.text)
    assert "Somebody of finance closes it." in month.text, "an auditor looks on"
    assert 'data-opens="close"' not in month.text
    assert [one.status_code for one in other] == [404, 404, 404]


async def test_a_month_is_closed_when_its_name_is_typed_and_can_be_proven_again(site: Site) -> None:
    await in_april(site)
    good = {"reason": "month end", "confirmation": "2026-03"}
    async with site.browsing(Role.FINANCE) as browser:
        for wrong in ({"reason": "x", "confirmation": "2026-03"}, {"reason": "month end", "confirmation": "march"}):
            assert (await browser.post(f"{MONTHS}/2026-03/close", data=wrong)).status_code == 422
        too_early = await browser.post(f"{MONTHS}/2026-04/close", data={**good, "confirmation": "2026-04"})
        assert await site.rows("SELECT count(*) FROM finance_closes") == [(0,)]
        closed = await browser.post(f"{MONTHS}/2026-03/close", data=good)
        closing = words((await browser.get(f"{MONTHS}/2026-03")).text)
        await work(site)
        shown = words((await browser.get(f"{MONTHS}/2026-03")).text)
        again = await browser.post(f"{MONTHS}/2026-03/close", data=good)
        await browser.post(f"{MONTHS}/2026-03/check")
        await work(site)
        proven = words((await browser.get(f"{MONTHS}/2026-03")).text)
        await site.rows("UPDATE ledger_transfers SET amount = amount + 1 WHERE kind = 'accrue' RETURNING 1")
        await browser.post(f"{MONTHS}/2026-03/check")
        await work(site)
        broken = words((await browser.get(f"{MONTHS}/2026-03")).text)
        listed = words((await browser.get(MONTHS)).text)

    assert (too_early.status_code, closed.status_code, again.status_code) == (409, 303, 409)
    assert "Being closed" in closing
    assert "Closed Nothing can change it any more" in shown
    ((by, reason, digest),) = await site.rows("SELECT asked_by, reason, encode(digest, 'hex') FROM finance_closes")
    assert (str(by).startswith("staff:stf_"), reason) == (True, "month end")
    assert f"Digest {digest}" in shown
    assert "The month is what was closed: 12 transfers give the same figures and the same digest." in proven
    assert "The month is not what was closed." in broken
    assert "transfers of members whose id ends in" in broken
    assert "Closed" in listed
    audited = [
        row[0] for row in await site.rows("SELECT action FROM audit_entries WHERE subject = '2026-03' ORDER BY 1")
    ]
    assert audited == ["ask_to_close_month", "close_month"]


async def test_what_is_learned_late_is_told_of_the_month_in_which_it_is_booked(site: Site) -> None:
    await in_april(site)
    late = Accrue(
        member_id=site.chen, wallet="points", amount=33, reference="late", reason="paper slip",
        effective_at=NOW - 5 * DAY,
    )  # fmt: skip
    async with site.services.database.transaction(set_based=True) as tx:
        await loyalty.post(tx, site.rules.configuration, [late])
        await loyalty.ask_month_check(tx, date(2026, 4, 1), by="test")
    await work(site)
    async with site.browsing(Role.FINANCE) as browser:
        said = words((await browser.get(f"{MONTHS}/2026-04")).text)

    assert "Learned late, booked into this month" in said
    assert "Granted Points · CN Feb 25, 2026 1 33" in said
    assert f"mbr_…{site.chen.hex[-6:]}" in said


async def test_breakage_says_why_there_is_no_estimate(site: Site) -> None:
    async with site.browsing(Role.FINANCE) as browser:
        said = words((await browser.get("/console/finance/breakage?market=CN")).text)
        chinese = words((await browser.get("/console/finance/breakage?market=nowhere")).text)
    assert "There is no estimate yet." in said
    assert "it takes 3 months of earning that have run to their end, and so far 0 have (months closed: 0)." in said
    assert chinese == said


async def closed_months(site: Site) -> None:
    """Plant four closed months in which three months of earning ran to their end."""
    async with site.services.database.transaction() as tx:
        for month in range(1, 5):
            tx.write(
                "INSERT INTO finance_closes VALUES (%s, 'test', 'test', %s, '{}', %s, %s, 1, 1, %s, %s)",
                (date(2026, month, 1), NOW, NOW, NOW, bytes(8_192), bytes(32)),
            )
            rows = [(month, "earn", 1_000, 0)]
            rows += [(month - 1, "redeem", 0, 600), (month - 1, "expire", 0, 400)] if month > 1 else []
            for cohort, kind, opened, taken in rows:
                tx.write(
                    "INSERT INTO finance_cohorts VALUES (%s, 1, 'CN', %s, %s, %s, %s)",
                    (date(2026, month, 1), date(2026, cohort, 1), kind, opened, taken),
                )


async def test_breakage_is_shown_with_its_method_and_what_it_stands_on(site: Site) -> None:
    await closed_months(site)
    async with site.browsing(Role.AUDITOR) as browser:
        said = words((await browser.get("/console/finance/breakage")).text)
    assert "Will expire of what is outstanding 40%" in said
    assert "Will expire of a unit when it is issued 40%" in said
    assert "Fair value CN¥6.00 at most CN¥10.00" in said
    assert "Fair value of one CNY 0.006" in said
    assert "chain-ladder" in said
    assert "Of the units that are outstanding at the end of Apr 2026, 40% will probably expire unused." in said
    assert "Apr 2026 1,000 0 0 0 1,000 400 Still running" in said
    assert "Mar 2026 1,000 600 400 0 0 0 Has run its life" in said


async def test_journals_are_files_of_whoever_may_take_lists_along(site: Site) -> None:
    await in_april(site)
    async with site.browsing(Role.FINANCE) as browser:
        beancount = await browser.get(f"{MONTHS}/2026-03/journal")
        table = await browser.get(f"{MONTHS}/2026-03/journal?form=csv&by=transfer")
        strange = await browser.get(f"{MONTHS}/2026-03/journal?form=exe")
    async with site.browsing(Role.AUDITOR) as browser:
        refused = await browser.get(f"{MONTHS}/2026-03/journal")

    assert beancount.headers["Content-Disposition"] == 'attachment; filename="journal-2026-03.beancount"'
    assert "Liabilities:CN:Points" in beancount.text
    assert len(table.text.splitlines()) > 4
    assert (strange.status_code, refused.status_code) == (404, 403)
    taken = await site.rows("SELECT detail FROM audit_entries WHERE action = 'export_journal' ORDER BY 1")
    assert taken == [("beancount by day",), ("csv by transfer",)]
