"""Whatever people are called or type stays a text: on every page, in mails and files, and in a real browser."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, expect

from tests.browser.addresses import ids_of, places
from tests.browser.chromium import Look, visiting
from tests.browser.club import FORMULA, HARM, MARKUP, Club, holds

SIGN = "onerror=alert(1)"  # as a text it may be anywhere, as an attribute nowhere
ASKED = (
    "q",
    "sort",
    "after",
    "before",
    "wallet",
    "state",
    "from",
    "to",
    "store",
    "tier",
    "next",
    "by",
    "member",
    "page",
)
LEADS = frozenset({"href", "src", "action", "formaction", "hx-get", "hx-post", "data"})
FIGURE = re.compile(r"-?\d+(\.\d+)?")


@dataclass
class Read(HTMLParser):
    """A page as a browser reads it: its text, its forms, and what in it could run."""

    harm: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    forms: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        runs = [name for name in given if name.startswith("on")]
        leads = [value for name, value in given.items() if name in LEADS and re.match(r"\s*(javascript|data):", value)]
        if runs or leads or (tag == "script" and "src" not in given) or given.get("src") == "x":
            self.harm.append(self.get_starttag_text() or tag)
        if tag == "form" and given.get("method", "").lower() == "post":
            self.forms.append((given.get("action", ""), {}))
        if tag in {"input", "textarea", "select", "button"} and self.forms and given.get("name"):
            chosen = given.get("type") == "hidden" or tag == "button"
            self.forms[-1][1][given["name"]] = given.get("value", "") if chosen else MARKUP
        self.text.extend(given.values())

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(answer: httpx.Response) -> Read:
    found = Read()
    if "html" in answer.headers.get("content-type", ""):
        found.feed(answer.text)
    return found


@dataclass
class Browsing:
    """Somebody's browser, without a screen."""

    client: httpx.Client
    cookies: dict[str, str]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        headers = {"Cookie": "; ".join(f"rgl_{name}={value}" for name, value in self.cookies.items())}
        return self.client.request(method, path, headers=headers | more.pop("headers", {}), **more)


@pytest.fixture(scope="module")
def browsers(club: Club) -> Iterator[dict[str, Browsing]]:
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
    with httpx.Client(base_url=club.address, headers=headers) as client:
        yield {
            "anybody": Browsing(client, {}),
            "staff": Browsing(client, {"staff": club.staff()}),
            "member": Browsing(client, {"member": club.member("eve")}),
            "device": Browsing(client, {"device": club.harm_device}),
        }


def harmful_ids(club: Club) -> dict[str, str]:
    """Return the ids of what Eve touched."""
    from regulars.platform.ids import public_id

    own = {
        "member_id": public_id("mbr", club.people["eve"]),
        "staff_id": club.ids["harm_staff_id"],
        "order_id": HARM,
        "store_id": "666",
        "return_id": "EVE-R",
        "ticket": club.ids["harm_ticket"],
    }
    return ids_of(club, "eve") | own


def test_no_page_takes_a_name_for_markup(club: Club, browsers: dict[str, Browsing]) -> None:
    """Names, reasons, articles, stores, devices and payments, as they were stored; every page that shows them."""
    shown = []
    for place in places(harmful_ids(club)):
        answer = browsers[place.who].ask("GET", place.path)
        found = read(answer)
        assert answer.status_code < 500 or "broken" in place.path, place.path
        assert found.harm == [], place.path
        assert "{{7*7}}" not in MARKUP or "'49" not in answer.text, place.path
        if SIGN in " ".join(found.text):
            shown.append(place.address)
    assert len(shown) >= SHOWN_AT_LEAST, shown


SHOWN_AT_LEAST = 12


def test_no_page_takes_an_address_for_markup(club: Club, browsers: dict[str, Browsing]) -> None:
    """What stands in an address: parameters, ids, pages that there are not; also as htmx asks for it."""
    asked = urlencode([(name, MARKUP) for name in ASKED])
    for place in places(harmful_ids(club)):
        for headers in ({}, {"HX-Request": "true", "HX-Current-URL": f"{club.address}/{MARKUP}"}):
            answer = browsers[place.who].ask("GET", f"{place.path}?{asked}", headers=headers)
            assert answer.status_code < 500 or "broken" in place.path, place.path
            assert read(answer).harm == [], place.path
    for who, path in (("staff", "/console"), ("member", "/portal"), ("device", "/store"), ("anybody", "")):
        for text in (MARKUP, "%0d%0aSet-Cookie:%20a=b", "..%2f..%2f", "%00", "%ff"):
            answer = browsers[who].ask("GET", f"{path}/{text}")
            assert (answer.status_code, read(answer).harm) == (404, []), (path, text)
            assert "a=b" not in str(answer.headers)


