"""How the system stands: what is well, what is not and the remedy; events that really failed, replayed and given up."""

import re
from collections.abc import Sequence
from datetime import timedelta
from html import unescape

import psycopg
import pytest

from regulars.domain_events.commerce import OrderPaid
from regulars.entrypoints.doctor import examine
from regulars.entrypoints.reactions import REACTIONS
from regulars.entrypoints.wiring import Place, checks
from regulars.platform.audit.service import seal_all
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.contracts import Delivered
from regulars.platform.outbox.dispatch import MAX_ATTEMPTS
from regulars.platform.outbox.relay import Relay
from regulars.platform.reports.tasks import compute_report
from regulars.platform.services import Services
from tests.platform.relaying import Watch
from tests.web.site import Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio

HEALTH = "/console/health"
PARKED = f"{HEALTH}/parked"


class Ledger:
    """A handler of orders that fails for good while it is broken, with a member's phone number in its complaint."""

    def __init__(self) -> None:
        self.broken = True
        self.seen: list[str] = []

    async def remember(self, tx: Transaction, events: Sequence[Delivered[OrderPaid]]) -> None:
        await tx.flush()
        if self.broken:
            raise RuntimeError("cannot write 138 0013 8000 to the list")
        self.seen += [delivered.event.order_id for delivered in events]


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


@pytest.fixture
def watch() -> Watch:
    return Watch(wall_now())


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def relay(site: Site, ledger: Ledger, watch: Watch) -> Relay:
    """Return a relay that has tried the orders of Chen until the first of them was parked."""
    quiet = {kind: [ledger.remember] if kind is OrderPaid else [] for kind in REACTIONS}
    relay = Relay(site.services.database, quiet, wall=watch)
    for _ in range(MAX_ATTEMPTS + 1):
        await relay.drain()
        watch.later(minutes=15)
    return relay


def links(page: str) -> list[str]:
    """Return the parked events that a page lists."""
    return re.findall(rf'href="({PARKED}/[\w.]+/\d+)"', page)


async def test_a_fresh_system_says_what_is_missing(site: Site) -> None:
    """No worker runs in this test, and the outbox has just been written."""
    async with site.browsing(Role.AUDITOR) as browser:
        page = await browser.get(HEALTH)
        said = words(page.text)

    assert page.status_code == 200
    assert "Worker: none is running" in said
    assert "Start a worker: regulars work , or" in said
    assert "Workers running 0" in said
    assert "Schema 00" in said
    assert re.search(r"Connections \d+ of \d+", said)
    assert "Trouble" not in said
    assert 'hx-trigger="every 10s"' in page.text


async def test_a_page_left_open_stops_asking(site: Site) -> None:
    async with site.browsing(Role.OWNER) as browser:
        first = (await browser.get(HEALTH)).text
        (turn,) = re.findall(r'hx-get="/console/health\?turn=(\d+)"', first)
        later = (await browser.get(HEALTH, params={"turn": turn})).text
        last = (await browser.get(HEALTH, params={"turn": "90"})).text
        odd = await browser.get(HEALTH, params={"turn": "-1e9"})

    assert turn == "1"
    assert "turn=2" in later
    assert 'hx-trigger="every' not in last.partition('id="health-now"')[2].partition("</div>")[0]
    assert "asks no more" in last
    assert odd.status_code == 200


