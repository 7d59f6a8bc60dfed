"""API keys: hashed at rest, shown once, scoped, revoked within a second."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from regulars.platform.auth import service, store
from regulars.platform.auth.contracts import ADMIN, SCOPES, Principal
from regulars.platform.auth.errors import KeyWithoutScope, ScopeUnknown
from regulars.platform.auth.service import KNOWN_FOR_SECONDS, Authenticator
from regulars.platform.auth.store import StoredSecret
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotAllowed, NotAuthenticated, NotFound, TemporarilyUnavailable
from regulars.platform.http.asked import Asked
from regulars.platform.http.mutations import request_hasher
from tests.architecture.source import ROOT, sources

pytestmark = pytest.mark.anyio


async def make(database: Database, *scopes: str, expires_at: datetime | None = None) -> tuple[UUID, bytes]:
    async with database.transaction(actor="cli") as tx:
        key, token = await service.create_key(
            tx, label="till 7", scopes=scopes or ("ledger:write",), expires_at=expires_at
        )
    return key.key_id, f"Bearer {token}".encode()


def asking(authorization: bytes, authenticate: Callable[[bytes], Awaitable[Principal]]) -> Asked:
    return Asked("r", authorization, b"", None, b"", authenticate, request_hasher(b"any"))


async def revoke(database: Database, key_id: UUID) -> None:
    async with database.transaction(actor="cli") as tx:
        await service.revoke_key(tx, key_id, reason="lost")


async def test_a_key_is_known_by_its_token(database: Database) -> None:
    key_id, header = await make(database, "ledger:write", "orders:read", "orders:read")

    principal = await Authenticator(database).authenticate(header)

    assert principal.client == f"key:ak_{key_id.hex}"
    assert principal.key_id == f"ak_{key_id.hex}"
    assert principal.scopes == {"ledger:write", "orders:read"}
    assert principal.may("orders:read")
    assert not principal.may("orders:write")


async def test_only_a_hash_is_kept(database: Database, database_url: str) -> None:
    _, header = await make(database)
    secret = header.decode().rpartition("_")[2]

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT k::text FROM api_keys k").fetchall()
        audit = connection.execute("SELECT actor, action, detail FROM audit_entries").fetchall()

    assert len(secret) == 64
    assert secret not in str(rows)
    assert audit == [("cli", "create_key", "ledger:write")]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda header: header.removeprefix(b"Bearer "),
        lambda header: header.replace(b"Bearer", b"Basic"),
        lambda header: header.replace(b"rgl_", b"rgx_"),
        lambda header: header[:-1] + (b"0" if header[-1:] != b"0" else b"1"),
        lambda header: header[:-1],
        lambda header: header + b"0",
        lambda header: header.rpartition(b"_")[0],
        lambda header: header.rpartition(b"_")[0] + b"_",
        lambda header: header.replace(header[11:43], b"0" * 32),
        lambda header: header.replace(header[11:43], b"g" * 32),
        lambda header: header.replace(header[11:13], "é".encode()),
        lambda header: header * 3,
    ],
)
async def test_anything_else_is_nobody(database: Database, spoil: Callable[[bytes], bytes]) -> None:
    _, header = await make(database)
    authenticator = Authenticator(database)
    assert (await authenticator.authenticate(header)).scopes == {"ledger:write"}

    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(spoil(header))


async def test_scopes_are_those_that_exist(database: Database) -> None:
    with pytest.raises(ScopeUnknown, match="ledger:fly"):
        await make(database, "ledger:fly")
    async with database.transaction() as tx:
        with pytest.raises(KeyWithoutScope):
            await service.create_key(tx, label="", scopes=[])
        assert await service.list_keys(tx) == []


def test_every_scope_opens_something_and_is_documented() -> None:
    """A scope that no route asks for would promise what a key cannot do."""
    asked_for = {text for source in sources("src") if "auth" not in source.parts for text, _ in source.texts()}
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    granted = set(SCOPES)

    assert granted - asked_for == {ADMIN}
    assert set(re.findall(r"^\| `([a-z:]+)` \|", page, re.MULTILINE)) == granted


async def test_admin_may_everything_and_others_are_told_what_they_lack(database: Database) -> None:
    _, admin = await make(database, "admin")
    _, reader = await make(database, "ledger:read")
    authenticate = Authenticator(database).authenticate

    assert (await asking(admin, authenticate).authorise("ledger:write")).may("members:personal")
    with pytest.raises(NotAllowed) as caught:
        await asking(reader, authenticate).authorise("ledger:write")
    assert caught.value.data == {"scope": "ledger:write"}


async def test_a_key_expires(database: Database) -> None:
    _, past = await make(database, expires_at=wall_now() - timedelta(seconds=1))
    _, future = await make(database, expires_at=wall_now() + timedelta(days=1))
    authenticator = Authenticator(database)

    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(past)
    assert (await authenticator.authenticate(future)).expires_at is not None


async def test_a_remembered_key_expires(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _, header = await make(database, expires_at=wall_now() + timedelta(minutes=1))
    authenticator = Authenticator(database)
    await authenticator.authenticate(header)
    assert authenticator.recognise(header) is not None

    later = wall_now() + timedelta(minutes=2)
    monkeypatch.setattr(service, "wall_now", lambda: later)

    assert authenticator.recognise(header) is None
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(header)


async def test_a_remembered_key_costs_no_question(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _, header = await make(database)
    authenticator = Authenticator(database)
    first = await authenticator.authenticate(header)

    def no_database(*_: object, **__: object) -> None:
        raise AssertionError("asked the database")

    monkeypatch.setattr(database, "transaction", no_database)

    assert await authenticator.authenticate(header) is first


async def test_a_revoked_key_is_refused_within_a_second(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(service, "monotonic", lambda: now)
    key_id, header = await make(database)
    _, other = await make(database)
    authenticator = Authenticator(database)
    await authenticator.authenticate(header)
    await authenticator.authenticate(other)

    await revoke(database, key_id)
    now += KNOWN_FOR_SECONDS - 0.6
    assert authenticator.recognise(header) is not None  # the window that is promised, and no longer

    now += 0.61
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(header)
    assert (await authenticator.authenticate(other)).scopes == {"ledger:write"}


async def test_without_looking_again_a_revoked_key_would_live_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above: with the clock standing still nothing is asked."""
    monkeypatch.setattr(service, "monotonic", lambda: 1000.0)
    key_id, header = await make(database)
    authenticator = Authenticator(database)
    await authenticator.authenticate(header)

    await revoke(database, key_id)

    assert (await authenticator.authenticate(header)).scopes == {"ledger:write"}


