"""A small programme for the pages of the console: two stores, staff of each role, three members, orders, a return."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx

from regulars.commerce import api as commerce
from regulars.commerce.contracts import (
    Channel,
    Line,
    OrderFact,
    OrderState,
    Payment,
    PutOrder,
    ReturnLine,
    ReturnOrder,
)
from regulars.entrypoints.commands import roll_everything_up
from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.loyalty.policy.contracts import AnniversaryReview, Policy, TierPolicy, TierRule
from regulars.members import api as members
from regulars.members.contracts import ChangeProfile, IdentityKind, IdentityValue, Member, ProfileChange, SignUp
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.clock import ClockSetting
from regulars.platform.errors import DomainError
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.web.visitors import OTHER_STORE, STORE, Visitors

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)  # noon in Shanghai
DAY = timedelta(days=1)
POLICY = Policy(
    tier=TierPolicy(
        tiers=(
            TierRule(code="regular", threshold=0),
            TierRule(code="silver", threshold=1_000),
            TierRule(code="gold", threshold=2_500, multiplier=2),
            TierRule(code="diamond", threshold=5_000, multiplier=3),
        ),
        review=AnniversaryReview(),
    )
)
PAGE = {
    "Accept": "text/html",
    "Accept-Language": "en-GB,en;q=0.9",
    "Sec-Fetch-Site": "same-origin",
}


@dataclass
class Site:
    """The programme, and browsers of its staff. Its clock stands."""

    services: Services
    visitors: Visitors = field(init=False)
    rules: commerce.Commerce = field(default_factory=lambda: commerce.Commerce(loyalty.Configuration()))
    chen: UUID = field(init=False)

    async def begin(self, *, rolled_up: bool = True) -> "Site":
        """Define the programme, and the member Chen with five orders, one of them returned in part."""
        self.at(NOW)
        self.visitors = await Visitors(self.services).begin()
        async with self.services.database.transaction(actor="test") as tx:
            loyalty.define_standard_wallets(tx)
            await loyalty.activate_policy(tx, POLICY, NOW - 1000 * DAY)
        self.chen = await self.member("138 0013 8000", "chen@home.example", at=NOW - 90 * DAY)
        async with self.services.database.transaction(actor="test") as tx:
            change = ProfileChange(display_name="陈思远", given_name="思远", family_name="陈")
            await members.change_profile(tx, self.services.vault, ChangeProfile(member_id=self.chen, change=change))
            welcome = Accrue(
                member_id=self.chen, wallet="points", amount=500, reference="welcome", reason="welcome gift"
            )
            await loyalty.post(tx, self.rules.configuration, [welcome])
        await self.apply(
            self.order("o-1", 80_000, at=NOW - 60 * DAY),
            self.order("o-2", 60_000, at=NOW - 20 * DAY, store_id=OTHER_STORE),
            self.order("o-3", 20_000, at=NOW - 10 * DAY, channel="online", store_id=None),
            self.order("o-4", 15_000, at=NOW - 2 * DAY, points=500),
            self.order("o-5", 9_000, at=NOW - DAY, member_id=self.visitors.members[0], state="placed"),
            ReturnOrder(
                order_id="o-2",
                return_id="r-1",
                lines=(ReturnLine("1", 1000),),
                store_id=OTHER_STORE,
                occurred_at=NOW - 15 * DAY,
                recorded_at=NOW,
            ),
        )
        if rolled_up:
            await roll_everything_up(self.services.database)
        return self

    def at(self, instant: datetime) -> None:
        """Let the programme clock stand."""
        self.services.database.clock.follow(ClockSetting(instant, instant, ticking=False))

    async def member(self, phone: str, email: str, *, at: datetime) -> UUID:
        """Sign somebody up."""
        wish = SignUp(
            market="CN",
            identities=(IdentityValue(IdentityKind.PHONE, phone), IdentityValue(IdentityKind.EMAIL, email)),
            channel="store",
            store_id=STORE,
            signed_up_at=at,
        )
        async with self.services.database.transaction(actor="test") as tx:
            (made,) = await members.sign_up(tx, self.services.vault, [wish])
            assert isinstance(made, Member), made
            await members.prove_email(tx, self.services.vault, made.member_id, email)
        return made.member_id

    def order(
        self,
        order_id: str,
        total: int,
        *,
        at: datetime,
        member_id: UUID | None = None,
        channel: Channel = "store",
        store_id: str | None = STORE,
        state: OrderState = "paid",
        points: int = 0,
    ) -> PutOrder:
        """Return an order of two pieces of tea and the rest in cherries."""
        tea = total // 4
        return PutOrder(
            order_id=order_id,
            member_id=member_id or self.chen,
            state=state,
            channel=channel,
            store_id=store_id,
            market="CN",
            currency="CNY",
            total_minor=total,
            lines=(Line("1", "tea", 2000, tea), Line("2", "cherries", 535, total - tea)),
            occurred_at=at,
            points=points,
            payments=(Payment("card", total - points),),
        )

    async def apply(self, *facts: OrderFact) -> None:
        """Carry facts out one after the other."""
        for fact in facts:
            async with self.services.database.transaction(actor="test", by_keys=True) as tx:
                (outcome,) = await commerce.apply(tx, self.rules, [fact])
            assert not isinstance(outcome, DomainError), outcome

    def path(self, member_id: UUID | None = None) -> str:
        """Return where a member's page is."""
        return f"/console/members/{public_id('mbr', member_id or self.chen)}"

    async def rows(self, text: str) -> list[tuple[object, ...]]:
        """Ask the database."""
        async with self.services.database.transaction() as tx:
            return await tx.rows(text)

    @asynccontextmanager
    async def browsing(self, role: Role, *, language: str = "en") -> AsyncIterator[httpx.AsyncClient]:
        """Give the browser of somebody of staff."""
        cookies = await self.visitors.staff(role)
        kit = web(self.services)
        assert kit.kit is not None
        kit.kit.time_zone = "Asia/Shanghai"
        transport = httpx.ASGITransport(app=create_app(self.services, kit))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://shop.example", headers=PAGE, cookies=cookies
        ) as browser:
            await browser.post("/preferences/language", data={"language": language})
            yield browser
