"""A programme into which files are imported, by the API's own routes and step by step."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.importing import given_to_tasks, job_kinds
from regulars.entrypoints.wiring import offered_to_programs
from regulars.loyalty import api as loyalty
from regulars.platform.auth import service as keys
from regulars.platform.bulk.contracts import JobKinds
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.stepping import do_step
from regulars.platform.clock import ClockSetting
from regulars.platform.db.database import Database
from regulars.platform.ids import new_id
from regulars.platform.markets.service import define_market
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import CN, DAY, NOW, POLICY

Json = Any  # what JSON holds
TABLES = ("members", "identities", "ledger_transfers", "lots", "orders", "order_lines", "outbox", "audit_entries")
MEMBER_CONSTANTS = {"market": "CN", "channel": "store"}


@dataclass
class Site:
    """A deployment with one market and a policy, and a client with all that importing takes."""

    database: Database
    vault: LocalVault
    home: Path
    services: Services = field(init=False)
    client: httpx.AsyncClient = field(init=False)
    kinds: JobKinds = field(init=False)

    async def begin(self) -> "Site":
        """Define the programme."""
        self.database.clock.follow(ClockSetting(NOW, NOW, ticking=False))
        async with self.database.transaction() as tx:
            await define_market(tx, CN)
            loyalty.define_standard_wallets(tx)
            await loyalty.activate_policy(tx, POLICY, NOW - 1000 * DAY)
        self.services = Services(Settings(home=self.home), self.database, self.vault)
        self.kinds = job_kinds(self.services.settings, self.vault, self.database)
        self.client = await self.caller("members:write", "orders:write", "ledger:write")
        return self

    async def caller(self, *scopes: str) -> httpx.AsyncClient:
        """Return a client with a key of its own."""
        async with self.database.transaction() as tx:
            _, token = await keys.create_key(tx, label="test", scopes=scopes)
        app = create_app(self.services, offered_to_programs(self.services))
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://test", headers={"Authorization": f"Bearer {token}"}
        )

    def given(self) -> dict[str, object]:
        """Return what a worker gives to tasks."""
        return given_to_tasks(self.services.settings, self.vault, self.database)

    async def post(self, path: str, body: Json = None, **headers: str) -> httpx.Response:
        """Send a request under a key of its own."""
        return await self.client.post(path, json=body, headers={"Idempotency-Key": new_id().hex, **headers})

    async def upload(self, content: bytes, *, part_bytes: int = 1_000_000, **body: Json) -> str:
        """Send a file part by part and start its import; returns its id."""
        begun = await self.post("/v1/imports", body)
        assert begun.status_code == 201, begun.text
        job_id = str(begun.json()["import_id"])
        for number, at in enumerate(range(0, max(len(content), 1), part_bytes), 1):
            arrived = await self.client.put(
                f"/v1/imports/{job_id}/parts/{number}", content=content[at : at + part_bytes]
            )
            assert arrived.status_code == 200, arrived.text
        started = await self.post(f"/v1/imports/{job_id}/start")
        assert started.status_code == 202, started.text
        return job_id

    async def step(self, job_id: str) -> int | None:
        """Do a job's next step."""
        async with self.database.transaction(set_based=True) as tx:
            return await do_step(tx, self.kinds, job_id_in(job_id))

    async def done(self, job_id: str, language: str = "en") -> Json:
        """Do all steps of a job, and return it."""
        while await self.step(job_id) is not None:
            pass
        return await self.job(job_id, language)

    async def job(self, job_id: str, language: str = "en") -> Json:
        """Return a job as it is answered."""
        answer = await self.client.get(f"/v1/jobs/{job_id}", headers={"Accept-Language": language})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def imported(self, content: bytes, **body: Json) -> Json:
        """Import a file, and return its job."""
        return await self.done(await self.upload(content, **body))

    async def errors(self, job_id: str, language: str = "en") -> list[str]:
        """Return the lines of the file that says which rows were refused."""
        answer = await self.client.get(f"/v1/imports/{job_id}/errors", headers={"Accept-Language": language})
        assert answer.status_code == 200, answer.text
        return answer.text.splitlines()

    async def rows(self, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the database."""
        async with self.database.transaction() as tx:
            return await tx.rows(text, parameters)

    async def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return what imports write, but for the log of requests."""
        found = {}
        for table in TABLES:
            where = " WHERE action LIKE 'import\\_%%'" if table == "audit_entries" else ""
            found[table] = sorted(await self.rows(f"SELECT * FROM {table}{where}"), key=repr)
        return found

    async def members(self, count: int) -> None:
        """Sign up members with cards from 1."""
        rows = "".join([f"M{number:07}\n" for number in range(1, count + 1)])
        job = await self.imported(b"card\n" + rows.encode(), kind="members", mapping={"constants": MEMBER_CONSTANTS})
        assert (job["state"], job["counts"]["imported"]) == ("done", count), job


def lines(*documents: Json) -> bytes:
    """Write documents as JSON Lines."""
    return b"".join([json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in documents])


@pytest.fixture
async def site(database: Database, tmp_path: Path) -> AsyncIterator[Site]:
    vault = LocalVault(tmp_path / "vault")
    made = await Site(database, vault, tmp_path).begin()
    yield made
    await made.client.aclose()
    vault.close()
