"""Holds and corrections in the console: reasons, two persons, once, and what the queue shows."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec import structs

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import PlaceHold
from regulars.loyalty.ledger.holding import hold_id_of
from regulars.loyalty.policy.contracts import AdjustmentPolicy
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import new_id, public_id
from regulars.platform.services import Services
from tests.web.site import DAY, NOW, POLICY, Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio
CORRECTIONS = "/console/corrections"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def site(services: Services) -> Site:
    """Return the site, where corrections of more than 100 points need a second person."""
    made = await Site(services).begin()
    async with services.database.transaction(actor="test") as tx:
        careful = structs.replace(POLICY, adjustments=AdjustmentPolicy(approve_above=100, answer_days=14))
        await loyalty.activate_policy(tx, careful, NOW + MINUTE)
    made.at(NOW + 2 * MINUTE)
    return made


async def balance(site: Site) -> tuple[int, int, int]:
    """Return Chen's points: the balance, what is available, what is held."""
    async with site.services.database.transaction() as tx:
        (one,) = [one for one in await loyalty.balances(tx, site.chen) if one.wallet == "points"]
    return one.balance, one.available, one.held


def wish(amount: object, **more: str) -> dict[str, Any]:
    return {"amount": str(amount), "reason": "counted anew at the desk", "wallet": "points", "key": new_id().hex} | more


async def asked(site: Site, browser: httpx.AsyncClient, amount: int) -> str:
    """Ask for a correction; returns where it is."""
    answer = await browser.post(f"{site.path()}/correct", data=wish(amount))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


# --- corrections ------------------------------------------------------------------------------------------------------


async def test_up_to_the_limit_a_correction_is_posted_at_once_and_once(site: Site) -> None:
    form = wish(-40)
    async with site.browsing(Role.CARE) as browser:
        page = words((await browser.get(f"{site.path()}/correct")).text)
        done = [await browser.post(f"{site.path()}/correct", data=form) for _ in range(2)]
        wrong = [
            await browser.post(f"{site.path()}/correct", data=given)
            for given in (wish(0), wish("many"), wish(5, reason="x"), wish(-100, wallet="nothing"), wish(5, key="1"))
        ]
    assert "Up to 100 units are posted at once" in page
    assert [one.headers["Location"] for one in done] == [f"{site.path()}/points"] * 2
    assert [one.status_code for one in wrong] == [422] * 5
    assert (await balance(site))[0] == 1_630
    ((basis,),) = await site.rows("SELECT basis FROM ledger_transfers WHERE kind = 'adjust'")
    assert "counted anew at the desk" in str(basis)
    assert "staff:stf_" in str(basis)


async def test_beyond_what_one_corrects_alone_in_a_day_it_is_asked_for(site: Site) -> None:
    by_day = AdjustmentPolicy(approve_above=100, answer_days=14, alone_per_day=150)
    async with site.services.database.transaction(actor="test") as tx:
        await loyalty.activate_policy(tx, structs.replace(POLICY, adjustments=by_day), NOW + 3 * MINUTE)
    site.at(NOW + 4 * MINUTE)
    form = wish(60)
    async with site.browsing(Role.CARE) as care, site.browsing(Role.FINANCE) as finance:
        page = words((await care.get(f"{site.path()}/correct")).text)
        alone = await care.post(f"{site.path()}/correct", data=wish(100))
        first, again = [await care.post(f"{site.path()}/correct", data=form) for _ in range(2)]
        assert (await balance(site))[0] == 1_770
        path = str(first.headers["Location"])
        done = await finance.post(f"{path}/approve", data={"note": ""})
        other = await finance.post(f"{site.path()}/correct", data=wish(100))
        terms = words((await finance.get("/console/programme")).text)
    assert "You correct up to 150 units a day alone" in page
    assert alone.headers["Location"] == other.headers["Location"] == f"{site.path()}/points"
    assert (path.startswith(CORRECTIONS), again.headers["Location"], done.status_code) == (True, path, 303)
    assert (await balance(site))[0] == 1_930
    assert "One person corrects at most 150 points a day alone" in terms


