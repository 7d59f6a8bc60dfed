"""A programme with points, members and two shops, for the pages of the counter."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from uuid import UUID

import httpx

from regulars.commerce import api as commerce
from regulars.commerce.contracts import DeviceEnrolled, PutOrder
from regulars.commerce.contracts import Line as OrderLine
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.loyalty.policy.contracts import Policy, TierPolicy, TierRule
from regulars.members import api as members
from regulars.members.contracts import (
    Birthday,
    ChangeProfile,
    IdentityKind,
    IdentityValue,
    Member,
    ProfileChange,
    SignUp,
)
from regulars.platform.auth.contracts import Browser
from regulars.platform.db.database import Database
from regulars.platform.markets.service import define_market
from regulars.platform.vault.contracts import Vault
from tests.web.visitors import MARKET, OTHER_STORE, STORE

HERE = Browser(address="127.0.0.1", user_agent="Firefox on Linux")
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
PHONE = "13800138000"
EMAIL = "wang@home.example"
CARD = "RG8000123456"
NAME = "王小明"
POINTS = 1_234


@dataclass
class CounterWorld:
    """What was prepared: `member` has a phone, an address, a card, a name, a birthday today and points."""

    database: Database
    vault: Vault
    member: UUID = field(init=False)
    device: DeviceEnrolled = field(init=False)
    other_device: DeviceEnrolled = field(init=False)
    desk: commerce.Commerce = field(default_factory=lambda: commerce.Commerce(loyalty.Configuration()))

    async def begin(self) -> "CounterWorld":
        """Define the programme, the member and a device in each of two stores."""
        async with self.database.transaction(actor="test") as tx:
            await define_market(tx, MARKET)
            loyalty.define_standard_wallets(tx)
            await loyalty.activate_policy(tx, POLICY, tx.now - timedelta(days=1_000))
            stores = [commerce.Store(STORE, "CN", "Nanjing Road"), commerce.Store(OTHER_STORE, "CN", "Wudaokou")]
            await commerce.define_stores(tx, stores)
        self.member = await self.sign_up(PHONE, EMAIL, CARD)
        async with self.database.transaction() as tx:
            today = tx.now + timedelta(hours=8)
            born = Birthday(month=today.month, day=today.day, year=1990)
            change = ProfileChange(display_name=NAME, birthday=born)
            await members.change_profile(tx, self.vault, ChangeProfile(member_id=self.member, change=change))
        await self.grant(self.member, POINTS)
        self.device, self.other_device = await self.enrol(STORE), await self.enrol(OTHER_STORE)
        return self

    async def sign_up(self, phone: str, email: str, card: str) -> UUID:
        kinds = (IdentityKind.PHONE, IdentityKind.EMAIL, IdentityKind.CARD)
        values = tuple(IdentityValue(kind, value) for kind, value in zip(kinds, (phone, email, card), strict=True))
        async with self.database.transaction() as tx:
            (made,) = await members.sign_up(
                tx, self.vault, [SignUp(market="CN", identities=values, channel="store", store_id=STORE)]
            )
            assert isinstance(made, Member), made
            await members.prove_email(tx, self.vault, made.member_id, email)  # letters go to proved ones only
        return made.member_id

    async def grant(self, member_id: UUID, points: int, why: str = "gift") -> None:
        """Give points that can be spent at once."""
        command = Accrue(member_id=member_id, wallet="points", amount=points, reference=f"{why} {member_id}")
        async with self.database.transaction() as tx:
            (posting,) = await loyalty.post(tx, self.desk.configuration, [command])
        assert not isinstance(posting, Exception), posting

    async def enrol(self, store_id: str, name: str = "Till") -> DeviceEnrolled:
        async with self.database.transaction(actor="test") as tx:
            made = await commerce.make_device_enrolment(tx, self.vault, store_id, name)
            outcome = await commerce.enrol_device(tx, self.vault, made.code, HERE)
        assert isinstance(outcome, DeviceEnrolled)
        return outcome

    async def buy(self, order_id: str, *amounts: int, member_id: UUID | None = None, points: int = 0) -> None:
        """Ring up a paid order past the pages: the lines are named tea, cup, pot and so on, one of each."""
        lines = tuple(
            OrderLine(str(n), name, 1_000, amount)
            for n, (name, amount) in enumerate(zip(("tea", "cup", "pot", "jar"), amounts, strict=False), 1)
        )
        fact = PutOrder(
            order_id=order_id,
            member_id=member_id,
            state="paid",
            channel="store",
            store_id=STORE,
            market="CN",
            currency="CNY",
            total_minor=sum(amounts),
            lines=lines,
            points=points,
        )
        async with self.database.transaction(by_keys=True) as tx:
            (outcome,) = await commerce.apply(tx, self.desk, [fact])
        assert not isinstance(outcome, Exception), outcome

    async def points(self, member_id: UUID) -> tuple[int, int, int]:
        """Return (available, pending, debt) now."""
        async with self.database.transaction() as tx:
            (wallet,) = [one for one in await loyalty.balances(tx, member_id) if one.wallet == "points"]
        return wallet.available, wallet.pending, wallet.debt

    async def card_code(self) -> str:
        """Return a code as the member's phone shows it."""
        return members.still_card_code(self.vault, self.member).code

    async def audited(self, action: str) -> list[tuple[str, str, str, str]]:
        """Return actor, subject, reason and detail of what was logged of an action."""
        async with self.database.transaction() as tx:
            rows = await tx.rows(
                "SELECT actor, subject, reason, detail FROM audit_entries WHERE action = %s ORDER BY entry_id",
                (action,),
            )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


def hidden(page: httpx.Response) -> dict[str, list[str]]:
    """Return the hidden fields of a page."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text):
        if name != "next":
            fields.setdefault(name, []).append(unescape(value))
    return fields


def hidden_of(page: httpx.Response, action: str) -> dict[str, list[str]]:
    """Return the hidden fields of the first form of a page that is sent to an address."""
    found = re.search(rf'<form[^>]* action="{action}[?"].*?</form>', page.text, re.DOTALL)
    assert found is not None, f"no form for {action} in {page.text}"
    return hidden(httpx.Response(200, text=found[0]))


def text_of(page: httpx.Response, marked: str) -> str:
    """Return the text of the element with a data attribute."""
    found = re.search(rf"<(\w+)[^>]* data-{marked}[^>]*>(.*?)</\1>", page.text, re.DOTALL)
    assert found is not None, f"no data-{marked} in {page.text}"
    return unescape(re.sub(r"<[^>]+>", "", found[2])).strip()


def effects_of(page: httpx.Response) -> dict[str, str]:
    """Return what a page says of effects, by kind."""
    found = re.findall(r'<li data-effect="(\w+)"[^>]*>(.*?)</li>', page.text, re.DOTALL)
    return {kind: " ".join(unescape(re.sub(r"<[^>]+>", "", said)).split()) for kind, said in found}


def refused(page: httpx.Response) -> str:
    """Return what a page says in red."""
    found = re.search(r'data-signal="refused"[^>]*>.*?<p[^>]*>(.*?)</p>', page.text, re.DOTALL)
    return unescape(found[1]) if found else ""
