"""Books at scale: very many members with years of bookings, from a fixed seed, for what must not depend on how many.

A few thousand pattern members are made by the product's own doors, month by month: they buy, bring back, collect,
spend, and what they do not spend in time runs out. Every check of `regulars verify` is asked of them. Then each is
written again and again, set-based, under other ids (`bench.multiplied`). A few patterns are hot: tens of thousands of
bookings each, one of them thousands of small redemptions from a few large lots.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from bench.programme import Founded, member_id
from regulars.commerce import api as commerce
from regulars.commerce.contracts import Line, Payment, PutOrder, ReturnOrder
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, Redeem
from regulars.loyalty.errors import InsufficientPoints
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, SignUp
from regulars.platform.errors import DomainError
from regulars.platform.markets.contracts import Market, PrivacyRegime

TRANSFERS_A_MEMBER: Final = 50
MOST_PATTERNS: Final = 4_000
MOST_OF_ONE: Final = 50_000  # transfers of the hottest member
MONTHS: Final = 24
HOT: Final = 1 << 40  # their numbers begin here
MARKETS: Final = tuple(
    [
        Market(code=code, country=code, currency=currency, time_zone=zone, language=language, privacy_regime=regime)
        for code, currency, zone, language, regime in (
            ("DE", "EUR", "Europe/Berlin", "en", PrivacyRegime.GDPR),
            ("GB", "GBP", "Europe/London", "en", PrivacyRegime.GDPR),
            ("CN", "CNY", "Asia/Shanghai", "zh", PrivacyRegime.PIPL),
            ("JP", "JPY", "Asia/Tokyo", "en", PrivacyRegime.OTHER),
        )
    ]
)
_AT_ONCE: Final = 1_000
_SEED: Final = 20_260
_DUE_AT: Final = 9  # UTC on the first of a month: every market is in it
_HOUR: Final = timedelta(hours=1)

Fact = PutOrder | ReturnOrder | Accrue | Redeem


@dataclass(frozen=True, slots=True)
class Pattern:
    """A member to be made by the product's doors, with so many transfers; a spender takes little from few lots."""

    number: int
    market: Market
    transfers: int
    spender: bool = False


