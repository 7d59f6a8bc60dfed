"""Operations on stores, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import AsyncIterator

from regulars_client.asynchronous.transport import Group, walk_async
from regulars_client.calls import Call, given, part
from regulars_client.models import MarketsAnswer, Store, StoresPage


class AsyncStores(Group):
    """Operations on stores."""

    async def get(self, store_id: str) -> Store:
        """Read a store.

        Return a store.
        """
        return await self._transport.call(Call("GET", f"/v1/stores/{part(store_id)}", Store))

    async def put(self, store_id: str, *, market: str, name: str, idempotency_key: str | None = None) -> Store:
        """Define or rename a store.

        Define a store under your own id. Its market stands from then on: books and returns depend on it.
        """
        return await self._transport.call(
            Call(
                "PUT",
                f"/v1/stores/{part(store_id)}",
                Store,
                body=given({"market": market, "name": name}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def list(self, *, cursor: str | None = None, limit: int | None = None) -> StoresPage:
        """List the stores.

        Return the stores in the order of their ids, page by page.
        """
        return await self._transport.call(
            Call("GET", "/v1/stores", StoresPage, query={"cursor": cursor, "limit": limit})
        )

    def iterate(self, *, limit: int | None = None) -> AsyncIterator[Store]:
        """Go through all pages of `list`, row by row."""
        return walk_async(lambda cursor: self.list(limit=limit, cursor=cursor), lambda page: page.stores)

    async def list_markets(self) -> MarketsAnswer:
        """List the markets.

        Return the programme's markets: currency, time zone, language and privacy regime of each.
        """
        return await self._transport.call(Call("GET", "/v1/markets", MarketsAnswer))
