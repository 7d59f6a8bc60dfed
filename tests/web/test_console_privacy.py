"""Privacy in the console: one look for one purpose, logs that can be narrowed and taken along, erasing with a word."""

import re
from datetime import UTC, timedelta
from uuid import UUID

import httpx
import msgspec
import pytest

from regulars.entrypoints.privacy import PARTS
from regulars.members import api as members
from regulars.members.contracts import ConsentChannel, ConsentGiven, Decision, Purpose
from regulars.members.contracts.privacy import AskErasure, AskExport
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth import service as keys
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.clock import wall_now
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.web.console import revealing
from tests.members.erasing import erase
from tests.web.site import Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio

SECRETS = ("陈思远", "chen@home.example", "13800138000")
LOOKS = "SELECT action, subject, reason FROM audit_entries WHERE action LIKE 'read%%' ORDER BY entry_id"


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


async def reveal(site: Site, browser: httpx.AsyncClient, purpose: str = "ticket 4711") -> httpx.Response:
    return await browser.post(f"{site.path()}/reveal", data={"purpose": purpose})


def clear(page: httpx.Response) -> list[str]:
    return [secret for secret in SECRETS if secret in page.text]


async def test_loading_a_revealed_page_again_is_no_second_look(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    public = public_id("mbr", site.chen)
    async with site.browsing(Role.CARE) as browser, site.browsing(Role.CARE) as other:
        revealed = await reveal(site, browser)
        pages = [await browser.get(site.path()) for _ in range(3)]
        elsewhere = [await browser.get(site.path(site.visitors.members[0])), await other.get(site.path())]
        other.cookies.set(revealing.COOKIE, browser.cookies[revealing.COOKIE], path="/console/members")
        stolen = await other.get(site.path())
        looks = await site.rows(LOOKS)
        hidden = await browser.post(f"{site.path()}/hide")
        masked = await browser.get(site.path())
        monkeypatch.setattr(revealing, "SHOWN_FOR", timedelta(seconds=-1))
        await reveal(site, browser)
        over = await browser.get(site.path())

    assert (revealed.status_code, revealed.headers["location"]) == (303, site.path())
    assert [len(clear(page)) for page in pages] == [3, 3, 3]
    assert "for “ticket 4711”" in words(pages[0].text)
    assert [clear(page) for page in (*elsewhere, stolen, masked, over)] == [[]] * 5
    assert hidden.status_code == 303
    assert looks == [("read_personal_data", public, "ticket 4711")]
    assert len(await site.rows(LOOKS)) == 2


async def test_who_loses_the_right_sees_nothing_more(site: Site) -> None:
    async with site.browsing(Role.CARE) as browser:
        await reveal(site, browser)
        cookie = browser.cookies[revealing.COOKIE]
    async with site.browsing(Role.MARKETER) as browser:
        browser.cookies.set(revealing.COOKIE, cookie, path="/console/members")
        assert clear(await browser.get(site.path())) == []


async def test_looks_are_listed_narrowed_and_taken_along(site: Site) -> None:
    care = site.visitors.accounts[Role.CARE]
    async with site.browsing(Role.CARE) as browser:
        await reveal(site, browser, "ticket 4711")
        await reveal(site, browser, "call of 3 May")
        refused = await browser.get("/console/privacy")
    async with site.browsing(Role.AUDITOR) as browser:
        shown = await browser.get("/console/privacy")
        today, long_ago = wall_now().astimezone(UTC), "2001-01-01"
        queries = [
            {"purpose": "4711"},
            {"purpose": "TICKET"},
            {"purpose": "nothing"},
            {"who": f"staff:{care.public_id}"},
            {"who": f"staff:{site.visitors.accounts[Role.OWNER].public_id}"},
            {"member": public_id("mbr", site.chen)},
            {"member": public_id("mbr", site.visitors.members[0])},
            {
                "looked_from": f"{today - timedelta(days=1):%Y-%m-%d}",
                "looked_to": f"{today + timedelta(days=1):%Y-%m-%d}",
            },
            {"looked_to": long_ago},
        ]
        counts = [
            (await browser.get("/console/privacy", params=one)).text.count(f'/console{site.path()[8:]}"')
            for one in queries
        ]
        file = await browser.get("/console/privacy?format=csv")
        strange = [
            await browser.get(f"/console/privacy{tail}")
            for tail in (
                "?purpose=%00&actor=%00&member=%00",
                "?after=x&looked_from=x",
                "/consents?member=%00&after=9_x&purpose=x",
                "/erasures?member=%00&state=x&after=1_2",
                "/exports?member=%00&after=%00",
            )
        ]

    assert [one.status_code for one in strange] == [200] * 5
    assert refused.status_code == 403
    assert "ticket 4711" in words(shown.text)
    assert "care" in words(shown.text)
    assert counts == [1, 1, 0, 2, 0, 2, 0, 2, 0]
    assert file.text.count("ticket 4711") == 1
    assert file.text.count("\r\n") == 3


async def decide(site: Site, member_id: UUID, purpose: Purpose, decision: Decision, *, wording: str = "") -> None:
    wish = ConsentGiven(
        member_id=member_id,
        purpose=purpose,
        channel=ConsentChannel.SMS,
        decision=decision,
        wording_version="v1",
        where="store",
        actor="key:till",
        language="en" if wording else None,
        wording=wording or None,
    )
    async with site.services.database.transaction() as tx:
        (outcome,) = await members.record_consents(tx, [wish])
    assert not isinstance(outcome, Exception), outcome


async def test_the_log_of_consents_is_narrowed_paged_and_taken_along(site: Site) -> None:
    await decide(site, site.chen, Purpose.MARKETING, Decision.GIVEN, wording="Send me offers by text message.")
    await decide(site, site.chen, Purpose.MARKETING, Decision.WITHDRAWN)
    await decide(site, site.visitors.members[0], Purpose.RESEARCH, Decision.GIVEN)
    async with site.browsing(Role.OWNER) as browser:

        async def rows(**query: str) -> int:
            page = (await browser.get("/console/privacy/consents", params=query)).text
            return page.count('href="/console/members/mbr_')

        shown = words((await browser.get("/console/privacy/consents")).text)
        counts = [
            await rows(),
            await rows(purpose="marketing"),
            await rows(decision="given"),
            await rows(channel="email"),
            await rows(member=public_id("mbr", site.chen)),
            await rows(member="mbr_nobody"),
            await rows(recorded_to="2001-01-01"),
        ]
        file = (await browser.get("/console/privacy/consents?format=csv")).text
        for _ in range(30):
            await decide(site, site.chen, Purpose.RESEARCH, Decision.GIVEN)
        first = (await browser.get("/console/privacy/consents")).text
        following = re.search(r'href="([^"]+after=[^"]+)"', first)
        assert following is not None
        rest = (await browser.get(following[1].replace("&amp;", "&"))).text

    assert "Send me offers by text message." in shown
    assert counts == [3, 2, 2, 0, 2, 0, 0]
    assert file.count("\r\n") == 4
    assert [page.count('href="/console/members/mbr_') for page in (first, rest)] == [25, 8]


async def test_a_member_is_erased_by_staff_for_a_reason_and_with_a_word(site: Site) -> None:
    tab, reason = f"{site.path()}/privacy", "letter of 3 May"
    async with site.browsing(Role.CARE) as browser:
        before = await browser.get(tab)
        refused = [
            await browser.post(f"{tab}/erase", data={"reason": reason, "confirmation": "yes"}),
            await browser.post(f"{tab}/erase", data={"confirmation": "ERASE"}),
        ]
        none = await site.rows("SELECT count(*) FROM erasures")
        asked = await browser.post(f"{tab}/erase", data={"reason": reason, "confirmation": "erase"})
        waiting = await browser.get(tab)
        stays = await browser.post(f"{tab}/stay")
        again = await browser.post(f"{tab}/stay")
    async with site.browsing(Role.MARKETER) as browser:
        forbidden = await browser.post(f"{tab}/erase", data={"reason": reason, "confirmation": "ERASE"})

    assert "Nobody has asked for this member to be erased." in words(before.text)
    assert ([one.status_code for one in refused], none) == ([422, 422], [(0,)])
    assert (asked.status_code, stays.status_code, again.status_code, forbidden.status_code) == (303, 303, 409, 403)
    assert reason in words(waiting.text)
    audited = "SELECT action, reason FROM audit_entries WHERE action LIKE '%%erasure' ORDER BY entry_id"
    assert await site.rows(audited) == [("ask_erasure", reason), ("withdraw_erasure", "")]


async def test_an_erasure_is_shown_with_its_proof(site: Site) -> None:
    services = site.services
    await erase(services.database, services.vault, site.chen, PARTS)
    async with site.browsing(Role.OWNER) as browser:
        tab = words((await browser.get(f"{site.path()}/privacy")).text)
        listed = words((await browser.get("/console/privacy/erasures")).text)
        narrowed = [
            (await browser.get(f"/console/privacy/erasures?state={one}")).text for one in ("waiting", "carried_out")
        ]
        exports = await browser.get("/console/privacy/exports")

    assert "Nothing personal can be read any more." in tab
    assert "The vault, asked just now, has none." in tab
    assert "Carried out" in listed
    assert [site.path() in page for page in narrowed] == [False, True]
    assert exports.status_code == 200
    year = str(wall_now().year)
    assert listed.count(year) >= 3, "asked for, ended, and the key destroyed by the journal"


async def test_everything_is_taken_by_staff_for_a_purpose_only(site: Site) -> None:
    services, tab = site.services, f"{site.path()}/privacy"
    async with site.browsing(Role.CARE) as browser:
        without = await browser.post(f"{tab}/exports", data={"purpose": ""})
        await browser.post(f"{tab}/exports", data={"purpose": "asked for by letter"})
        assert await members.gather_waiting(services.database, services.vault, PARTS) == 1
        page = await browser.get(tab)
        (path,) = set(re.findall(r'action="([^"]+/exports/exp_[0-9a-f]{32})"', page.text))
        refused = await browser.post(path, data={"form": "json"})
        before = await site.rows(LOOKS)
        taken = await browser.post(path, data={"form": "json", "purpose": "asked for by letter"})
    async with site.browsing(Role.OWNER) as browser:
        listed = words((await browser.get("/console/privacy/exports")).text)

    assert (without.status_code, refused.status_code, before) == (422, 422, [])
    assert clear(refused) == []
    assert msgspec.json.decode(taken.content)["sections"]["member_identities"][0]["value"]
    assert taken.headers["cache-control"] == "no-store"
    assert await site.rows(LOOKS) == [("read_export", public_id("mbr", site.chen), "asked for by letter")]
    assert "Ready" in listed


async def test_who_sees_no_log_is_not_told_who_asked_for_an_erasure_or_an_export(site: Site) -> None:
    services = site.services
    async with services.database.transaction(actor="staff:stf_1") as tx:
        await members.ask_export(tx, AskExport(member_id=site.chen, actor="staff:stf_1"))
        wish = AskErasure(member_id=site.chen, actor="staff:stf_1", reason="asked at the till by her sister")
        await members.ask_erasure(tx, (), timedelta(hours=72), wish)
    async with site.browsing(Role.OWNER) as browser:
        whole = words((await browser.get(f"{site.path()}/privacy")).text)
    async with site.browsing(Role.STORE_MANAGER) as browser:
        bound = words((await browser.get(f"{site.path()}/privacy")).text)

    assert "asked at the till by her sister" in whole
    assert "Everything about this member" in whole
    assert "Waits" in bound
    assert [text for text in ("by her sister", "stf_1", "Everything about this member") if text in bound] == []


async def test_programs_and_tills_among_those_who_looked_are_called_by_their_names(site: Site) -> None:
    till = (await site.visitors.enrolled()).device
    async with site.services.database.transaction(actor="test") as tx:
        key, _ = await keys.create_key(tx, label="Nightly letters", scopes=["members:read"])
        for actor in (f"key:{public_id('ak', key.key_id)}", f"device:{public_id('dev', till.device_id)}", "key:gone"):
            entry = AuditEntry(
                actor=actor, action="read_personal_data", subject=public_id("mbr", site.chen), reason="for a letter"
            )
            tx.audit(entry)
    async with site.browsing(Role.OWNER) as browser:
        for path in ("/console/privacy", f"{site.path()}/privacy"):
            shown = words((await browser.get(path)).text)
            assert ("Key Nightly letters" in shown, f"Till ({till.store_name})" in shown) == (True, True), path
            assert (re.findall(r"key:\w+|device:\w+", shown)) == ["key:gon"], path  # what nobody knows: its number
