"""HTTP of stores and markets."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from regulars.commerce import cursors
from regulars.commerce.contracts import Store, StorePut
from regulars.commerce.stores import service
from regulars.commerce.stores.schemas import MarketsAnswer, StoreBody, StoresPage
from regulars.platform.commit.lane import one_by_one
from regulars.platform.http.guards import requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.markets.service import list_markets
from regulars.platform.services import Services

TAGS: Final = ["stores"]
AnyRequest = Request[Any, Any, Any]
PageSize = Annotated[int, QueryParameter(ge=1, le=500)]
StoreId = Annotated[str, Meta(min_length=1, max_length=64)]

_encode = msgspec.json.Encoder().encode


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of stores and markets."""
    return [_put_store(services), *_reads(services)]


def _put_store(services: Services) -> HTTPRouteHandler:
    lane = services.lane("define_store", one_by_one(service.put_store), _stored)

    @put(
        "/v1/stores/{store_id:str}",
        guards=[requires("stores:write")],
        operation_id="putStore",
        tags=TAGS,
        summary="Define or rename a store",
        responses={
            200: ResponseSpec(Store, description="The store, known before."),
            201: ResponseSpec(Store, description="The store, new."),
        },
    )
    async def put_store(request: AnyRequest, store_id: FromPath[str], data: JSONBody[StoreBody]) -> Response[Any]:
        """Define a store under your own id. Its market stands from then on: books and returns depend on it."""
        store = Store(service.store_id_in(store_id), data.market, data.name)
        return await carry_out(request, lane, store, subject=store_id)

    return put_store


def _reads(services: Services) -> list[HTTPRouteHandler]:
    @get(
        "/v1/stores/{store_id:str}",
        guards=[requires("orders:read")],
        operation_id="getStore",
        tags=TAGS,
        summary="Read a store",
    )
    async def get_store(store_id: FromPath[str]) -> Store:
        """Return a store."""
        async with services.database.transaction() as tx:
            return await service.read_store(tx, store_id)

    @get(
        "/v1/stores",
        guards=[requires("orders:read")],
        operation_id="listStores",
        tags=TAGS,
        summary="List the stores",
    )
    async def list_stores(cursor: FromQuery[str | None] = None, limit: PageSize = 100) -> StoresPage:
        """Return the stores in the order of their ids, page by page."""
        after = "" if cursor is None else cursors.read(cursor, StoreId)
        async with services.database.transaction() as tx:
            found = await service.list_stores(tx, service.store_id_in(after) if after else "", limit + 1)
        more = len(found) > limit
        return StoresPage(
            stores=found[:limit],
            has_more=more,
            next_cursor=cursors.write(found[limit - 1].store_id) if more else None,
        )

    @get(
        "/v1/markets",
        guards=[requires("orders:read")],
        operation_id="listMarkets",
        tags=TAGS,
        summary="List the markets",
    )
    async def get_markets() -> MarketsAnswer:
        """Return the programme's markets: currency, time zone, language and privacy regime of each."""
        async with services.database.transaction() as tx:
            return MarketsAnswer(markets=await list_markets(tx))

    return [get_store, list_stores, get_markets]


def _stored(put: StorePut) -> tuple[int, bytes]:
    return (201 if put.created else 200), _encode(put.store)
