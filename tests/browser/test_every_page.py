"""Every page that the access matrix lists, in its states, looked at by axe; a new page is among them by itself.

With data, empty and narrowed to nothing, refused (401, 403, 404, 409, 422) and broken; light and dark, on a phone and
at a desk, in English and in Chinese. The gallery has a test of its own.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec import structs
from playwright.sync_api import APIResponse, Browser, Page, Response
from playwright.sync_api import Error as BrowserError

from regulars.platform.auth.staff.contracts import How, NewAccount, Status
from regulars.platform.auth.staff.limits import terms_of
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.auth.staff.service import invite
from regulars.platform.auth.staff.sessions import open_session
from regulars.platform.auth.staff.store import UPDATE_SECRETS
from regulars.platform.db.database import Database
from regulars.platform.ids import new_id
from regulars.platform.settings import Settings
from tests.browser.addresses import Place, ids_of, places
from tests.browser.chromium import QUIET, Look, Visit, visiting
from tests.browser.club import Club, elsewhere, holds
from tests.browser.walking import Walk
from tests.web.counter import HERE

NARROWED = "nothing is called like this"
PHONE, DESK = 390, 1440
# At a desk in English, on a phone in Chinese, each whole and then its colours in the dark.
TURNS = {
    "en": (Look(DESK, "light", "en"), Look(DESK, "dark", "en")),
    "zh": (Look(PHONE, "light", "zh"), Look(PHONE, "dark", "zh")),
}
_HIDDEN = re.compile(r'<input type="hidden"[^>]*>')
REFUSED = {400, 401, 403, 404, 409, 422, 429, 500}
MEMBERS = {"en": ("wang", "li"), "zh": ("xu", "lin")}


@dataclass
class Round:
    """One browser that goes round all pages in one language, with whatever opens them."""

    visit: Visit
    walks: tuple[Walk, ...]
    opened: int = 0

    def look(self, path: str, name: str = "") -> bool:
        """Open a page and look at it through each eye; whether it was a page."""
        try:
            answer = self.visit.page.goto(self.visit.address + path)
        except BrowserError as refusal:
            if "Download is starting" in str(refusal):  # a file is no page
                return False
            raise
        if not is_page(answer):
            return False
        self.see(name or path)
        return True

    def see(self, name: str) -> None:
        """Look at the page as it stands."""
        self.opened += 1
        page = self.visit.page
        for walk in self.walks:
            page.emulate_media(color_scheme="dark" if walk.look.theme == "dark" else "light", reduced_motion="reduce")
            page.set_viewport_size({"width": walk.look.width, "height": 900})
            walk.at(file_name(name), colours_only=walk.look.theme == "dark")

    def found(self) -> list[str]:
        """Return what was found, by every eye."""
        return [f"{walk.look.name}: {finding}" for walk in self.walks for finding in walk.found]


def is_page(answer: Response | APIResponse | None) -> bool:
    """Whether it is a whole page, neither a file nor a part of a page that htmx asks for."""
    if answer is None or "text/html" not in answer.headers.get("content-type", ""):
        return False
    return answer.text().lstrip()[:9].lower() == "<!doctype"


def file_name(path: str) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in path)[:100].strip("-") or "door"


def keys(club: Club, who: str, language: str, *, new: bool = False) -> dict[str, str]:
    """Return the cookies that open pages of a kind."""
    if who == "staff":
        return {"staff": club.staff(Role.OWNER, language)}
    if who == "member":
        return {"member": club.member(MEMBERS[language][new])}
    return {"device": club.device} if who == "device" else {}


@pytest.fixture(params=["en", "zh"])
def go_round(
    request: pytest.FixtureRequest, chromium: Browser, club: Club, pictures: Path
) -> Iterator[tuple[str, Callable[..., Round]]]:
    """Give the language, and what begins a round with the cookies it is given; at the end nothing was found."""
    language: str = request.param
    turns = TURNS[language]
    began, rounds = time.monotonic(), []
    with visiting(chromium, club.address, turns[0], bypass_csp=True) as visit:
        visit.expected_statuses = REFUSED

        def begin(**cookies: str) -> Round:
            # A page that asks again by itself would be sent to sign in meanwhile.
            if not visit.page.url.endswith(QUIET):
                visit.open(QUIET)
            visit.page.context.clear_cookies()
            holds(visit, **cookies)
            rounds.append(Round(visit, tuple(Walk(visit, pictures, look) for look in turns)))
            return rounds[-1]

        yield language, begin
        print(f"{sum(one.opened for one in rounds)} pages in {time.monotonic() - began:.0f} s")  # noqa: T201 - shown by -s
        found = sorted({finding for one in rounds for finding in one.found()})
        assert found == [], "\n".join(found)


@pytest.mark.parametrize("who", ["staff", "member", "device", "anybody"])
def test_every_page_with_data(club: Club, go_round: tuple[str, Callable[..., Round]], who: str) -> None:
    language, begin = go_round
    tour = begin(**keys(club, who, language))
    ids = own_ids(club, language) if who == "member" else ids_of(club)
    for place in places(ids):
        if (
            place.who == who
            and not place.path.startswith("/kit")
            and tour.look(place.path)
            and tour.visit.page.locator("input[name=q]").count()
        ):
            tour.look(f"{place.path}?q={NARROWED}")
    assert tour.opened >= 7


def own_ids(club: Club, language: str) -> dict[str, str]:
    """Return ids of what is the member's own in this language."""
    return ids_of(club) | ({"order_id": "XU000-00001", **club.own["xu"]} if language == "zh" else {})


