"""What callers send and get about stores and markets."""

from typing import Annotated

from msgspec import Meta, Struct

from regulars.commerce.contracts import Store
from regulars.platform.markets.contracts import Market

StoreName = Annotated[str, Meta(min_length=1, max_length=200, examples=["Beichen, Nanjing Road"])]
MarketCode = Annotated[str, Meta(min_length=1, max_length=16, examples=["CN"])]


class StoreBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A store's name and market; the name may change, the market never does."""

    market: MarketCode
    name: StoreName


class StoresPage(Struct, frozen=True, kw_only=True):
    """Stores in the order of their ids."""

    stores: list[Store]
    has_more: bool
    next_cursor: str | None


class MarketsAnswer(Struct, frozen=True, kw_only=True):
    """Every market of the programme, by its code."""

    markets: list[Market]
