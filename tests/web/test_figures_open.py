"""Every figure opens to its rows, and the rows are what the figure says; members of chosen stores are counted."""

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest

from regulars.commerce.contracts import ReturnOrder
from regulars.entrypoints.commands import roll_everything_up
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, Adjust
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.reports import computing
from regulars.platform.services import Services
from regulars.web.console.members import listing_in
from regulars.web.kit.listings import Listing
from tests.web.site import DAY, NOW, Site
from tests.web.test_console_members import words
from tests.web.visitors import OTHER_STORE, STORE

pytestmark = pytest.mark.anyio
DAYS = "from=2026-01-31&to=2026-03-02"
_TILE = re.compile(
    r'<p class="text-sm text-quiet"><a href="([^"]*)"[^>]*>([^<]*)</a></p>\s*<p class="figures[^>]*>([^<]*)<'
)


@pytest.fixture
async def site(services: Services) -> Site:
    """A programme in which everything has happened that a tile shows."""
    made = await Site(services).begin()
    async with services.database.transaction(actor="test", set_based=True) as tx:
        soon = Accrue(
            member_id=made.visitors.members[0],
            wallet="points",
            amount=40,
            reference="short",
            reason="a gift",
            expires_at=NOW + timedelta(hours=1),
        )
        less = Adjust(member_id=made.chen, wallet="points", amount=-30, reference="wrong", reason="a mistake")
        for outcome in await loyalty.post(tx, made.rules.configuration, [soon, less]):
            assert not isinstance(outcome, Exception), outcome
    made.at(NOW + timedelta(hours=2))
    async with services.database.transaction(set_based=True) as tx:
        await loyalty.expire_due(tx, made.rules.configuration, tx.now, 100)
    await made.apply(
        made.order("o-6", 30_000, at=NOW - 3 * DAY, member_id=made.visitors.members[0], points=0),
        ReturnOrder(order_id="o-6", return_id="all"),
    )
    await roll_everything_up(services.database)
    return made


async def rows_of(browser: httpx.AsyncClient, path: str) -> list[dict[str, str]]:
    """Return every row behind a figure, as the file has them."""
    answer = await browser.get(path + "&format=csv")
    assert answer.status_code == 200, path
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def total(rows: Iterable[dict[str, str]], *columns: str) -> Decimal:
    return sum((Decimal(row[column] or "0") for row in rows for column in columns), Decimal())


def figure(said: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.-]", "", said))


async def test_the_rows_behind_each_tile_are_what_it_says(site: Site) -> None:
    async with site.browsing(Role.OWNER) as browser:
        text = (await browser.get(f"/console?{DAYS}")).text
        tiles = {
            unescape(label): (unescape(path), figure(unescape(value))) for path, label, value in _TILE.findall(text)
        }
        rows = {label: await rows_of(browser, path) for label, (path, _) in tiles.items()}
    counted = {"Members", "New members", "Members who bought", "Paid orders"}
    shown = {
        label: Decimal(len(found)) if label in counted else total(found, *_COLUMNS.get(label, ("Units",)))
        for label, found in rows.items()
    }

    assert {label: abs(value) for label, value in shown.items()} == {
        label: abs(value) for label, (_, value) in tiles.items()
    }
    assert tiles.keys() == counted | _COLUMNS.keys() | _POINTS
    assert [label for label, (_, value) in tiles.items() if not value] == ["Points given back"], "each has something"


_COLUMNS = {"Revenue": ("Total",), "Came back": ("Came back",)}
_POINTS = {
    "Points issued",
    "Points used",
    "Points expired",
    "Points taken back",
    "Points given back",
    "Points corrected",
}


async def test_what_is_outstanding_is_the_sum_of_all_bookings(site: Site) -> None:
    async with site.browsing(Role.FINANCE) as browser:
        said = words((await browser.get(f"/console?{DAYS}")).text)
        rows = await rows_of(browser, "/console/bookings?wallet=points&recorded_to=2026-03-02")

    outstanding = total(rows, "Units", "Of it owed")
    assert f"Points outstanding The bookings {outstanding:,} at most CN¥{outstanding / 100:.2f}" in said


