"""A programme with very many members, for what must not depend on their number.

A few hundred pattern members are made by the product's own doors: they sign up, buy, pay with points, bring back. Then
each is copied, row by row and set-based, under other ids and with an earlier day of joining, until there are enough:
books that balance, copied whole, balance again. One member, who is not copied, has bought more than anybody ought to.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from bench.copies import copy_members
from bench.programme import Founded, founded, member_id
from regulars.commerce import api as commerce
from regulars.commerce.contracts import Channel, Line, Payment, PutOrder, ReturnLine, ReturnOrder
from regulars.demo.programme import MARKET
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import (
    ChangeProfile,
    ConsentChannel,
    ConsentGiven,
    Decision,
    IdentityKind,
    IdentityValue,
    ProfileChange,
    Purpose,
    SignUp,
)
from regulars.platform.auth.staff.contracts import NewAccount
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.auth.staff.service import add_demo_account
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError

MOST_PATTERNS: Final = 1_000
STORES: Final = 300
WHALE_ORDERS: Final = 1_500
OLDEST: Final = timedelta(days=300)  # so that nothing runs out, and no notice of that is due
PASSWORD: Final = "the bench's own"  # noqa: S105 - of accounts that live for a minute
WHALE: Final = 0
_AT_ONCE: Final = 500
_ORDERS: Final = (0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 5, 9)  # how many somebody has placed, each as likely
_CHANNELS: Final[tuple[Channel, ...]] = ("store", "store", "store", "store", "online", "app")
_NAMES: Final = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Tony")


@dataclass(frozen=True, slots=True)
class Crowd:
    """A deployment with `members` members, of whom number 0 has bought most."""

    home: Path
    url: str
    database: Database
    members: int


@asynccontextmanager
async def crowded(home: Path, wanted: int) -> AsyncIterator[Crowd]:
    """Make a deployment with about so many members in an empty home and keep its PostgreSQL running."""
    async with founded(home) as site:
        patterns = min(MOST_PATTERNS, wanted)
        await _open_shops(site)
        await _sign_up(site, range(patterns + 1))
        await _trade(site, range(patterns + 1))
        copies = wanted // patterns - 1
        await copy_members(site.url, patterns=patterns, copies=copies)
        yield Crowd(home, site.url, site.database, 1 + patterns * (1 + copies))


def email(number: int) -> str:
    """Return the address of a pattern member."""
    return f"member-{number}@bench.example"


def staff_email(role: Role) -> str:
    """Return the address of somebody of staff."""
    return f"{role.value}@bench.example"


def store_id(number: int) -> str:
    """Return a shop's id."""
    return f"S{number:03}"


async def _open_shops(site: Founded) -> None:
    password_hash = await PasswordHashing().hash(PASSWORD)
    async with site.database.transaction(actor="bench") as tx:
        shops = [commerce.Store(store_id(number), MARKET.code, f"Shop {number}") for number in range(STORES)]
        await commerce.define_stores(tx, shops)
        for role, bound in ((Role.OWNER, None), (Role.STORE_MANAGER, (store_id(0),))):
            wish = NewAccount(email=staff_email(role), name=role.value, roles=(role,), stores=bound)
            await add_demo_account(tx, wish, password_hash)


async def _sign_up(site: Founded, numbers: range) -> None:
    wishes = [_sign_up_of(number) for number in numbers]
    for start in range(0, len(wishes), _AT_ONCE):
        async with site.database.transaction(actor="bench") as tx:
            some = wishes[start : start + _AT_ONCE]
            refuse_refusals(await members.sign_up(tx, site.vault, some))
            await members.record_consents(tx, [_consent(number) for number in numbers[start : start + _AT_ONCE]])
            for number in numbers[start : start + _AT_ONCE]:
                name = _NAMES[number % len(_NAMES)]
                change = ProfileChange(display_name=f"{name} {number}", given_name=name)
                await members.change_profile(tx, site.vault, ChangeProfile(member_id=member_id(number), change=change))


def _sign_up_of(number: int) -> SignUp:
    at = _joined_at(number)
    return SignUp(
        market=MARKET.code,
        identities=(
            IdentityValue(IdentityKind.EMAIL, email(number)),
            IdentityValue(IdentityKind.EXTERNAL, f"crm:{number}"),
        ),
        channel="store",
        store_id=store_id(number % STORES),
        member_id=member_id(number),
        signed_up_at=at,
        recorded_at=at,
        language="en",
    )


def _joined_at(number: int) -> datetime:
    if number == WHALE:
        return _now() - OLDEST
    return _now() - _chance(number).random() * OLDEST - timedelta(hours=1)


def _consent(number: int) -> ConsentGiven:
    return ConsentGiven(
        member_id=member_id(number),
        purpose=Purpose.MARKETING,
        channel=ConsentChannel.SMS,
        decision=Decision.GIVEN,
        wording_version="bench",
        where="store",
        actor="bench",
    )


async def _trade(site: Founded, numbers: range) -> None:
    """Let everybody buy and bring back, in the order of time."""
    facts = sorted([fact for number in numbers for fact in _facts(number)], key=_recorded_at)
    rules = commerce.Commerce(loyalty.Configuration())
    for start in range(0, len(facts), _AT_ONCE):
        async with site.database.transaction(actor="bench", set_based=True) as tx:
            refuse_refusals(await commerce.apply(tx, rules, facts[start : start + _AT_ONCE]))


def _recorded_at(fact: PutOrder | ReturnOrder) -> datetime:
    assert fact.recorded_at is not None
    return fact.recorded_at


def _facts(number: int) -> Iterator[PutOrder | ReturnOrder]:
    chance = _chance(number)
    chance.random()  # what `_joined_at` took
    began, ended = _joined_at(number), _now() - timedelta(minutes=10)
    count = WHALE_ORDERS if number == WHALE else chance.choice(_ORDERS)
    moments = sorted(began + chance.random() * (ended - began) for _ in range(count))
    for place, at in enumerate(moments):
        order = _order(chance, number, place, at)
        yield order
        back_at = at + timedelta(hours=1) + chance.random() * timedelta(days=3)
        if order.state == "paid" and back_at < ended and chance.random() < 0.05:
            yield ReturnOrder(
                order_id=order.order_id,
                return_id="1",
                lines=(ReturnLine("1", 1_000),),
                store_id=order.store_id,
                occurred_at=back_at,
                recorded_at=back_at,
            )


def _order(chance: Random, number: int, place: int, at: datetime) -> PutOrder:
    lines = tuple(
        Line(f"{line}", f"SKU-{chance.randrange(5_000):04}", 2_000, chance.randrange(200, 20_000))
        for line in range(1, chance.choice((2, 2, 3, 4)))
    )
    total = sum([line.amount_minor for line in lines])
    channel = chance.choice(_CHANNELS)
    return PutOrder(
        order_id=f"P{number}-{place}",
        member_id=member_id(number),
        state="paid" if chance.random() < 0.95 else "placed",
        channel=channel,
        store_id=store_id(chance.randrange(STORES) * chance.randrange(STORES) // STORES)
        if channel == "store"
        else None,
        market=MARKET.code,
        currency=MARKET.currency,
        total_minor=total,
        lines=lines,
        payments=(Payment("card", total),),
        occurred_at=at,
        recorded_at=at,
    )


def _chance(number: int) -> Random:
    """Return the same dice for the same member at every run."""
    return Random(number)


_STARTED: Final = wall_now()


def _now() -> datetime:
    return _STARTED


def refuse_refusals(results: Sequence[Any]) -> None:
    """Raise the first refusal, if there is one."""
    for result in results:
        if isinstance(result, DomainError):
            raise result
