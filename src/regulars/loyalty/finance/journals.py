"""Journals of a month: CSV or beancount, by account and day or by transfer, as a stream of text."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Final, Literal

from regulars.loyalty.figures.rolling import BOOKS
from regulars.loyalty.finance import months
from regulars.loyalty.finance.contracts import Held, LiabilityMonth, Span
from regulars.loyalty.finance.journal import BeancountJournal, CsvJournal, Line, Page
from regulars.loyalty.finance.rules import held
from regulars.loyalty.finance.service import INSTANT, held_at, liability
from regulars.loyalty.finance.store import closing
from regulars.loyalty.finance.store import journal as store
from regulars.loyalty.policy.service import Configuration
from regulars.platform.db import snapshots
from regulars.platform.db.transaction import Rows, Transaction

Form = Literal["csv", "beancount"]
By = Literal["day", "transfer"]

_EVER: Final = datetime(1, 1, 3, tzinfo=UTC)


async def read_journal(
    tx: Transaction, configuration: Configuration, month: date, *, form: Form, by: By, market: str | None = None
) -> AsyncIterator[str]:
    """Give a month's journal piece by piece: spendable wallets, of one market or all.

    To be called first in a transaction. Raises MonthsImpossible, UnknownMarket (422), before the first piece. Source:
    ledger_transfers; what was before and what is left in a closed month as it was kept, before an open one as of its
    first instant.
    """
    store.read_one_snapshot(tx)
    pages, bounds = await _pages(tx, configuration, month, market)
    if form == "csv":
        writer: CsvJournal | BeancountJournal = CsvJournal(pages, by == "transfer")
    else:
        writer = BeancountJournal(
            month, pages, [tuple(row) for row in await store.accounts(tx, month, bounds)] if bounds else []
        )
    yield writer.head()
    if bounds:
        async for rows in store.lines(tx, month, bounds, by_transfer=by == "transfer"):
            yield "".join(writer.lines([Line(*row) for row in rows]))
    yield writer.tail()


class _AllRead(Exception):
    """What was to be read is read."""


async def _pages(
    tx: Transaction, configuration: Configuration, month: date, market: str | None
) -> tuple[list[Page], list[tuple[str, str, datetime, datetime]]]:
    """Return each page's head, and the months' bounds.

    Whoever has read which months are closed keeps the next close waiting, and a file may be read for as long as its
    reader likes: so this is read in a savepoint that is rolled back, which ends its locks. The snapshot stays.
    """
    span = Span(first=month, last=month, market=market)
    pages: list[Page] = []
    bounds: list[tuple[str, str, datetime, datetime]] = []
    with suppress(_AllRead):
        async with tx.savepoint():
            found = [one for one in (await liability(tx, configuration, span))[0] if one.spendable]
            kept, cursor = await tx.read(closing.bounds(month), snapshots.read_to(BOOKS.reader))
            bounds = _bounds(kept, month, found)
            of_open = [one for one in found if not one.is_closed]
            openings = await _openings(tx, configuration, snapshots.read_to_in(cursor), bounds, of_open)
            pages = [_page(configuration, one, openings) for one in found]
            raise _AllRead
    return pages, bounds


async def _openings(
    tx: Transaction,
    configuration: Configuration,
    known: snapshots.ReadTo | None,
    bounds: list[tuple[str, str, datetime, datetime]],
    of_open: list[LiabilityMonth],
) -> dict[tuple[str, str], Held]:
    """Return what was there before months that are not closed, by market and wallet.

    Of the instant of the bookings: the roll-up, by which the liability counts such a month, may lack the last minute.
    """
    markets = {one.market for one in of_open}
    begun = {market: since - INSTANT for market, _, since, _ in bounds if market in markets and since != _EVER}
    stood = await held_at(tx, sorted(set(begun.values())), known)
    return {
        (one.market, one.wallet): stood[begun[one.market]].get(
            (configuration.wallets[one.wallet].wallet_id, one.market), held(0, 0)
        )
        for one in of_open
        if one.market in begun
    }


def _page(configuration: Configuration, one: LiabilityMonth, openings: Mapping[tuple[str, str], Held]) -> Page:
    return Page(
        market=one.market,
        currency=one.currency,
        wallet=one.wallet,
        wallet_id=configuration.wallets[one.wallet].wallet_id,
        opening=openings.get((one.market, one.wallet), one.opening),
        closing=one.closing if one.is_closed else None,
        value_minor=None if one.closing_worth is None else one.closing_worth.point_value_minor,
    )


def _bounds(rows: Rows, month: date, found: list[LiabilityMonth]) -> list[tuple[str, str, datetime, datetime]]:
    """Return (market, time zone, since, until): as they were closed, else the calendar's."""
    kept = {row[0]: row[1:] for row in rows}
    bounds = {}
    for one in found:
        time_zone, since, until = kept.get(
            one.market, (one.time_zone, months.begins(month, one.time_zone), months.ends(month, one.time_zone))
        )
        bounds[one.market] = (one.market, time_zone, since or _EVER, until)
    return list(bounds.values())
