"""Exports in the console: a table is asked for, followed, taken and deleted, personal data only with a purpose."""

import re
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from regulars.entrypoints.exporting import export_kinds
from regulars.entrypoints.http import create_app
from regulars.entrypoints.importing import job_kinds
from regulars.entrypoints.wiring import web
from regulars.platform.auth.staff.permissions import PERMISSIONS, Role
from regulars.platform.bulk.contracts import JobKinds
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.stepping import do_step
from regulars.platform.services import Services
from regulars.web.console.export_words import NEEDED, TABLES
from regulars.web.console.exports import EXPORTS, NEW
from tests.web.conftest import BROWSER
from tests.web.counted import CountedDatabase
from tests.web.site import Site
from tests.web.test_console_members import words
from tests.web.visitors import STORE

pytestmark = pytest.mark.anyio


@dataclass
class House:
    """The programme, with what does the steps of its exports."""

    site: Site
    kinds: JobKinds

    async def stepped(self, path: str) -> None:
        """Do all steps of an export's job."""
        more: int | None = 1
        while more is not None:
            async with self.site.services.database.transaction(by_keys=True) as tx:
                more = await do_step(tx, self.kinds, job_id_in(path.rpartition("/")[2]))

    async def noted(self) -> list[tuple[str, str, str]]:
        """Return what the audit log has of exports: what was done, to what, and why."""
        return [
            (str(action), str(subject), str(reason))
            for action, subject, reason in await self.site.rows(
                "SELECT action, subject, reason FROM audit_entries WHERE action LIKE '%%\\_export' ORDER BY entry_id"
            )
        ]


@pytest.fixture
async def house(services: Services) -> House:
    return House(await Site(services).begin(), job_kinds(services.settings, services.vault, services.database))


async def begun(browser: httpx.AsyncClient, kind: str, **sent: str | list[str]) -> str:
    """Begin an export; return where it is."""
    answer = await browser.post(EXPORTS, data={"kind": kind, "which": "all", **sent})
    assert answer.status_code == 303, words(answer.text)
    return str(answer.headers["location"])


def test_every_table_has_words_and_a_permission() -> None:
    kinds = export_kinds()

    assert sorted(TABLES) == sorted(kinds)
    assert {NEEDED[kind.scope] for kind in kinds.values()} <= set(PERMISSIONS)


async def test_a_table_is_asked_for_followed_taken_and_deleted(house: House) -> None:
    site = house.site
    async with site.browsing(Role.MARKETER) as browser, site.browsing(Role.FINANCE) as other:
        offered = await browser.get(NEW)
        key = {"key": "1" * 32, "market": "CN"}
        path = await begun(browser, "stores", **key)
        again = await begun(browser, "stores", **key)
        waiting = await browser.get(path)
        too_early = await browser.post(f"{path}/file", data={"format": "csv"})
        foreign = [
            (await other.get(path)).status_code,
            (await other.post(f"{path}/file", data={"format": "csv"})).status_code,
            (await other.post(f"{path}/delete")).status_code,
        ]
        under_way = await browser.post(f"{path}/delete")
        await house.stepped(path)
        ready = await browser.get(path)
        file = await browser.post(f"{path}/file", data={"format": "jsonl"})
        strange = await browser.post(f"{path}/file", data={"format": "exe"})
        listed = await browser.get(EXPORTS)
        not_theirs = await other.get(EXPORTS)
        deleted = await browser.post(f"{path}/delete")
        gone = await browser.get(path)
        too_late = await browser.post(f"{path}/file", data={"format": "csv"})
        await browser.post("/preferences/language", data={"language": "zh"})
        chinese = await browser.get(EXPORTS)

    assert {name for name in TABLES if f'"{NEW}?kind={name}"' in offered.text} == {
        name for name, kind in export_kinds().items() if kind.scope in {"members:read", "orders:read", "policies:read"}
    }
    assert again.partition("?")[0] == path
    assert 'hx-trigger="every 1s"' in waiting.text
    assert (too_early.status_code, under_way.status_code, foreign) == (409, 303, [404, 404, 404])
    assert "Ready" in words(ready.text)
    count = len(await site.rows("SELECT 1 FROM stores WHERE market = 'CN'"))
    assert (file.status_code, len(file.text.splitlines())) == (200, count)
    assert count > 0
    assert file.headers["content-disposition"].startswith('attachment; filename="stores-')
    assert strange.status_code == 422
    assert path in listed.text
    assert path not in not_theirs.text
    assert (deleted.status_code, too_late.status_code) == (303, 410)
    assert "There is no file any more" in words(gone.text)
    assert "文件已删除" in chinese.text
    public = path.rpartition("/")[2]
    assert await house.noted() == [
        ("begin_export", "export of stores", ""),
        ("download_export", "export of stores", ""),
        ("delete_export", public, ""),
    ]


