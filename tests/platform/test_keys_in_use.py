"""Keys while they are in use: given another secret, bound to networks, held to a limit."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from regulars.platform.auth import service
from regulars.platform.auth.contracts import ApiKey, KeyChange, Principal
from regulars.platform.auth.errors import KeyEnded, NetworkUnknown, RateLimited, RotationUnderWay
from regulars.platform.auth.service import KNOWN_FOR_SECONDS, Authenticator
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.errors import NotAuthenticated, NotFound
from regulars.platform.http.quotas import Quotas
from tests.platform.counters import create_counters, room
from tests.platform.test_auth import make, revoke
from tests.platform.test_direct import ask, get, served

pytestmark = pytest.mark.anyio


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Path:
    """Return a folder; the database has a counter."""
    create_counters(database_url, "a")
    return tmp_path


both = pytest.mark.parametrize("side", ["v1", "cold"])


async def rotate(database: Database, key_id: UUID, overlap: timedelta = timedelta(hours=1)) -> tuple[ApiKey, bytes]:
    async with database.transaction(actor="cli") as tx:
        key, token = await service.rotate_key(tx, key_id, overlap=overlap, reason="a year old")
    return key, f"Bearer {token}".encode()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Move the wall clock of keys, and let what is known of them be looked at anew."""
    began = wall_now()
    seconds = 1000.0

    def move(passed: timedelta) -> None:
        nonlocal seconds
        seconds += KNOWN_FOR_SECONDS + 1
        monkeypatch.setattr(service, "wall_now", lambda: began + passed)

    monkeypatch.setattr(service, "monotonic", lambda: seconds)
    move(timedelta())
    return move


async def test_both_secrets_are_one_key_until_the_overlap_ends(
    database: Database, at: Callable[[timedelta], None]
) -> None:
    key_id, old = await make(database)
    authenticator = Authenticator(database)
    known = await authenticator.authenticate(old)

    key, new = await rotate(database, key_id)

    at(timedelta(minutes=59))
    assert (await authenticator.authenticate(old)).client == known.client
    assert (await authenticator.authenticate(new)).client == known.client
    assert authenticator.recognise(old) is not None
    at(timedelta(minutes=61))
    assert (await authenticator.authenticate(new)).client == known.client
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(old)
    assert key.previous_until == key.rotated_at + timedelta(hours=1) if key.rotated_at else False


