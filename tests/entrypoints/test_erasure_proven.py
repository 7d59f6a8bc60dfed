"""Proof of erasing: everything happens to a member, a backup is taken, the member is erased, the backup is restored by
the programs that operators use, and the product is started on it: nothing of the member can be read anywhere.
"""

import io
import logging
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from regulars.engagement import api as engagement
from regulars.engagement.channels.sending.transport import DevelopmentOutbox
from regulars.engagement.contracts import MessageChannel
from regulars.entrypoints.http import create_app
from regulars.entrypoints.privacy import PARTS
from regulars.entrypoints.wiring import Place, checks, opened, web
from regulars.members import api as members
from regulars.members.contracts import CodeWanted, IdentityKind, IdentityValue
from regulars.platform.audit.contracts import Head
from regulars.platform.audit.service import head, seal_all
from regulars.platform.auth import service as keys
from regulars.platform.auth.contracts import Browser
from regulars.platform.db.database import Database
from regulars.platform.embedded.wheel import binaries
from regulars.platform.ids import parse_public_id
from regulars.platform.logs import JsonFormatter, RequestLog
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.cipher import unseal
from regulars.platform.vault.contracts import VaultBroken
from regulars.platform.vault.local import LocalVault
from regulars.platform.verification.service import verify
from tests.conftest import on
from tests.engagement.post_office import PostOffice, order
from tests.entrypoints.careless import import_carelessly
from tests.entrypoints.commands import as_url, serving
from tests.members.erasing import texts_of_everything, where

pytestmark = pytest.mark.anyio

PHONE, EMAIL, NAME, CARD = "+8613957182846", "quince.harbour@unheard-of.example", "楚云深", "QH77124609"
SECRETS = (PHONE[1:], PHONE[3:], "139 5718 2846", EMAIL, "quince.harbour", "Quince", NAME, "云深", CARD)


