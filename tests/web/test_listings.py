"""A listing is one declaration: search, filters, order, pages, columns and the file all come from its address."""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pytest
from litestar.datastructures import MultiDict

from regulars.platform.money import Money
from regulars.web.kit.cells import Badge, Cell, Code, Link, csv_cell, render_cell
from regulars.web.kit.formats import Formats, formats_of
from regulars.web.kit.listings import Column, CsvFile, Listing, Shown, Slice, Wanted
from regulars.web.kit.texts import in_language, mark

pytestmark = pytest.mark.anyio

_ROW = re.compile(r"mbr_(\d{6})")


async def numbers(browser: httpx.AsyncClient, query: str, path: str = "/kit/listing") -> list[int]:
    text = (await browser.get(f"{path}?{query}")).text
    return [int(number) for number in _ROW.findall(text)]


async def rows(browser: httpx.AsyncClient, query: str, path: str = "/kit/listing") -> list[list[str]]:
    answer = await browser.get(f"{path}?{query}&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="people.csv"'
    assert answer.text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


async def test_search_filters_and_order_stand_in_the_address(browser: httpx.AsyncClient) -> None:
    everything = await rows(browser, "columns=number&columns=tier&columns=points")
    gold = await rows(browser, "tier=gold&columns=tier")
    found = await numbers(browser, "q=mbr_00001&sort=points")
    since = await rows(browser, "joined_from=2026-11-01&joined_to=2026-11-17&columns=joined")

    assert len(everything) == 241
    assert {tuple(row) for row in gold[1:]} == {("Gold",)}
    assert sorted(found) == list(range(10, 20))
    assert found == sorted(found, key=lambda number: number * 7919 % 24_000)
    assert all("2026-11-01" <= row[0][:10] <= "2026-11-17" for row in since[1:])
    assert len(since) > 1


@pytest.mark.parametrize(
    "query", ["tier=platinum", "sort=note", "sort=;drop", "page=x", "joined_from=soon", "columns=x"]
)
async def test_what_an_address_says_in_vain_is_passed_over(browser: httpx.AsyncClient, query: str) -> None:
    assert await numbers(browser, query) == await numbers(browser, "")


async def test_pages_by_number_and_by_cursor_show_each_row_once(browser: httpx.AsyncClient) -> None:
    by_number = [number for page in range(1, 11) for number in await numbers(browser, f"page={page}")]
    by_cursor, after = list[int](), "0"
    while after:
        text = (await browser.get(f"/kit/listing/cursor?after={after}")).text
        by_cursor += [int(number) for number in _ROW.findall(text)]
        onward = re.search(r'href="/kit/listing/cursor\?after=(\d+)"', text)
        after = onward[1] if onward else ""

    assert sorted(by_number) == list(range(1, 241))
    assert by_cursor == by_number


async def test_links_keep_what_was_chosen(browser: httpx.AsyncClient) -> None:
    text = (await browser.get("/kit/listing?q=an&tier=gold&sort=points&columns=name&columns=points&page=1")).text
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="(/kit/listing\?[^"]*)"', text)}
    kept = "q=an&tier=gold&sort={}&columns=name&columns=points"

    assert f"/kit/listing?{kept.format('points')}&format=csv" in links
    assert "/kit/listing?q=an&tier=gold&columns=name&columns=points&sort=-points" in links
    assert "/kit/listing?q=an&tier=gold&columns=name&columns=points&sort=name" in links


async def test_what_a_form_sends_empty_does_not_stay_in_the_address(browser: httpx.AsyncClient) -> None:
    sent = "q=an&tier=&joined_from=&joined_to=&sort=points&page=2"

    assert (await browser.get(f"/kit/listing?{sent}")).headers["hx-push-url"] == "/kit/listing?q=an&sort=points&page=2"
    assert (await browser.get("/kit/listing?q=&tier=&page=1")).headers["hx-push-url"] == "/kit/listing"


