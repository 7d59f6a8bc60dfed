"""What members may still spend, by month and at any instant; what it is worth."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from regulars.loyalty.figures.rolling import BOOKED, BOOKS
from regulars.loyalty.finance import months as calendar
from regulars.loyalty.finance import rules
from regulars.loyalty.finance.contracts import Held, LiabilityAt, LiabilityMonth, Parts, Span, Worth
from regulars.loyalty.finance.errors import BreakageUnknown, MonthsImpossible
from regulars.loyalty.finance.rules import Kind
from regulars.loyalty.finance.store import reading
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.errors import UnknownWallet
from regulars.loyalty.policy.rules import active_at, business_date
from regulars.loyalty.policy.service import Configuration, Wallet
from regulars.platform.db import snapshots
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.markets import service as markets
from regulars.platform.markets.contracts import Market
from regulars.platform.rollups import service as rollups
from regulars.platform.rollups.contracts import Standing

MONTHS_AT_MOST: Final = 36
INSTANT: Final = timedelta(microseconds=1)

Place = tuple[int, str]  # a wallet's number and a market


class Kept(NamedTuple):
    """What was kept of a closed month's end: parts, the value of a unit, and the share that will expire."""

    parts: Parts
    value_minor: int | None
    breakage: Decimal | None


@dataclass(slots=True)
class Sums:
    """What was booked, by wallet and market: before the months asked for, and in each of them."""

    opening: dict[Place, Held] = field(default_factory=dict)
    kinds: dict[tuple[Place, date], list[Kind]] = field(default_factory=dict)
    breakage: dict[Place, Decimal | None] = field(default_factory=dict)
    closed: dict[tuple[Place, date], Kept] = field(default_factory=dict)
    closed_months: set[date] = field(default_factory=set)

    def take_over(self, opening: Rows, closed: Rows, ends: Rows, rolled: Rows) -> None:
        """Take over what `reading.months` asks for."""
        self.opening = {(row[0], row[1]): rules.held(row[2], row[3]) for row in opening}
        self.breakage = {(row[0], row[1]): row[4] for row in opening}
        for wallet_id, market, month, spendable, pending, run_out, held, value, breakage in ends:
            parts = Parts(spendable=spendable, pending=pending, run_out=run_out, held=held)
            self.closed[(wallet_id, market), month] = Kept(parts, value, breakage)
            self.closed_months.add(month)
        self._add(closed)
        self._add(rolled)

    def _add(self, rows: Rows) -> None:
        for wallet_id, market, month, kind, transfers, units, debt_change in rows:
            place = (wallet_id, market)
            of = Kind(kind, transfers, units, debt_change)
            if month is None:
                self.opening[place] = rules.after(self.opening.get(place, rules.held(0, 0)), [of])
            else:
                self.kinds.setdefault((place, month), []).append(of)


async def liability(
    tx: Transaction, configuration: Configuration, asked: Span
) -> tuple[list[LiabilityMonth], Standing | None]:
    """Return months of each wallet and market, and up to when they hold (None: nothing was rolled up yet).

    Raises MonthsImpossible, UnknownWallet, UnknownMarket. Source: closed months
    as they were kept, then the roll-up of the books.
    """
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    places = await _places(tx, configuration, asked)
    first, last = await _span(tx, asked, [market for _, market in places])
    *rows, standing = await tx.read(
        *reading.months(first, calendar.next_month(last), market=asked.market, wallet=asked.wallet),
        rollups.standing_question(BOOKS),
    )
    sums = Sums()
    sums.take_over(*rows)
    found = [month for place in places for month in _months(configuration, sums, (first, last), place, tx.now)]
    return found, rollups.standing_in(standing)


async def liability_at(
    tx: Transaction,
    configuration: Configuration,
    at: datetime,
    *,
    market: str | None = None,
    wallet: str | None = None,
    parts: bool = False,
) -> list[LiabilityAt]:
    """Return what members held as it was recorded by a past instant, `parts` with what of it they could spend.

    Parts read every open lot: seconds at some million members. Raises UnknownWallet, UnknownMarket. Source: the roll-up
    of the books, and the transfers behind it; for parts, lots and their uses.
    """
    policies, cursor = await tx.read(configuration.question, snapshots.read_to(BOOKS.reader))
    await configuration.follow(tx, policies)
    places = await _places(tx, configuration, Span(market=market, wallet=wallet))
    of_markets = {each.code: each for _, each in places}
    rows, *shares = await tx.read(
        reading.as_of(at, snapshots.read_to_in(cursor), BOOKED),
        *[reading.shares(business_date(at, each.time_zone)) for each in of_markets.values()],
    )
    held = {(row[0], row[1]): rules.held(row[2], row[3]) for row in rows}
    breakage: dict[Place, Decimal | None] = {
        (row[0], row[1]): row[4]
        for code, found_shares in zip(of_markets, shares, strict=True)
        for row in found_shares
        if row[1] == code
    }
    made_of = await parts_at(tx, {each.code: at for _, each in places}) if parts else {}
    found = []
    for of, each in places:
        place = (of.wallet_id, each.code)
        has = held.get(place, rules.held(0, 0))
        value = value_at(configuration, of, at)
        found.append(
            LiabilityAt(
                market=each.code,
                currency=each.currency,
                wallet=of.code,
                spendable=of.spendable,
                held=has,
                worth=_worth(has, value, breakage.get(place)),
                parts=made_of.get(place, Parts(spendable=0, pending=0, run_out=0)) if parts and of.spendable else None,
            )
        )
    return found