async def test_tiers_at_the_end_and_at_the_beginning_are_the_members_who_held_them(site: Site) -> None:
    async with site.browsing(Role.OWNER) as browser:
        text = (await browser.get(f"/console?{DAYS}")).text
        found = re.findall(r'href="(/console/members\?tier=[^"]*)">([^<]*)</a></th>(.*?)</tr>', text, re.DOTALL)
        for path, name, cells in found:
            before, now = (int(figure(one)) for one in re.findall(r">([\d,]+)<", cells))
            rows = unescape(path)
            assert len(await rows_of(browser, rows)) == now, name
            assert len(await rows_of(browser, rows.replace("2026-03-02", "2026-01-30"))) == before, name

    assert [name for _, name, _ in found] == ["Regular", "Silver", "Gold", "Diamond"]


async def test_bookings_go_on_page_by_page(site: Site) -> None:
    async with site.browsing(Role.OWNER) as browser:
        everything = await rows_of(browser, "/console/bookings?wallet=growth")
        strange = await browser.get("/console/bookings?after=nonsense&recorded_from=0001-01-01&recorded_to=9999-12-31")
        returned = await browser.get("/console/returns?after=nonsense")
    async with site.services.database.transaction() as tx:
        paged = []
        before = None
        while found := await loyalty.list_bookings(tx, wallet="growth", before=before, limit=2):
            paged += found
            before = (found[-1].recorded_at, found[-1].member_id, found[-1].seq)

    assert len(paged) == len(everything) == len({(one.member_id, one.seq) for one in paged})
    assert strange.status_code == 200
    assert returned.status_code == 422


async def test_members_who_bought_are_narrowed_by_the_other_filters_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few of those who are looked at at once are let through."""
    monkeypatch.setattr("regulars.web.console.members._LOOKED_AT", 1)
    monkeypatch.setattr("regulars.web.console.members._LOOKS", 1)
    monkeypatch.setattr("regulars.web.console.members.listing_in", few_rows(listing_in))
    path = "/console/members?bought_from=2026-01-01"
    async with site.browsing(Role.OWNER) as browser:
        everybody = await rows_of(browser, path)
        first = (await browser.get(f"{path}&tier=silver")).text
        silver = await rows_of(browser, f"{path}&tier=silver")
        early = await rows_of(browser, f"{path}&joined_to=2025-12-31")
        late = await rows_of(browser, f"{path}&joined_from=2025-12-31")
        at_store = await rows_of(browser, f"/console/members?store={OTHER_STORE}")
        apart = words((await browser.get(f"{path}&tier_on=2026-01-01")).text)
    chen = f"mbr_…{site.chen.hex[-6:]}"

    assert len(everybody) == 2
    assert "Nothing matches so far." in first or chen in first
    assert [row["Member"] for row in silver] == [chen]
    assert [row["Member"] for row in early] == [chen]
    assert chen not in {row["Member"] for row in late}
    assert len(early) + len(late) == len(everybody)
    assert [row["Member"] for row in at_store] == [chen], "an address says where, and is not passed over"
    assert "cannot be asked for together" in apart


def few_rows(make: Callable[..., Listing]) -> Callable[..., Listing]:
    def made(*given: Any) -> Listing:  # noqa: ANN401 - whatever the page gives
        return replace(make(*given), rows=1)

    return made


async def test_who_sees_no_orders_sees_none_of_their_ids_among_bookings(site: Site) -> None:
    """An order's id is the code on its receipt."""
    columns = "&".join(f"columns={name}" for name in ("recorded", "order", "reference", "units"))
    pages = {}
    for role in (Role.COMMUNITY, Role.OWNER):
        async with site.browsing(role) as browser:
            pages[role] = (await browser.get(f"/console/bookings?{columns}")).text

    assert re.findall(r"\bo-[1-6]\b", pages[Role.COMMUNITY]) == []
    assert re.findall(r"\bo-[1-6]\b", pages[Role.OWNER])
    assert "Units" in pages[Role.COMMUNITY]