async def test_the_file_holds_bare_figures_and_no_formula(browser: httpx.AsyncClient) -> None:
    found = await rows(browser, "q=mbr_000009&columns=number&columns=points&columns=spent&columns=joined&columns=note")
    chinese = await browser.get("/kit/listing?format=csv&columns=points", headers={"Accept-Language": "zh"})

    assert found == [
        ["Number", "Points", "Spent", "Joined", "Note"],
        ["mbr_000009", "23271", "9425.61", "2026-06-20T09:21:00+00:00", "'=1+1"],
    ]
    assert chinese.text.splitlines()[0] == "\ufeff积分"


async def test_an_empty_listing_says_what_to_do_and_a_narrowed_one_how_to_widen(browser: httpx.AsyncClient) -> None:
    empty = (await browser.get("/kit/listing/empty")).text
    narrowed = (await browser.get("/kit/listing?q=nobody")).text

    assert ("Nobody has joined yet." in empty, "Register the first one" in empty) == (True, True)
    assert ("Nothing matches." in narrowed, "Show everything" in narrowed) == (True, True)


async def test_what_was_searched_for_is_escaped(browser: httpx.AsyncClient) -> None:
    text = (await browser.get('/kit/listing?q="><script>alert(1)</script>')).text

    assert "<script>alert" not in text
    assert "&#34;&gt;&lt;script&gt;" in text


BROKEN = "This file is NOT complete: something went wrong after {rows} rows. Take it again."
ENGLISH, CHINESE = formats_of("en", "Asia/Shanghai"), formats_of("zh", "Asia/Shanghai")
AT = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "english", "chinese", "in_a_file"),
    [
        (1234567, "1,234,567", "1,234,567", "1234567"),
        (-5, "-5", "-5", "-5"),
        (Decimal("1234.50"), "1,234.5", "1,234.5", "1234.50"),
        (Money(-1999, "CNY"), "-CN¥19.99", "-¥19.99", "-19.99"),
        (Money(1999, "JPY"), "¥1,999", "JP¥1,999", "1999"),
        (AT, "Nov 21, 2026 04:30", "2026年11月21日 04:30", "2026-11-20T20:30:00+00:00"),
        (date(2026, 2, 3), "Feb 3, 2026", "2026年2月3日", "2026-02-03"),
        (Link("<b>Mei</b>", "/m?a=1&b=2"), "&lt;b&gt;Mei&lt;/b&gt;", "&lt;b&gt;Mei&lt;/b&gt;", "<b>Mei</b>"),
        (Badge("Gold", "warning"), "Gold", "金卡", "Gold"),
        (Code("+86"), "+86", "+86", "'+86"),
        ("@SUM(A1)", "@SUM(A1)", "@SUM(A1)", "'@SUM(A1)"),
        ("-1+1", "-1+1", "-1+1", "'-1+1"),
        ("\t=1", "\t=1", "\t=1", "'\t=1"),
        ("\r=1", "\r=1", "\r=1", "'\r=1"),
        ("\n=1", "\n=1", "\n=1", "'\n=1"),
        ("＝1", "＝1", "＝1", "'＝1"),
        ("\uff1d1+1", "\uff1d1+1", "\uff1d1+1", "'\uff1d1+1"),
        (" \u3000=1+1", " \u3000=1+1", " \u3000=1+1", "' \u3000=1+1"),
        ("1 - 1 = 0", "1 - 1 = 0", "1 - 1 = 0", "1 - 1 = 0"),
        (None, "–", "–", ""),
        ("", "–", "–", ""),
    ],
)
def test_a_value_looks_as_its_type_says(value: Cell, english: str, chinese: str, in_a_file: str) -> None:
    def words(shown: object) -> str:
        return re.sub(r"<[^>]+>", "", str(shown))

    assert (words(render_cell(value, ENGLISH)), words(render_cell(value, CHINESE))) == (english, chinese)
    assert csv_cell(value, ENGLISH) == in_a_file


@pytest.mark.parametrize("sign", "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b")
@pytest.mark.parametrize("before", ["", " ", "\n", "\t", "\r\n", *"\xa0\u200b\ufeff\x00\u202e", "\u3000 \n"])
def test_no_text_of_a_file_is_a_formula(sign: str, before: str) -> None:
    text = f"{before}{sign}1+1"

    assert [csv_cell(cell, ENGLISH) for cell in (text, Code(text), Link(text, "/"))] == [f"'{text}"] * 3


