"""Operations on stores, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Iterator

from regulars_client.blocking.transport import Group, walk
from regulars_client.calls import Call, given, part
from regulars_client.models import MarketsAnswer, Store, StoresPage


class Stores(Group):
    """Operations on stores."""

    def get(self, store_id: str) -> Store:
        """Read a store.

        Return a store.
        """
        return self._transport.call(Call("GET", f"/v1/stores/{part(store_id)}", Store))

    def put(self, store_id: str, *, market: str, name: str, idempotency_key: str | None = None) -> Store:
        """Define or rename a store.

        Define a store under your own id. Its market stands from then on: books and returns depend on it.
        """
        return self._transport.call(
            Call(
                "PUT",
                f"/v1/stores/{part(store_id)}",
                Store,
                body=given({"market": market, "name": name}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def list(self, *, cursor: str | None = None, limit: int | None = None) -> StoresPage:
        """List the stores.

        Return the stores in the order of their ids, page by page.
        """
        return self._transport.call(Call("GET", "/v1/stores", StoresPage, query={"cursor": cursor, "limit": limit}))

    def iterate(self, *, limit: int | None = None) -> Iterator[Store]:
        """Go through all pages of `list`, row by row."""
        return walk(lambda cursor: self.list(limit=limit, cursor=cursor), lambda page: page.stores)

    def list_markets(self) -> MarketsAnswer:
        """List the markets.

        Return the programme's markets: currency, time zone, language and privacy regime of each.
        """
        return self._transport.call(Call("GET", "/v1/markets", MarketsAnswer))
