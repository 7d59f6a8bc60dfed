"""A day at Beichen's by the API, every operation once: carried out, and told in docs/walkthrough.md (`make docs`).

What is told is what was answered, but for ids and instants of the wall clock: those are the same ones each time.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

import httpx

from regulars.engagement import api as engagement
from regulars.engagement.channels.composing import Composer
from regulars.entrypoints.configure import configure, read_programme
from regulars.entrypoints.http import create_app
from regulars.entrypoints.reactions import REACTIONS
from regulars.entrypoints.wiring import web
from regulars.loyalty.api import BOOKS, Configuration, begin_close, expire_due, go_on_closing
from regulars.members.api import gather_waiting
from regulars.platform.auth import service as keys
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.outbox.relay import Relay
from regulars.platform.rollups.service import bring_up_to_date
from regulars.platform.services import Services
from tests.architecture.source import ROOT
from tests.entrypoints.walking_bulk import walk_bulk
from tests.entrypoints.walking_consents import walk_consents
from tests.entrypoints.walking_events import HOOKS, walk_events
from tests.entrypoints.walking_extensions import extensions
from tests.entrypoints.walking_households import walk_households
from tests.entrypoints.walking_merges import walk_merges, walk_proposals
from tests.entrypoints.walking_policies import OPENS, Policies
from tests.entrypoints.walking_transfers import walk_transfers
from tests.entrypoints.walking_whys import walk_whys

PAGE: Final = ROOT / "docs" / "walkthrough.md"
EXAMPLES: Final = ROOT / "src" / "regulars" / "platform" / "http" / "worked_examples.json"
PROGRAMME: Final = ROOT / "docs" / "examples" / "programme.toml"
DIGEST: Final = "c0ffee" + 58 * "0"
# What is drawn each time, or a digest of what is.
SAME: Final = {
    "token": "AZ3gAAAAAHCAAIAAAAAAAAGd4AAAAABwgACAAAAAAAAE…",
    "digest": DIGEST,
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "recomputed": DIGEST,
    **dict.fromkeys(("request_id", "instance"), "req_" + 24 * "0"),
}
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CLEAR: Final = {"getHousehold", "getMember", "lookUpMember", "listMessages", "readExport"}
PRIVACY: Final = ("ready_at", "kept_until", "made_at", "began_at", "at", *HOOKS)
# What this programme clock does not decide.
WALL: Final = ("written_at", "sent_at", "read_at", "asked_at", "due_at", "ended_at", "automatic_at", "schema", *PRIVACY)
_DRAWN: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{12}7[0-9a-f]{19}(?=[0-9a-f]{12}\b|\b)")  # a lot's has 12 more
_FEED: Final = re.compile(r"mAHE[\w-]{20,}")  # snapshots of the database, as the feed writes them
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)")


@dataclass
class Step:
    """One request and its answer. `told` is what a reader should see in it."""

    operation: str
    told: str
    method: str
    path: str
    body: Any
    status: int
    answer: Any
    language: str


@dataclass
class Walk:
    """The way through the API, and what was met on it; by a `transport` of the caller's, if one is given."""

    services: Services
    transport: httpx.AsyncBaseTransport | None = None
    caller: type[httpx.AsyncClient] = httpx.AsyncClient
    steps: list[Step] = field(default_factory=list)
    _ids: dict[str, str] = field(default_factory=dict)
    _client: httpx.AsyncClient = field(init=False)
    _colleague: str = ""

    async def take(self) -> "Walk":
        """Go all of it."""
        await self.clock(timedelta(days=-1))
        await configure(self.services.database, read_programme(PROGRAMME), reason="opening day")
        await self.clock(timedelta())
        async with self.services.database.transaction() as tx:
            _, token = await keys.create_key(tx, label="walkthrough", scopes=["admin"])
            _, self._colleague = await keys.create_key(tx, label="other", scopes=["ledger:approve", "policies:approve"])
        way = self.transport or httpx.ASGITransport(app=create_app(self.services, web(self.services)))
        headers = {"Authorization": f"Bearer {token}", "Regulars-Purpose": "care ticket 5521"}
        async with self.caller(transport=way, base_url="http://api.example", headers=headers) as self._client:
            await self._programme()
            wang = await self._member()
            for part in (self._orders, self._books, self._messages, self._finance, self._privacy):
                await part(wang)
            await Policies(self, self._client, self.services.database).walk()
            await walk_merges(self)
            await walk_households(self)
            await walk_proposals(self, self._client)
            await walk_transfers(self, wang)
            await walk_events(self, self.services.database)
            await walk_bulk(self, self.services, wang)
        return self

    async def clock(self, after: timedelta, *, ticking: bool = False) -> None:
        """Set the programme clock to so long after opening, or before. It stands, so that instants are the same."""
        database = self.services.database
        async with database.transaction() as tx:
            setting = await set_programme_clock(tx.connection, OPENS + after, ticking=ticking)
        database.clock.follow(setting)

    async def ask(
        self,
        operation: str,
        told: str,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - any JSON there is
        *,
        language: str = "en",
    ) -> Any:  # noqa: ANN401 - any JSON there is
        headers = {"Accept-Language": language}
        if method != "GET" and operation != "lookUpMember":
            headers["Idempotency-Key"] = f"step-{len(self.steps) + 1}"
        if operation.startswith(("approve", "refuse")):
            headers["Authorization"] = f"Bearer {self._colleague}"
        which = {"operation": operation}
        answer = await self._client.request(method, path, json=body, headers=headers, extensions=which)
        assert answer.is_success, (operation, answer.status_code, answer.text)
        found = answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text
        self.steps.append(
            Step(
                operation,
                told,
                method,
                self._same_each_time(path),
                self._same_each_time(body),
                answer.status_code,
                self._same_each_time(found),
                language,
            )
        )
        return found

    def _same_each_time(self, part: Any, name: str = "") -> Any:  # noqa: ANN401 - any JSON there is
        if isinstance(part, dict):
            return {key: self._same_each_time(value, key) for key, value in part.items()}
        if isinstance(part, list):
            return [self._same_each_time(value, name) for value in part]
        if not isinstance(part, str):
            return part
        if name in SAME:
            return SAME[name]
        if name in WALL:
            return _INSTANT.sub("2026-05-20T02:00:00.000000Z", part) if name != "schema" else "0000"
        return _DRAWN.sub(
            lambda found: self._ids.setdefault(found[0], f"019de0000000700080000000{len(self._ids) + 1:08x}"),
            _UUID.sub("019de000-0000-7000-8000-000000000000", _FEED.sub("mAHEAJMBAQCQwAAAAMQA", part)),
        )

    async def _programme(self) -> None:
        ask = self.ask
        await ask("getHealth", "The process is alive.", "GET", "/health")
        await ask("getReadiness", "It may be used; its programme clock says when it is.", "GET", "/ready")
        await ask("listMarkets", "One market, with its currency and time zone.", "GET", "/v1/markets")
        await ask("listWallets", "Points are spent; growth decides the tier.", "GET", "/v1/wallets")
        await ask("listPolicies", "What a purchase earns, and what a tier asks.", "GET", "/v1/policies")
        hangzhou = {"market": "CN", "name": "北辰 湖滨路店"}
        await ask("putStore", "A new shop opens in Hangzhou.", "PUT", "/v1/stores/hubin-road", hangzhou)
        await ask("getStore", "There it is.", "GET", "/v1/stores/hubin-road")
        await ask("listStores", "All shops, page by page.", "GET", "/v1/stores?limit=2")

    async def _member(self) -> str:
        ask, mobile = self.ask, {"kind": "phone", "value": "138 0013 8000"}
        signed_up = await ask(
            "signUpMember",
            "Wang Fang signs up in Nanjing Road, by her phone number. The market says how to read it.",
            "POST",
            "/v1/members",
            {"market": "CN", "channel": "store", "identities": [mobile]},
        )
        member = f"/v1/members/{signed_up['member_id']}"
        await ask(
            "lookUpMember",
            "Any channel finds her by it, written as it may be.",
            "POST",
            "/v1/members/lookup",
            {"kind": "phone", "value": "+86 138-0013-8000", "market": "CN"},
        )
        await ask(
            "addIdentity",
            "She can be found by her address as well.",
            "POST",
            f"{member}/identities",
            {"kind": "email", "value": "wang.fang@example.com"},
        )
        card = {"kind": "card", "value": "BC-000123"}
        wrong = await self._client.post(f"{member}/identities", json=card, headers={"Idempotency-Key": "card"})
        await ask(
            "removeIdentity",
            "A lost card no longer finds her. The last identity of a member cannot be removed.",
            "DELETE",
            f"{member}/identities/{wrong.json()['identity_id']}",
        )
        await ask(
            "changeProfile",
            "She tells her name and birthday. They are kept encrypted, under a key of her own.",
            "PATCH",
            f"{member}/profile",
            {"given_name": "芳", "family_name": "王", "birthday": {"month": 5, "day": 20}, "language": "zh-CN"},
        )
        await walk_consents(self.services, ask, member)
        await ask(
            "getMember", "A key with `members:personal` reads her data in the clear, and says why.", "GET", member
        )
        return str(signed_up["member_id"])

    async def _orders(self, wang: str) -> None:
        ask = self.ask
        lines = [
            {"line_id": "1", "sku": "kettle", "amount": {"amount_minor": 89_900, "currency": "CNY"}},
            {"line_id": "2", "sku": "tea", "quantity": "3", "amount": {"amount_minor": 30_000, "currency": "CNY"}},
        ]
        order = {
            "member_id": wang,
            "state": "paid",
            "channel": "online",
            "market": "CN",
            "total": {"amount_minor": 119_900, "currency": "CNY"},
            "lines": lines,
        }
        await ask(
            "putOrder",
            "She buys online. The effects say what it did: points that are available when the return window closes, "
            "growth that lifts her to Silver at once. `explain` adds every rule's verdict; `dry_run` would only try.",
            "PUT",
            "/v1/orders/web-1001?explain=true",
            order,
        )
        await self.clock(timedelta(days=2))
        await ask(
            "returnOrder",
            "Two days later one of the three packets of tea comes back, in another shop. What remains is settled anew.",
            "POST",
            "/v1/orders/web-1001/returns",
            {"return_id": "R-17", "store_id": "chunxi-road", "lines": [{"line_id": "2", "quantity": "1"}]},
        )
        await self._tell(timedelta(days=2))
        await ask("getOrder", "The order as it stands, line by line.", "GET", "/v1/orders/web-1001")
        await ask("getOrderLineage", "Everything that it caused.", "GET", "/v1/orders/web-1001/lineage")
        small = {"amount_minor": 5_900, "currency": "CNY"}
        guest = {
            "state": "paid",
            "channel": "store",
            "store_id": "nanjing-road",
            "market": "CN",
            "total": small,
            "lines": [{"sku": "cup", "amount": small}],
        }
        assert (await self._client.put("/v1/orders/till-7-0042", json=guest)).is_success
        await ask(
            "claimOrder",
            "She forgot to show her card for a cup: within 30 days the order becomes hers.",
            "POST",
            "/v1/orders/till-7-0042/claim",
            {"member_id": wang},
        )
        await ask("listOrdersOfMember", "Her orders.", "GET", f"/v1/members/{wang}/orders?limit=1")

    async def _books(self, wang: str) -> None:
        ask, member = self.ask, f"/v1/members/{wang}"
        await self.clock(timedelta(days=19))
        await ask(
            "accrue",
            "A present for her birthday. Its reference names the fact: it posts once, whoever retries.",
            "POST",
            f"{member}/accruals",
            {"amount": 200, "reason": "Birthday", "reference": "birthday:2026"},
        )
        await ask(
            "accrueBatch",
            "The same for many members; each row is decided on its own.",
            "POST",
            "/v1/accruals/batch",
            {"accruals": [{"member_id": wang, "amount": 50, "reference": "may-day:2026", "reason": "May Day"}]},
        )
        await ask(
            "redeem",
            "She spends points at a partner's. The soonest to expire go first.",
            "POST",
            f"{member}/redemptions",
            {"amount": 300, "reason": "Café Yunhe", "reference": "partner:yunhe:881"},
        )
        await ask(
            "adjust",
            "Somebody corrects a mistake, and says why.",
            "POST",
            f"{member}/adjustments",
            {"amount": -50, "reason": "May Day was counted twice", "reference": "care:5521"},
        )
        await self._corrections(member)
        await extensions(self, self._client, member)
        await self._holds(member)
        await ask("getWallets", "What she has, and what is pending.", "GET", f"{member}/wallets")
        await ask("listLots", "What her points are made of.", "GET", f"{member}/lots")
        await ask(
            "getStatement",
            "Each movement with its reason, in the language asked for.",
            "GET",
            f"{member}/statement?limit=4",
            language="zh",
        )
        await ask("getTier", "Her tier, why she has it, and what is missing for the next.", "GET", f"{member}/tier")
        await walk_whys(self, wang)

    async def _finance(self, wang: str) -> None:
        ask, database = self.ask, self.services.database
        async with database.transaction(set_based=True) as tx:
            await bring_up_to_date(tx, BOOKS)
        await ask(
            "getLiability",
            "What members may still spend, month by month: opening, movements, closing, in points and in money.",
            "GET",
            "/v1/finance/liability?wallet=points",
        )
        await ask(
            "getLiabilityAt",
            "The same as the books knew it on another day, and what of it could be spent then.",
            "GET",
            "/v1/finance/liability/at?as_of=2026-05-10T00:00:00%2B08:00&wallet=points&parts=true",
        )
        await self.clock(timedelta(days=32))
        await ask(
            "closeMonth",
            "May is over: nothing is booked into it any more.",
            "POST",
            "/v1/finance/closes",
            {"month": "2026-05", "reason": "Month end"},
        )
        async with database.transaction(set_based=True) as tx:
            await go_on_closing(tx, Configuration())
        await ask(
            "getClose",
            "What began before has ended, and the month is frozen. The digest stands on every transfer of it.",
            "GET",
            "/v1/finance/closes/2026-05",
        )
        await ask("listCloses", "Every closed month.", "GET", "/v1/finance/closes")
        await ask(
            "proveMonth", "Recomputed from the transfers, it is the same.", "GET", "/v1/finance/closes/2026-05/proof"
        )
        await ask(
            "getJournal",
            "May for the bookkeepers, in the text of beancount (`form=csv` for a table): what was there before, each "
            "day's bookings by account, and what must be left, which `bean-check` confirms.",
            "GET",
            "/v1/finance/journals/2026-05",
        )
        await self._summer(wang)
        await ask(
            "getBreakage",
            "A summer later: which share of the points will expire unused, by what became of earlier ones, and what a "
            "point is fairly worth.",
            "GET",
            "/v1/finance/breakage?market=CN",
        )

    async def _summer(self, wang: str) -> None:
        """Three months with a present each that is half used within the month, and expires; each is closed."""
        member, database = f"/v1/members/{wang}", self.services.database
        for month in (6, 7, 8):
            over = datetime.fromisoformat(f"2026-{month + 1:02d}-01T00:00:00+08:00")
            await self.clock(over - timedelta(days=20) - OPENS)
            present = {"amount": 100 * month, "reference": f"summer:{month}", "expires_at": over.isoformat()}
            for what, body in (
                ("accruals", present),
                ("redemptions", {"amount": 50 * month, "reference": f"ice:{month}"}),
            ):
                key = {"Idempotency-Key": f"{what}-{month}"}
                answer = await self._client.post(f"{member}/{what}", json=body, headers=key)
                assert answer.is_success, answer.text
            await self.clock(over - OPENS)
            async with database.transaction(set_based=True) as tx:
                await begin_close(tx, date(2026, month, 1), by="system", reason="")
            async with database.transaction(set_based=True) as tx:
                await go_on_closing(tx, Configuration())
                await expire_due(tx, Configuration(), tx.now)
        await self.clock(timedelta(days=160))
        async with database.transaction(set_based=True) as tx:
            await begin_close(tx, date(2026, 9, 1), by="system", reason="")
        async with database.transaction(set_based=True) as tx:
            await go_on_closing(tx, Configuration())

    async def _corrections(self, member: str) -> None:
        ask, requests = self.ask, f"{member}/adjustment-requests"
        asked = await ask(
            "askAdjustment",
            "A correction that a second person must look at (the policy may say from which amount on) is asked for.",
            "POST",
            requests,
            {"amount": 120, "reason": "Receipt of 4 May was not scanned", "reference": "care:5530"},
        )
        await ask("listAdjustmentRequests", "It waits for somebody else.", "GET", "/v1/adjustment-requests?limit=1")
        await ask(
            "approveAdjustment",
            "Another key approves it: it is posted, once.",
            "POST",
            f"{requests}/{asked['request_id']}/approve",
            {"note": "Seen the receipt"},
        )
        other = await self._client.post(
            requests, json={"amount": 9_000, "reason": "Goodwill"}, headers={"Idempotency-Key": "goodwill"}
        )
        await ask(
            "refuseAdjustment",
            "Another request is refused; nothing is posted.",
            "POST",
            f"{requests}/{other.json()['request_id']}/refuse",
            {"note": "Too much"},
        )

    async def _holds(self, member: str) -> None:
        ask, kept = self.ask, {"amount": 300, "deadline": "2026-06-02T10:00:00Z"}
        placed = await ask(
            "placeHold",
            "She books a tea workshop: 300 points are kept until it begins. They are hers, but not to spend.",
            "POST",
            f"{member}/holds",
            {**kept, "purpose": "Tea workshop on 2 June", "reference": "workshop:118"},
        )
        hold = f"{member}/holds/{placed['hold_id']}"
        await ask("getHold", "What it keeps of which lots.", "GET", hold)
        await ask(
            "postHold",
            "The workshop was cheaper than announced: 250 of them are used, 50 are free again.",
            "POST",
            f"{hold}/post",
            {"amount": 250},
        )
        other = await self._client.post(
            f"{member}/holds", json={**kept, "purpose": "Kite festival"}, headers={"Idempotency-Key": "kites"}
        )
        await ask(
            "voidHold",
            "Another booking is called off. Had nobody said so, the deadline would have ended it.",
            "POST",
            f"{member}/holds/{other.json()['hold_id']}/void",
            {"reason": "Rain"},
        )
        await ask("listHolds", "All of them, the latest first.", "GET", f"{member}/holds?limit=1")

    async def _tell(self, after: timedelta) -> None:
        """Do what the worker does between a fact and its messages. While the clock stands nobody is told anything."""
        await self.clock(after, ticking=True)
        database, vault = self.services.database, self.services.vault
        await Relay(database, REACTIONS).drain()
        async with database.transaction(set_based=True) as tx:
            await Composer(vault, engagement.reachable(self.services.settings)).compose(tx)
        await self.clock(after)

    async def _messages(self, wang: str) -> None:
        told = await self.ask(
            "listMessages", "What she was told.", "GET", f"/v1/members/{wang}/messages?limit=1", language="en"
        )
        await self.ask(
            "markMessagesRead",
            "She has read it.",
            "POST",
            f"/v1/members/{wang}/messages/read",
            {"up_to": told["messages"][0]["message_id"]},
        )

    async def _privacy(self, wang: str) -> None:
        ask, erasure, exports = self.ask, f"/v1/members/{wang}/erasure", f"/v1/members/{wang}/exports"
        export = await ask("askExport", "She wants to see everything we know of her.", "POST", exports)
        await gather_waiting(self.services.database, self.services.vault, ())
        await ask("listExports", "It is there for a week.", "GET", exports)
        await ask(
            "readExport",
            "Table by table; here only what the rooms of members hold. `format=html` gives a page to read.",
            "GET",
            f"{exports}/{export['export_id']}",
        )
        await ask(
            "listPersonalReads", "Who looked at her, and why.", "GET", f"/v1/personal-reads?member_id={wang}&limit=2"
        )
        await ask("getErasure", "She wonders what she would lose if she left for good.", "GET", erasure)
        await ask(
            "askErasure",
            "She wants to be forgotten. For three days she can think again.",
            "POST",
            erasure,
            {"reason": "The member asked for it"},
        )
        await ask("withdrawErasure", "She stays after all.", "DELETE", erasure)
