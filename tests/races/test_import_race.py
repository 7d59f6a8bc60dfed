"""Two processes at one import do each of its steps once. The lock is the job's row."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regulars.platform.bulk import store
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.stepping import do_step
from regulars.platform.db.database import Database
from regulars.platform.imports.contracts import ROWS_A_STEP
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.importing import Site

pytestmark = pytest.mark.anyio

ROWS = 2 * ROWS_A_STEP


@pytest.fixture
async def site(database: Database, tmp_path: Path) -> AsyncIterator[Site]:
    vault = LocalVault(tmp_path / "vault")
    made = await Site(database, vault, tmp_path).begin()
    yield made
    await made.client.aclose()
    vault.close()


async def imported_by_two(site: Site) -> dict[str, int]:
    """Let two workers do one import's steps at once; return what the job counts."""
    await site.members(ROWS)
    content = b"card,amount\n" + b"".join([b"M%07d,1\n" % number for number in range(1, ROWS + 1)])
    job_id = await site.upload(content, kind="accruals")
    both = [site.given()["job_kinds"], site.given()["job_kinds"]]

    async def work(kinds: object) -> None:
        more: int | None = 0
        while more is not None:
            async with site.database.transaction(set_based=True) as tx:
                more = await do_step(tx, kinds, job_id_in(job_id))  # type: ignore[arg-type]  # what a worker is given

    await asyncio.gather(*[work(kinds) for kinds in both])
    job = await site.job(job_id)
    assert job["state"] == "done"
    counts: dict[str, int] = job["counts"]
    return counts


async def test_two_workers_do_each_step_once(site: Site) -> None:
    assert await imported_by_two(site) == {"rows": ROWS, "imported": ROWS, "known": 0, "refused": 0}
    assert await site.rows("SELECT count(*), sum(amount) FROM ledger_transfers") == [(ROWS, ROWS)]


async def test_without_the_lock_a_step_is_done_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_TAKE_UP", store._TAKE_UP.replace("FOR UPDATE", ""))
    counts = await imported_by_two(site)
    assert counts["imported"] < ROWS, "rows of a step that was done twice were known the second time"
    assert await site.rows("SELECT count(*), sum(amount) FROM ledger_transfers") == [(ROWS, ROWS)]
