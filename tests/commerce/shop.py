"""A shop that sends orders over HTTP, a programme clock that is told, and a look into the tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Line, PutOrder, ReturnLine, ReturnOrder
from regulars.commerce.routes import routes
from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.loyalty.policy.contracts import Policy, TierPolicy, TierRule
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, SignUp
from regulars.platform.auth import service as auth
from regulars.platform.clock import ClockSetting
from regulars.platform.db.database import Database
from regulars.platform.ids import derived_id, new_id, public_id
from regulars.platform.markets.contracts import Market, PrivacyRegime
from regulars.platform.markets.service import define_market
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault

Json = Any  # what JSON holds, and what a builder passes on
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MATURE = NOW + 7 * DAY
EXPIRES = datetime(2027, 3, 31, 16, tzinfo=UTC)  # midnight in Shanghai, after the 12th month that follows March 2026
CN = Market(
    code="CN",
    country="CN",
    currency="CNY",
    time_zone="Asia/Shanghai",
    language="zh-CN",
    privacy_regime=PrivacyRegime.PIPL,
)
US = Market(
    code="US",
    country="US",
    currency="USD",
    time_zone="America/New_York",
    language="en",
    privacy_regime=PrivacyRegime.CCPA,
)
STORES = (
    commerce.Store("367", "CN", "Nanjing Road"),
    commerce.Store("406", "CN", "Wudaokou"),
    commerce.Store("9", "US", "Broadway"),
)
POLICY = Policy(
    tier=TierPolicy(
        tiers=(
            TierRule(code="regular", threshold=0),
            TierRule(code="silver", threshold=1_000),
            TierRule(code="gold", threshold=2_500, multiplier=2),
            TierRule(code="diamond", threshold=5_000, multiplier=3),
        )
    )
)
SCOPES = ("orders:read", "orders:write", "stores:write")
BOOKS = {
    "order_keys": "*",
    "orders": "*",
    "order_lines": "*",
    "order_returns": "*",
    "guest_orders": "*",
    "stores": "*",
    "ledger_transfers": "member_id, seq, kind, amount, reference, debt_change, effective_at, recorded_at",
    "lots": "*",
    "lot_uses": "*",
    "settlements": "*",
    "tier_changes": "*",
    "member_wallets": "*",
    # An empty book is the member's lock, opened when first needed, by whatever comes of that.
    "member_books WHERE next_seq > 1": "member_id, next_seq, tier, window_sum",
    "outbox": "type, payload",
}


@dataclass(slots=True)
class Shop:
    """A programme with one policy, two markets and three stores, and a client that may send orders."""

    database: Database
    vault: Vault
    home: Path
    client: httpx.AsyncClient = field(init=False)
    rules: commerce.Commerce = field(default_factory=lambda: commerce.Commerce(loyalty.Configuration()))

    async def begin(self) -> "Shop":
        self.at(NOW)
        async with self.database.transaction() as tx:
            for market in (CN, US):
                await define_market(tx, market)
            loyalty.define_standard_wallets(tx)
            await loyalty.activate_policy(tx, POLICY, NOW - 1000 * DAY)
            await commerce.define_stores(tx, STORES)
        self.client = await self.caller(*SCOPES)
        return self

    async def caller(self, *scopes: str) -> httpx.AsyncClient:
        """Return a client of an application of its own, as another process would be."""
        services = Services(Settings(home=self.home), self.database, self.vault)
        async with self.database.transaction() as tx:
            _, token = await auth.create_key(tx, label="test", scopes=scopes)
        app = create_app(services, Web(*routes(services)))
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://test",
            headers={"Authorization": f"Bearer {token}"},
        )

    def at(self, instant: datetime) -> None:
        """Let the programme clock stand."""
        self.database.clock.follow(ClockSetting(instant, instant, ticking=False))

    async def member(self, name: str = "wang", market: str = "CN") -> UUID:
        wish = SignUp(
            market=market,
            identities=(IdentityValue(IdentityKind.EXTERNAL, f"test:{name}"),),
            channel="store",
            member_id=derived_id(NOW, "test", name),
            signed_up_at=NOW - 400 * DAY,
            recorded_at=NOW - 400 * DAY,
        )
        async with self.database.transaction() as tx:
            (member,) = await members.sign_up(tx, self.vault, [wish])
        assert not isinstance(member, Exception), member
        return member.member_id

    async def grant(self, member_id: UUID, points: int, reference: str = "welcome", **more: Json) -> None:
        """Give points that can be spent at once."""
        command = Accrue(member_id=member_id, wallet="points", amount=points, reference=reference, **more)
        async with self.database.transaction() as tx:
            (posting,) = await loyalty.post(tx, self.rules.configuration, [command])
        assert not isinstance(posting, Exception), posting

    async def send(
        self, method: str, path: str, body: Json = None, *, key: str | None = None, language: str = "en"
    ) -> httpx.Response:
        headers = {"Accept-Language": language}
        if key is not None or method == "POST":
            headers["Idempotency-Key"] = key or new_id().hex
        return await self.client.request(method, path, json=body, headers=headers)

    async def put(self, order_id: str, body: dict[str, Any], query: str = "", **more: Json) -> httpx.Response:
        return await self.send("PUT", f"/v1/orders/{order_id}{query}", body, **more)

    async def back(self, order_id: str, query: str = "", *, key: str | None = None, **body: Json) -> httpx.Response:
        return await self.send("POST", f"/v1/orders/{order_id}/returns{query}", body, key=key)

    async def read(self, path: str) -> Json:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def apply(self, *facts: Json) -> list[Any]:
        """Carry out facts in one batch, past HTTP."""
        async with self.database.transaction(by_keys=True) as tx:
            return await commerce.apply(tx, self.rules, list(facts))

    async def rows(self, text: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as tx:
            return await tx.rows(text, parameters)

    async def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return everything that orders write, to be compared before and after."""
        async with self.database.transaction() as tx:
            return {
                table: sorted(await tx.rows(f"SELECT {columns} FROM {table}"), key=repr)
                for table, columns in BOOKS.items()
            }

    async def faults(self) -> list[str]:
        """Return what commerce's checks find wrong."""
        async with self.database.transaction() as tx:
            return [str(problem) for check in commerce.checks() for problem in (await check.run(tx)).problems]

    async def points(self, member_id: UUID) -> tuple[int, int, int]:
        """Return (available, pending, debt) now."""
        async with self.database.transaction() as tx:
            (wallet,) = [each for each in await loyalty.balances(tx, member_id, tx.now) if each.wallet == "points"]
        return wallet.available, wallet.pending, wallet.debt

    async def tier(self, member_id: UUID) -> tuple[str, int]:
        """Return the tier and the growth in the window now."""
        found = await self.rows("SELECT tier, window_sum FROM member_books WHERE member_id = %s", (member_id,))
        return POLICY.tier.tiers[found[0][0]].code, found[0][1]