async def test_a_remembered_old_secret_ends_with_the_overlap(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id, old = await make(database)
    await rotate(database, key_id)
    authenticator = Authenticator(database)
    await authenticator.authenticate(old)
    later = wall_now() + timedelta(minutes=61)

    monkeypatch.setattr(service, "wall_now", lambda: later)  # and nobody has looked whether keys changed

    assert authenticator.recognise(old) is None


async def test_without_an_overlap_the_old_secret_is_refused_at_once(
    database: Database, at: Callable[[timedelta], None]
) -> None:
    key_id, old = await make(database)
    authenticator = Authenticator(database)
    await authenticator.authenticate(old)

    key, new = await rotate(database, key_id, timedelta())

    at(timedelta())
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(old)
    assert (await authenticator.authenticate(new)).scopes == {"ledger:write"}
    assert key.previous_until is None


async def test_an_overlap_can_be_ended_and_is_not_cut_short_by_another_rotation(
    database: Database, at: Callable[[timedelta], None]
) -> None:
    key_id, old = await make(database)
    first, new = await rotate(database, key_id)
    authenticator = Authenticator(database)

    with pytest.raises(RotationUnderWay) as caught:
        await rotate(database, key_id)
    assert first.previous_until is not None
    assert datetime.fromisoformat(str(caught.value.data["until"])) == first.previous_until.replace(microsecond=0)
    assert (await authenticator.authenticate(old)).client == (await authenticator.authenticate(new)).client

    async with database.transaction(actor="cli") as tx:
        await service.end_overlap(tx, key_id, reason="leaked")
    at(timedelta())
    with pytest.raises(NotAuthenticated):
        await authenticator.authenticate(old)
    _, newest = await rotate(database, key_id)
    assert (await authenticator.authenticate(newest)).client == (await authenticator.authenticate(new)).client


async def test_what_has_ended_gets_no_new_secret(database: Database) -> None:
    revoked, _ = await make(database)
    await revoke(database, revoked)
    expired, _ = await make(database, expires_at=wall_now() - timedelta(seconds=1))

    for key_id, refusal in ((revoked, KeyEnded), (expired, KeyEnded), (UUID(int=0), NotFound)):
        with pytest.raises(refusal):
            await rotate(database, key_id)
        async with database.transaction() as tx:
            with pytest.raises(refusal):
                await service.change_key(tx, key_id, KeyChange(networks=[]))


async def test_a_rotation_is_in_the_audit_log_and_its_secrets_are_nowhere(database: Database) -> None:
    key_id, old = await make(database)
    key, new = await rotate(database, key_id)

    async with database.transaction() as tx:
        entries = await tx.rows("SELECT action, subject, reason, detail FROM audit_entries WHERE action = 'rotate_key'")
        kept = str(await tx.rows("SELECT k::text FROM api_keys k")) + str(
            await tx.rows("SELECT a::text FROM audit_entries a")
        )
    assert key.previous_until is not None
    told = f"overlap until {key.previous_until.isoformat()}"
    assert [tuple(entry) for entry in entries] == [("rotate_key", f"ak_{key_id.hex}", "a year old", told)]
    assert not any(header.decode().rpartition("_")[2] in kept for header in (old, new))


@both
async def test_a_retry_with_the_other_secret_is_the_same_request(database: Database, home: Path, side: str) -> None:
    async with room(database, home) as counters:
        first = await counters.add(3, side=side)
        _, new = await rotate(database, counters.key_id)
        again = await counters.add(3, side=side, more={"Authorization": new.decode()})

    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content


@both
@pytest.mark.parametrize(("networks", "status"), [(["127.0.0.0/8"], 200), (["10.0.0.0/8", "2001:db8::/32"], 403)])
async def test_a_key_is_good_from_its_networks_alone(
    database: Database, home: Path, side: str, networks: list[str], status: int
) -> None:
    async with room(database, home, networks=networks) as counters:
        answer = await counters.add(side=side)
        added = await counters.value()

    assert answer.status_code == status
    assert added == (1 if status == 200 else 0)
    if status == 403:
        assert (answer.json()["code"], answer.json()["data"]) == ("address_not_allowed", {"address": "127.0.0.1"})


@pytest.mark.parametrize(
    ("proxies", "forwarded", "status"),
    [
        ("127.0.0.1", "203.0.113.7", 200),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", 200),
        ("127.0.0.1", "203.0.113.7, 198.51.100.1", 403),  # the caller wrote the first of them
        ("", "203.0.113.7", 403),
    ],
)
async def test_behind_a_proxy_the_callers_address_counts(
    database: Database, home: Path, proxies: str, forwarded: str, status: int
) -> None:
    async with room(database, home, networks=["203.0.113.0/24"], trusted_proxies=proxies) as counters:
        answers = [
            await counters.add(side=side, key=side, more={"X-Forwarded-For": forwarded}) for side in ("v1", "cold")
        ]

    assert [answer.status_code for answer in answers] == [status, status]


async def test_the_short_way_sees_the_address_too(database: Database, home: Path) -> None:
    async with room(database, home, networks=["10.0.0.0/8"]) as counters, served(counters) as (port, _):
        (refused,) = await ask(port, get(counters))
        async with database.transaction() as tx:
            await service.change_key(tx, counters.key_id, KeyChange(networks=["10.0.0.0/8", "127.0.0.1"]))
        await counters.services.authenticator._forget_if_changed()
        (answered,) = await ask(port, get(counters))

    assert refused.startswith(b"HTTP/1.1 403 ")
    assert b"address_not_allowed" in refused
    assert answered.startswith(b"HTTP/1.1 200 ")


async def test_networks_are_read_and_written_as_networks(database: Database) -> None:
    async with database.transaction() as tx:
        networks = [" 10.1.2.3/8", "2001:DB8::1", "10.0.0.0/8", "::ffff:203.0.113.9/120"]
        key, _ = await service.create_key(tx, label="", scopes=["admin"], networks=networks)
        with pytest.raises(NetworkUnknown, match=r"10\.0\.0\.0/33"):
            await service.create_key(tx, label="", scopes=["admin"], networks=["10.0.0.0/33"])
    assert key.networks == ["10.0.0.0/8", "2001:db8::1/128", "203.0.113.0/24"]


async def test_what_is_changed_is_what_was_named_and_stands_in_the_audit_log(database: Database) -> None:
    async with database.transaction(actor="cli:anna") as tx:
        key, _ = await service.create_key(
            tx, label="till", scopes=["admin"], networks=["10.0.0.0/8"], requests_per_second=5
        )
        for change in (
            KeyChange(label="till 7"),
            KeyChange(networks=["10.1.0.0/16"]),
            KeyChange(requests_per_second=0),
            KeyChange(requests_per_second=None),
            KeyChange(networks=[]),
        ):
            await service.change_key(tx, key.key_id, change)
    async with database.transaction() as tx:
        told = [row[0] for row in await tx.rows("SELECT detail FROM audit_entries ORDER BY entry_id")]

    assert told == [
        "admin; from 10.0.0.0/8, 5/s, 'till', version 2026-11-01",
        "from 10.0.0.0/8, 5/s, 'till 7', version 2026-11-01",
        "from 10.1.0.0/16, 5/s, 'till 7', version 2026-11-01",
        "from 10.1.0.0/16, no limit, 'till 7', version 2026-11-01",
        "from 10.1.0.0/16, the usual limit, 'till 7', version 2026-11-01",
        "from anywhere, the usual limit, 'till 7', version 2026-11-01",
    ]


@both
async def test_answers_tell_what_is_left_and_refusals_when_to_come_back(
    database: Database, home: Path, side: str
) -> None:
    async with room(database, home, often=1) as counters:
        answers = [await counters.add(side=side, key=f"{number}") for number in range(11)]
        added = await counters.value()

    *good, refused = answers
    assert [answer.status_code for answer in good] == [200] * 10
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"key";q=10;w=10'}
    assert good[0].headers["ratelimit"] == '"key";r=9;t=1'
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"].startswith('"key";r=0;t=')
    assert added == 10


async def test_what_was_refused_for_its_pace_is_carried_out_later_with_the_same_key(
    database: Database, home: Path
) -> None:
    async with room(database, home, often=1) as counters:
        seconds = 50.0
        counters.app._quotas.now = lambda: seconds
        answers = [await counters.add(key="same") for _ in range(11)]
        seconds += 1.0
        later = await counters.add(key="same")

    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert later.status_code == 200


async def test_without_a_limit_nothing_is_told(database: Database, home: Path) -> None:
    async with room(database, home, often=0) as counters:
        answers: list[httpx.Response] = [await counters.add(side=side, key=side) for side in ("v1", "cold")]

    assert not any("ratelimit" in answer.headers for answer in answers)


def test_a_bucket_fills_evenly_and_never_overflows() -> None:
    seconds = 0.0
    quotas = Quotas(now=lambda: seconds)
    who = Principal(client="", key_id="ak_1", scopes=frozenset(), requests_per_second=5)

    def taken() -> int:
        count = 0
        while True:
            quota = quotas.of(who)
            assert quota is not None
            try:
                quota.take()
            except RateLimited:
                return count
            count += 1

    assert taken() == 50
    assert taken() == 0
    seconds += 0.1
    assert taken() == 0
    seconds += 0.1
    assert taken() == 1
    seconds += 3.0
    assert taken() == 15
    seconds += 1_000
    assert taken() == 50


def test_a_changed_limit_counts_from_then_on_and_buckets_do_not_pile_up() -> None:
    seconds = 0.0
    quotas = Quotas(now=lambda: seconds)

    def left(key_id: str, often: int) -> float:
        quota = quotas.of(Principal(client="", key_id=key_id, scopes=frozenset(), requests_per_second=often))
        assert quota is not None
        quota.take()
        return quota.left

    assert left("ak_1", 5) == 49
    assert left("ak_1", 1) == 9
    for number in range(30_000):
        seconds += 0.001
        left(f"ak_{number}", 1)
    assert len(quotas._buckets) <= 20_000
    assert left("ak_29999", 1) < 9  # and who asked a moment ago is not forgotten
