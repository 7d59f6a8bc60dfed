"""A small programme to post in: its clock is told, its books are compared row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import structs
from psycopg import AsyncConnection

from regulars.loyalty import api
from regulars.loyalty.contracts import (
    Accrue,
    Adjust,
    ExtendLot,
    HoldStanding,
    OrderSettlement,
    PlaceHold,
    PostHold,
    Posting,
    Redeem,
    ReturnSettlement,
    SettleOrder,
    SettleReturn,
    VoidHold,
    WalletBalance,
)
from regulars.loyalty.ledger.holding import hold_id_of
from regulars.loyalty.policy.contracts import (
    AnniversaryReview,
    EarningPolicy,
    MonthlyReview,
    Policy,
    TierPolicy,
    TierRule,
)
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import derived_id
from regulars.platform.markets.contracts import Market, PrivacyRegime
from regulars.platform.markets.service import define_market
from regulars.platform.texts import catalogue
from regulars.platform.vault.contracts import Vault

TIME_ZONE = "America/New_York"
US = Market(
    code="US",
    country="US",
    currency="USD",
    time_zone=TIME_ZONE,
    language="en",
    privacy_regime=PrivacyRegime.CCPA,
)
START = datetime(2016, 1, 1, tzinfo=UTC)
NOON = datetime(2017, 2, 1, 17, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TIERS = (
    TierRule(code="regular", threshold=0),
    TierRule(code="silver", threshold=1_000),
    TierRule(code="gold", threshold=2_500, multiplier=2),
    TierRule(code="diamond", threshold=5_000, multiplier=3),
)
EASY = Policy(tier=TierPolicy(tiers=TIERS))
HARD = Policy(
    tier=TierPolicy(tiers=TIERS, window_days=90, review=MonthlyReview(months=tuple(range(2, 13)))),
    earning=EarningPolicy(maturity_hours=48, expiry_months=2),
)
ANNIVERSARY = Policy(tier=TierPolicy(tiers=TIERS, window_days=365, review=AnniversaryReview()))

TABLES = {
    "member_books": "member_id",
    "member_wallets": "member_id, wallet_id",
    "ledger_transfers": "member_id, seq",
    "lots": "member_id, lot_no",
    "lot_uses": "member_id, seq, use_no",
    "settlements": "member_id, order_id",
    "holds": "member_id, seq",
    "hold_lots": "member_id, hold_id, part_no",
    "hold_ends": "member_id, seq",
    "book_joinings": "member_id, seq",
    "tier_changes": "member_id, seq",
    "ledger_forwards": "member_id, kind, name",
    "point_transfers": "member_id, transfer_id",
}
NOT_COMPARED = {"written_at", "version", "window_days", "policy_seen"}


class Expire(NamedTuple):
    """The booking of what ran out by an instant, as the job does it."""

    member_id: UUID
    recorded_at: datetime


Held = PlaceHold | PostHold | VoidHold
Fact = Accrue | Redeem | Adjust | ExtendLot | Held | SettleOrder | SettleReturn | Expire
Outcome = Posting | HoldStanding | OrderSettlement | ReturnSettlement | None


def us_day(day: str, hour: int = 12) -> datetime:
    """Return an instant of a local winter day in New York."""
    return datetime.fromisoformat(f"{day}T{hour:02d}:00:00-05:00").astimezone(UTC)


@dataclass(slots=True)
class Programme:
    """A database with policies and members, and the verbs of the ledger on it, one transaction each."""

    database: Database
    vault: Vault
    configuration: api.Configuration = field(default_factory=api.Configuration)

    @classmethod
    async def begin(cls, database: Database, vault: Vault, policy: Policy) -> "Programme":
        """Define the market and the wallets, and put a policy in force."""
        made = cls(database, vault)
        async with database.transaction() as tx:
            await define_market(tx, US)
            api.define_standard_wallets(tx)
        await made.activate(policy, START)
        return made

    async def activate(self, policy: Policy, active_from: datetime) -> Policy:
        """Put a policy in force from an instant."""
        async with self.database.transaction() as tx:
            return await api.activate_policy(tx, policy, active_from)

    async def members(self, count: int, name: str = "test") -> list[UUID]:
        """Sign up members whose ids follow from the name; the same name gives the same members."""
        wishes = [
            SignUp(
                market="US",
                identities=(IdentityValue(IdentityKind.EXTERNAL, f"{name}:{number}"),),
                channel="store",
                member_id=derived_id(START, name, str(number)),
                signed_up_at=START,
                recorded_at=START,
            )
            for number in range(count)
        ]
        async with self.database.transaction() as tx:
            signed_up = await members.sign_up(tx, self.vault, wishes)
        assert all(isinstance(member, Member) for member in signed_up), signed_up
        return [wish.member_id for wish in wishes if wish.member_id is not None]

    async def member(self) -> UUID:
        """Sign up one member."""
        return (await self.members(1))[0]

    async def post(self, *commands: Accrue | Redeem | Adjust | ExtendLot) -> list[Posting | DomainError]:
        """Carry out direct postings in one transaction."""
        async with self.database.transaction(by_keys=True) as tx:
            return await api.post(tx, self.configuration, commands)

    async def apply(self, *facts: Fact, ahead: int = 0) -> list[Outcome | DomainError]:
        """Carry out facts of any kind in one transaction, in order; refusals are results.

        With `ahead` what is decided is on its way to the database after so many of them each.
        """
        async with self.database.transaction(by_keys=True) as tx:
            needs = api.Needs(until=max([fact.recorded_at or tx.now for fact in facts]))
            for fact in facts:
                needs.members.add(fact.member_id)
                needs.lots_of.add(fact.member_id)
                if isinstance(fact, Accrue | Redeem | Adjust | ExtendLot | PlaceHold | PostHold | VoidHold):
                    needs.want(fact)
                elif isinstance(fact, SettleOrder | SettleReturn):
                    needs.orders.add((fact.member_id, fact.order_id))
            books = await api.open_books(tx, self.configuration, needs)
            results = []
            for number, fact in enumerate(facts, 1):
                results.append(_carry_out(books, fact))
                if ahead and number % ahead == 0:
                    await books.write_ahead(tx)
            books.write(tx)
        return results

    async def one(self, fact: Fact) -> Outcome:
        """Carry out one fact; raises its refusal."""
        (result,) = await self.apply(fact)
        if isinstance(result, DomainError):
            raise result
        return result

    async def review(self, at: datetime) -> int:
        async with self.database.transaction() as tx:
            return await api.review_due(tx, self.configuration, at)

    async def expire(self, at: datetime) -> int:
        async with self.database.transaction() as tx:
            return await api.expire_due(tx, self.configuration, at)

    async def time_out(self, at: datetime) -> int:
        async with self.database.transaction() as tx:
            return await api.time_out_due(tx, self.configuration, at)

    async def wallet(self, member_id: UUID, at: datetime, wallet: str = "points") -> WalletBalance:
        """Return a wallet as of an instant."""
        async with self.database.transaction() as tx:
            found = {each.wallet: each for each in await api.balances(tx, member_id, at)}
        return found[wallet]

    async def points(self, member_id: UUID, at: datetime) -> tuple[int, int, int, int, int]:
        """Return (balance, available, pending, debt, expired) of the points as of an instant."""
        found = await self.wallet(member_id, at)
        return found.balance, found.available, found.pending, found.debt, found.expired

    async def rows(self, text: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as tx:
            return await tx.rows(text, parameters)

    async def execute(self, *texts: str) -> None:
        """Change the database behind the product's back, as it never does itself: on a connection of its own."""
        async with await AsyncConnection.connect(self.database.url) as connection:
            for text in texts:
                await connection.execute(text)

    async def books(self, members: Sequence[UUID] | None = None) -> dict[str, list[tuple[Any, ...]]]:
        """Return everything the ledger holds but what tells when, by the wall clock, and how often it was written.

        Of the given members alone, each is shown by its place in the list, so that books can be compared.
        """
        found = {}
        place = {member: position for position, member in enumerate(members or ())}
        for table, order in TABLES.items():
            described = await self.rows(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
                (table,),
            )
            columns = ", ".join(name for (name,) in described if name not in NOT_COMPARED)
            rows = await self.rows(f"SELECT {columns} FROM {table} ORDER BY {order}")
            if members is not None:
                rows = sorted([(place[row[0]], *row[1:]) for row in rows if row[0] in place], key=lambda row: row[:3])
            found[table] = rows
        return found

    async def problems(self) -> dict[str, list[str]]:
        """Run every check of the ledger; returns what each that failed has found. All of it has its Chinese."""
        found = {}
        for check in api.checks():
            async with self.database.transaction() as tx:
                result = await check.run(tx)
            if not result.ok:
                found[check.name] = [str(problem) for problem in result.problems]
                assert all(problem.sentence in catalogue("zh") for problem in result.problems), found
        return found


