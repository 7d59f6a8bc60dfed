"""A process that does one job and nothing else, to be killed: `python -m tests.faults.jobber URL HOME JOB`."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from pathlib import Path

from regulars.entrypoints.importing import job_kinds
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.stepping import do_step
from regulars.platform.db.database import Database
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.architecture.source import ROOT
from tests.entrypoints.importing import Site


async def started(site: Site, url: str, job_id: str) -> Process:
    """Start such a process."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.faults.jobber", url, str(site.home), job_id]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)


async def run(url: str, home: Path, job_id: str) -> None:
    """Do the steps of a job."""
    vault = LocalVault(home / "vault")
    async with Database(url, pool_size=2) as database:
        kinds = job_kinds(Settings(home=home), vault, database)
        more: int | None = 0
        while more is not None:
            async with database.transaction(set_based=True) as tx:
                more = await do_step(tx, kinds, job_id_in(job_id))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
