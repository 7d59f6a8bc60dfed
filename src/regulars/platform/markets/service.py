"""Markets: defined once, then known to everyone."""

import re
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from psycopg import AsyncConnection

from regulars.platform.db.transaction import Transaction
from regulars.platform.markets import store
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.errors import MarketDiffers, MarketImpossible, UnknownMarket

_SHAPES = {
    "code": re.compile(r"[A-Z0-9][A-Z0-9-]{0,15}"),
    "country": re.compile(r"[A-Z]{2}"),
    "currency": re.compile(r"[A-Z]{3}"),
    "language": re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"),
}

# Kept for as long as a connection lives. A market never changes, so what was read once stays true.
_known: WeakKeyDictionary[AsyncConnection[tuple[object, ...]], dict[str, Market]] = WeakKeyDictionary()


async def define_market(tx: Transaction, market: Market) -> None:
    """Define a market; defining it again in the same way changes nothing.

    Raises MarketImpossible for what is no country, currency, zone or language, and MarketDiffers when the code is
    taken by a market that differs.
    """
    _check(market)
    store.insert_market(tx, market)
    if (await store.select_markets(tx))[market.code] != market:
        raise MarketDiffers(market=market.code)


async def market(tx: Transaction, code: str, *, pointer: str = "/market") -> Market:
    """Return the market of that code. Raises UnknownMarket, pointing at `pointer`."""
    if (found := await find_market(tx, code)) is None:
        raise UnknownMarket(pointer=pointer, market=code)
    return found


async def list_markets(tx: Transaction) -> list[Market]:
    """Return every market, in the order of their codes."""
    return list((await store.select_markets(tx)).values())


async def find_market(tx: Transaction, code: str) -> Market | None:
    """Return the market of that code, or None."""
    known = _known.get(tx.connection, {})
    if code not in known:
        known = await store.select_markets(tx)
        _known[tx.connection] = known
    return known.get(code)


def _check(market: Market) -> None:
    for field, shape in _SHAPES.items():
        if not shape.fullmatch(getattr(market, field)):
            raise MarketImpossible(pointer=f"/{field}", field=field)
    try:
        ZoneInfo(market.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MarketImpossible(pointer="/time_zone", field="time_zone") from error
