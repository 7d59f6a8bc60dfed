"""Browsers of the bench: they keep their connection and their cookies, and sign in as people do."""

import re
from html import unescape
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import urlencode

from bench import crowd
from bench.server import HOST, BenchBroken
from regulars.platform.auth.staff.permissions import Role

_SECONDS: Final = 60
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class Browser:
    """One connection; `get` and `post` give the answer's body as it travelled."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=_SECONDS)
        self.cookies: dict[str, str] = {}

    def moved(self, port: int) -> "Browser":
        """Return the same browser, connected to another process."""
        self._connection.close()
        again = Browser(port)
        again.cookies = self.cookies
        return again

    def get(self, path: str, *, compressed: bool = True) -> bytes:
        """Open a page. Raises BenchBroken unless it is there."""
        return self._ask("GET", path, {"Accept-Encoding": "gzip"} if compressed else {}, b"", 200)[1]

    def words(self, path: str) -> str:
        """Return what a page says, as one line."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.text(path))).split())

    def text(self, path: str) -> str:
        """Return a page's HTML."""
        return self.get(path, compressed=False).decode()

    def found(self, path: str, pattern: str) -> str:
        """Return the first group of a pattern in a page's HTML. Raises BenchBroken."""
        return _found(pattern, self.text(path), path)

    def post(self, path: str, status: int = 303, **form: str) -> tuple[str, str]:
        """Send a form; return the page that it leads to, and the body. Raises BenchBroken for another status."""
        sent = urlencode(form).encode()
        answer, body = self._ask("POST", path, {**_FORM, "Sec-Fetch-Site": "same-origin"}, sent, status)
        return answer.headers.get("Location", ""), body.decode()

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes, status: int
    ) -> tuple[HTTPResponse, bytes]:
        brought = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        told = {"Accept": "text/html", "Accept-Language": "en", "Cookie": brought, **headers}
        try:
            self._connection.request(method, path, body, told)
            answer = self._connection.getresponse()
        except ConnectionError:  # the server had enough of waiting for us
            self._connection.close()
            self._connection.request(method, path, body, told)
            answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != status:
            raise BenchBroken(f"{method} {path} was answered with {answer.status}: {content[-700:]!r}")
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, cookie in SimpleCookie(line).items():
                self.cookies[name] = cookie.value
        return answer, content


def sign_in_staff(port: int, role: Role) -> Browser:
    """Sign somebody of staff in by password."""
    browser = Browser(port)
    browser.post("/console/sign-in", email=crowd.staff_email(role), password=crowd.PASSWORD)
    browser.get("/console/account")
    return browser


def sign_in_member(port: int, number: int) -> Browser:
    """Sign a member in by the code that was sent, as the development outbox shows it."""
    browser = Browser(port)
    browser.post("/portal/sign-in", identity=crowd.email(number))
    message = browser.found("/outbox", r'href="(/outbox/msg_\w+)"')
    code = browser.found(message, r"tracking-\[0\.25em\]\">\s*(\d+)\s*<")
    browser.post("/portal/sign-in/code", code=code, remember="true")
    browser.get("/portal")
    return browser


def enrol_device(owner: Browser, port: int, store_id: str) -> Browser:
    """Enrol a shop's device by the code that the console shows."""
    _, page = owner.post("/console/devices", 200, store_id=store_id, name="Till")
    browser = Browser(port)
    browser.post("/store/enrol", code=_found(r"tracking-widest\">([^<]+)<", page, "the code of a device"))
    browser.get("/store")
    return browser


def _found(pattern: str, text: str, where: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise BenchBroken(f"{where} does not show {pattern}")
    return unescape(found[1])