def _numbered(most: int, *, by_cursor: bool, breaks_at: int | None = None) -> Callable[[Wanted], Awaitable[Slice]]:
    async def fetch(wanted: Wanted) -> Slice:
        first = int(wanted.after or 0) if by_cursor else wanted.offset
        last = min(first + wanted.limit, most)
        if breaks_at is not None and last >= breaks_at:
            raise ConnectionError
        rows = list(range(first, last))
        return Slice(rows, after=str(last) if last < most else None) if by_cursor else Slice(rows, total=most)

    return fetch


def _file(fetch: Callable[[Wanted], Awaitable[Slice]], formats: Formats = ENGLISH, most_rows: int = 10_000) -> CsvFile:
    listing = Listing(name="numbers", columns=(Column("number", mark("Number"), lambda row: row),))
    return CsvFile(listing.wanted(MultiDict()), fetch, formats, most_rows)


async def _lines(file: CsvFile) -> list[str]:
    return [line.strip() async for line in file.lines()][1:]


@pytest.mark.parametrize("by_cursor", [True, False])
@pytest.mark.parametrize("most", [0, 1, 999, 1_000, 1_001, 3_500, 10_000])
async def test_a_file_holds_every_row_once(most: int, by_cursor: bool) -> None:  # noqa: FBT001 - a parameter of the test
    file = _file(_numbered(most, by_cursor=by_cursor))

    assert await _lines(file) == [str(n) for n in range(most)]
    assert (file.rows, file.ending) == (most, "complete")


@pytest.mark.parametrize("by_cursor", [True, False])
@pytest.mark.parametrize("most_rows", [1_500, 2_000])
async def test_a_file_that_is_cut_says_so(most_rows: int, by_cursor: bool) -> None:  # noqa: FBT001 - as above
    file = _file(_numbered(3_000, by_cursor=by_cursor), most_rows=most_rows)
    *rows, last = await _lines(file)

    assert rows == [str(n) for n in range(most_rows)]
    assert file.ending == "cut"
    said = f"This file ends here, after {most_rows:,} rows, but there are more. Narrow the list, and take it again."
    assert last.strip('"') == said


async def test_a_file_that_breaks_says_so_in_the_viewer_s_language() -> None:
    file = _file(_numbered(9_000, by_cursor=True, breaks_at=2_500), CHINESE)
    *rows, last = await _lines(file)

    assert len(rows) == 2_000
    assert (file.rows, file.ending) == (2_000, "failed")
    assert last == f'"{in_language(BROKEN, "zh").format(rows="2,000")}"'
    assert in_language(BROKEN, "zh") != BROKEN


def drawn(*columns: Column) -> str:
    listing = Listing(name="acts", columns=columns)
    row = {"what": "A gift", "state": "open", "units": 20, "why": "as agreed", "note": None}
    wanted = listing.wanted(MultiDict())
    shown = Shown(listing=listing, wanted=wanted, slice=Slice([row]), path="/acts", may_export=False)
    return str(shown.body(formats_of("zh", "UTC")))


def test_rows_with_sentences_are_cards_on_a_phone_in_which_labels_stand_before_values() -> None:
    what, state = Column("what", mark("Member"), lambda row: row["what"]), mark("State")
    why = Column("why", mark("Why"), lambda row: row["why"], wraps=True)
    few = drawn(what, Column("units", mark("Points"), lambda row: row["units"]), why)
    many = drawn(
        what,
        Column("state", state, lambda row: row["state"]),
        Column("units", mark("Points"), lambda row: row["units"]),
        Column("note", mark("Note"), lambda row: row["note"]),
        why,
    )

    assert ("data-label" in few, 'class="hover:bg-base-200/70 stacked"' in few) == (False, True)
    assert re.findall(r'data-label="([^"]+)"', many) == [
        in_language(one, "zh") for one in (state, mark("Points"), mark("Note"), mark("Why"))
    ], "the first is the heading of the card"
    assert re.findall(r"max-md:hidden\"><div>(.*?)</div>", many) == ['<span class="text-quiet">–</span>'], (
        "what is empty"
    )
    assert "stacked" not in drawn(what, Column("state", state, lambda row: row["state"])), "without a sentence: a table"
