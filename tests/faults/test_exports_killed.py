"""Exports of many rows: a worker that is killed leaves no torn file and no other, and nobody's memory grows."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest

from regulars.platform.bulk.routes import job_id_in
from regulars.platform.ids import new_id
from tests.entrypoints.exporting import begun, file_of, rows_in
from tests.entrypoints.importing import Site, site
from tests.faults.jobber import started
from tests.faults.product import Product, product_at, until
from tests.faults.shop import prepare
from tests.faults.test_lifecycle import start_both, url_of
from tests.faults.victims import WEB, WORKER

__all__ = ["site"]  # the fixture
pytestmark = pytest.mark.anyio

FEW, MANY = 20_000, 300_000
GROWN_BYTES = 32 * 2**20
SIGN_UP_MANY = """
INSERT INTO members (member_id, status, market, language, signed_up_at, recorded_at, written_at, channel)
SELECT gen_random_uuid(), 'active', m.code, 'zh', now(), now(), now(), 'online'
FROM markets AS m, generate_series(1, %s) RETURNING 1
"""
KEPT = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"


async def test_a_killed_export_is_finished_whole_by_another_and_leaves_no_other_file(
    site: Site, database_url: str
) -> None:
    await site.rows(SIGN_UP_MANY, (FEW,))
    async with await site.caller("admin") as client:
        export_id = await begun(client, "members", columns=["member_id"])
        process = await started(site, database_url, export_id)
        while not await site.rows("SELECT 1 FROM export_parts LIMIT 1") and process.returncode is None:
            await asyncio.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        (parts,) = (await site.rows("SELECT count(*) FROM export_parts"))[0]
        assert 0 < parts < FEW // 2_000
        assert (await client.get(f"/v1/exports/{export_id}/file")).json()["code"] == "export_under_way"

        folder = site.home / "exports" / job_id_in(export_id).hex
        (folder / "000009-begun.1.part").write_bytes(b"as of one that was killed while it wrote")
        while (await site.rows(KEPT))[0][0]:
            await asyncio.sleep(0.005)
        await site.rows(SIGN_UP_MANY, (1,))  # since the snapshot is lost it begins anew
        job = await finished(site, client, export_id)
        assert (job["state"], job["counts"]) == ("done", {"rows": FEW + 1})
        told = {UUID(row["member_id"].removeprefix("mbr_")) for row in rows_in(await file_of(client, export_id))}
    assert told == {member for (member,) in await site.rows("SELECT member_id FROM members")}
    written = await site.rows("SELECT part_no, digest FROM export_parts")
    assert {path.name for path in folder.iterdir()} == {f"{number:06}-{digest}.part" for number, digest in written}


async def finished(site: Site, client: httpx.AsyncClient, export_id: str) -> dict[str, object]:
    """Do all other steps of an export; returns its job."""
    while await site.step(export_id) is not None:
        pass
    found: dict[str, object] = (await client.get(f"/v1/jobs/{export_id}")).json()
    return found


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """Return a product without programs; at the end nothing of it is left."""
    with product_at(tmp_path) as made:
        yield made


def export(client: httpx.Client) -> int:
    """Export all members, and take the file in every format; returns how many lines that of CSV has."""
    head = {"Idempotency-Key": new_id().hex}
    job_id = client.post("/v1/exports", json={"kind": "members"}, headers=head).json()["job_id"]
    until(lambda: client.get(f"/v1/jobs/{job_id}").json()["state"] == "done", 120)
    found = 0
    for form in ("csv", "jsonl", "parquet"):
        with client.stream("GET", f"/v1/exports/{job_id}/file", params={"format": form}) as answer:
            assert answer.status_code == httpx.codes.OK
            for piece in answer.iter_bytes():
                found += piece.count(b"\r\n") if form == "csv" else 0
    return found


def held(product: Product, what: str) -> dict[str, int]:
    """Return how many bytes web process and worker hold, or held at most."""
    found = {}
    for name in (WEB, WORKER):
        process = product.programs[name].process
        assert process is not None
        status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        (line,) = [text for text in status if text.startswith(f"{what}:")]
        found[name] = int(line.split()[1]) * 1024
    return found


@pytest.mark.faults
async def test_many_rows_take_no_more_memory_than_few(product: Product) -> None:
    shop = await prepare(product, 10)
    start_both(product)
    headers = {"Authorization": f"Bearer {shop.token}"}
    with (
        closing(psycopg.connect(url_of(product), autocommit=True)) as database,
        httpx.Client(base_url=product.address, headers=headers, timeout=120) as client,
    ):
        database.execute(SIGN_UP_MANY, (FEW,))
        export(client)
        before = held(product, "VmHWM")
        database.execute(SIGN_UP_MANY, (MANY,))
        assert export(client) == 10 + FEW + MANY + 1
        after = held(product, "VmHWM")
    print(f"held at most for {FEW} rows: {before}, for {MANY} more: {after}")  # noqa: T201 # seen with -s
    assert {name: most for name, most in after.items() if most > before[name] + GROWN_BYTES} == {}