async def test_above_the_limit_somebody_else_approves(site: Site) -> None:
    async with site.browsing(Role.CARE) as care, site.browsing(Role.FINANCE) as finance:
        path = await asked(site, care, 500)
        queue = words((await finance.get(f"{CORRECTIONS}?state=open")).text)
        badge = words((await finance.get(f"{CORRECTIONS}/waiting")).text)
        not_theirs = await care.post(f"{path}/approve", data={"note": ""})
        assert (await balance(site))[0] == 1_670
        seen = words((await finance.get(path)).text)
        done = await finance.post(f"{path}/approve", data={"note": "seen the receipt"})
        again = await finance.post(f"{path}/approve", data={"note": ""})
        after = words((await finance.get(path)).text)
        no_badge = (await finance.get(f"{CORRECTIONS}/waiting")).text.strip()

    assert "counted anew at the desk" in queue
    assert badge == "1 wait for you"
    assert "Balance now 1,670 Balance after it 2,170" in seen
    assert (not_theirs.status_code, done.status_code, again.status_code) == (403, 303, 409)
    assert (await balance(site))[0] == 2_170
    assert "Approved" in after
    assert "What was said seen the receipt" in after
    assert no_badge == ""
    told = await site.rows("SELECT action FROM audit_entries WHERE action LIKE '%%adjust%%' ORDER BY action")
    assert sorted(str(row[0]) for row in told) == ["approve_adjustment", "ask_adjustment"]
    events = await site.rows("SELECT type FROM outbox WHERE type LIKE '%%Adjust%%' ORDER BY seq")
    assert [str(row[0]).rpartition(".")[2] for row in events] == [
        "AdjustmentAsked",
        "PointsAdjusted",
        "AdjustmentApproved",
    ]


async def test_nobody_answers_their_own(site: Site) -> None:
    async with site.browsing(Role.FINANCE) as browser:
        path = await asked(site, browser, 500)
        page = await browser.get(path)
        refused = await browser.post(f"{path}/approve", data={"note": ""})
        badge = (await browser.get(f"{CORRECTIONS}/waiting")).text.strip()
    assert "You asked for this correction yourself" in page.text
    assert 'data-opens="approve"' not in page.text
    assert refused.status_code == 409
    assert badge == ""
    assert (await balance(site))[0] == 1_670


async def test_what_is_refused_or_not_answered_posts_nothing(site: Site) -> None:
    async with site.browsing(Role.CARE) as care, site.browsing(Role.FINANCE) as finance:
        first, second, third = [await asked(site, care, amount) for amount in (500, -200, -5_000)]
        empty = await finance.post(f"{first}/refuse", data={"note": ""})
        refused = await finance.post(f"{first}/refuse", data={"note": "no receipt"})
        too_much = await finance.post(f"{third}/approve", data={"note": ""})
        site.at(NOW + 15 * DAY)
        late = await finance.post(f"{second}/approve", data={"note": ""})
        listed = (await finance.get(CORRECTIONS)).text
        said = words(re.sub(r"<select.*?</select>", "", listed, flags=re.DOTALL))
        waiting = words((await finance.get(f"{CORRECTIONS}?state=open")).text)

    assert (empty.status_code, refused.status_code, too_much.status_code, late.status_code) == (422, 303, 409, 409)
    assert (await balance(site))[0] == 1_670
    assert (said.count("Not answered in time"), said.count("Refused")) == (2, 1)
    assert "Nothing matches." in waiting


