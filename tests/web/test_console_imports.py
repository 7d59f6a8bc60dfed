"""Imports in the console: a file is sent, mapped, checked without a change, then imported; only its sender sees it."""

import re
from dataclasses import dataclass

import httpx
import pytest

from regulars.entrypoints.importing import job_kinds
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.bulk.contracts import JobKinds
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.stepping import do_step
from regulars.platform.imports import service
from regulars.platform.imports.contracts import PART_BYTES
from regulars.platform.imports.files import ImportFiles
from regulars.platform.services import Services
from regulars.web.console.importing import IMPORTS
from regulars.web.console.imports import MOST_BYTES
from tests.web.site import Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio

PEOPLE = (
    b"Mobile;Kartennummer;Joined;Note\r\n"
    b"13900139000;NC000001;01.05.2024;hello\r\n"
    b"no number;NC000002;02.05.2024;\r\n"
    b"138 0013 8000;;03.05.2024;<b>Chen</b>\r\n"
)
MAPPING = {
    "name.0": "Mobile", "column.0": "phone", "name.1": "Kartennummer", "column.1": "card",
    "name.2": "Joined", "column.2": "signed_up_at", "name.3": "Note", "column.3": "",
    "constant.market": "CN", "constant.channel": "store", "date.signed_up_at": "%d.%m.%Y",
    "time_zone": "Asia/Shanghai", "decimal": ".", "delimiter": ";", "mode": "rest", "act": "check",
}  # fmt: skip


@dataclass
class House:
    """The programme, with what does the steps of its imports."""

    site: Site
    kinds: JobKinds

    async def stepped(self, path: str) -> None:
        """Do all steps of an import's job."""
        job_id = job_id_in(path.rpartition("/")[2])
        more: int | None = 1
        while more is not None:
            async with self.site.services.database.transaction(by_keys=True) as tx:
                more = await do_step(tx, self.kinds, job_id)

    async def count(self, table: str) -> int:
        """Count rows."""
        return len(await self.site.rows(f"SELECT 1 FROM {table}"))


@pytest.fixture
async def house(services: Services) -> House:
    return House(await Site(services).begin(), job_kinds(services.settings, services.vault, services.database))


