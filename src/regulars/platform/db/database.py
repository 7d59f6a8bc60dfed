"""The database as the edge sees it: one pool, transactions, and what to do when a connection is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from select import POLLIN, poll
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, LiteralString, Self
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection, OperationalError
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from regulars.platform.clock import Clock
from regulars.platform.db.kept_snapshot import taking_over
from regulars.platform.db.programme_clock import read_setting
from regulars.platform.db.transaction import Transaction
from regulars.platform.metrics.measures import Counts

if TYPE_CHECKING:
    from regulars.platform.traces.tracer import Tracer

SYSTEM = "system"
_ONE_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_SET_BASED: Final = "SET LOCAL enable_seqscan = off"
# Planning anew for each set of keys, as PostgreSQL else does, took a third of a small batch. Where nothing but nested
# loops over indexes is left, one plan serves any number of keys as long as it knows roughly how much there is: one made
# while a table was empty reads it whole when it has grown. PostgreSQL looks at the size of its files when it plans.
_BY_KEYS: Final = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)
"""
_PLAN_ANEW: Final = "DISCARD PLANS"
_PLANS_LAST: Final = 1.0  # seconds
CONNECTION_LOST = (OperationalError, PoolTimeout)


async def _check(connection: AsyncConnection[Any]) -> None:
    """Raise OperationalError for a connection whose server is gone.

    A server that died or ended the connection has closed its end, which shows without asking it: a question before
    every transaction would cost a round trip each.
    """
    closed = poll()
    closed.register(connection.fileno(), POLLIN)
    if closed.poll(0):
        await AsyncConnectionPool.check_connection(connection)


class Database:
    """A pool of connections, opened by `async with`. One deployment has one."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        prepared_statements: bool = True,
        lock_timeout_ms: int = 5000,
        wait_seconds: float = 10.0,
    ) -> None:
        self.url = url
        self.clock = Clock()
        self.counts = Counts()
        self.tracer: Tracer | None = None  # where traces are wanted, see platform.traces
        self._settings: tuple[LiteralString, ...] = (f"SET LOCAL lock_timeout = {lock_timeout_ms:d}",)
        self._prepare_threshold = 0 if prepared_statements else None
        self._planned: WeakKeyDictionary[AsyncConnection[Any], float] = WeakKeyDictionary()  # since when plans are kept
        self._pool: AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=pool_size,
            open=False,
            timeout=wait_seconds,
            reconnect_timeout=wait_seconds,
            configure=self._configure,
            check=_check,
            name="regulars",
        )

    async def _configure(self, connection: AsyncConnection[Any]) -> None:
        connection.prepare_threshold = self._prepare_threshold

    async def open(self) -> Self:
        """Open the pool and take over the programme clock. Raises PoolTimeout if nobody answers."""
        await self._pool.open(wait=True)
        await self.follow_clock()
        return self

    async def close(self) -> None:
        """Return every connection."""
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def follow_clock(self) -> None:
        """Read the programme clock's setting anew."""
        async with self._pool.connection() as connection:
            self.clock.follow(await read_setting(connection))

    @asynccontextmanager
    async def transaction(
        self,
        *,
        actor: str = SYSTEM,
        request_id: str = "",
        set_based: bool = False,
        by_keys: bool = False,
        one_snapshot: bool | str = False,
    ) -> AsyncIterator[Transaction]:
        """Open the one transaction of a request, a task or a batch; commit at the end, roll back on any exception.

        `set_based` tells the planner that tables are met through their keys only, whatever it believes of
        their sizes: a statement planned while its tables were empty once kept a plan 5-15 times slower. `by_keys` is
        for work that names each row by its key: its statements are planned once a second, for any keys.
        `one_snapshot` reads of one instant, whatever others commit meanwhile, and writes nothing; with the name of a
        kept snapshot (`kept_snapshot`) of that one's instant.
        """
        async with self._pool.connection() as connection:
            settings = (
                *((_ONE_SNAPSHOT,) if one_snapshot else ()),
                *((taking_over(one_snapshot),) if isinstance(one_snapshot, str) else ()),
                *self._settings,
                *((_SET_BASED,) if set_based else ()),
                *(self._by_keys(connection) if by_keys else ()),
            )
            if self.tracer is None:
                transaction = Transaction(connection, self.clock.now(), actor, request_id, settings)
                async with transaction.to_its_end():
                    yield transaction
            else:
                asking = (actor, request_id)
                with self.tracer.transaction(connection, self.clock.now(), asking, settings) as transaction:
                    async with transaction.to_its_end():
                        yield transaction
            if transaction.counts:
                self.counts.add_all(transaction.counts.items())

    def _by_keys(self, connection: AsyncConnection[Any]) -> tuple[LiteralString, ...]:
        now = monotonic()
        if now - self._planned.get(connection, -_PLANS_LAST) < _PLANS_LAST:
            return (_BY_KEYS,)
        self._planned[connection] = now
        return _PLAN_ANEW, _BY_KEYS

    def pool_stats(self) -> dict[str, int]:
        """Return what the pool has counted, by psycopg_pool's names."""
        return self._pool.get_stats()

    async def prewarm(self) -> None:
        """Open one connection ahead of the first request."""
        async with self._pool.connection():
            pass