async def test_corrections_are_found_by_state_asker_and_day(site: Site) -> None:
    async with site.browsing(Role.CARE) as care, site.browsing(Role.FINANCE) as finance:
        first = await asked(site, care, 501)
        await finance.post(f"{first}/refuse", data={"note": "no receipt"})
        site.at(NOW + 3 * DAY)
        await asked(site, finance, 502)
        by_finance = f"staff:{public_id('stf', site.visitors.accounts[Role.FINANCE].staff_id)}"

        async def listed(narrowed: str) -> set[str]:
            text = words((await finance.get(f"{CORRECTIONS}?{narrowed}")).text)
            return {amount for amount in ("501", "502") if amount in text}

        assert await listed("state=refused") == {"501"}
        assert await listed("state=open") == {"502"}
        assert await listed("state=approved") == set()
        assert await listed(f"by={by_finance}") == {"502"}
        assert await listed("asked_to=2026-03-04") == {"501"}
        assert await listed(f"asked_from=2026-03-05&asked_to=2026-03-05&by={by_finance}&state=open") == {"502"}
        assert await listed("asked_from=2026-03-06") == set()
        choices = (await finance.get(CORRECTIONS)).text
    assert f'<option value="{by_finance}">finance</option>' in choices


# --- holds ------------------------------------------------------------------------------------------------------------


async def kept(site: Site, reference: str, amount: int) -> str:
    """Keep some of Chen's points; returns where the hold is."""
    wanted = PlaceHold(
        member_id=site.chen, wallet="points", amount=amount, purpose="Pottery", deadline=NOW + DAY, reference=reference
    )
    async with site.services.database.transaction(by_keys=True) as tx:
        await loyalty.carry_out(tx, site.rules.configuration, [wanted])
    return hold_path(site.chen, reference)


def hold_path(member_id: UUID, reference: str) -> str:
    return f"/console/holds/{public_id('mbr', member_id)}/{public_id('hld', hold_id_of(reference))}"


async def test_a_hold_is_used_in_part_or_let_go_with_a_reason(site: Site) -> None:
    used, gone, left = [await kept(site, reference, 60) for reference in ("a", "b", "c")]
    before = await balance(site)
    async with site.browsing(Role.CARE) as browser:
        page = await browser.get(used)
        without = await browser.post(f"{used}/post", data={"amount": "40"})
        too_much = await browser.post(f"{used}/post", data={"amount": "61", "reason": "came to it"})
        assert await balance(site) == before
        done = await browser.post(f"{used}/post", data={"amount": "40", "reason": "came to it"})
        again = await browser.post(f"{used}/post", data={"reason": "came to it"})
        void = await browser.post(f"{gone}/void", data={"reason": "called off"})
        listed = words((await browser.get("/console/holds")).text)
        open_ones = words((await browser.get("/console/holds?state=open")).text)
        ended = words((await browser.get("/console/holds?state=voided")).text)
        told = words((await browser.get(used)).text)
        unknown = await browser.get(hold_path(site.chen, "nothing"))
        strange = await browser.get("/console/holds?after=x&member=nobody")
    async with site.browsing(Role.AUDITOR) as browser:
        looked = await browser.get(left)
        refused = await browser.post(f"{left}/void", data={"reason": "called off"})

    assert 'data-opens="use"' in page.text
    assert (without.status_code, too_much.status_code, again.status_code) == (422, 409, 409)
    assert (done.status_code, void.status_code) == (303, 303)
    assert await balance(site) == (before[0] - 40, before[1] + 20 + 60, 60)
    assert "Used 40 Free again 20 Why came to it" in told
    assert [listed.count(word) for word in ("Pottery", "Released", "Used Points")] >= [3, 1, 0]
    assert (open_ones.count("Pottery"), ended.count("Pottery")) == (1, 1)
    assert (unknown.status_code, strange.status_code, looked.status_code, refused.status_code) == (404, 200, 200, 403)
    assert 'data-opens="use"' not in looked.text
    audited = await site.rows("SELECT action, reason FROM audit_entries WHERE action LIKE '%%_hold' ORDER BY action")
    assert audited == [("post_hold", "came to it"), ("void_hold", "called off")]
