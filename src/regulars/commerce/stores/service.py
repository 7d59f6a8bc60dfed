"""Verbs of stores."""

import re
from collections.abc import Iterable, Sequence

from regulars.commerce.contracts import Store, StorePut
from regulars.commerce.errors import StoreIdImpossible, StoreInAnotherMarket, UnknownStore
from regulars.commerce.stores import store
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.markets import service as markets

_MOST_STORES = 10_000
_NUMBERS = re.compile(r"([0-9]+)")
_STORE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")


def store_id_in(text: str) -> str:
    """Read the id of a store that may be new. Raises StoreIdImpossible (422)."""
    if _STORE_ID.fullmatch(text) is None:
        raise StoreIdImpossible(pointer="/path/store_id")
    return text


class StoreDirectory:
    """Stores as this process knows them. Which market a store is in never changes, so what is known stays true.

    A name may change: what this process learnt first stands in its events until it is started anew.
    """

    def __init__(self) -> None:
        self._market_of: dict[str, str] = {}
        self._name_of: dict[str, str] = {}

    async def learn(self, tx: Transaction, store_ids: Iterable[str | None]) -> None:
        """Read the stores that are not known yet."""
        unknown = sorted({store_id for store_id in store_ids if store_id is not None} - self._market_of.keys())
        if unknown:
            for store_id, market, name in await store.read(tx, unknown):
                self._market_of[store_id], self._name_of[store_id] = market, name

    def name_of(self, store_id: str | None) -> str | None:
        """Return what a known store is called; None for none."""
        return None if store_id is None else self._name_of.get(store_id)

    def check(self, store_id: str | None, market: str, pointer: str = "/store_id") -> None:
        """Refuse a store that does not exist or is of another market; None (no store) passes."""
        if store_id is None:
            return
        found = self._market_of.get(store_id)
        if found is None:
            raise UnknownStore(pointer=pointer, store_id=store_id)
        if found != market:
            raise StoreInAnotherMarket(pointer=pointer, store_id=store_id, market=market)


async def define_stores(tx: Transaction, stores: Sequence[Store]) -> list[Store]:
    """Define or rename stores; refuses to move one to another market."""
    known = {row[0]: row[1] for row in await store.read(tx, [shop.store_id for shop in stores])}
    for shop in stores:
        await markets.market(tx, shop.market)
        if known.get(shop.store_id, shop.market) != shop.market:
            raise StoreInAnotherMarket(pointer="/market", store_id=shop.store_id, market=shop.market)
    store.upsert(tx, [(shop.store_id, shop.market, shop.name) for shop in stores])
    return list(stores)


async def list_stores(tx: Transaction, after: str, limit: int) -> list[Store]:
    """Return at most `limit` stores whose id follows `after`."""
    return [Store(*row) for row in (await tx.read(store.page(after, limit)))[0]]


async def every_store(tx: Transaction) -> list[Store]:
    """Return every store as people look for it: by name, Store 2 before Store 10; they are few."""
    return sorted(await list_stores(tx, "", _MOST_STORES), key=as_read)


def as_read(shop: Store) -> list[tuple[int, str]]:
    """Return what puts names in order: a number by its value, before letters; the id where names are the same."""
    parts = _NUMBERS.split(f"{shop.name.casefold()} {shop.store_id}")
    return [(int(one), "") if at % 2 else (0, one) for at, one in enumerate(parts)]


async def put_store(tx: Transaction, shop: Store) -> StorePut:
    """Define or rename one store. Raises UnknownMarket, StoreInAnotherMarket (422)."""
    created = not await store.read(tx, [shop.store_id])
    await define_stores(tx, [shop])
    return StorePut(shop, created)


async def read_store(tx: Transaction, store_id: str) -> Store:
    """Return a store. Raises NotFound (404)."""
    found = await store.read(tx, [store_id]) if _STORE_ID.fullmatch(store_id) else []
    if not found:
        raise NotFound
    return Store(*found[0])


async def read_stores(tx: Transaction, store_ids: Sequence[str]) -> list[Store]:
    """Return stores by their ids; unknown ones are left out."""
    return [Store(*row) for row in await store.read(tx, store_ids)]