async def begun(
    browser: httpx.AsyncClient, content: bytes = PEOPLE, name: str = "people.csv", kind: str = "members"
) -> str:
    """Send a small file whole, as a browser without scripts does; return where its import is."""
    answer = await browser.post(IMPORTS, data={"kind": kind}, files={"file": (name, content, "text/csv")})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def chosen(page: httpx.Response) -> dict[str, str]:
    """Return what the fields of the mapping's form hold."""
    fields = dict(re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', page.text))
    fields |= dict(re.findall(r'<input id="[\w.-]+" name="([\w.]+)" type="text" value="([^"]*)"', page.text))
    for name, options in re.findall(r'<select[^>]* name="([\w.]+)".*?>(.*?)</select>', page.text, re.DOTALL):
        fields[name] = next(iter(re.findall(r'value="([^"]*)" selected', options)), "")
    return fields


async def test_a_file_is_mapped_as_suggested_checked_without_a_change_and_imported(house: House) -> None:
    site = house.site
    before = await house.count("members")
    async with site.browsing(Role.MARKETER) as browser:
        path = await begun(browser)
        led = await browser.get(path)
        mapping = await browser.get(led.headers["location"])
        suggested = chosen(mapping)
        checked = await browser.post(f"{path}/mapping", data={**suggested, "mode": "rest", "act": "check"})
        waiting = await browser.get(path)
        too_early = await browser.post(f"{path}/start", data={"key": "1" * 32})
        await house.stepped(path)
        found = await browser.get(path)
        unchanged = await house.count("members")
        files = ImportFiles(site.services.settings.home, site.services.vault.pepper)
        async with site.services.database.transaction() as tx:
            kept = await service.delete_files(tx, files)
        started = await browser.post(f"{path}/start", data={"mode": "rest", "key": "2" * 32})
        again = await browser.post(f"{path}/start", data={"mode": "rest", "key": "2" * 32})
        await house.stepped(path)
        done = await browser.get(path)
        over = await browser.post(f"{path}/start", data={"key": "3" * 32})
        async with site.services.database.transaction() as tx:
            gone = await service.delete_files(tx, files)
        listed = await browser.get(IMPORTS)
        job = await browser.get(path.replace("imports", "jobs"))
        await browser.post("/preferences/language", data={"language": "zh"})
        chinese = await browser.get(path)

    assert led.headers["location"] == f"{path}/mapping"
    assert {name: suggested[name] for name in MAPPING if name not in {"mode", "act"}} == {
        name: value for name, value in MAPPING.items() if name not in {"mode", "act"}
    }
    assert "hello · &lt;b&gt;Chen&lt;/b&gt;" in mapping.text
    assert (checked.status_code, checked.headers["location"]) == (303, path)
    assert 'hx-trigger="every 1s"' in waiting.text
    assert too_early.status_code == 409
    said = words(found.text)
    parts = (
        "1 row would be refused",
        "Would be imported 1",
        "There already 1",
        "NC•••01",
        "13•••00",
        "Refused This is not a phone",
    )
    for part in parts:
        assert part in said, said
    assert "2024-05-01T00:00:00+08:00" in said
    assert [name for name in ("13900139000", "NC000001") if name in mapping.text + found.text + done.text] == []
    assert f'href="{path.replace("imports", "jobs")}"' in found.text
    assert f'href="{path}"' in job.text
    assert (unchanged, kept) == (before, 0)
    assert (started.status_code, again.headers["location"].partition("?")[0]) == (303, path)
    assert (await house.count("members"), gone) == (before + 1, 1)
    assert all(
        part in words(done.text) for part in ("The import is done", "Imported 1", "There already 1", "Refused 1")
    )
    assert over.status_code == 409
    assert "people.csv" in listed.text
    assert "no number" not in job.text
    assert "导入完成" in chinese.text
    me = f"staff:{site.visitors.accounts[Role.MARKETER].public_id}"
    assert await site.rows(
        f"SELECT action FROM audit_entries WHERE actor = '{me}' AND action LIKE '%%import%%' ORDER BY entry_id"
    ) == [("begin_import",), ("check_import",), ("start_import",), ("import_members",)]


async def test_a_large_file_goes_up_from_its_last_part_on_and_goes_on_where_it_stopped(house: House) -> None:
    head, rows = b"card\n", b"".join([b"M%07d\n" % number for number in range(1100)])
    content = head + rows
    pieces = [content[at : at + 4000] for at in range(0, len(content), 4000)]
    async with house.site.browsing(Role.OWNER) as browser, house.site.browsing(Role.MARKETER) as other:
        told = await browser.post(
            IMPORTS, data={"kind": "members", "name": "cards.csv"}, headers={"Accept": "application/json"}
        )
        path = told.json()["path"]
        for number in range(len(pieces), 1, -1):
            assert (await browser.post(f"{path}/parts/{number}", content=pieces[number - 1])).status_code == 204
        half, listed = await browser.get(path), await browser.get(IMPORTS)
        early = await browser.post(f"{path}/mapping", data={"name.0": "card", "column.0": "card", "act": "check"})
        beyond = await browser.post(f"{path}/parts/{MOST_BYTES // PART_BYTES + 1}", content=b"x")
        foreign = [await other.get(f"{path}{rest}") for rest in ("", "/mapping", "/mapping/file")]
        foreign += [
            await other.post(f"{path}/{rest}") for rest in ("parts/1", "start", "discard", "mapping", "mapping/file")
        ]
        await browser.post(f"{path}/parts/1", content=pieces[0])
        wrong = {"name.0": "card", "column.0": "phone", "constant.market": "CN", "constant.channel": "store"}
        await browser.post(f"{path}/mapping", data={**wrong, "act": "check"})
        async with house.site.services.database.transaction(by_keys=True) as tx:
            await do_step(tx, house.kinds, job_id_in(path.rpartition("/")[2]))
        busy = await browser.post(f"{path}/discard")
        stopped = await browser.post(f"{path.replace('imports', 'jobs')}/cancel", data={"next": path})
        await browser.post(f"{path}/mapping", data={**wrong, "column.0": "card", "act": "check"})
        await house.stepped(path)
        found = await browser.get(path)
        discarded = await browser.post(f"{path}/discard")
        gone = await browser.get(path)

    assert ("File not complete" in words(listed.text), "To be mapped" in words(listed.text)) == (True, False)
    assert f'data-missing="1" data-parts="{len(pieces)}" data-last-bytes="{len(pieces[-1])}"' in half.text
    assert (early.status_code, beyond.status_code, busy.status_code) == (409, 413, 409)
    assert [answer.status_code for answer in foreign] == [404] * 8
    assert stopped.headers["location"] == path
    assert "Would be imported 1,100" in words(found.text)
    assert (discarded.status_code, gone.status_code) == (303, 404)
    assert not list((house.site.services.settings.home / "imports").iterdir())


async def test_what_cannot_be_imported_is_said_and_leaves_nothing(house: House) -> None:
    async with house.site.browsing(Role.MARKETER) as browser, house.site.browsing(Role.OWNER) as owner:
        refused = [
            await browser.post(IMPORTS, data={"kind": kind}, files={"file": (name, b"x", "text/csv")})
            for kind, name in (
                *(("members", "people.exe"), ("accruals", "points.csv"), ("consents", "agreed.csv")),
                ("wishes", "wishes.csv"),
            )
        ]
        by_script = await browser.post(
            IMPORTS, data={"kind": "members", "name": "people.exe"}, headers={"Accept": "application/json"}
        )
        nothing = await house.count("imports")
        path = await begun(browser)
        bad = [
            await browser.post(f"{path}/mapping", data={**MAPPING, **changed})
            for changed in (
                {"column.0": "", "column.1": "", "column.2": ""},
                {"column.1": "phone"},
                {"time_zone": "Nowhere/City"},
                {"delimiter": "xx"},
                {"name.0": "13900139000"},
            )
        ]
        no_mapping = await browser.post(
            f"{path}/mapping/file", files={"mapping": ("m.toml", b"[columns", "text/plain")}
        )
        unread = await browser.get(f"{await begun(browser, b'a,a')}/mapping")
        await begun(owner, b"card\nNC-9\n", "agreed.csv", "consents")
        points = await begun(owner, b"card,points\nNC-9,7\n", "points.csv", "accruals")
        numbers = await owner.post(
            f"{points}/mapping", data={"name.0": "card", "column.0": "card", "constant.amount": "many"}
        )

    assert [answer.status_code for answer in refused] == [422] * 4
    assert "Its name should end in .csv" in words(refused[0].text)
    assert (by_script.status_code, "Its name should end in" in by_script.json()["problem"]) == (422, True)
    assert nothing == 0
    assert [answer.status_code for answer in bad] == [422] * 5
    assert "Choose a field for at least one column" in words(bad[0].text)
    assert "Two columns lead to Phone number" in words(bad[1].text)
    assert "looks like somebody's data" in words(bad[4].text).replace("&#39;", "'")
    assert (no_mapping.status_code, "This is no mapping" in no_mapping.text) == (422, True)
    assert "Columns 1 and 2 of the file have the same name" in words(unread.text)
    assert (numbers.status_code, "whole number" in numbers.text) == (422, True)
    assert await house.site.rows("SELECT 1 FROM jobs") == []


async def test_a_mapping_is_kept_as_a_file_and_all_or_nothing_is_held(house: House) -> None:
    async with house.site.browsing(Role.OWNER) as browser:
        path = await begun(browser)
        saved = await browser.post(f"{path}/mapping", data={**MAPPING, "mode": "all", "act": "save"})
        file = await browser.get(f"{path}/mapping/file")
        other = await begun(browser)
        loaded = await browser.post(f"{other}/mapping/file", files={"mapping": ("m.toml", file.content, "text/plain")})
        await browser.post(f"{path}/mapping", data={**MAPPING, "mode": "all"})
        await house.stepped(path)
        checked = await browser.get(path)
        before = await house.count("members")
        await browser.post(f"{path}/start", data={"mode": "all", "key": "1" * 32})
        await house.stepped(path)
        failed = await browser.get(path)
        after = await house.count("members")
        await browser.post(f"{path}/start", data={"mode": "rest", "key": "2" * 32})
        await house.stepped(path)

    assert saved.headers["location"] == f"{path}/mapping"
    assert 'Kartennummer" = "card"' in file.text
    same = {name: value for name, value in MAPPING.items() if name not in {"mode", "act"}}
    assert {name: chosen(loaded)[name] for name in same} == same
    assert "nothing would be imported" in words(checked.text)
    assert "Nothing was imported, as asked" in words(failed.text)
    assert (after, await house.count("members")) == (before, before + 1)
