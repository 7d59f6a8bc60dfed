"""The snapshots of the exports that this process began: each is kept open until its export has ended."""

import asyncio
import logging
from contextlib import suppress
from typing import Final
from uuid import UUID

from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.failures import describe
from regulars.platform.db.kept_snapshot import kept_snapshot
from regulars.platform.exports import store

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
AT_MOST_SECONDS: Final = 6 * 3600.0  # the database forgets no row that a snapshot may need


class Snapshots:
    """Keeps a snapshot for each export that was begun here; whoever works at the export reads from it by its name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keeping: dict[UUID, asyncio.Task[None]] = {}

    async def take(self, job_id: UUID) -> str:
        """Take a snapshot and keep it until the export has ended or is stopped; returns its name."""
        await self.release(job_id)
        taken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        keeping = asyncio.create_task(self._keep(job_id, taken))
        self._keeping[job_id] = keeping
        keeping.add_done_callback(lambda _: self._keeping.pop(job_id, None))
        return await taken

    async def release(self, job_id: UUID) -> None:
        """Keep it no longer, if it is kept here."""
        keeping = self._keeping.get(job_id)
        if keeping is not None:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def _keep(self, job_id: UUID, taken: asyncio.Future[str]) -> None:
        try:
            async with asyncio.timeout(AT_MOST_SECONDS), kept_snapshot(self._database.url) as name:
                taken.set_result(name)
                while await self._still_wanted(job_id):  # noqa: ASYNC110 - another process may end it
                    await asyncio.sleep(LOOK_SECONDS)
        except Exception as error:  # noqa: BLE001 - the export begins anew
            if taken.done():
                logger.warning("the snapshot of an export is kept no longer: %s", describe(error))
            else:
                taken.set_exception(error)

    async def _still_wanted(self, job_id: UUID) -> bool:
        with suppress(*CONNECTION_LOST):  # the next look tells; a snapshot that is lost shows at the next step
            async with self._database.transaction() as tx:
                return await store.still_wanted(tx, job_id)
        return True