def test_no_page_takes_what_is_typed_for_markup(club: Club, browsers: dict[str, Browsing]) -> None:
    """Every field of every form on every page."""
    tried, turned_away = 0, []
    for place in places(harmful_ids(club)):
        browser = browsers[place.who]
        if place.who == "staff":
            browser.cookies["staff"] = club.staff()  # an act may end it
        for action, fields in read(browser.ask("GET", place.path)).forms:
            if MARKUP not in fields.values() or "sign-out" in action:
                continue
            answer = browser.ask("POST", urljoin(f"{club.address}{place.path}", action), data=fields)
            assert answer.status_code < 500, (place.path, action)
            assert read(answer).harm == [], (place.path, action)
            tried += 1
            if answer.headers.get("location", "").startswith(("/console/sign-in", "/portal/sign-in?", "/store/enrol")):
                turned_away.append((place.path, action))
    assert turned_away == []
    assert tried >= FORMS_AT_LEAST


FORMS_AT_LEAST = 15


def test_no_file_holds_a_formula(club: Club, browsers: dict[str, Browsing]) -> None:
    files, kept = 0, 0
    for place in places(harmful_ids(club)):
        if place.who != "staff":
            continue
        answer = browsers["staff"].ask("GET", f"{place.path}?format=csv")
        if not answer.headers.get("content-type", "").startswith("text/csv"):
            continue
        files += 1
        for row in csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))):
            for cell in row:
                harmless = not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) or FIGURE.fullmatch(cell)
                assert harmless, (place.path, cell)
                kept += FORMULA in cell
    assert files >= 5
    assert kept >= 1


def test_no_script_of_anybody_else_runs(chromium: Browser, club: Club) -> None:
    """Our policy switched off, so that nothing but escaping stands between a name and the browser."""
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    with visiting(chromium, club.address, Look(), bypass_csp=True) as visit:
        holds(visit, staff=club.staff(), member=club.member("eve"), device=club.harm_device)
        visit.page.on("dialog", note)
        for place in places(harmful_ids(club)):
            if place.who == "anybody" and not place.path.startswith("/outbox"):
                continue
            visit.expected_statuses = {404, 409, 422}
            visit.open(place.path)
            assert visit.page.locator("img[src=x]").count() == 0, place.path
        page = visit.open("/console")
        page.keyboard.press("Control+k")
        page.keyboard.type("EVE00")
        expect(page.get_by_role("option")).to_have_count(1)
        page.keyboard.press("Escape")
        page = visit.open("/store/returns")
        page.keyboard.type(HARM)
        page.keyboard.press("Enter")
        expect(page.get_by_text("<script>").first).to_be_visible()
        page = visit.open("/store")
        page.keyboard.type("13700137666")
        page.keyboard.press("Enter")
        expect(page.locator("[data-name]")).to_be_visible()
    assert dialogs == []


def test_the_policy_stops_what_escaping_would_let_through(
    chromium: Browser, club: Club, browsers: dict[str, Browsing]
) -> None:
    """Markup put into the page past all escaping: no handler, no script, no style, nothing from elsewhere."""
    put = """(text) => {
        document.body.insertAdjacentHTML("beforeend", text);
        const one = document.createElement("script");
        one.textContent = "window.ran = true";
        document.body.append(one);
    }"""
    harm = "<img src=/nothing onerror='window.ran = true'><p id=styled style='color: rgb(1, 2, 3)'>x</p>"
    for who, path in (
        ("staff", "/console"),
        ("member", "/portal/points"),
        ("device", "/store"),
        ("", "/portal/sign-in"),
    ):
        with visiting(chromium, club.address, Look()) as visit:
            if who:
                holds(visit, **{who: browsers[who].cookies[who]})
            page = visit.open(path)
            with page.expect_response("**/nothing"):
                page.evaluate(put, harm)
            assert page.evaluate("() => window.ran") is None
            assert page.evaluate("() => getComputedStyle(document.getElementById('styled')).color") != "rgb(1, 2, 3)"
            refused = [said for said in visit.troubles if "Content Security Policy" in said]
            assert len(refused) >= 3, visit.troubles
            visit.troubles = [said for said in visit.troubles if said not in refused and "404" not in said]