async def test_a_key_revoked_while_it_is_looked_up_is_not_remembered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id, header = await make(database)
    authenticator = Authenticator(database)
    ask = store.select_secret

    async def ask_then_revoke(tx: Transaction, asked_for: UUID) -> StoredSecret | None:
        stored = await ask(tx, asked_for)
        await revoke(database, key_id)
        await authenticator._forget_if_changed()
        return stored

    monkeypatch.setattr(store, "select_secret", ask_then_revoke)
    await authenticator.authenticate(header)

    assert authenticator.recognise(header) is None


async def test_revoking_twice_keeps_the_first_instant(database: Database) -> None:
    key_id, _ = await make(database)
    await revoke(database, key_id)
    async with database.transaction() as tx:
        first = (await service.list_keys(tx))[0].revoked_at
    await revoke(database, key_id)

    async with database.transaction() as tx:
        keys = await service.list_keys(tx)
        with pytest.raises(NotFound):
            await service.revoke_key(tx, UUID(int=0))
    assert first is not None
    assert [(key.label, key.revoked_at) for key in keys] == [("till 7", first)]


async def test_the_day_of_last_use_is_written_once_a_day(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _, header = await make(database)
    seconds = 1000.0
    today = datetime(2026, 5, 1, 23, 59, tzinfo=UTC)
    monkeypatch.setattr(service, "monotonic", lambda: seconds)
    monkeypatch.setattr(service, "wall_now", lambda: today)
    authenticator = Authenticator(database)

    async def last_used() -> date | None:
        async with database.transaction() as tx:
            return (await service.list_keys(tx))[0].last_used_on

    assert await last_used() is None
    await authenticator.authenticate(header)
    assert await last_used() == date(2026, 5, 1)

    today += timedelta(minutes=2)
    seconds += 2.0
    await authenticator.authenticate(header)
    assert await last_used() == date(2026, 5, 2)


async def test_without_a_database_nobody_is_told_that_the_key_is_wrong() -> None:
    nowhere = Database("host=/nonexistent dbname=nothing", wait_seconds=0.2)
    await nowhere._pool.open(wait=False)

    with pytest.raises(TemporarilyUnavailable):
        await Authenticator(nowhere).authenticate(b"Bearer rgl_" + b"0" * 32 + b"_" + b"0" * 64)
    await nowhere.close()
