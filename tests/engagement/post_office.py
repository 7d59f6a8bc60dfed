"""A shop whose facts become messages: its clock is told, and each step of the way is taken by hand."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import structs

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Line, PutOrder, ReturnLine, ReturnOrder
from regulars.engagement import api
from regulars.engagement.channels.composing import Composer
from regulars.engagement.channels.notices import tell_of_expiry
from regulars.engagement.channels.sending.couriers import Courier
from regulars.engagement.channels.sending.transport import Transport
from regulars.engagement.contracts import Message, MessageChannel
from regulars.entrypoints.reactions import REACTIONS
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.members import api as members
from regulars.members.contracts import ChangeProfile, IdentityKind, IdentityValue, Member, ProfileChange, SignUp
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.errors import DomainError
from regulars.platform.markets.service import define_market
from regulars.platform.outbox.relay import Relay
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import CN, MINUTE, NOW, POLICY, STORES, US

ADDRESS = "wang.fang@example.com"
SOON = NOW + MINUTE


@dataclass
class PostOffice:
    """The verbs of the shop, one transaction each, and what the worker would do after them."""

    database: Database
    vault: LocalVault
    settings: Settings
    rules: commerce.Commerce = field(init=False)
    wall: datetime = field(default_factory=lambda: wall_now() + MINUTE)

    def __post_init__(self) -> None:
        self.rules = commerce.Commerce(loyalty.Configuration())

    @classmethod
    async def open(cls, database: Database, vault: LocalVault) -> "PostOffice":
        office = cls(
            database, vault, Settings(development=True, public_url="https://club.example", brand_name="Beichen")
        )
        async with database.transaction() as tx:
            for market in (CN, US):
                await define_market(tx, market)
            await commerce.define_stores(tx, STORES)
            loyalty.define_standard_wallets(tx)
            await loyalty.activate_policy(tx, POLICY, datetime(2020, 1, 1, tzinfo=NOW.tzinfo))
        await office.set_clock(NOW)
        return office

    async def set_clock(self, at: datetime, *, ticking: bool = True) -> None:
        async with self.database.transaction() as tx:
            await set_programme_clock(tx.connection, at, ticking=ticking)
        await self.database.follow_clock()

    async def member(
        self, *, market: str = "CN", email: str | None = ADDRESS, name: str | None = None, proved: bool = True
    ) -> UUID:
        kind, value = (IdentityKind.EMAIL, email) if email else (IdentityKind.EXTERNAL, "crm:1")
        wish = SignUp(market=market, identities=(IdentityValue(kind, value),), channel="store", recorded_at=NOW)
        async with self.database.transaction() as tx:
            (member,) = await members.sign_up(tx, self.vault, [structs.replace(wish, signed_up_at=NOW)])
        assert isinstance(member, Member), member
        if email and proved:
            async with self.database.transaction() as tx:
                assert await members.prove_email(tx, self.vault, member.member_id, email)
        if name is not None:
            async with self.database.transaction() as tx:
                change = ChangeProfile(member_id=member.member_id, change=ProfileChange(display_name=name))
                await members.change_profile(tx, self.vault, change)
        return member.member_id

    async def apply(self, *facts: PutOrder | ReturnOrder) -> None:
        async with self.database.transaction(set_based=True) as tx:
            for outcome in await commerce.apply(tx, self.rules, facts):
                assert not isinstance(outcome, DomainError), outcome

    async def relay(self) -> None:
        await Relay(self.database, REACTIONS).drain()

    async def compose(self) -> int:
        async with self.database.transaction(set_based=True) as tx:
            return await Composer(self.vault, api.reachable(self.settings)).compose(tx)

    async def write(self) -> None:
        """Do what the worker does between a fact and its messages."""
        await self.relay()
        await self.compose()

    async def tell_of_expiry(self, days: tuple[int, ...] = (14,), at_once: int = 5000) -> bool:
        async with self.database.transaction(set_based=True) as tx:
            return await tell_of_expiry(tx, days, at_once)

    async def post(self, member_id: UUID, amount: int, expires_at: datetime, reference: str = "gift:1") -> None:
        wish = Accrue(
            member_id=member_id,
            wallet="points",
            amount=amount,
            reference=reference,
            expires_at=expires_at,
            recorded_at=NOW,
        )
        async with self.database.transaction(set_based=True) as tx:
            (done,) = await loyalty.post(tx, loyalty.Configuration(), [wish])
        assert not isinstance(done, DomainError), done

    def courier(self, transport: Transport, channel: MessageChannel = MessageChannel.EMAIL, **more: Any) -> Courier:  # noqa: ANN401 - fields of Courier
        brand = api.brand_of(self.settings)
        return Courier(self.database, self.vault, brand, channel, transport, wall=lambda: self.wall, **more)

    async def messages(self, *, clear: bool = True) -> list[Message]:
        """Return everybody's messages, the e-mails first."""
        async with self.database.transaction() as tx:
            page = await api.list_messages(tx, self.vault, api.brand_of(self.settings), clear=clear)
        return sorted(page.messages, key=lambda message: (message.ref.channel, message.ref.message_id))

    async def rows(self, text: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as tx:
            return await tx.rows(text, parameters)


def order(member_id: UUID, order_id: str = "1001", total_minor: int = 29_900, **more: Any) -> PutOrder:  # noqa: ANN401 - fields of PutOrder
    """Return an order paid in the shop in Nanjing Road a minute after the clock was set."""
    fact = PutOrder(
        order_id=order_id,
        member_id=member_id,
        state="paid",
        channel="store",
        store_id="367",
        market="CN",
        currency="CNY",
        total_minor=total_minor,
        lines=(Line("1", "kettle", 1000, total_minor),),
        occurred_at=SOON,
        recorded_at=SOON,
    )
    return structs.replace(fact, **more)


def back(order_id: str = "1001", **more: Any) -> ReturnOrder:  # noqa: ANN401 - fields of ReturnOrder
    """Return the return of all of an order, in the other shop, a minute later."""
    fact = ReturnOrder(
        order_id=order_id,
        return_id="r1",
        lines=(ReturnLine("1"),),
        store_id="406",
        occurred_at=SOON + MINUTE,
        recorded_at=SOON + MINUTE,
    )
    return structs.replace(fact, **more)


def figures(message: Message) -> list[tuple[str, str]]:
    """Return what a message tells, line by line."""
    assert message.letter is not None
    return [(row.label, row.value) for row in message.letter.rows]
