"""What happened in the photographed programme beside its year: gifts, corrections, holds, merges, looks, an erasure, ….

Most of it is done by the API with the demo's own key, so that each page of it has something to show.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import environ
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any, Final
from uuid import uuid4

import httpx

from regulars.demo.key import KEY_FILE
from regulars.platform.embedded import wait_until_stopped
from tests.photos.walks import Programme, WalkFailed

CLOSED: Final = "2017-01"
LARGEST: Final = 500
APPROVE_ABOVE, ALONE_A_DAY = 200, 300
_A_MINUTE: Final = timedelta(minutes=1)
_PATIENCE_SECONDS: Final = 150
_FORM: Final = re.compile(r'<form method="post" action="/portal/consents".*?</form>', re.DOTALL)
_HIDDEN: Final = re.compile(r'<input type="hidden" name="([\w_]+)" value="([^"]*)"')
_WAITING: Final = "every 1s"  # a page that asks again how far something is
_LETTER: Final = re.compile(r"(/portal/confirm-consent/[\w.-]+)")


def backups_of(home: Path) -> Path:
    """Return the folder of a demo's backups: beside its home."""
    return home.parent / f"{home.name}-backups"


@dataclass
class Deeds:
    """Does things in a demo that runs; `home` is where its key and its data are."""

    here: Programme
    home: Path

    def done(self) -> None:
        """Do everything, and note what there is to photograph."""
        self._policy()
        self._transfers()
        self._corrections()
        self._holds()
        self._merges()
        self._consents()
        self._privacy()
        self._month()
        self._orphan()
        self._imports()
        self._imports_in_pages()
        self._exports_in_pages()
        self._webhook()
        self._backups()

    # --- the API ---

    def ask(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        """Ask for an operation."""
        key = (self.home / KEY_FILE).read_text(encoding="ascii").strip()
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": uuid4().hex}
        url = f"{self.here.address}/v1{path}"
        return httpx.request(method, url, json=body or None, headers=headers, timeout=60)

    def api(self, method: str, path: str, **body: Any) -> Any:  # noqa: ANN401 - whatever the operation answers
        """Return what an operation answers. Raises WalkFailed."""
        answer = self.ask(method, path, body)
        if not answer.is_success:
            raise WalkFailed(f"{method} {path}: {answer.status_code} {answer.text[:400]}")
        return answer.json() if answer.content else None

    def now(self) -> datetime:
        """Return the programme's instant."""
        return datetime.fromisoformat(self.api("GET", f"/members/{self.here.facts['member']}/wallets")["as_of"])

    def sent(self, who: str, path: str, **form: str) -> str:
        """Send a form of the console as somebody; return where it leads. Raises WalkFailed."""
        with self.here.browser(who) as browser:
            answer = browser.post(path, data=form)
            if "location" not in answer.headers:
                raise WalkFailed(f"{path} answers {answer.status_code}")
            return str(answer.headers["location"])

    def joined(self, *, points: int = 0, **identities: str) -> str:
        """Sign somebody up with some points; return their id."""
        told = [{"kind": kind, "value": value} for kind, value in identities.items()]
        made = self.api("POST", "/members", market="US", channel="online", language="en", identities=told)
        if points:
            given = {"amount": points, "reference": uuid4().hex, "reason": "Welcome"}
            self.api("POST", f"/members/{made['member_id']}/accruals", **given)
        return str(made["member_id"])

    # --- what happens ---

    def _policy(self) -> None:
        """Let members give points, and corrections need a second person, if that is not so already."""
        found = self.api("GET", "/policies")
        in_force = next(one for one in found["policies"] if one["version"] == found["in_force"])
        if in_force["transfers"] is not None:
            return
        draft = self.api("POST", "/policy-drafts", name="Members give points to each other")
        policy = {
            **draft["policy"],
            "transfers": {"among": "anyone", "smallest": 10, "largest": LARGEST},
            "adjustments": {"approve_above": APPROVE_ABOVE, "alone_per_day": ALONE_A_DAY, "answer_days": 14},
        }
        path = f"/policy-drafts/{draft['draft_id']}"
        changed = self.api("PUT", path, name=draft["name"], revision=draft["revision"], policy=policy)
        at = (self.now() + _A_MINUTE + timedelta(seconds=5)).isoformat()
        reason = "Agreed with finance"
        self.api("POST", f"{path}/schedule", active_from=at, reason=reason, revision=changed["revision"])
        self._until(lambda: self.api("GET", "/policies")["in_force"] != found["in_force"])

    def _transfers(self) -> None:
        """Give points of several lots, take some back, and let the member get some."""
        facts, address = self.here.facts, f"{uuid4().hex[:8]}@home.example"
        friend = self.joined(points=400, email=address)
        facts["friend"], facts["friend_email"] = friend, address
        path = f"/members/{facts['member']}/transfers"
        for amount, reason in ((60, "Happy birthday"), (25, "For the tea")):
            facts["transfer"] = self.api("POST", path, to=friend, amount=amount, reason=reason)["transfer_id"]
        taken = self.api("POST", path, to=friend, amount=15, reason="A mistake")["transfer_id"]
        self.api("POST", f"{path}/{taken}/reverse", reason="Given to the wrong person")
        self.api("POST", f"/members/{friend}/transfers", to=facts["member"], amount=40, reason="Thank you")

    def _corrections(self) -> None:
        """Ask for corrections: one waits, one is approved, one refused, one was needed for the limit of a day."""
        facts = self.here.facts
        form = f"/console/members/{facts['member']}/correct"
        asked = []
        for amount, reason in (
            ("350", "The receipt of 4 December was not scanned"),
            ("-260", "Booked twice at the till"),
            ("900", "Promised on the telephone"),
        ):
            asked.append(self.sent("care", form, amount=amount, reason=reason, wallet="points", key=uuid4().hex))
        facts["correction"], approved, refused = asked
        self.sent("finance", f"{approved}/approve", note="Seen in the journal of the till")
        self.sent("finance", f"{refused}/refuse", note="Nobody remembers that")
        facts["correction_approved"], facts["correction_refused"] = approved, refused
        other = f"/console/members/{facts['friend']}/correct"
        for _ in range(2):
            facts["correction_of_day"] = self.sent(
                "care", other, amount="180", reason="A voucher that did not print", wallet="points", key=uuid4().hex
            )

    def _holds(self) -> None:
        """Keep points for purposes: one is open, one was used in part, one let go."""
        facts = self.here.facts
        path, deadline = f"/members/{facts['member']}/holds", (self.now() + timedelta(days=14)).isoformat()
        made = [
            self.api("POST", path, amount=amount, purpose=purpose, deadline=deadline, reference=uuid4().hex[:12])[
                "hold_id"
            ]
            for amount, purpose in (
                (30, "Tea workshop on 12 January"),
                (20, "A gift box"),
                (25, "A seat at the tasting"),
            )
        ]
        self.api("POST", f"{path}/{made[1]}/post", amount=15)
        self.api("POST", f"{path}/{made[2]}/void", reason="The tasting was cancelled")
        for name, hold in zip(("hold", "hold_used", "hold_let_go"), made, strict=True):
            facts[name] = f"/console/holds/{facts['member']}/{hold}"

    def _merges(self) -> None:
        """Propose pairs, dismiss one, merge two pairs, undo one of these."""
        facts = self.here.facts
        pairs = []
        for number in range(4):
            phone, email = f"+1202555{uuid4().int % 10_000:04}", f"{uuid4().hex[:8]}@home.example"
            pairs.append((self.joined(points=120, phone=phone), self.joined(points=80 + number, email=email)))
            if number < 2:
                self._named_together(phone=phone, email=email)
        proposed = {
            frozenset(one["members"]): one["proposal_id"]
            for one in self.api("GET", "/merge-proposals?state=open&limit=100")["proposals"]
        }
        open_one, dismissed = (proposed[frozenset(pair)] for pair in pairs[:2])
        self.api("POST", f"/merge-proposals/{dismissed}/dismiss", reason="The card is a relative's")
        facts["proposal"] = f"/console/proposals/{open_one}"
        facts["proposal_dismissed"] = f"/console/proposals/{dismissed}"
        merged = []
        for stays, goes in pairs[2:]:
            made = self.api("POST", f"/members/{stays}/merges", absorb=goes, reason="Signed up twice, says the member")
            merged.append((stays, made["merge_id"]))
        (facts["parted"], undone), (facts["survivor"], facts["merge"]) = merged
        self.api("POST", f"/members/{facts['parted']}/merges/{undone}/undo", reason="Two persons after all")
        facts["twins"] = "/console/members/{}/merge?absorb={}".format(*pairs[0])

    def _named_together(self, **identities: str) -> None:
        """Let a sign-up name values of two members: it is refused, and they may be one person."""
        told = [{"kind": kind, "value": value} for kind, value in identities.items()]
        refused = self.ask(
            "POST", "/members", {"market": "US", "channel": "store", "language": "en", "identities": told}
        )
        if refused.status_code != httpx.codes.CONFLICT:
            raise WalkFailed(f"values of two members: {refused.status_code}")

    def _consents(self) -> None:
        """Let the member agree and take back in the portal; the letter that asks to confirm is read in the outbox."""
        with self.here.browser("member") as browser:
            for form in _FORM.findall(browser.get("/portal/consents").text):
                browser.post("/portal/consents", data={**dict(_HIDDEN.findall(form)), "on": "true"})
            forms = _FORM.findall(browser.get("/portal/consents").text)
            browser.post("/portal/consents", data={**dict(_HIDDEN.findall(forms[-1])), "on": ""})

    def _privacy(self) -> None:
        """Look at somebody with a purpose, gather an export, erase somebody at once, and somebody in three days."""
        facts = self.here.facts
        for who, purpose in (("owner", "A question about the last receipt"), ("care", "Called about points")):
            self.sent(who, f"/console/members/{facts['member']}/reveal", purpose=purpose)
        self.sent("owner", f"/console/members/{facts['member']}/hide")
        path = f"/members/{facts['member']}/exports"
        self.api("POST", path)
        self._until(lambda: self.api("GET", path)["exports"][0]["ready_at"] is not None)
        facts["erased"] = self.joined(points=50, email=f"{uuid4().hex[:8]}@home.example")
        facts["leaving"] = self.joined(points=70, email=f"{uuid4().hex[:8]}@home.example")
        self.api("POST", f"/members/{facts['leaving']}/erasure", reason="The member asked for it")
        erase = [
            "privacy",
            "erase",
            facts["erased"],
            "--reason",
            "The member asked for it",
            "--confirm",
            facts["erased"],
        ]
        environment = {**environ, "REGULARS_HOME": str(self.home), "REGULARS_ERASURE_WAIT_HOURS": "0"}
        command = [sys.executable, "-m", "regulars.entrypoints.cli", *erase]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        self._until(lambda: self.api("GET", f"/members/{facts['erased']}/erasure")["erasure"]["state"] == "carried_out")

    def _month(self) -> None:
        """Close the first month, if it is not closed yet, and wait until it is added up."""
        closed = {one["month"]: one for one in self.api("GET", "/finance/closes")["closes"]}
        if CLOSED not in closed:
            self.sent("finance", f"/console/finance/months/{CLOSED}/close", reason="Month end", confirmation=CLOSED)
        path = f"/finance/closes/{CLOSED}"
        self._until(lambda: self.api("GET", path)["state"] == "closed")

    def _orphan(self) -> None:
        """Begin a draft from a version that is withdrawn since."""
        first = self.api("POST", "/policy-drafts", name="Points run out later in spring")
        path, at = f"/policy-drafts/{first['draft_id']}", (self.now() + timedelta(days=90)).isoformat()
        policy = {**first["policy"], "earning": {**first["policy"]["earning"], "expiry_months": 18}}
        changed = self.api("PUT", path, name=first["name"], revision=first["revision"], policy=policy)
        body = {"active_from": at, "reason": "Agreed in the meeting", "revision": changed["revision"]}
        version = self.api("POST", f"{path}/schedule", **body)["version"]
        draft = self.api("POST", "/policy-drafts", name="What follows on spring", from_version=version)
        self.api("POST", f"/policies/{version}/withdraw", reason="Spring was put off")
        self.here.facts["orphan"] = draft["draft_id"]

    def _imports(self) -> None:
        """Import a file with rows that are refused, one of which nothing comes, and one that is stopped on its way."""
        facts = self.here.facts
        content = (
            f"phone,card,channel\n{_phone()},{_card()},store\n{_phone()},{_card()},online\n"
            f"no number,{_card()},store\n{_phone()},,moon\n"
        )
        body = {"kind": "members", "mapping": {"constants": {"market": "US"}}}
        many = "card,channel\n" + "".join([f"{_card()},store\n" for _ in range(8_000)])
        stopped = self.api("POST", "/imports", **body, name="all members.csv", content=many, dry_run=True)
        path = f"/jobs/{stopped['job_id']}"
        self._until(lambda: self.api("GET", path)["progress"]["done"] > 0)
        self.api("POST", f"{path}/cancel")
        jobs = [
            self.api("POST", "/imports", **body, name="new members.csv", content=content),
            self.api("POST", "/imports", **body, name="old members.csv", content=content, mode="all"),
            stopped,
        ]
        paths = [f"/jobs/{job['job_id']}" for job in jobs]
        self._until(lambda: all(self.api("GET", path)["ended_at"] is not None for path in paths))
        facts["job"], facts["failed_job"], facts["stopped_job"] = (f"/console{path}" for path in paths)

    def _imports_in_pages(self) -> None:
        """Import a file in the console, check another, leave one half sent, and one that cannot be read."""
        facts = self.here.facts
        with self.here.browser("owner") as browser:

            def begun(text: str, name: str) -> str:
                file = {"file": (name, text.encode(), "text/csv")}
                return str(browser.post("/console/imports", data={"kind": "members"}, files=file).headers["location"])

            for fact, name in (
                ("mapped_import", "club evening.csv"),
                ("checked_import", "spring fair.csv"),
                ("done_import", "autumn fair.csv"),
            ):
                path = facts[fact] = begun(_fair(), name)
                if fact != "mapped_import":
                    self._checked(browser, path)
            browser.post(f"{facts['done_import']}/start", data={"mode": "rest"})
            self._until(lambda: _WAITING not in browser.get(facts["done_import"]).text)
            facts["import_job"] = facts["checked_import"].replace("imports", "jobs")
            facts["unread_import"] = begun("phone,phone\n1,2\n", "two phones.csv")
            headers = {"Accept": "application/json"}
            named = {"kind": "orders", "name": "orders of 2025.csv"}
            half = browser.post("/console/imports", data=named, headers=headers).json()["path"]
            for number in (5, 4, 3):
                browser.post(f"{half}/parts/{number}", content=b"x" * 1000)
            facts["half_import"] = half

    def _checked(self, browser: httpx.Client, path: str) -> None:
        """Have a file checked as the page suggests to read it."""
        page = browser.get(f"{path}/mapping").text
        sent = dict(re.findall(r'<input type="hidden" name="(name\.\d+)" value="([^"]*)"', page))
        for field, options in re.findall(r'<select name="([\w.]+)".*?>(.*?)</select>', page, re.DOTALL):
            sent[field] = next(iter(re.findall(r'value="([^"]*)" selected', options)), "")
        constants = {"constant.market": "US", "constant.channel": "store", "time_zone": "America/New_York"}
        browser.post(f"{path}/mapping", data={**sent, **constants, "delimiter": ";", "act": "check"})
        self._until(lambda: _WAITING not in browser.get(path).text)

    def _exports_in_pages(self) -> None:
        """Export members with their names, orders of a store, and stores, of which the file is deleted again."""
        facts = self.here.facts
        members = {"which": "all", "columns": ["display_name", "phone"], "purpose": "Ticket 4711"}
        with self.here.browser("owner") as browser:

            def begun(kind: str, **sent: object) -> str:
                answer = browser.post("/console/exports", data={"kind": kind, "which": "all", **sent})
                if "location" not in answer.headers:
                    raise WalkFailed(f"an export of {kind} answers {answer.status_code}")
                path = str(answer.headers["location"])
                self._until(lambda: _WAITING not in browser.get(path).text)
                return path

            facts["deleted_export"] = begun("stores")
            browser.post(f"{facts['deleted_export']}/delete")
            facts["export"] = begun("tiers")
            facts["export_job"] = facts["export"].replace("exports", "jobs")
            facts["personal_export"] = begun("members", **members)

    def _webhook(self) -> None:
        """Let a receiver take two events and break at the third."""
        taken = iter((200, 200))

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                status = next(taken, 503)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"" if status == HTTPStatus.OK else b"upstream connect error: the shop is down")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            facts = self.here.facts
            webhook, delivery = self.here.hooked(f"http://127.0.0.1:{server.server_port}/hooks")
            for _ in range(2):
                self._until_tried(delivery)
                delivery = self.sent("owner", f"{webhook}/test").partition("?")[0]
            self._until_tried(delivery)
        finally:
            server.shutdown()
        facts["webhook"], facts["delivery"] = webhook, delivery

    def _until_tried(self, delivery: str) -> None:
        path = delivery.removeprefix("/console")
        self._until(lambda: self.api("GET", path)["attempts"])

    def _backups(self) -> None:
        """Have two copies of the database: the newest restored elsewhere, the other damaged."""
        if any(self.backups.glob("*/bases/*.restored")):
            return  # kept from an earlier round
        self._until(lambda: self._command("backup", "list")["backups"])
        self._command("backup")
        oldest, *_, newest = (one["base"]["name"] for one in self._command("backup", "list")["backups"])
        with tempfile.TemporaryDirectory(dir=self.home.parent) as folder:
            self._command("restore", "--backup", newest, "--home", f"{folder}/home", "--keys", str(self.home))
            wait_until_stopped(Path(folder) / "home", _PATIENCE_SECONDS)
        (damaged,) = self.backups.glob(f"*/bases/{oldest}/base.tar*")
        content = bytearray(damaged.read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
        self._command("backup", "verify")

    def _command(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the command prints
        environment = {**environ, "REGULARS_HOME": str(self.home), "REGULARS_BACKUP_FOLDER": str(self.backups)}
        command = [sys.executable, "-m", "regulars.entrypoints.cli", *arguments, "--json"]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, timeout=600)
        return json.loads(done.stdout)

    @property
    def backups(self) -> Path:
        """Where the copies of the database are."""
        return backups_of(self.home)

    @staticmethod
    def _until(is_so: Callable[[], bool]) -> None:
        began = monotonic()
        while not is_so():
            if monotonic() - began > _PATIENCE_SECONDS:
                raise WalkFailed("what was waited for did not come")
            sleep(0.2)


def _phone() -> str:
    return f"202 555 {uuid4().int % 10_000:04}"


def _card() -> str:
    return f"NC{uuid4().int % 10**9:09}"


def _fair() -> str:
    """Return a file as a fair brings it: two rows that are right, and two that are not."""
    return (
        "Mobile;E-mail;Kartennummer;Joined;Note\n"
        f"{_phone()};{uuid4().hex[:6]}@home.example;{_card()};01.05.2016;from the fair\n"
        f"{_phone()};;{_card()};02.05.2016;\n"
        f"no number;;{_card()};03.05.2016;asked to be called\n"
        f"{_phone()};;{_card()};31.06.2016;\n"
    )