def _carry_out(books: api.Books, fact: Fact) -> Outcome | DomainError:
    try:
        match fact:
            case SettleOrder():
                return books.settle_order(fact)
            case SettleReturn():
                return books.settle_return(fact)
            case Expire():
                books.expire(fact.member_id, fact.recorded_at)
                return None
            case PlaceHold() | PostHold() | VoidHold():
                return books.hold(fact)
            case _:
                return books.post(fact)
    except DomainError as refusal:
        return refusal


def order(member_id: UUID, order_id: str, at: datetime, total_minor: int, **more: object) -> SettleOrder:
    """Return a paid order that becomes known when it happens."""
    return structs.replace(
        SettleOrder(
            member_id=member_id,
            order_id=order_id,
            total_minor=total_minor,
            effective_at=at,
            time_zone=TIME_ZONE,
            recorded_at=at,
        ),
        **more,
    )


def back(member_id: UUID, order_id: str, at: datetime, returned_minor: int, return_id: str = "r1") -> SettleReturn:
    """Return a return; `returned_minor` is all that has come back so far."""
    return SettleReturn(
        member_id=member_id, order_id=order_id, return_id=return_id, returned_minor=returned_minor, recorded_at=at
    )


def accrue(member_id: UUID, reference: str, at: datetime, amount: int, **more: object) -> Accrue:
    """Return an accrual of points."""
    return structs.replace(
        Accrue(member_id=member_id, wallet="points", amount=amount, reference=reference, recorded_at=at), **more
    )


