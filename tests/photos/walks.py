"""Signing in as everybody who is needed, by the pages themselves, and finding out what there is to photograph."""

import re
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import httpx
import pyotp

from regulars.demo.people import PEOPLE

PASSWORD: Final = "correct horse battery staple"
ROLES: Final = ("owner", "store-manager", "assistant", "marketer", "community", "care", "finance", "auditor")
MEMBER: Final = PEOPLE[0].email
_SEE_OTHER: Final = 303
_AGENT: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15"
_BROWSER: Final = {
    "Accept": "text/html",
    "Accept-Language": "en-GB,en",
    "User-Agent": _AGENT,
    "Sec-Fetch-Site": "same-origin",
}
_KEY_PAGE: Final = re.compile(r"(/console/keys/ak_\w+)")
_WEBHOOK: Final = re.compile(r"(/console/webhooks/whe_\w+)")
_INVITATION: Final = re.compile(r"(/console/invitation/[\w-]+)")
_MEMBER: Final = re.compile(r'href="/console/members/(mbr_\w+)"')
_STAFF: Final = re.compile(r'href="/console/staff/(stf_\w+)"')
_HOUSEHOLD: Final = re.compile(r'href="(/console/households/hhd_\w+)"')
_MESSAGE: Final = re.compile(r'href="/console/messages/(msg_\w+)"')
_MAIL: Final = re.compile(r'href="/outbox/(msg_\w+)"')
_CODE: Final = re.compile(r'tracking-\[0\.2em\]">(\d+)<')
_DEVICE_CODE: Final = re.compile(r"\b([A-Z0-9]{4}-[A-Z0-9]{4})\b")
_SECRET: Final = re.compile(r"font-mono\">([A-Z2-7]{16,})<")
_HIDDEN: Final = re.compile(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"')


class WalkFailed(Exception):
    """A page did not answer as expected; the text says where."""


@dataclass
class Programme:
    """A running programme: who is signed in, and what is known of it."""

    address: str
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def browser(self, who: str = "nobody") -> httpx.Client:
        """Return the browser of somebody who is signed in, or of nobody."""
        cookies = self.cookies.get(who, {})
        return httpx.Client(base_url=self.address, headers=_BROWSER, cookies=cookies, timeout=60)

    def found(self, pattern: re.Pattern[str], path: str, who: str = "owner") -> str:
        """Return what a pattern finds first on somebody's page. Raises WalkFailed."""
        with self.browser(who) as browser:
            return _first(pattern, browser.get(path))

    def speak(self, who: str, language: str) -> None:
        """Let somebody who is signed in read another language."""
        with self.browser(who) as browser:
            browser.post("/preferences/language", data={"language": language})

    # --- signing in ---

    def staff(self, email: str, password: str) -> dict[str, str]:
        """Sign somebody of staff in by password; return their cookies."""
        with self.browser() as browser:
            answer = browser.post("/console/sign-in", data={"email": email, "password": password})
            return _cookies(answer, browser)

    def invited(self, link: str) -> tuple[dict[str, str], str]:
        """Accept an invitation with a second factor; return the cookies and the secret."""
        with self.browser() as browser:
            secret = self.half_invited(link)
            answer = browser.post(f"{link}/phone", data={"code": pyotp.TOTP(secret).now()})
            return _cookies(answer, browser), secret

    def half_invited(self, link: str) -> str:
        """Choose the password of an invitation; return the secret for the phone."""
        with self.browser() as browser:
            browser.post(link, data={"password": PASSWORD})
            return _first(_SECRET, browser.get(f"{link}/phone"))

    def invite(self, name: str) -> tuple[str, str]:
        """Invite somebody to be an agent of care; return their address and the path of the link."""
        email = f"{uuid4().hex[:6]}@demo.example"
        wish = {"email": email, "name": name, "roles": "care", "language": "en"}
        with self.browser("owner") as browser:
            return email, _first(_INVITATION, browser.post("/console/staff/invite", data=wish))

    def asked(self, identity: str, market: str) -> dict[str, str]:
        """Let a member ask for a code and send it; return the cookies."""
        with self.browser() as browser:
            _cookies(browser.post("/portal/sign-in", data={"identity": identity, "market": market}), browser)
            code = _first(_CODE, browser.get("/outbox"))
            answer = browser.post("/portal/sign-in/code", data={"code": code, "remember": "true"})
            return _cookies(answer, browser)

    def new_member(self, market: str) -> dict[str, str]:
        """Sign somebody up; return their cookies."""
        self.cookies["signing-up"] = self.asked(f"{uuid4().hex[:8]}@home.example", market)
        with self.browser("signing-up") as browser:
            answer = browser.post("/portal/sign-up", data={"name": "林晓", "remember": "true"})
            return _cookies(answer, browser)

    def lives(self, member: str, other: str) -> str:
        """Form a household of two members; return where its page is."""
        with self.browser("owner") as browser:
            reason = "told us at the counter"
            made = browser.post(f"/console/members/{member}/household", data={"reason": reason, "name": "林家"})
            home = made.headers["location"]
            if not home.startswith("/console/households/"):  # they have lived together since an earlier round
                return _first(_HOUSEHOLD, browser.get(f"/console/members/{member}"))
            browser.post(f"{home}/members", data={"member": other, "reason": reason})
            return str(home)

    def drafted(self, name: str) -> tuple[str, str]:
        """Begin a draft of a policy in which Silver asks for less, and have it previewed; return both ids."""
        with self.browser("owner") as browser:
            draft = browser.post("/console/policies", data={"name": name, "version": ""}).headers["location"]
            page = browser.get(draft).text
            sent = dict(re.findall(r'name="([^"]+)" type="text" value="([^"]*)"', page))
            sent |= dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
            sent |= {"tier.qualifying_wallet": "growth", "spending_wallet": "points", "returns.shortfall": "to_debt"}
            browser.post(draft, data={**sent, "tier.review.kind": "none", "tier.tiers.1.threshold": "400"})
            wish = {"draft": draft.rpartition("/")[2], "at": ""}
            preview = browser.post("/console/policies/previews", data=wish).headers["location"]
        return draft.rpartition("/")[2], preview.rpartition("/")[2]

    def hooked(self, url: str) -> tuple[str, str]:
        """Make a webhook of a receiver on this machine, and try it out; return the paths of both pages."""
        with self.browser("owner") as browser:
            form = {"url": url, "description": "The web shop", "types": ["order.paid", "order.returned"]}
            made = browser.post("/console/webhooks", data=form)
            webhook = _first(_WEBHOOK, made)
            return webhook, _sent(browser.post(f"{webhook}/test"))

    def keyed(self) -> str:
        """Make a key for a till, and draw it a second token; return the path of its page."""
        with self.browser("owner") as browser:
            form = {"label": "The till in Harbour Street", "networks": "203.0.113.0/24", "requests_per_second": "50"}
            made = browser.post("/console/keys", data={**form, "scopes": ["orders:write", "members:read"]})
            key = _first(_KEY_PAGE, made)
            browser.post(f"{key}/rotate", data={"overlap_hours": "24"})
            return key

    def device(self, store: str) -> dict[str, str]:
        """Enrol a device of a store; return its cookies."""
        with self.browser("owner") as browser:
            made = browser.post("/console/devices", data={"store_id": store, "name": "Till 1"})
        with self.browser() as browser:
            return _cookies(browser.post("/store/enrol", data={"code": _first(_DEVICE_CODE, made)}), browser)

    # --- at the counter ---

    def rung_up(self, code: str) -> str:
        """Ring an order up for a member; return the path of the receipt."""
        with self.browser("device") as browser:
            till = browser.post("/store/find", data={"code": code})
            where = till.headers.get("location", "")
            form = dict(_HIDDEN.findall((browser.get(where) if where else till).text))
            added = browser.post("/store/till", data={**form, "amount": "42.50", "quantity": "2", "name": "Green tea"})
            hidden = _HIDDEN.findall(added.text)
            lines = {"line": [value for name, value in hidden if name == "line"]}
            form = {name: value for name, value in hidden if name in {"member", "order"}}
            review = browser.post("/store/till/review", data={**form, **lines})
            hidden = _HIDDEN.findall(review.text)
            form = {name: value for name, value in hidden if name in {"member", "order"}}
            done = browser.post("/store/till/confirm", data={**form, **lines, "points": "0"})
            return _sent(done)

    def return_ticket(self, receipt: str) -> str:
        """Begin a return by receipt code; return the path of its page."""
        with self.browser("device") as browser:
            return _sent(browser.post("/store/returns/find", data={"code": order_in(receipt)}))

    def returned(self, ticket: str) -> str:
        """Take everything back; return the path of the page that says so."""
        with self.browser("device") as browser:
            form = dict(_HIDDEN.findall(browser.get(ticket).text))
            review = browser.post(f"{ticket}/review", data={**form, "all": "true"})
            done = browser.post(f"{ticket}/confirm", data=dict(_HIDDEN.findall(review.text)))
            return _sent(done)


def order_in(receipt: str) -> str:
    """Return the order whose receipt a path shows."""
    return receipt.rpartition("/")[2].partition("?")[0]


def begin_demo(address: str, password: str) -> Programme:
    """Sign everybody in who is needed in the demo, and find out what there is."""
    here = Programme(address)
    for role in ROLES:
        here.cookies[role] = here.staff(f"{role}@demo.example", password)
    _begin(here, market="US", store="330")
    here.cookies["member"] = here.asked(MEMBER, "US")
    facts = here.facts
    facts["email"] = MEMBER
    facts["member"] = here.found(_MEMBER, f"/console/members?q={MEMBER}")
    facts["order"] = facts["own_order"] = f"demo-{PEOPLE[0].household}"
    facts["returned_order"] = f"demo-{PEOPLE[1].household}"
    facts["receipt"] = here.rung_up(MEMBER)
    facts["return_ticket"] = here.return_ticket(facts["receipt"])
    other = here.rung_up(MEMBER)
    facts["own_returned_order"] = order_in(other)
    facts["return_done"] = here.returned(here.return_ticket(other))
    facts["message"] = here.found(_MESSAGE, "/console/messages")
    facts["mail"] = here.found(_MAIL, "/outbox", "nobody")
    facts["staff"] = here.found(_STAFF, "/console/staff")
    facts["unheard_webhook"], facts["unheard_delivery"] = here.hooked("http://127.0.0.1:9/hooks")
    facts["key"] = here.keyed()
    facts["household"] = here.lives(facts["member"], facts["new_member"])
    facts["draft"], facts["preview"] = here.drafted("Silver asks for less")
    facts["invitation"] = here.invite("Li Na")[1]
    facts["half_invitation"] = here.invite("Wang Fang")[1]
    here.half_invited(facts["half_invitation"])
    return here


def begin_empty(address: str, invitation: str) -> Programme:
    """Accept the first owner's invitation to a programme in which nothing has happened; sign a first member up."""
    here = Programme(address)
    here.cookies["owner"], _ = here.invited(invitation)
    _begin(here, market="CN", store="nanjing-road")
    return here


def _begin(here: Programme, *, market: str, store: str) -> None:
    here.cookies["nobody"] = {}
    here.cookies["new"] = here.new_member(market)
    here.cookies["signing-up"] = here.asked(f"{uuid4().hex[:8]}@home.example", market)
    here.cookies["device"] = here.device(store)
    here.facts["store"] = store
    here.facts["new_member"] = here.found(_MEMBER, "/console/members?sort=-joined")
    email, link = here.invite("Zhao Yiming")
    here.invited(link)
    here.cookies["with-code"] = here.staff(email, PASSWORD)


def _first(pattern: re.Pattern[str], answer: httpx.Response) -> str:
    found = pattern.search(answer.text)
    if found is None:
        raise WalkFailed(f"{answer.request.url} ({answer.status_code}) shows nothing like {pattern.pattern}")
    return found[1]


def _sent(answer: httpx.Response) -> str:
    if answer.status_code != _SEE_OTHER:
        raise WalkFailed(f"{answer.request.url} answers {answer.status_code}")
    return str(answer.headers["location"])


def _cookies(answer: httpx.Response, browser: httpx.Client) -> dict[str, str]:
    if answer.status_code not in {200, _SEE_OTHER}:
        raise WalkFailed(f"{answer.request.url} answers {answer.status_code}")
    return dict(browser.cookies)