@asynccontextmanager
async def caller(services: Services, log: io.StringIO) -> AsyncIterator[httpx.AsyncClient]:
    async with services.database.transaction() as tx:
        _, token = await keys.create_key(tx, label="test", scopes=["admin"])
    app = create_app(services, web(services), RequestLog(log))
    headers = {"Authorization": f"Bearer {token}", "Regulars-Purpose": "proving erasure"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example", headers=headers) as client:
        yield client


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Keep what the process logs, as it would be written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


async def post(client: httpx.AsyncClient, path: str, body: object, method: str = "POST") -> httpx.Response:
    return await client.request(method, path, json=body, headers={"Idempotency-Key": uuid4().hex})


async def a_life(office: PostOffice, services: Services, client: httpx.AsyncClient) -> UUID:
    """Let a member do all there is to do, and clumsy callers do what they should not."""
    identities = [{"kind": "phone", "value": PHONE}, {"kind": "email", "value": EMAIL.title()}]
    signed_up = await post(client, "/v1/members", {"market": "CN", "channel": "store", "identities": identities})
    public = signed_up.json()["member_id"]
    member_id = parse_public_id("mbr", public)
    assert member_id is not None
    path = f"/v1/members/{public}"
    assert (await post(client, f"{path}/identities", {"kind": "card", "value": CARD})).status_code == 201
    told = {"display_name": NAME, "given_name": "云深", "family_name": "楚", "birthday": {"month": 5, "day": 20}}
    assert (await post(client, f"{path}/profile", told, "PATCH")).status_code == 200
    async with services.database.transaction() as tx:
        assert await members.prove_email(tx, services.vault, member_id, EMAIL)
    living = {"head": public, "name": f"{NAME}之家", "reason": "They live together"}
    home = await post(client, "/v1/households", living)
    assert home.status_code == 201, home.text
    assert NAME in (await client.get(f"/v1/households/{home.json()['household_id']}")).text
    for body in ({"kind": "phone", "value": PHONE}, {"kind": "card", "value": CARD}):
        assert (await client.post("/v1/members/lookup", json=body)).json()["masked"] is False
    # refused and faulty requests, whose texts must not be kept
    taken = await post(client, "/v1/members", {"market": "CN", "channel": "store", "identities": identities})
    assert taken.json()["code"] == "identity_taken"
    assert (await post(client, f"{path}/identities", {"kind": PHONE, "value": EMAIL})).status_code == 422
    assert (await client.get(f"/v1/members/{PHONE}?q={EMAIL}")).status_code in {404, 422}
    await import_carelessly(services, client, PHONE, EMAIL, NAME)
    # a code to the address, of the member and (a moment before) of nobody
    deliver = engagement.code_delivery(services.settings, services.vault)
    for kind, value in ((IdentityKind.PHONE, PHONE), (IdentityKind.EMAIL, EMAIL)):
        async with services.database.transaction() as tx:
            wish = CodeWanted(identity=IdentityValue(kind, value), market="CN", language="zh")
            await members.request_code(tx, services.vault, deliver, wish, Browser(address="192.0.2.1", user_agent="x"))
            await deliver(tx, channel="email", address=EMAIL, code="123456", language="zh", member_id=None)
    await office.apply(order(member_id), order(member_id, "1002", 5_000, state="open"))
    await office.write()
    for channel in (MessageChannel.EMAIL, MessageChannel.SMS):
        await office.courier(DevelopmentOutbox(), channel).drain()
    page = await client.get(f"{path}/messages")
    assert page.json()["messages"]
    export = (await post(client, f"{path}/exports", None)).json()
    assert await members.gather_waiting(services.database, services.vault, PARTS) == 1
    for form in ("json", "html"):
        document = await client.get(f"{path}/exports/{export['export_id']}", params={"format": form})
        assert [secret for secret in (PHONE, NAME, CARD) if secret not in document.text] == [], form
    await seal_all(services.database)
    return member_id


async def merged_into_another(office: PostOffice, client: httpx.AsyncClient, member_id: UUID) -> tuple[UUID, str]:
    """Let the member become part of another, who is told of both by messages and an export; returns whom, and how."""
    await office.apply(order(member_id, "1002", 5_000))  # what waits to be paid stands against it
    identities = [{"kind": "card", "value": "SV55501234"}]
    signed_up = await post(client, "/v1/members", {"market": "CN", "channel": "store", "identities": identities})
    public = signed_up.json()["member_id"]
    survivor = parse_public_id("mbr", public)
    assert survivor is not None
    body = {"absorb": f"mbr_{member_id.hex}", "reason": "taken for one person"}
    merge = await post(client, f"/v1/members/{public}/merges", body)
    assert merge.status_code == 200, merge.text
    await office.apply(order(survivor, "1003", 7_000))
    await office.write()
    export = (await post(client, f"/v1/members/{public}/exports", None)).json()
    assert await members.gather_waiting(office.database, office.vault, PARTS) == 1
    told = await client.get(f"/v1/members/{public}/exports/{export['export_id']}")
    assert [secret for secret in (PHONE, NAME, CARD) if secret not in told.text] == []
    return survivor, merge.json()["merge_id"]


def readable(url: str, key: bytes, member_id: UUID) -> int:
    """Return how many sealed values of a database open with a key that was kept against all rules."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT identity_id, sealed_value FROM member_identities WHERE member_id = %s", (member_id,)
        ).fetchall()
    opened_values = 0
    for identity_id, sealed in found:
        try:
            unseal(key, bytes(sealed), member_id=member_id, field=f"identity:{identity_id.hex}")
        except VaultBroken:
            continue
        opened_values += 1
    return opened_values


def in_files(folder: Path) -> list[tuple[str, str]]:
    """Return which secret stands in which file."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found += [(path.name, secret) for secret in SECRETS if secret.encode() in content]
    return found


async def verified(database: Database, known_head: Head | None = None) -> dict[str, list[str]]:
    """Return what every check of the product finds, but for events that nobody relays here."""
    found = [one async for one in verify(database, checks(known_head))]
    return {one.name: one.told("en") for one in found if not one.ok and one.name != "outbox drained"}


@dataclass
class Proof:
    """One member's life on one machine, and the backups that were taken of it.

    With `merges`, they are taken while the member is part of another (`holder`), by mistake.
    """

    home: Path
    url: str
    merges: bool = False
    holder: UUID = field(init=False)
    member_id: UUID = field(init=False)
    key: bytes = field(init=False)
    head: Head = field(init=False)

    @property
    def public(self) -> str:
        return f"mbr_{self.member_id.hex}"

    @property
    def kept(self) -> int:
        """Return how many values are there of who is not erased."""
        return 1 if self.merges else 0

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, development=True, erasure_wait_hours=0, brand_name="Beichen")

    @property
    def vault_backup(self) -> Path:
        return self.home.with_name(f"{self.home.name}-vault")

    @property
    def dump(self) -> Path:
        return self.home.with_name(f"{self.home.name}.dump")

    def back_up(self) -> None:
        shutil.copytree(self.home / "vault", self.vault_backup)
        subprocess.run([binaries() / "pg_dump", "-Fc", "-d", self.url, "-f", self.dump], check=True)

    def restore(self, url: str) -> None:
        """Bring database and vault back; the journal is part of no backup, and stays as it is."""
        subprocess.run([binaries() / "pg_restore", "-d", url, self.dump], check=True)
        shutil.rmtree(self.home / "vault")
        shutil.copytree(self.vault_backup, self.home / "vault")

    async def live_and_be_erased(self) -> None:
        """Let everything happen to the member, take the backups, erase, and look."""
        with logged() as log:
            async with (
                opened(self.settings, Place(self.url, self.url)) as services,
                caller(services, log) as client,
            ):
                assert isinstance(services.vault, LocalVault)
                office = await PostOffice.open(services.database, services.vault)
                office.settings = self.settings
                self.member_id = await a_life(office, services, client)
                self.holder, merge_id = self.member_id, ""
                if self.merges:
                    self.holder, merge_id = await merged_into_another(office, client, self.member_id)
                    await seal_all(services.database)
                self.key = (await services.vault.keys_of([self.holder]))[self.holder]
                assert await verified(services.database) == {}
                async with services.database.transaction() as tx:
                    self.head = await head(tx)
                self.back_up()
                assert readable(self.url, self.key, self.holder) == self.kept + 3
                if self.merges:
                    path = f"/v1/members/mbr_{self.holder.hex}/merges/{merge_id}/undo"
                    undone = await post(client, path, {"reason": "two persons"})
                    assert undone.status_code == 200, undone.text
                await self._erase(services, client)
                await office.relay()
                await seal_all(services.database)
                await self.look(services, client)
        assert [secret for secret in SECRETS if secret in log.getvalue()] == []

    async def _erase(self, services: Services, client: httpx.AsyncClient) -> None:
        path = f"/v1/members/{self.public}/erasure"
        told = (await client.get(path)).json()
        assert {one["wallet"] for one in told["would_lose"]} == {"points", "growth"}
        asked = await post(client, path, {"reason": "The member asked for it"})
        assert asked.status_code == 202, asked.text
        assert await members.carry_out_due(services.database, services.vault, PARTS) == 1

    async def look(self, services: Services, client: httpx.AsyncClient) -> None:
        """Find nothing readable, the books balanced and the audit chain as it was written down."""
        await nothing_is_found(services, client, self.public)
        if self.merges:
            await told_of_the_other(services, client, self.holder)
        assert where(await texts_of_everything(services.database), SECRETS) == []
        assert await verified(services.database, self.head) == {}


