"""Whether this process may be used."""

import asyncio

from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.migrate import head
from regulars.platform.health import store
from regulars.platform.health.errors import DatabaseSilent, NotMigrated

ANSWER_SECONDS = 2.0


async def require_ready(database: Database) -> str:
    """Return the schema's revision once the database answers, is migrated, and its programme clock is known.

    Raises DatabaseSilent or NotMigrated (both 503).
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            async with database.transaction() as tx:
                found = await store.select_revision(tx)
            if found != head():
                raise NotMigrated(found=found or "—", needed=head())
            await database.follow_clock()
    except (*CONNECTION_LOST, TimeoutError) as error:
        raise DatabaseSilent from error
    return found


async def postgresql_version(database: Database) -> int:
    """Return PostgreSQL's version as a number, e.g. 180006."""
    async with database.transaction() as tx:
        return await store.select_version(tx)
