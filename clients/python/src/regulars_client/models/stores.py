"""Of `client.stores`.

Written from the API's description: `make client` does it anew.
"""

from msgspec import Struct

from regulars_client.models.shared import Store


class Market(Struct, frozen=True, kw_only=True):
    """Part of `MarketsAnswer`."""

    code: str
    country: str
    currency: str
    """ISO 4217 code, e.g. CNY."""
    time_zone: str
    language: str
    privacy_regime: str


class MarketsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.stores.list_markets`: list the markets."""

    markets: list[Market]


class StoresPage(Struct, frozen=True, kw_only=True):
    """The answer of `client.stores.list`: list the stores."""

    stores: list[Store]
    has_more: bool
    next_cursor: str | None
