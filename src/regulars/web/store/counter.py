"""What every page of the counter stands on: the device that asks, who of staff is at it, and the member before it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request
from msgspec import Struct

from regulars.commerce import api as commerce
from regulars.commerce.contracts import DeviceViewer
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import LookUp
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.http.asked import asked
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.service import market
from regulars.web.kit.cells import Tone
from regulars.web.kit.kit import Kit
from regulars.web.kit.viewers import ViewerKind, viewer_of
from regulars.web.store.errors import MemberGone
from regulars.web.store.seals import MEMBER, Seals

AnyRequest = Request[Any, Any, Any]
HOME: Final = "/store"
USE: Final = "till:use"
TAKE_BACK: Final = "returns:write"
ABOVE: Final = "returns:above_policy"
TIER_IS_NEWS_FOR: Final = timedelta(days=14)
TIER_TONES: Final[dict[str, Tone]] = {"silver": "info", "gold": "warning", "diamond": "primary"}


class Tier(Struct, frozen=True):
    """A tier as a badge."""

    name: str
    tone: Tone


class MemberSeen(Struct, frozen=True, kw_only=True):
    """What a counter sees of a member; nothing else leaves the rooms below."""

    ticket: str
    member_id: UUID
    name: str | None
    tier: Tier
    tier_is_new: bool
    birthday: Literal["today", "week"] | None
    available: int
    pending: int
    debt: int


@dataclass(frozen=True, slots=True)
class Till:
    """A request at a counter: the device, its market's currency, and who of staff is signed in at it (or empty)."""

    device: DeviceViewer
    market: Market
    language: str
    assistant: str
    request_id: str

    @property
    def sender(self) -> commerce.Sender:
        """Who sends orders."""
        return commerce.Sender(
            client=self.device.actor, language=self.language, request_id=self.request_id, reason=self.assistant
        )


@dataclass(frozen=True, slots=True)
class Counter:
    """The counter's pages share this one."""

    kit: Kit
    desk: commerce.OrderDesk
    seals: Seals
    configuration: loyalty.Configuration = field(default_factory=loyalty.Configuration)

    async def till(self, request: AnyRequest) -> Till:
        """Return where a request comes from."""
        device: DeviceViewer = viewer_of(request).session
        staff = await self.kit.sessions.find(ViewerKind.STAFF, request.cookies)
        known = staff is not None and staff.sees_store(device.store_id)
        asking = asked(request.scope)
        async with self.kit.services.database.transaction() as tx:
            where = await market(tx, device.market)
        return Till(
            device=device,
            market=where,
            language=self.kit.page(request).language,
            assistant=f"assistant {staff.session.actor}" if staff is not None and known else "",
            request_id=asking.request_id,
        )

    def ticket(self, till: Till, member_id: UUID) -> str:
        """Return what lets this device see a member for an hour."""
        return self.seals.write(MEMBER, till.device.device_id, member_id.hex)

    def member_of(self, till: Till, ticket: str) -> UUID | None:
        """Return the member of a ticket; None for no ticket. Raises MemberGone for one that is not good (any more)."""
        if not ticket:
            return None
        found = self.seals.read(MEMBER, till.device.device_id, ticket)
        if found is None:
            raise MemberGone
        return UUID(found)

    async def look_up(self, till: Till, typed: str) -> UUID | DomainError:
        """Return whom a card, a number or an address belongs to; counted and logged. Refusals are given, not raised."""
        wish = LookUp(
            typed=typed,
            market=till.market.code,
            store_id=till.device.store_id,
            device=till.device.actor,
            assistant=till.assistant,
        )
        services = self.kit.services
        async with services.database.transaction(actor=till.device.actor, request_id=till.request_id) as tx:
            return await members.look_up_at_counter(tx, services.vault, wish)

    async def see(self, till: Till, ticket: str) -> MemberSeen | None:
        """Return what the counter sees of the member of a ticket. Raises MemberGone."""
        member_id = self.member_of(till, ticket)
        if member_id is None:
            return None
        async with self.kit.services.database.transaction() as tx:
            return await self._seen(tx, till, member_id, ticket)

    async def _seen(self, tx: Transaction, till: Till, member_id: UUID, ticket: str) -> MemberSeen:
        vault = self.kit.services.vault
        today = tx.now.astimezone(ZoneInfo(till.market.time_zone)).date()
        greeting = await members.greeting_at_counter(tx, vault, member_id, today)
        status = await loyalty.tier_status(tx, self.configuration, member_id)
        wallets = {wallet.wallet: wallet for wallet in await loyalty.balances(tx, member_id)}
        points = wallets.get(self.configuration.policy_at(tx.now).spending_wallet)
        if points is None:
            raise NotFound
        codes = [tier.code for tier in self.configuration.policy_of_version(status.policy_version).tier.tiers]
        before = status.why.from_tier if status.why is not None else status.tier
        risen = before in codes and codes.index(before) < status.rank
        return MemberSeen(
            ticket=ticket,
            member_id=member_id,
            name=greeting.name,
            tier=tier_of(status.tier, till.language),
            tier_is_new=risen and status.since is not None and tx.now - status.since <= TIER_IS_NEWS_FOR,
            birthday=greeting.birthday,
            available=points.available,
            pending=points.pending,
            debt=points.debt,
        )


def tier_of(code: str, language: str) -> Tier:
    """Return a tier as it is shown."""
    return Tier(loyalty.name_of_tier(code, language), TIER_TONES.get(code, "neutral"))