async def test_who_is_bound_to_stores_sees_no_bookings_and_their_returns_only(site: Site) -> None:
    async with site.browsing(Role.STORE_MANAGER) as browser:
        bookings = words((await browser.get("/console/bookings")).text)
        returns = words((await browser.get("/console/returns")).text)
        bought = words((await browser.get("/console/members?bought_from=2026-01-31&bought_to=2026-03-02")).text)
        elsewhere = words((await browser.get(f"/console/members?bought_from=2026-01-31&store={OTHER_STORE}")).text)

    assert "No bookings yet." in bookings
    assert ("o-6" in returns, "o-2" in returns) == (True, False)
    assert "2 rows" in bought
    assert "Nothing matches." in elsewhere


# --- members of chosen stores -------------------------------------------------------------------------------------


async def computed(site: Site) -> None:
    """Do what the worker would."""
    for (report_id,) in await site.rows("SELECT report_id FROM reports WHERE ended_at IS NULL ORDER BY asked_at"):
        assert isinstance(report_id, UUID)
        more = True
        while more:
            async with site.services.database.transaction(set_based=True) as tx:
                more = await computing.compute_slice(tx, report_id)


async def test_members_who_bought_at_ones_stores_are_counted_while_one_waits(site: Site) -> None:
    async with site.browsing(Role.STORE_MANAGER) as browser:
        first = (await browser.get(f"/console?{DAYS}")).text
        waiting = (await browser.get(f"/console?{DAYS}")).text
        await computed(site)
        done = words((await browser.get(f"/console?{DAYS}")).text)
    asked = await site.rows("SELECT count(*) FROM reports")

    assert "Counting members who bought Waiting for its turn" in words(first)
    assert 'hx-trigger="every 1s" hx-target="#figures"' in waiting
    assert "Look again" in waiting, "for a browser without scripts"
    assert asked == [(1,)], "asked once"
    assert "Members who bought 2 100% more" in done
    assert "Counting members" not in done


async def test_a_count_is_stopped_and_asked_for_again(site: Site) -> None:
    days = {"from": "2026-01-31", "to": "2026-03-02", "next": f"/console/stores?{DAYS}"}
    async with site.browsing(Role.OWNER) as browser:
        text = (await browser.get(f"/console/stores?{DAYS}")).text
        stop = re.findall(r'action="(/console/reports/[^"]*)"', text)
        stopped = await browser.post(stop[0], data={"next": f"/console/stores?{DAYS}"})
        after = (await browser.get(f"/console/stores?{DAYS}")).text
        again = await browser.post("/console/buyers", data={**days, "each": "yes", "store": ""})
        await computed(site)
        done = words((await browser.get(f"/console/stores?{DAYS}")).text)
        wrong = await browser.post("/console/buyers", data={**days, "from": "soon"})

    assert (stopped.status_code, again.status_code, wrong.status_code) == (303, 303, 404)
    assert "Counting members who bought: stopped Count again" in words(after)
    assert "Wudaokou 406 CN 1 1 CN¥600.00" in done
    assert "Nanjing Road 367 CN 2 2 CN¥450.00" in done


async def test_a_count_is_kept_until_orders_of_its_days_come_in(site: Site) -> None:
    path = f"/console/stores/{STORE}?{DAYS}"
    async with site.browsing(Role.OWNER) as browser:
        await browser.get(path)
        await computed(site)
        await site.apply(site.order("late", 5_000, at=NOW - 100 * DAY))
        await roll_everything_up(site.services.database)
        other_days = words((await browser.get(path)).text)
        await site.apply(site.order("new", 5_000, at=NOW - 20 * DAY))
        await roll_everything_up(site.services.database)
        old = words((await browser.get(path)).text)
        async with site.services.database.transaction() as tx:
            tx.write(
                "UPDATE reports SET began_at = began_at - interval '1 hour', ended_at = ended_at - interval '1 hour'"
            )
        anew = words((await browser.get(path)).text)

    assert "orders have come in since" not in other_days
    assert "Members who bought were counted at Mar 2, 2026 14:00; orders have come in since. Count again" in old
    assert "Counting members who bought Waiting for its turn" in anew
    assert "Members who bought 2" in anew, "what is known stays, meanwhile"


async def test_before_the_first_roll_up_the_page_says_so(services: Services) -> None:
    site = await Site(services).begin(rolled_up=False)
    async with site.browsing(Role.OWNER) as browser:
        said = words((await browser.get("/console")).text)

    assert "Figures are being computed for the first time." in said or "Your programme has no figures yet." in said