def test_every_page_of_who_is_new(club: Club, go_round: tuple[str, Callable[..., Round]]) -> None:
    language, begin = go_round
    tour = begin(**keys(club, "member", language, new=True))
    for place in places(ids_of(club)):
        if place.who == "member":
            tour.look(place.path, f"new-{place.path}")
    assert tour.opened >= 8


def test_every_page_of_an_empty_programme(
    chromium: Browser, address: str, product_database_url: str, pictures: Path
) -> None:
    """Before the first market, member and order: the console says what to do first."""
    look = Look(DESK, "light", "en")
    token = elsewhere(_first_owner(product_database_url))
    with visiting(chromium, address, look, bypass_csp=True) as visit:
        visit.expected_statuses = {404}
        holds(visit, staff=token)
        tour = Round(visit, (Walk(visit, pictures, look),))
        for place in places({"invitation": "x", "stop": "x", "email": "x"}):
            if place.who == "staff" and "{" not in place.address and not place.path.startswith("/kit"):
                tour.look(place.path, f"empty-{place.path}")
    assert tour.opened >= 10
    assert tour.found() == []


async def _first_owner(url: str) -> str:
    async with Database(url, pool_size=1) as database, database.transaction(actor="test") as tx:
        wish = NewAccount(email=f"{new_id().hex}@club.example", name="First", roles=(Role.OWNER,))
        account = (await invite(tx, wish)).account
        tx.write(UPDATE_SECRETS, ("no hash", None, "test", account.staff_id))
        active = structs.replace(account, status=Status.ACTIVE)
        return open_session(tx, active, How.PASSWORD, terms_of(Settings()), browser=HERE).token


def test_every_refusal(club: Club, go_round: tuple[str, Callable[..., Round]]) -> None:
    """Who may not, what is not there, what was forgotten; forms sent as they are, empty.

    Each form is sent; where a page comes back that was not looked at yet, the browser sends the form again, and looks.
    """
    language, begin = go_round
    for who, face in (("staff", "/console"), ("member", "/portal"), ("device", "/store"), ("anybody", "")):
        tour = begin(**keys(club, who, language))
        tour.look(f"{face}/nowhere")
    tour = begin(staff=club.staff(Role.ASSISTANT, language))
    tour.look("/console/staff", "forbidden")
    tour = begin(**keys(club, "device", language))
    tour.look("/store/returns/forgotten")
    seen: set[str] = set()
    for place in places(ids_of(club), "POST"):
        tour = begin(**keys(club, place.who, language))
        refusal = refusal_of(tour.visit, place, language)
        if refusal and refusal not in seen:
            seen.add(refusal)
            tour = begin(**keys(club, place.who, language))
            send_empty(tour.visit.page, place)
            tour.see(f"sent-{place.path}")
    assert len(seen) >= 30


def refusal_of(visit: Visit, place: Place, language: str) -> str | None:
    """Send a form without a field, as a page of this site would; return the page that says what is wrong, if one does.

    Without what is hidden in it: that tells pages apart which nobody can.
    """
    headers = {"Accept": "text/html", "Accept-Language": language, "Sec-Fetch-Site": "same-origin"}
    answer = visit.page.context.request.post(visit.address + place.path, headers=headers, form={}, max_redirects=0)
    return _HIDDEN.sub("", answer.text()) if answer.status >= 400 and is_page(answer) else None


def send_empty(page: Page, place: Place) -> None:
    """Send a form without a field by the browser, from a page of this site: again a page says what is wrong."""
    with page.expect_response(lambda one: one.request.method == "POST") as answered, page.expect_navigation():
        page.evaluate(
            """(path) => {
                const form = Object.assign(document.createElement("form"), { method: "post", action: path });
                document.body.append(form);
                form.submit();
            }""",
            place.path,
        )
    answer: Response = answered.value
    assert answer.status >= 400, place
    assert is_page(answer), place