async def test_a_parked_event_is_seen_replayed_and_gets_through(
    site: Site, relay: Relay, ledger: Ledger, watch: Watch
) -> None:
    async with site.browsing(Role.OWNER) as browser:
        health = words((await browser.get(HEALTH)).text)
        listed = (await browser.get(PARKED)).text
        stuck = (await browser.get(PARKED, params={"state": "parked"})).text
        (event,) = links(stuck)
        shown = (await browser.get(event)).text
        waiting = words((await browser.get(links(listed)[-1])).text)
        blank = await browser.post(f"{event}/replay", data={"reason": " "})
        behind = await browser.post(f"{links(listed)[-1]}/replay", data={"reason": "impatience"})
        ledger.broken = False
        still = len(links((await browser.get(PARKED)).text))
        done = await browser.post(f"{event}/replay", data={"reason": "mended in 1.2.3"})
        watch.at = wall_now() + timedelta(seconds=1)
        await relay.drain()
        after = words((await browser.get(PARKED)).text)
        gone = await browser.get(event)

    assert "Events: 0 events unread, 0 tried again, 1 parked" in health
    assert "mend the cause, then regulars parked replay" in health
    assert len(links(listed)) == still == 4
    assert "RuntimeError in remember, line" in unescape(shown)
    assert "138 0013 8000" not in shown + listed
    assert "cannot write" not in shown + listed
    assert "Replay that one." in waiting
    assert (blank.status_code, behind.status_code) == (422, 422)
    assert (done.status_code, done.headers["location"]) == (303, PARKED)
    assert sorted(ledger.seen) == ["o-1", "o-2", "o-3", "o-4"]
    assert ledger.seen == sorted(ledger.seen), "in the order in which they happened"
    assert "Every event got through to everybody." in after
    assert gone.status_code == 404
    audited = await site.rows("SELECT actor, reason, detail FROM audit_entries WHERE action = 'replay_parked_event'")
    owner = f"staff:stf_{site.visitors.accounts[Role.OWNER].staff_id.hex}"
    assert [(actor, reason) for actor, reason, _ in audited] == [(owner, "mended in 1.2.3")]
    assert "138" not in str(audited)


async def test_all_are_replayed_at_once(site: Site, relay: Relay, ledger: Ledger, watch: Watch) -> None:
    ledger.broken = False
    async with site.browsing(Role.OWNER) as browser:
        blank = await browser.post(f"{PARKED}/replay", data={"reason": ""})
        done = await browser.post(f"{PARKED}/replay", data={"reason": "mended"})
    watch.at = wall_now() + timedelta(seconds=1)
    await relay.drain()

    assert (blank.status_code, "Please fill this in." in blank.text) == (422, True)
    assert done.status_code == 303
    assert ledger.seen == ["o-1", "o-2", "o-3", "o-4"]
    assert await site.rows("SELECT count(*) FROM parked_events") == [(0,)]


async def test_a_parked_event_is_given_up_after_the_word_is_typed(
    site: Site, relay: Relay, ledger: Ledger, watch: Watch
) -> None:
    async with site.browsing(Role.OWNER) as browser:
        (event,) = links((await browser.get(PARKED, params={"state": "parked"})).text)
        refused = [
            await browser.post(f"{event}/discard", data=data)
            for data in (
                {},
                {"because": "not needed"},
                {"because": "not needed", "confirmation": "discard"},
                {"because": "", "confirmation": "DISCARD"},
            )
        ]
        untouched = await site.rows("SELECT count(*) FROM parked_events")
        done = await browser.post(f"{event}/discard", data={"because": "not needed", "confirmation": "DISCARD"})
        again = await browser.post(f"{event}/discard", data={"because": "not needed", "confirmation": "DISCARD"})
    ledger.broken = False
    watch.at = wall_now() + timedelta(seconds=1)
    await relay.drain()

    assert [one.status_code for one in refused] == [422] * 4
    assert "in capitals" in refused[2].text
    assert untouched == [(4,)]
    assert (done.status_code, again.status_code) == (303, 404)
    assert ledger.seen == ["o-2", "o-3", "o-4"], "those behind it went on"
    assert await site.rows("SELECT reason FROM audit_entries WHERE action = 'discard_parked_event'") == [
        ("not needed",)
    ]


@pytest.mark.usefixtures("relay")
async def test_an_auditor_sees_and_may_not_act(site: Site) -> None:
    async with site.browsing(Role.AUDITOR) as browser:
        listed = (await browser.get(PARKED)).text
        (event, *_) = links(listed)
        shown = (await browser.get(event)).text
        refused = [
            (
                await browser.post(
                    f"{event}/{act}", data={"reason": "why", "because": "why", "confirmation": "DISCARD"}
                )
            ).status_code
            for act in ("replay", "discard")
        ]

    assert refused == [403, 403]
    assert '<form method="post" action="/console/health' not in listed + shown
    assert await site.rows("SELECT count(*) FROM parked_events") == [(4,)]