def redeem(member_id: UUID, reference: str, at: datetime, amount: int) -> Redeem:
    """Return a redemption of points."""
    return Redeem(member_id=member_id, wallet="points", amount=amount, reference=reference, recorded_at=at)


def adjust(member_id: UUID, reference: str, at: datetime, amount: int, wallet: str = "points") -> Adjust:
    """Return a correction."""
    return Adjust(
        member_id=member_id, wallet=wallet, amount=amount, reference=reference, reason="counted anew", recorded_at=at
    )


def extend(member_id: UUID, lot_no: int, at: datetime, until: datetime, reference: str = "late") -> ExtendLot:
    """Return an extension of a lot."""
    return ExtendLot(
        member_id=member_id,
        lot_no=lot_no,
        expires_at=until,
        reference=reference,
        reason="shop closed",
        actor="li",
        recorded_at=at,
    )


def hold(member_id: UUID, reference: str, at: datetime, amount: int, deadline: datetime) -> PlaceHold:
    """Return a hold of points."""
    return PlaceHold(
        member_id=member_id,
        wallet="points",
        amount=amount,
        purpose="workshop",
        deadline=deadline,
        reference=reference,
        recorded_at=at,
    )


def post_hold(member_id: UUID, reference: str, at: datetime, amount: int | None = None) -> PostHold:
    """Return the posting of a hold, known by its reference."""
    return PostHold(member_id=member_id, hold_id=hold_id_of(reference), amount=amount, recorded_at=at)


def void_hold(member_id: UUID, reference: str, at: datetime) -> VoidHold:
    """Return the voiding of a hold."""
    return VoidHold(member_id=member_id, hold_id=hold_id_of(reference), reason="called off", recorded_at=at)
