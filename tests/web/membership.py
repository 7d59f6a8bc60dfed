"""Members with a history to look at: one who bought, paid with points and returned a part; one who just joined."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from regulars.commerce import api as commerce
from regulars.commerce.contracts import OrderFact
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.members import api as members
from regulars.members.access.sessions import open_session
from regulars.members.contracts import (
    Birthday,
    ChangeProfile,
    ConsentChannel,
    ConsentGiven,
    Decision,
    IdentityKind,
    IdentityValue,
    Member,
    ProfileChange,
    Purpose,
    SignUp,
)
from regulars.platform.clock import ClockSetting
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.markets.service import define_market
from regulars.platform.services import Services
from tests.commerce.shop import CN, DAY, NOW, POLICY, STORES, back, put
from tests.web.visitors import HERE

LATER = NOW + 2 * DAY


@dataclass
class Membership:
    """A programme since noon of 2 March 2026, UTC (20:00 in Shanghai); the clock stands two days later."""

    services: Services
    rules: commerce.Commerce = field(default_factory=lambda: commerce.Commerce(loyalty.Configuration()))
    wang: UUID = field(init=False)
    li: UUID = field(init=False)

    async def begin(self, policy: loyalty.Policy = POLICY) -> "Membership":
        """Make the programme; Wang has a history, Li has none. Other processes see the same clock."""
        self.at(NOW)
        async with self.services.database.transaction(actor="test") as tx:
            await members.claim_vault(tx, self.services.vault)
            await define_market(tx, CN)
            loyalty.define_standard_wallets(tx)
            await loyalty.activate_policy(tx, policy, NOW - 1000 * DAY)
            await commerce.define_stores(tx, [store for store in STORES if store.market == "CN"])
        self.wang = await self.join("+8613800138000", name="Wang Fang")
        self.li = await self.join("+8613900139000")
        await self._history()
        async with self.services.database.transaction() as tx:
            await set_programme_clock(tx.connection, LATER, ticking=False)
        return self

    def at(self, instant: datetime) -> None:
        """Let the programme clock stand."""
        self.services.database.clock.follow(ClockSetting(instant, instant, ticking=False))

    async def join(self, phone: str, *, name: str = "") -> UUID:
        """Sign somebody up who reads English."""
        vault = self.services.vault
        wish = SignUp(
            market="CN", identities=(IdentityValue(IdentityKind.PHONE, phone),), channel="online", language="en"
        )
        async with self.services.database.transaction(actor="test") as tx:
            (made,) = await members.sign_up(tx, vault, [wish])
            assert isinstance(made, Member), made
            if name:
                change = ProfileChange(display_name=name, birthday=Birthday(month=5, day=1, year=1990))
                await members.change_profile(tx, vault, ChangeProfile(member_id=made.member_id, change=change))
                await members.record_consents(tx, [_consent(made.member_id, Decision.GIVEN, ConsentChannel.SMS)])
                await members.record_consents(tx, [_consent(made.member_id, Decision.WITHDRAWN, ConsentChannel.EMAIL)])
        return made.member_id

    async def grant(self, member_id: UUID, points: int, reason: str, *, expires_at: datetime | None = None) -> None:
        """Give points that can be spent at once."""
        given = Accrue(
            member_id=member_id, wallet="points", amount=points, reference=reason, reason=reason, expires_at=expires_at
        )
        async with self.services.database.transaction(by_keys=True) as tx:
            (posting,) = await loyalty.post(tx, self.rules.configuration, [given])
        assert not isinstance(posting, Exception), posting

    async def send(self, *facts: OrderFact) -> None:
        """Bring orders and returns in."""
        async with self.services.database.transaction(by_keys=True) as tx:
            outcomes: Sequence[object] = await commerce.apply(tx, self.rules, list(facts))
        assert not [one for one in outcomes if isinstance(one, Exception)], outcomes

    async def cookies(self, member_id: UUID) -> dict[str, str]:
        """Return the cookies of a member who has just signed in."""
        async with self.services.database.transaction() as tx:
            return {"rgl_member": (await open_session(tx, member_id, HERE, remember=True)).token}

    async def _history(self) -> None:
        await self.grant(self.wang, 3_000, "Welcome gift")
        await self.send(put(self.wang, "A1", (69_900, 10_100, 20_050), points=2_000))
        self.at(NOW + DAY)
        await self.send(put(self.wang, "A2", (5_000,), channel="online", store_id=None))
        self.at(LATER)
        await self.send(back("A1", "R1", ("2", None), store_id="406"))
        await self.grant(self.wang, 500, "Birthday gift", expires_at=LATER + 10 * DAY)


def _consent(member_id: UUID, decision: Decision, channel: ConsentChannel) -> ConsentGiven:
    return ConsentGiven(
        member_id=member_id,
        purpose=Purpose.MARKETING,
        channel=channel,
        decision=decision,
        wording_version="sign-up-2026-11",
        where="online",
        actor="test",
    )
