"""Jobs in the console: who sees which, how far they are, stopped and let go on, and why they failed."""

import re

import httpx
import pytest

from regulars.platform.auth.staff.permissions import Role
from regulars.platform.bulk import service as jobs
from regulars.platform.bulk.contracts import JOB_PREFIX
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.tasks import run_job
from regulars.platform.ids import new_id, public_id
from regulars.platform.imports import store as imports
from regulars.platform.imports.contracts import IMPORT, RowProblem
from regulars.platform.imports.files import ImportFiles
from regulars.platform.services import Services
from tests.web.site import Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio

LOOKS = "SELECT actor, subject, reason, detail FROM audit_entries WHERE action = 'read_personal_data'"


async def asked(site: Site, by: Role, kind: str = IMPORT) -> str:
    """Ask for a job as somebody of staff; return its public id."""
    actor, job_id = f"staff:{site.visitors.accounts[by].public_id}", new_id()
    async with site.services.database.transaction(actor=actor) as tx:
        await jobs.ask(tx, run_job, job_id, kind, by=actor, all_of_it=200)
    return public_id(JOB_PREFIX, job_id)


def shown(page: httpx.Response) -> list[str]:
    """Return the jobs that a list shows, in its order."""
    return list(dict.fromkeys(re.findall(r"/console/jobs/(job_\w+)", page.text)))


async def test_the_list_is_narrowed_and_goes_on_where_a_page_ends(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.OWNER) as browser, site.browsing(Role.AUDITOR) as auditor:
        others = await asked(site, Role.MARKETER)
        mine = [await asked(site, Role.OWNER) for _ in range(26)]
        first = await browser.get("/console/jobs?by=me")
        after = re.search(r"after=(\w+)", first.text)
        assert after is not None
        second = await browser.get(f"/console/jobs?by=me&after={after[1]}")
        strange = await browser.get("/console/jobs?kind=nothing&state=never&after=x")
        none = await browser.get("/console/jobs?state=done")
        seen = await auditor.get("/console/jobs")
        palette = await auditor.get("/console/palette?q=jobs")

    assert shown(first) + shown(second) == mine[::-1]
    assert shown(strange) == mine[:0:-1]
    assert "Nothing matches" in words(none.text)
    assert shown(seen)[0] == mine[-1]
    assert others not in shown(first)
    assert "/console/jobs" in palette.text


async def test_one_s_own_job_is_stopped_and_goes_on_and_another_s_only_by_who_may(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.MARKETER) as marketer, site.browsing(Role.OWNER) as owner:
        own, foreign = await asked(site, Role.MARKETER), await asked(site, Role.OWNER)
        running = await marketer.get(f"/console/jobs/{own}")
        strange = await marketer.get(f"/console/jobs/{foreign}")
        refused = await marketer.post(f"/console/jobs/{foreign}/cancel")
        stopped = await marketer.post(f"/console/jobs/{own}/cancel")
        rests = await marketer.get(f"/console/jobs/{own}")
        resumed = await marketer.post(f"/console/jobs/{own}/resume")
        again = await marketer.post(f"/console/jobs/{own}/resume")
        told = await marketer.get(f"/console/jobs/{own}")
        by_owner = await owner.post(f"/console/jobs/{own}/cancel")
        unknown = await owner.get(f"/console/jobs/job_{32 * '0'}")

    assert 'hx-trigger="every 1s"' in running.text
    assert f"/console/jobs/{own}/cancel" in running.text
    assert (strange.status_code, f"{foreign}/cancel" in strange.text, refused.status_code) == (200, False, 404)
    assert (stopped.status_code, rests.status_code) == (303, 200)
    assert "It was stopped" in words(rests.text)
    assert 'hx-trigger="every 1s"' not in rests.text
    assert (resumed.status_code, again.status_code) == (303, 303)
    assert "only one that was cancelled or failed goes on" in words(told.text)
    assert (by_owner.status_code, unknown.status_code) == (303, 404)
    me, chief = (f"staff:{site.visitors.accounts[role].public_id}" for role in (Role.MARKETER, Role.OWNER))
    assert await site.rows(
        "SELECT actor, action, subject FROM audit_entries WHERE action LIKE '%%\\_job' ORDER BY entry_id"
    ) == [(me, "cancel_job", own), (me, "resume_job", own), (chief, "cancel_job", own)]