def money(amount_minor: int, currency: str = "CNY") -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}


def line(sku: str, amount_minor: int, quantity: Json = 1, **more: Json) -> dict[str, Any]:
    return {"sku": sku, "amount": money(amount_minor), "quantity": quantity, **more}


def order(member_id: UUID | None, *lines: dict[str, Any], state: str = "paid", **more: Json) -> dict[str, Any]:
    """Return an order's body; its total is the sum of its lines."""
    body = {
        "state": state,
        "channel": "store",
        "store_id": "367",
        "market": "CN",
        "total": money(sum(each["amount"]["amount_minor"] for each in lines)),
        "lines": list(lines),
    }
    if member_id is not None:
        body["member_id"] = public_id("mbr", member_id)
    return body | more


def put(member_id: UUID | None, order_id: str, amounts: Sequence[int], **more: Json) -> PutOrder:
    """Return a paid order as a fact; each line has the quantity 2."""
    values: dict[str, Any] = {
        "order_id": order_id,
        "member_id": member_id,
        "state": "paid",
        "channel": "store",
        "store_id": "367",
        "market": "CN",
        "currency": "CNY",
        "total_minor": sum(amounts),
        "lines": tuple(Line(str(n), f"sku{n}", 2000, amount) for n, amount in enumerate(amounts, 1)),
    }
    return PutOrder(**(values | more))


def back(order_id: str, return_id: str, *lines: tuple[str, int | None], **more: Json) -> ReturnOrder:
    """Return a return as a fact; without lines everything left."""
    parts = tuple(ReturnLine(line_id, milli) for line_id, milli in lines) or None
    return ReturnOrder(order_id=order_id, return_id=return_id, lines=parts, **more)


def effects(answer: httpx.Response) -> dict[str, Any]:
    """Return what an answer's effects did, by type."""
    assert answer.status_code in {200, 201}, answer.text
    return {
        each["type"]: {key: value for key, value in each.items() if key != "type"} for each in answer.json()["effects"]
    }


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Return status, code and pointer of a refusal."""
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    errors = document.get("errors", [])
    return answer.status_code, document["code"], errors[0]["pointer"] if errors else None
