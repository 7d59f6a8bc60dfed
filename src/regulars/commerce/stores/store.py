"""SQL of stores."""

from collections.abc import Sequence

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Statement, Transaction


def upsert(tx: Transaction, stores: Sequence[tuple[str, str, str]]) -> None:
    """Define stores given as (store_id, market, name); the name may change, the market never does."""
    tx.write(
        """
        INSERT INTO stores (store_id, market, name) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
        ON CONFLICT (store_id) DO UPDATE SET name = excluded.name
        """,
        (
            arrays.texts([store_id for store_id, _, _ in stores]),
            arrays.texts([market for _, market, _ in stores]),
            arrays.texts([name for _, _, name in stores]),
        ),
    )


async def read(tx: Transaction, store_ids: Sequence[str]) -> Rows:
    """Return (store_id, market, name) of the stores that exist."""
    return await tx.rows(
        "SELECT store_id, market, name FROM stores WHERE store_id = ANY (%s::text[])", (arrays.texts(store_ids),)
    )


def page(after: str, limit: int) -> Statement:
    """Read stores in the order of their ids, after one."""
    return Statement(
        "SELECT store_id, market, name FROM stores WHERE store_id > %s ORDER BY store_id LIMIT %s", (after, limit)
    )