def data_folder(url: str) -> Path:
    """Return where PostgreSQL keeps its data, with all of it written to files."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        return Path(f"/proc/{connection.info.backend_pid}/cwd").resolve()


@contextmanager
def empty_database(server_url: str) -> Iterator[str]:
    name = f"restored_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield on(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("merges", [False, True], ids=["alone", "merged and parted"])
async def test_an_erased_member_is_read_nowhere_even_after_a_restore(
    server_url: str, database_url: str, tmp_path: Path, *, merges: bool
) -> None:
    proof = Proof(tmp_path, database_url, merges)
    await proof.live_and_be_erased()
    assert readable(database_url, proof.key, proof.holder) == proof.kept

    with empty_database(server_url) as restored:
        proof.restore(restored)
        assert readable(restored, proof.key, proof.holder) == proof.kept + 3  # all there again: this must not be served

        environment = {**os.environ, "REGULARS_HOME": str(tmp_path), "DATABASE_URL": as_url(restored)}
        with serving(environment, "--no-work") as (web_process, process):
            assert web_process.get("/ready").status_code == 200
            process.terminate()
            said = "".join(process.communicate(timeout=30))
        assert "erased again" in said

        with logged() as log:
            async with (
                opened(proof.settings, Place(restored, restored)) as services,
                caller(services, log) as client,
            ):
                await seal_all(services.database)
                await proof.look(services, client)
        assert readable(restored, proof.key, proof.holder) == proof.kept
        assert [secret for secret in SECRETS if secret in said + log.getvalue()] == []
        folder = data_folder(restored)
    assert in_files(tmp_path.parent) == []  # the vault, its backup, the journal, the dump
    assert in_files(folder) == []  # heap, indexes, write-ahead log: nothing was ever written in the clear


async def told_of_the_other(services: Services, client: httpx.AsyncClient, holder: UUID) -> None:
    """Find whom the member was part of, and nothing of the member there."""
    path = f"/v1/members/mbr_{holder.hex}"
    found = await client.post("/v1/members/lookup", json={"kind": "card", "value": "SV55501234"})
    texts = [found, await client.get(path), await client.get(f"{path}/messages")]
    assert [one.status_code for one in texts] == [200, 200, 200]
    assert (await client.get(f"{path}/exports")).json()["exports"] == []
    async with services.database.transaction() as tx:
        everything = str(await members.gather_now(tx, services.vault, PARTS, holder))
    told = [*[one.text for one in texts], everything]
    assert [secret for secret in SECRETS if any(secret in text for text in told)] == []


async def nothing_is_found(services: Services, client: httpx.AsyncClient, public: str) -> None:
    """Ask for the member in every way there is."""
    member_id = parse_public_id("mbr", public)
    assert member_id is not None
    assert await services.vault.keys_of([member_id]) == {}
    for kind, value in (("phone", PHONE), ("email", EMAIL), ("card", CARD)):
        found = await client.post("/v1/members/lookup", json={"kind": kind, "value": value})
        assert (found.status_code, found.json()["code"]) == (404, "not_found")
    path = f"/v1/members/{public}"
    answers = {
        "read": await client.get(path),
        "profile": await post(client, f"{path}/profile", {"display_name": "x"}, "PATCH"),
        "identity": await post(client, f"{path}/identities", {"kind": "card", "value": CARD}),
        "messages": await client.get(f"{path}/messages"),
        "exports": await client.get(f"{path}/exports"),
        "export": await post(client, f"{path}/exports", None),
        "accrual": await post(client, f"{path}/accruals", {"amount": 5, "reason": "gift"}),
        "erasure": await post(client, f"{path}/erasure", {"reason": "once more"}),
    }
    assert {name: (one.status_code, one.json()["code"]) for name, one in answers.items()} == dict.fromkeys(
        answers, (410, "member_gone")
    )
    standing = await client.get(f"{path}/erasure")
    assert (standing.status_code, standing.json()["status"]) == (200, "erased")
    async with services.database.transaction() as tx:
        page = await engagement.list_messages(tx, services.vault, engagement.brand_of(services.settings), clear=True)
        assert [one for one in page.messages if one.address or one.letter] == []