def patterns(wanted_members: int, home_market: Market) -> list[Pattern]:
    """Return whom to make, ordinary ones first; how much each does is skewed, their mean is what is wanted."""
    chance, count = Random(_SEED), min(MOST_PATTERNS, max(wanted_members // 20, 10))
    everywhere = (home_market, home_market, *MARKETS)
    shares = [chance.lognormvariate(0, 0.9) for _ in range(count)]
    mean = sum(shares) / count
    found = [
        Pattern(number, chance.choice(everywhere), max(4, round(TRANSFERS_A_MEMBER * 0.84 * share / mean)))
        for number, share in enumerate(shares, 1)
    ]
    most = min(MOST_OF_ONE, TRANSFERS_A_MEMBER * wanted_members // 200)
    for place, share in enumerate((1.0, 0.6, 0.4, 0.2)):
        found.append(Pattern(HOT + place, everywhere[1 + place], round(most * share), spender=place == 1))
    return found


async def make(site: Founded, wanted: Sequence[Pattern], now: datetime, said: Callable[[str], None]) -> None:
    """Let them sign up and live through the months until `now`."""
    began = months_before(now)[0]
    for start in range(0, len(wanted), _AT_ONCE):
        async with site.database.transaction(actor="bench") as tx:
            wishes = [_sign_up(pattern, began) for pattern in wanted[start : start + _AT_ONCE]]
            _refuse(await members.sign_up(tx, site.vault, wishes))
    rules = commerce.Commerce(loyalty.Configuration())
    lives = [(pattern, Random(f"{_SEED} {pattern.number}")) for pattern in wanted]
    for month, (since, until) in enumerate(_spans(now)):
        queues = [list(_facts(pattern, chance, month, since, until)) for pattern, chance in lives]
        while queues := [queue for queue in queues if queue]:
            await _carry_out(site, rules, [_leading(queue) for queue in queues])
        await _time_passes(site, rules.configuration, until)
        said(f"{since:%Y-%m} is over")


def months_before(now: datetime) -> list[datetime]:
    """Return where the months begin, the first of which everybody joined in, at the hour at which jobs run."""
    first = datetime(now.year - MONTHS // 12, now.month, 1, _DUE_AT, tzinfo=UTC)
    return [
        datetime(first.year + (first.month - 1 + k) // 12, (first.month - 1 + k) % 12 + 1, 1, _DUE_AT, tzinfo=UTC)
        for k in range(MONTHS + 1)
    ]


def _spans(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    starts = [start for start in months_before(now) if start < now - 2 * _HOUR]
    last = now.replace(minute=0, second=0, microsecond=0) - _HOUR
    yield from zip(starts, [*starts[1:], last], strict=True)


def _sign_up(pattern: Pattern, at: datetime) -> SignUp:
    return SignUp(
        market=pattern.market.code,
        identities=(IdentityValue(IdentityKind.EXTERNAL, f"crm:{pattern.number}"),),
        channel="online",
        member_id=member_id(pattern.number),
        signed_up_at=at,
        recorded_at=at,
        language=pattern.market.language,
    )


def _facts(pattern: Pattern, chance: Random, month: int, since: datetime, until: datetime) -> Iterator[Fact]:
    """Give what somebody does in a month, in the order of time: of the busy, orders of a day come together.

    Never upon the hour: what lies there is a date of the programme's (`bench.multiplied`).
    """
    mean = pattern.transfers / MONTHS
    if pattern.spender:
        yield from _little_by_little(pattern, month, since, until, round(mean))
        return
    bookings = mean * (0.5 + chance.random())
    number = int(bookings) + (chance.random() < bookings % 1)
    moments = sorted(_moment(chance, since, until) for _ in range(round(number * 0.8)))
    if number > 500:
        moments.sort(key=lambda at: (at.date(), at.hour < 12, at))
    for place, at in enumerate(moments):
        dice = chance.random() if number <= 500 else (0.1 if at.hour < 12 else 0.3 + 0.7 * chance.random())
        yield from _one(pattern, chance, f"{month}-{place}", at, dice)


def _one(pattern: Pattern, chance: Random, name: str, at: datetime, dice: float) -> Iterator[Fact]:
    member = member_id(pattern.number)
    if dice < 0.22:
        order = _order(pattern, chance, name, at)
        yield order
        if chance.random() < 0.03:
            back_at = at + timedelta(seconds=chance.randrange(1, 60))
            yield ReturnOrder(order_id=order.order_id, return_id="1", occurred_at=back_at, recorded_at=back_at)
    elif dice < 0.6:
        yield Accrue(member_id=member, wallet="growth", amount=5, reference=f"g{name}", recorded_at=at)
    elif dice < 0.78:
        amount = chance.randrange(5, 200)
        yield Accrue(member_id=member, wallet="points", amount=amount, reference=f"c{name}", recorded_at=at)
    else:
        amount = chance.randrange(5, 260)
        yield Redeem(member_id=member, wallet="points", amount=amount, reference=f"r{name}", recorded_at=at)


def _little_by_little(pattern: Pattern, month: int, since: datetime, until: datetime, number: int) -> Iterator[Fact]:
    """Give one large lot a month, and very many small redemptions."""
    member, at = member_id(pattern.number), since + timedelta(minutes=1)
    yield Accrue(member_id=member, wallet="points", amount=number * 3, reference=f"c{month}", recorded_at=at)
    hours = max(int((until - since) / _HOUR) - 1, 1)
    for place in range(number - 1):
        hour, within = divmod(place * hours, number)
        later = since + (1 + hour) * _HOUR + timedelta(seconds=60 + within * 1_500 // number)
        reference = f"r{month}-{place}"
        yield Redeem(member_id=member, wallet="points", amount=1 + place % 4, reference=reference, recorded_at=later)


def _order(pattern: Pattern, chance: Random, name: str, at: datetime) -> PutOrder:
    total, pays_with_points = chance.randrange(500, 30_000), chance.random() < 0.2
    return PutOrder(
        order_id=f"P{pattern.number}-{name}",
        member_id=member_id(pattern.number),
        state="paid",
        channel="online",
        store_id=None,
        market=pattern.market.code,
        currency=pattern.market.currency,
        total_minor=total,
        lines=(Line("1", f"SKU-{chance.randrange(5_000):04}", 1_000, total),),
        payments=() if pays_with_points else (Payment("card", total),),
        points_at_most=10**6 if pays_with_points else None,
        occurred_at=at,
        recorded_at=at,
    )


def _moment(chance: Random, since: datetime, until: datetime) -> datetime:
    """Return an instant in the first half of an hour, more of them in the evening of Europe."""
    hours = max(int((until - since) / _HOUR) - 1, 1)
    at = since + chance.randrange(hours) * _HOUR
    if chance.random() < 0.5:
        at = min(max(at.replace(hour=chance.randrange(15, 21)), since), since + (hours - 1) * _HOUR)
    return at + timedelta(seconds=60 + chance.randrange(1_700), microseconds=1 + chance.randrange(999_999))


def _leading(queue: list[Fact]) -> list[Fact]:
    """Take from a queue what goes through one door."""
    count = 1
    while count < len(queue) and _is_order(queue[count]) == _is_order(queue[0]):
        count += 1
    taken = queue[:count]
    del queue[:count]
    return taken


def _is_order(fact: Fact) -> bool:
    return isinstance(fact, PutOrder | ReturnOrder)


async def _carry_out(site: Founded, rules: commerce.Commerce, taken: Sequence[Sequence[Fact]]) -> None:
    orders = [fact for facts in taken for fact in facts if isinstance(fact, PutOrder | ReturnOrder)]
    postings = [fact for facts in taken for fact in facts if isinstance(fact, Accrue | Redeem)]
    for start in range(0, len(orders), _AT_ONCE):
        async with site.database.transaction(actor="bench", set_based=True) as tx:
            _refuse(await commerce.apply(tx, rules, orders[start : start + _AT_ONCE]))
    for start in range(0, len(postings), _AT_ONCE):
        async with site.database.transaction(actor="bench", set_based=True) as tx:
            _refuse(await loyalty.post(tx, rules.configuration, postings[start : start + _AT_ONCE]))


async def _time_passes(site: Founded, configuration: loyalty.Configuration, at: datetime) -> None:
    """Let what is over by then run out."""
    while True:
        async with site.database.transaction(actor="bench", set_based=True) as tx:
            if not await loyalty.expire_due(tx, configuration, at, _AT_ONCE):
                return


def _refuse(results: Sequence[object]) -> None:
    """Raise the first refusal but of somebody who wanted to spend more than there was."""
    for result in results:
        if isinstance(result, DomainError) and not isinstance(result, InsufficientPoints):
            raise result