async def test_personal_data_is_for_who_may_and_says_what_for_each_time(house: House) -> None:
    site = house.site
    wanted: dict[str, str | list[str]] = {"which": "chosen", "columns": ["status", "email"]}
    async with site.browsing(Role.OWNER) as owner, site.browsing(Role.MARKETER) as marketer:
        forged = await marketer.post(EXPORTS, data={"kind": "members", **wanted, "purpose": "a mailing"})
        hidden = await marketer.get(f"{NEW}?kind=members")
        unasked = await owner.post(EXPORTS, data={"kind": "members", **wanted})
        path = await begun(owner, "members", **wanted, purpose="Ticket 4711")
        await house.stepped(path)
        job = await owner.get(path.replace("exports", "jobs"))
        not_theirs = await marketer.get(path.replace("exports", "jobs"))
        shown = await owner.get(path)
        untold = await owner.post(f"{path}/file", data={"format": "csv"})
        file = await owner.post(f"{path}/file", data={"format": "csv", "purpose": "Ticket 4712"})
        looks = await owner.get("/console/privacy")
        log = await owner.get("/console/audit")

    assert (forged.status_code, unasked.status_code, untold.status_code) == (403, 422, 422)
    assert "Table export · Members" in words(job.text)
    assert (f'href="{path}"' in job.text, f'href="{path}"' in not_theirs.text) == (True, False)
    assert f'href="{path.replace("exports", "jobs")}"' in shown.text
    assert 'value="email"' not in hidden.text
    assert "Please fill this in." in words(unasked.text)
    assert re.search(r'value="email" checked', unasked.text)
    assert file.text.splitlines()[0] == "status,email"
    assert "chen@home.example" in file.text
    assert "Ticket 4712" in looks.text
    assert "Export of members" in words(log.text)
    assert await house.noted() == [
        ("begin_export", "export of members", "Ticket 4711"),
        ("read_export", "export of members", "Ticket 4712"),
    ]


async def test_a_page_that_refuses_a_file_needs_one_connection(house: House, database_url: str, tmp_path: Path) -> None:
    services = house.site.services
    async with house.site.browsing(Role.OWNER) as owner:
        path = await begun(owner, "members", columns="email", purpose="Ticket 4711")
        await house.stepped(path)
        cookies = dict(owner.cookies)
    async with CountedDatabase(database_url, tmp_path) as single:
        alone = Services(services.settings, single, services.vault)
        transport = httpx.ASGITransport(app=create_app(alone, web(alone)))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://shop.example", headers=BROWSER, cookies=cookies, timeout=20
        ) as browser:
            refused = await browser.post(f"{path}/file", data={"format": "csv"})
        await alone.drain()

    assert (refused.status_code, "Please fill this in." in words(refused.text)) == (422, True)


async def test_rows_are_chosen_and_columns_are_told_before(house: House) -> None:
    async with house.site.browsing(Role.OWNER) as owner, house.site.browsing(Role.MARKETER) as marketer:
        form = await owner.get(f"{NEW}?kind=orders")
        tiers = words((await owner.get(f"{NEW}?kind=tiers")).text)
        path = await begun(owner, "orders", channel="online", columns="order_id")
        await house.stepped(path)
        file = await owner.post(f"{path}/file", data={"format": "jsonl"})
        shown = words((await owner.get(path)).text)
        await begun(marketer, "stores")
        listed = [await owner.get(f"{EXPORTS}{query}") for query in ("", "?kind=orders", "?by=me", "?kind=tiers")]
        await owner.post("/preferences/language", data={"language": "zh"})
        chinese = words((await owner.get(f"{NEW}?kind=tiers")).text)

    names = re.findall(r'<select id="field-(\w+)"', form.text)
    assert (names, f'value="{STORE}"' in form.text) == (["market", "store_id", "channel"], True)
    assert "tier_code The tier, by the code that the policy gives it. Text" in tiers
    assert "tier_code 等级代码，由规则定义。 文本" in chinese
    orders = await house.site.rows("SELECT order_id FROM orders WHERE channel = 'online'")
    assert sorted(re.findall(r'"order_id":"([^"]+)"', file.text)) == sorted([str(one) for (one,) in orders])
    assert orders
    assert "Channel online" in shown
    assert "total_minor The order's total, in minor units of the currency (cents). Whole number" in shown
    assert [len(set(re.findall(r"/console/exports/(job_\w+)", page.text))) for page in listed] == [2, 1, 1, 0]


async def test_what_cannot_be_exported_is_said_where_it_was_chosen(house: House) -> None:
    async with house.site.browsing(Role.OWNER) as owner, house.site.browsing(Role.MARKETER) as marketer:
        none = await owner.post(EXPORTS, data={"kind": "members", "which": "chosen"})
        turned = await owner.post(
            EXPORTS, data={"kind": "members", "which": "all", "since": "2026-03-02", "until": "2026-03-01"}
        )
        strange = await owner.post(EXPORTS, data={"kind": "stores", "which": "all", "columns": "secrets"})
        unknown = await owner.post(EXPORTS, data={"kind": "everything", "which": "all"})
        not_offered = await marketer.get(f"{NEW}?kind=audit")
        forged = await marketer.post(EXPORTS, data={"kind": "audit", "which": "all"})

    assert (none.status_code, turned.status_code, strange.status_code) == (422, 422, 422)
    assert "Choose at least one column." in words(none.text)
    assert "The end must lie behind the beginning." in words(turned.text)
    assert "no column secrets" in words(strange.text)
    assert (unknown.status_code, not_offered.status_code, forged.status_code) == (404, 403, 403)
    assert await house.noted() == []