@pytest.mark.usefixtures("relay")
async def test_parked_events_are_paged_without_losing_any(site: Site) -> None:
    """Two handlers that fail on the same event share its number."""
    async with site.services.database.transaction() as tx:
        tx.write(
            "INSERT INTO parked_events (handler, seq, reader, member_id, state, attempts, error, parked_at)"
            " SELECT 'copy_' || n, seq, reader, member_id, 'parked', 8, 'Broken', parked_at"
            " FROM parked_events CROSS JOIN generate_series(1, 12) AS n"
        )
    found: list[str] = []
    async with site.browsing(Role.OWNER) as browser:
        path = PARKED
        for _ in range(4):
            page = (await browser.get(path)).text
            found += links(page)
            onward = re.findall(r'href="([^"]*after=[^"]*)"', page)
            if not onward:
                break
            path = unescape(onward[-1])

    assert len(found) == len(set(found)) == 4 * 13


async def test_troubles_are_told_with_their_remedies(site: Site) -> None:
    """Events wait for an hour, a job failed for good, the clock is held, the audit log lies unsealed."""
    an_hour = "interval '1 hour'"
    async with site.services.database.transaction() as tx:
        tx.write("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        tx.write(f"UPDATE audit_entries SET written_at = clock_timestamp() - {an_hour}")
        tx.write(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('default', 'a.task', 'failed')"
        )
        await set_programme_clock(tx.connection, site.services.database.clock.now(), ticking=False)
    async with site.browsing(Role.OWNER) as browser:
        said = words((await browser.get(HEALTH)).text)
        jobs = words((await browser.get(f"{HEALTH}/jobs")).text)
        blank = await browser.post(f"{HEALTH}/jobs/retry", data={"reason": ""})
        retried = await browser.post(f"{HEALTH}/jobs/retry", data={"reason": "mended"})
        after = words((await browser.get(f"{HEALTH}/jobs")).text)

    assert "Jobs: 0 jobs due, 0 running, 0 for later, 1 failed" in said
    assert "The oldest entry has waited for 36" in said
    assert "a replay holds it" in said
    assert "they drift apart" in said
    assert "a.task" in jobs
    assert "Try 1 failed job again" in jobs
    assert "loyalty.tasks." in jobs
    assert (blank.status_code, retried.status_code) == (422, 303)
    assert "No job failed for good." in after
    assert await site.rows("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'a.task'") == [("todo",)]
    assert await site.rows("SELECT reason FROM audit_entries WHERE action = 'retry_failed_jobs'") == [("mended",)]


async def test_a_look_that_breaks_hides_no_other(site: Site, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE procrastinate_workers RENAME TO elsewhere")
    async with site.browsing(Role.OWNER) as browser:
        page = await browser.get(HEALTH)
        said = words(page.text)

    assert page.status_code == 200
    assert "Worker: could not be asked: UndefinedTable" in said
    assert "Not relayed yet" in said


@pytest.mark.usefixtures("relay")
async def test_the_doctor_says_the_same(site: Site, database_url: str) -> None:
    found = {one.name: one async for one in examine(site.services.settings, Place(database_url, database_url))}

    assert (found["queues"].ok, "1 parked" in found["queues"].said) == (False, True)
    assert (found["worker"].ok, found["worker"].remedy.startswith("Warning: start a worker")) == (True, True)
    assert found["jobs"].ok
    assert found["clock"].ok


@pytest.mark.usefixtures("relay")
async def test_health_speaks_chinese(site: Site) -> None:
    async with site.browsing(Role.OWNER, language="zh") as browser:
        pages = [await browser.get(path) for path in (HEALTH, PARKED, f"{HEALTH}/jobs")]
        (event, *_) = links(pages[1].text)
        pages.append(await browser.get(event))

    assert [page.status_code for page in pages] == [200] * 4
    assert "没有后台进程在运行" in pages[0].text
    assert "等待人工处理" in pages[1].text


async def test_nobody_sees_it_without_the_permission(site: Site) -> None:
    async with site.browsing(Role.CARE) as browser:
        answers = [(await browser.get(path)).status_code for path in (HEALTH, PARKED, f"{HEALTH}/jobs")]
        navigation = (await browser.get("/console/members")).text

    assert answers == [403] * 3
    assert HEALTH not in navigation


async def test_a_worker_is_seen(site: Site, database: Database) -> None:
    async with database.transaction() as tx:
        tx.write("INSERT INTO procrastinate_workers DEFAULT VALUES")
    async with site.browsing(Role.OWNER) as browser:
        alive = words((await browser.get(HEALTH)).text)
        async with database.transaction() as tx:
            tx.write("UPDATE procrastinate_workers SET last_heartbeat = clock_timestamp() - interval '2 minutes'")
        silent = words((await browser.get(HEALTH)).text)

    assert "Workers running 1" in alive
    assert "Worker: none" not in alive
    assert "Last seen 2 minutes ago" in silent
    assert "Worker: none is running" in silent


async def verified_by_a_worker(site: Site, *, slices: int = 100) -> int:
    """Run the report's jobs as the worker would, at most so many; return how many were run."""
    for done in range(slices):
        jobs = await site.rows(
            "DELETE FROM procrastinate_jobs WHERE task_name = 'platform.reports.tasks.compute_report' RETURNING args"
        )
        if not jobs:
            return done
        ((arguments,),) = jobs
        assert isinstance(arguments, dict)
        async with site.services.database.transaction(set_based=True) as tx:
            await compute_report.work(tx, **arguments)
    return slices


async def test_the_books_are_verified_in_the_background(site: Site) -> None:
    async with site.browsing(Role.AUDITOR) as auditor, site.browsing(Role.OWNER) as owner:
        never = words((await auditor.get(HEALTH)).text)
        empty = words((await auditor.get(f"{HEALTH}/books")).text)
        asked = [await auditor.post(f"{HEALTH}/books/verify") for _ in range(2)]
        await verified_by_a_worker(site, slices=4)
        half = await auditor.get(f"{HEALTH}/books")
        others = await owner.get(f"{HEALTH}/books")
        await verified_by_a_worker(site)
        whole = words((await auditor.get(f"{HEALTH}/books")).text)
        health = words((await auditor.get(HEALTH)).text)

    assert "Books: never verified" in never
    assert "not been verified here yet" in empty
    assert [(one.status_code, one.headers["location"]) for one in asked] == [(303, f"{HEALTH}/books")] * 2
    assert await site.rows("SELECT count(*) FROM reports") == [(1,)]
    assert "<progress" in half.text
    assert "/cancel" in half.text
    assert "/cancel" not in others.text
    assert "Verify now" not in half.text
    assert "Every check found everything right." in whole
    assert "orders sum up 5 rows Right" in whole
    count = len([check for check in checks() if not check.quick])
    assert f"Checks that found all right {count} of {count}" in health


async def test_a_verification_is_stopped_and_asked_for_again(site: Site) -> None:
    async with site.browsing(Role.OWNER) as browser:
        await browser.post(f"{HEALTH}/books/verify")
        await verified_by_a_worker(site, slices=3)
        page = (await browser.get(f"{HEALTH}/books")).text
        (stop,) = re.findall(r'action="(/console/reports/rep_[0-9a-f]+/cancel)"', page)
        await browser.post(stop, data={"next": f"{HEALTH}/books"})
        stopped = words((await browser.get(f"{HEALTH}/books")).text)
        await verified_by_a_worker(site)
        await browser.post(f"{HEALTH}/books/verify")
        await verified_by_a_worker(site)
        done = words((await browser.get(f"{HEALTH}/books")).text)

    assert "stopped" in stopped
    assert "Verify now" in stopped
    assert "Every check found everything right." in done
    assert await site.rows("SELECT state FROM reports ORDER BY asked_at") == [("cancelled",), ("done",)]


async def test_what_is_wrong_with_the_books_is_told(site: Site, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE member_wallets SET balance = balance + 7 WHERE balance > 1000")
    async with site.browsing(Role.OWNER) as browser:
        await browser.post(f"{HEALTH}/books/verify")
        await verified_by_a_worker(site)
        books = words((await browser.get(f"{HEALTH}/books")).text)
        health = words((await browser.get(HEALTH)).text)

    assert "found something wrong" in books
    assert "the stored balance is" in books
    assert "Change nothing by hand." in health
    assert "Books Trouble" in health


async def test_what_is_wrong_with_the_books_is_told_in_chinese(site: Site, database_url: str) -> None:
    """A wallet, an order and a settlement, whose fault is told in clauses."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE member_wallets SET balance = balance + 7 WHERE balance > 1000")
        connection.execute("UPDATE orders SET state = 'open' WHERE order_id = 'o-1'")
        connection.execute("UPDATE settlements SET base = base + 1, points_used = points_used + 1")
    async with site.browsing(Role.OWNER, language="zh") as browser:
        await browser.post(f"{HEALTH}/books/verify")
        await verified_by_a_worker(site)
        told = problems_told((await browser.get(f"{HEALTH}/books")).text)

    assert any(re.search(r"钱包 \d+：记录的余额为 \d+（欠分 0），流水合计为 \d+（欠分 0）。", one) for one in told)
    assert any(one == "订单 o-1：状态 open 与其支付和退货情况矛盾。" for one in told)
    assert any(re.search(r"订单 [\w-]+：基础积分为 \d+，应为 \d+，", one) for one in told)
    assert [one for one in told if re.search(r"[a-z]{3,} [a-z]{3,}", one)] == []


async def test_a_verification_kept_in_english_words_is_still_read(site: Site) -> None:
    async with site.browsing(Role.OWNER, language="zh") as browser:
        await browser.post(f"{HEALTH}/books/verify")
        await verified_by_a_worker(site)
        async with site.services.database.transaction() as tx:
            tx.write(
                "UPDATE reports SET result = jsonb_set("
                "jsonb_set(result::jsonb, '{findings,0,ok}', 'false'), '{findings,0,problems}', %s::jsonb)::text",
                ('["As {it} was told."]',),
            )
        page = await browser.get(f"{HEALTH}/books")

    assert problems_told(page.text) == ["As {it} was told."]


def problems_told(page: str) -> list[str]:
    """Return what a page says is wrong with the books."""
    lists = re.findall(r'<ul class="mt-1 list-disc[^"]*">(.*?)</ul>', page, re.DOTALL)
    return [unescape(one) for listed in lists for one in re.findall("<li>(.*?)</li>", listed)]


async def test_a_log_that_was_rewritten_does_not_extend_the_head_before(site: Site, database_url: str) -> None:
    """The chain alone would be found right: it was computed anew."""
    await seal_all(site.services.database)
    async with site.browsing(Role.OWNER) as browser:
        await browser.post(f"{HEALTH}/books/verify")
        await verified_by_a_worker(site)
        before = words((await browser.get(f"{HEALTH}/books")).text)
        with psycopg.connect(database_url, autocommit=True) as connection:
            for table in ("audit_entries", "audit_seals"):
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            connection.execute("UPDATE audit_entries SET reason = 'nothing' WHERE entry_id = 1")
            connection.execute("TRUNCATE audit_seals")
            connection.execute("DELETE FROM relay_cursors WHERE reader = 'audit seals'")
        await seal_all(site.services.database)
        await browser.post(f"{HEALTH}/books/verify")
        await verified_by_a_worker(site)
        after = words((await browser.get(f"{HEALTH}/books")).text)

    assert "Every check found everything right." in before
    assert "The chain does not extend the head" in after