async def test_why_a_job_failed_is_said_with_the_remedy_and_its_refused_rows_can_be_taken(services: Services) -> None:
    site = await Site(services).begin()
    await site.visitors.staff(Role.OWNER)
    public, other = await asked(site, Role.OWNER), await asked(site, Role.OWNER, "of another release")
    async with services.database.transaction() as tx:
        failed = '{"code": "nothing_imported", "data": {"refused": 1200}}'
        tx.write(
            "UPDATE jobs SET state = 'failed', ended_at = asked_at, failure = %s, counts = %s WHERE kind = %s",
            (failed, '{"rows": 5000, "refused": 1200}', IMPORT),
        )
        tx.write(
            "INSERT INTO imports VALUES ((SELECT job_id FROM jobs WHERE kind = %s), 'members', 'csv', '<b>people.csv',"
            " '{}', 'all', false, 'x', now(), now(), true)",
            (IMPORT,),
        )
        refused = RowProblem(line=7, column="mobile", value=None, code="member_not_found", pointer=None, data={})
        files = ImportFiles(services.settings.home, services.vault.pepper)
        imports.insert_problems(tx, files, job_id_in(public), [refused])
    async with site.browsing(Role.OWNER) as browser:
        page = await browser.get(f"/console/jobs/{public}")
        listed = await browser.get("/console/jobs")
        file = await browser.get(f"/console/jobs/{public}/refused")
        await browser.post("/preferences/language", data={"language": "zh"})
        chinese = await browser.get(f"/console/jobs/{public}")
        bare = await browser.get(f"/console/jobs/{other}")
        nothing = await browser.get(f"/console/jobs/{other}/refused")

    said = words(page.text)
    assert "Import · Members · <b>people.csv" in said.replace("&lt;", "<")
    assert "<b>people" not in page.text
    assert "Nothing was imported, as asked, since rows were refused: 1,200." in said
    assert "mobile" in said
    assert "***" in said
    assert "Refused 1,200" in words(listed.text)
    assert (file.headers["content-type"], file.text.splitlines()[1].split(",")[:4]) == (
        "text/csv; charset=utf-8", ["7", "mobile", "***", "member_not_found"],
    )  # fmt: skip
    assert "任务失败" in chinese.text
    assert "1,200" in chinese.text
    assert (bare.status_code, nothing.status_code) == (200, 404)
    assert await site.rows("SELECT subject, detail FROM audit_entries WHERE action = 'take_refused_rows'") == [
        (public, "1200 rows")
    ]


async def test_what_stood_in_refused_rows_is_read_for_a_purpose_only(services: Services) -> None:
    site = await Site(services).begin()
    await site.visitors.staff(Role.OWNER)
    public = await asked(site, Role.OWNER)
    phone, other = "13800138000", "13900139000"
    rows = [
        RowProblem(
            line=3,
            column="state",
            value=phone,
            code="not_a_choice",
            pointer=f"/{phone}",
            data={"field": "state", "value": other},
        ),
        RowProblem(
            line=4,
            column="amount",
            value=phone,
            code="value_unreadable",
            pointer="/amount",
            data={"field": "amount", "form": "1234.56"},
        ),
        RowProblem(line=5, column="lines", value=None, code="field_unknown", pointer=None, data={"field": phone}),
    ]
    files = ImportFiles(services.settings.home, services.vault.pepper)
    async with services.database.transaction() as tx:
        tx.write(
            "INSERT INTO imports VALUES ((SELECT job_id FROM jobs), 'members', 'csv', 'people.csv', '{}', 'rest',"
            " false, 'x', now(), now(), true)"
        )
        imports.insert_problems(tx, files, job_id_in(public), rows)
        tx.write("UPDATE jobs SET counts = %s", ('{"refused": 3}',))
    one, why = f"/console/jobs/{public}", {"purpose": "ticket 4711"}
    async with site.browsing(Role.AUDITOR) as auditor:
        seen = [(await auditor.get(path)).text for path in (one, f"{one}/refused")]
        offered, refused = "Reveal values" in seen[0], await auditor.post(f"{one}/reveal", data=why)
    async with site.browsing(Role.OWNER) as browser:
        seen += [(await browser.get(path)).text for path in (one, f"{one}/refused")]
        without = await browser.post(f"{one}/reveal", data={"purpose": " "})
        before = await site.rows(LOOKS)
        revealed = await browser.post(f"{one}/reveal", data=why)
        clear = [(await browser.get(path)).text for path in (one, f"{one}/refused", one)]
        foreign = (await browser.get(f"/console/jobs/{await asked(site, Role.OWNER)}")).text
        hidden = await browser.post(f"{one}/hide")
        seen += [without.text, foreign, *[(await browser.get(path)).text for path in (one, f"{one}/refused")]]
        looked = words((await browser.get("/console/privacy")).text)

    assert not [text for text in seen if phone in text or other in text]
    assert all("amount" in text and "1234.56" in text for text in (seen[0], seen[1]))
    assert [text.count(phone) >= 3 for text in clear] == [True] * 3
    assert [answer.status_code for answer in (refused, without, revealed, hidden)] == [403, 422, 303, 303]
    assert (offered, "data-open" in without.text, before) == (False, True, [])
    owner = f"staff:{site.visitors.accounts[Role.OWNER].public_id}"
    assert await site.rows(LOOKS) == [(owner, public, "ticket 4711", "3 rows")]
    assert "ticket 4711" in looked
    taken = "SELECT reason FROM audit_entries WHERE action = 'take_refused_rows' ORDER BY entry_id"
    assert await site.rows(taken) == [("",), ("",), ("ticket 4711",), ("",)]
