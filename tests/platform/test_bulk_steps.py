"""A step of a job that fails: what is nobody's fault ends no job."""

import pytest
from psycopg.errors import DiskFull

from regulars.platform.bulk import service
from regulars.platform.bulk.contracts import Step, Taken
from regulars.platform.bulk.stepping import TRIES, do_step
from regulars.platform.bulk.tasks import run_job
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import new_id

pytestmark = pytest.mark.anyio


class Cramped:
    """A kind of job that wants room on the disk."""

    room = False

    async def step(self, tx: Transaction, job: Taken) -> Step:
        """Do all of it, if there is room."""
        await tx.flush()
        if not self.room:
            raise DiskFull
        return Step(done=1, all_of_it=1, counts=job.counts, ended=True)


async def test_a_full_disk_ends_no_job(database: Database) -> None:
    job_id, kind = new_id(), Cramped()
    async with database.transaction() as tx:
        await service.ask(tx, run_job, job_id, "cramped", by="key:ak_1", all_of_it=1)
    for _ in range(TRIES):
        with pytest.raises(DiskFull):
            async with database.transaction() as tx:
                await do_step(tx, {"cramped": kind}, job_id)
    kind.room = True
    async with database.transaction() as tx:
        await do_step(tx, {"cramped": kind}, job_id)

    async with database.transaction() as tx:
        assert (await service.read_job(tx, job_id, by=None)).state == "done"
