"""OAuth2 client credentials, as a library for it asks; and what ends an access token."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import structs

from regulars.platform.auth import service
from regulars.platform.auth.access_tokens import AccessTokens
from regulars.platform.auth.service import KNOWN_FOR_SECONDS
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.http.oauth import oauth_routes
from tests.platform.counters import Room, create_counters, room

pytestmark = pytest.mark.anyio

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
async def counters(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    create_counters(database_url, "a")
    async with room(database, tmp_path, more=oauth_routes) as made:
        yield made


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Move the wall clock of keys, and let what is known of them be looked at anew."""
    began, seconds = wall_now(), 1000.0

    def move(passed: timedelta) -> None:
        nonlocal seconds
        seconds += KNOWN_FOR_SECONDS + 1
        monkeypatch.setattr(service, "wall_now", lambda: began + passed)

    monkeypatch.setattr(service, "monotonic", lambda: seconds)
    return move


def client_of(counters: Room) -> tuple[str, str]:
    return f"ak_{counters.key_id.hex}", counters.client.headers["Authorization"].removeprefix("Bearer ")


async def exchange(
    counters: Room, form: dict[str, str], *, headers: Mapping[Any, Any] | None = None, content: bytes | None = None
) -> httpx.Response:
    """Ask as nobody: the caller's own header would be a way to say who asks."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=counters.app), base_url="http://test") as nobody:
        if content is not None:
            return await nobody.post("/oauth/token", content=content, headers=headers)
        return await nobody.post("/oauth/token", data=form, headers=headers)


async def token_of(counters: Room, **more: str) -> dict[str, Any]:
    client_id, client_secret = client_of(counters)
    answer = await exchange(counters, {**GRANT, "client_id": client_id, "client_secret": client_secret, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_key_is_exchanged_for_a_token_that_does_what_the_key_does(counters: Room) -> None:
    client_id, client_secret = client_of(counters)
    in_the_form = {**GRANT, "client_id": client_id, "client_secret": client_secret}
    short = {**in_the_form, "client_secret": client_secret.rpartition("_")[2]}
    basic = {"Authorization": "Basic " + b64encode(f"{client_id}:{client_secret}".encode()).decode()}

    answers = [
        await exchange(counters, in_the_form),
        await exchange(counters, short),
        await exchange(counters, GRANT, headers=basic),
    ]

    for number, answer in enumerate(answers):
        found = answer.json()
        assert (found["token_type"], found["expires_in"]) == ("Bearer", 3600)
        assert found["scope"] == "ledger:read ledger:write"
        assert answer.headers["cache-control"] == "no-store"
        for side in ("v1", "cold"):
            key = f"{number}-{side}"
            added = await counters.add(side=side, key=key, more=bearing(found["access_token"]))
            again = await counters.add(side=side, key=key)  # with the key itself: they are one client
            assert added.status_code == 200
            assert again.headers["idempotency-replayed"] == "true"
    assert await counters.value() == 6


async def test_a_token_has_the_scopes_that_were_asked_for(counters: Room) -> None:
    found = await token_of(counters, scope="ledger:read")

    reading = await counters.client.get("/v1/counters/a", headers=bearing(found["access_token"]))
    writing = await counters.add(more=bearing(found["access_token"]))

    assert found["scope"] == "ledger:read"
    assert reading.status_code == 200
    assert (writing.status_code, writing.json()["data"]) == (403, {"scope": "ledger:write"})


async def test_a_token_ends_after_an_hour(counters: Room, pass_time: Callable[[timedelta], None]) -> None:
    token = (await token_of(counters))["access_token"]
    assert (await counters.add(key="1", more=bearing(token))).status_code == 200

    pass_time(timedelta(minutes=59))
    assert (await counters.add(key="2", more=bearing(token))).status_code == 200
    pass_time(timedelta(minutes=60))
    assert (await counters.add(key="3", more=bearing(token))).status_code == 401


async def test_a_token_says_when_it_ends_though_its_secret_ends_before_the_hour(counters: Room) -> None:
    async with counters.services.database.transaction(actor="cli") as tx:
        await service.rotate_key(tx, counters.key_id, overlap=timedelta(minutes=5))

    assert 290 < (await token_of(counters))["expires_in"] <= 300


async def test_a_token_that_is_remembered_ends_too(counters: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    token = (await token_of(counters))["access_token"]
    await counters.add(key="1", more=bearing(token))
    later = wall_now() + timedelta(minutes=61)

    monkeypatch.setattr(service, "wall_now", lambda: later)  # and nobody has looked whether keys changed

    assert (await counters.add(key="2", more=bearing(token))).status_code == 401


@pytest.mark.parametrize("how", ["revoked", "rotated", "overlap ended"])
async def test_what_ends_a_secret_ends_its_tokens(
    counters: Room, pass_time: Callable[[timedelta], None], how: str
) -> None:
    token = (await token_of(counters))["access_token"]
    async with counters.services.database.transaction(actor="cli") as tx:
        if how == "revoked":
            await service.revoke_key(tx, counters.key_id)
        else:
            overlap = timedelta() if how == "rotated" else timedelta(hours=5)
            await service.rotate_key(tx, counters.key_id, overlap=overlap)
    pass_time(timedelta())
    if how == "overlap ended":
        assert (await counters.add(key="1", more=bearing(token))).status_code == 200
        async with counters.services.database.transaction(actor="cli") as tx:
            await service.end_overlap(tx, counters.key_id)
        pass_time(timedelta())

    assert (await counters.add(key="2", more=bearing(token))).status_code == 401


async def test_a_token_comes_from_the_keys_networks_alone(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    create_counters(database_url, "a")
    async with room(database, tmp_path, more=oauth_routes, networks=["10.0.0.0/8"]) as counters:
        client_id, client_secret = client_of(counters)
        answer = await exchange(counters, {**GRANT, "client_id": client_id, "client_secret": client_secret})

    assert (answer.status_code, answer.json()["code"]) == (403, "address_not_allowed")


async def test_whoever_is_refused_is_told_by_the_standards_names(counters: Room) -> None:
    client_id, client_secret = client_of(counters)
    client = {"client_id": client_id, "client_secret": client_secret}
    basic = {"Authorization": "Basic " + b64encode(f"{client_id}:{client_secret}".encode()).decode()}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    wrong = [
        (await exchange(counters, {**GRANT, **client, "client_secret": client_secret[:-1] + "x"}), "invalid_client"),
        (await exchange(counters, {**GRANT, **client, "client_id": "ak_" + "0" * 32}), "invalid_client"),
        (await exchange(counters, {**GRANT, "client_id": client_id}), "invalid_client"),
        (await exchange(counters, GRANT, headers={"Authorization": "Basic Zm9v"}), "invalid_client"),
        (
            await exchange(counters, GRANT, headers={b"Authorization": "Basic é".encode()}),
            "invalid_client",
        ),
        (await exchange(counters, GRANT, headers=bearing(client_secret)), "invalid_client"),
        (await exchange(counters, {**client, "grant_type": "password"}), "unsupported_grant_type"),
        (await exchange(counters, client), "invalid_request"),
        (await exchange(counters, {**GRANT, **client}, headers=basic), "invalid_request"),
        (await exchange(counters, {}, content=b'{"grant_type":"client_credentials"}'), "invalid_request"),
        (await exchange(counters, {}, content=b"grant_type=a&grant_type=b", headers=form), "invalid_request"),
        (await exchange(counters, {}, content=b"grant_type=%ff", headers=form), "invalid_request"),
        (await exchange(counters, {}, content=b"&".join([b"a=1"] * 21), headers=form), "invalid_request"),
        (await exchange(counters, {**GRANT, **client, "scope": "orders:write"}), "invalid_scope"),
        (await exchange(counters, {**GRANT, **client, "scope": "ledger:fly"}), "invalid_scope"),
    ]

    for answer, error in wrong:
        assert answer.json()["error"] == error
        assert answer.status_code == (401 if error == "invalid_client" else 400)
        assert ("www-authenticate" in answer.headers) is (error == "invalid_client")
    zh = await exchange(counters, client, headers={"Accept-Language": "zh"})
    assert "表单" in zh.json()["error_description"]


async def test_a_token_is_exchanged_for_nothing(counters: Room) -> None:
    token = (await token_of(counters))["access_token"]
    client_id, _ = client_of(counters)

    answer = await exchange(counters, {**GRANT, "client_id": client_id, "client_secret": token})

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_libraries_find_where_tokens_are_got(counters: Room) -> None:
    """But not by what a caller calls us: another's address would be kept, and be sent keys."""
    unknown = await counters.client.get("/.well-known/oauth-authorization-server")
    counters.services.settings = structs.replace(counters.services.settings, public_url="https://club.example")
    facts = (await counters.client.get("/.well-known/oauth-authorization-server")).json()

    assert unknown.status_code == 404
    assert facts["token_endpoint"] == "https://club.example/oauth/token"
    assert facts["grant_types_supported"] == ["client_credentials"]


async def test_a_token_is_read_by_who_wrote_it_and_by_nobody_else(counters: Room) -> None:
    now = wall_now()
    ours, others = AccessTokens(b"k" * 32), AccessTokens(b"j" * 32)
    token = ours.write(counters.key_id, b"s" * 32, frozenset({"ledger:read"}), now + timedelta(hours=1))
    granted = ours.read(token, now)

    assert granted is not None
    assert (granted.key_id, granted.scopes) == (counters.key_id, ["ledger:read"])
    assert granted.is_of(b"s" * 32)
    assert not granted.is_of(b"t" * 32)
    assert others.read(token, now) is None
    assert ours.read(token, now + timedelta(hours=1)) is None
    for at in range(4, len(token), 7):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert ours.read(changed, now) is None, at
    for text in ("", "rga_", "rga_AAAA", token + "A", token[:-1], token.removeprefix("rga_")):
        assert ours.read(text, now) is None