async def held_at(
    tx: Transaction, instants: Collection[datetime], known: snapshots.ReadTo | None
) -> dict[datetime, dict[Place, Held]]:
    """Return what was held by wallet and market as of instants, exact in the transaction's snapshot.

    `known` is where the roll-up of the books was before. Raises nothing. Source: that, and the transfers behind it.
    """
    if not instants:
        return {}
    found = await tx.read(*[reading.as_of(at, known, BOOKED) for at in instants])
    return {
        at: {(row[0], row[1]): rules.held(row[2], row[3]) for row in rows}
        for at, rows in zip(instants, found, strict=True)
    }


async def parts_at(tx: Transaction, instants: Mapping[str, datetime]) -> dict[Place, Parts]:
    """Return what outstanding units are made of, by wallet and market, at an instant given for each market."""
    return {
        (wallet_id, market): Parts(spendable=spendable, pending=pending, run_out=run_out, held=held)
        for wallet_id, market, spendable, pending, run_out, held in await reading.read_parts(tx, dict(instants))
    }


async def _places(tx: Transaction, configuration: Configuration, asked: Span) -> list[tuple[Wallet, Market]]:
    """Return the wallets and markets asked for, by wallet. Raises UnknownWallet, UnknownMarket."""
    wallets = list(configuration.wallets.values())
    of_markets = await markets.list_markets(tx)
    if asked.wallet is not None:
        wallets = [wallet_asked(configuration, asked.wallet)]
    if asked.market is not None:
        of_markets = [await markets.market(tx, asked.market, pointer="/query/market")]
    return [(wallet, market) for wallet in wallets for market in of_markets]


async def _span(tx: Transaction, asked: Span, of_markets: Sequence[Market]) -> tuple[date, date]:
    """Return the first and the last month to show. Raises MonthsImpossible."""
    latest = max([business_date(tx.now, market.time_zone).replace(day=1) for market in of_markets], default=None)
    if latest is None:
        latest = tx.now.astimezone(UTC).date().replace(day=1)
    last = asked.last or latest
    first = asked.first
    if first is None:
        (rows,) = await tx.read(reading.first_month())
        earliest = min(rows[0][0] or last, last)
        first = max(calendar.next_month(date(last.year - 1, last.month, 1)), earliest)
    count = (last.year - first.year) * calendar.MONTHS + last.month - first.month + 1
    if not 1 <= count <= MONTHS_AT_MOST or last > latest:
        raise MonthsImpossible(
            pointer="/query/last", first=calendar.name_of(first), last=calendar.name_of(last), at_most=MONTHS_AT_MOST
        )
    return first, last


def _months(
    configuration: Configuration, sums: Sums, span: tuple[date, date], of: tuple[Wallet, Market], now: datetime
) -> Iterator[LiabilityMonth]:
    wallet, market = of
    place = (wallet.wallet_id, market.code)
    opening, share = sums.opening.get(place, rules.held(0, 0)), sums.breakage.get(place)
    for month in calendar.months(*span):
        since, until = calendar.begins(month, market.time_zone), calendar.ends(month, market.time_zone)
        if since > now:
            return
        kinds = sums.kinds.get((place, month), [])
        closing = rules.after(opening, kinds)
        kept = sums.closed.get((place, month))
        value = kept.value_minor if kept else value_at(configuration, wallet, min(until - INSTANT, now))
        share_before, share = share, kept.breakage if kept else share
        before = value_at(configuration, wallet, since - INSTANT)
        before = value if before is None else before
        yield LiabilityMonth(
            month=calendar.name_of(month),
            market=market.code,
            time_zone=market.time_zone,
            currency=market.currency,
            wallet=wallet.code,
            spendable=wallet.spendable,
            is_closed=month in sums.closed_months,
            until=until,
            opening=opening,
            movements=rules.moved(kinds, value),
            closing=closing,
            opening_worth=_worth(opening, before, share_before),
            closing_worth=_worth(closing, value, share),
            revaluation_minor=None if value is None or before is None else opening.outstanding * (value - before),
            parts=kept.parts if kept and wallet.spendable else None,
        )
        opening = closing


def _worth(held: Held, value: int | None, breakage: Decimal | None) -> Worth | None:
    if value is None:
        return None
    return rules.worth(held.outstanding, value, breakage, None if breakage is not None else BreakageUnknown.code)


def wallet_asked(configuration: Configuration, code: str) -> Wallet:
    """Return the wallet that a query names. Raises UnknownWallet."""
    if code not in configuration.wallets:
        raise UnknownWallet(pointer="/query/wallet", wallet=code, wallets=", ".join(configuration.wallets))
    return configuration.wallets[code]


def value_at(configuration: Configuration, wallet: Wallet, at: datetime) -> int | None:
    """Return what a unit pays at an instant, in minor units; None where the wallet pays for nothing."""
    policy: Policy | None = active_at(configuration.policies, at)
    if policy is None or policy.spending_wallet != wallet.code:
        return None
    return policy.payment.point_value_minor
