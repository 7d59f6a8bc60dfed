"""Signing in through an identity provider: a real one on the loopback, believed only when all of it holds."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from regulars.platform.auth.staff import service
from regulars.platform.auth.staff.contracts import How
from regulars.platform.auth.staff.errors import SignInElsewhereRefused
from regulars.platform.auth.staff.oidc import Oidc, OidcSettings
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.db.database import Database
from regulars.platform.errors import TemporarilyUnavailable
from tests.platform.oidc_provider import BACK, CLIENT, SECRET, Provider, client, running
from tests.platform.staffing import HOME, PEPPER, TERMS, Person, Wall, audit, invite, person

pytestmark = pytest.mark.anyio


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


@pytest.fixture
async def mei(database: Database, wall: Wall) -> Person:
    return await person(database, wall)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as one:
        yield one


@pytest.fixture
async def oidc(database: Database, provider: Provider) -> AsyncIterator[Oidc]:
    settings = OidcSettings(issuer=provider.issuer, client_id=CLIENT, client_secret=SECRET, redirect_uri=BACK)
    async with client() as asking:
        yield Oidc(database, PEPPER, TERMS, settings, client=asking)


async def come_back(oidc: Oidc, provider: Provider, **changed: str) -> str:
    """Go to the provider and back; return the session's token."""
    begun = await oidc.begin()
    brought = {**provider.authorize(begun.location), "browser_token": begun.browser_token, **changed}
    opened = await oidc.finish(
        code=brought["code"],
        state=brought["state"],
        issuer=brought.get("issuer"),
        browser_token=brought["browser_token"],
        browser=HOME,
    )
    return opened.token


async def test_a_verified_address_leads_to_its_account(
    database: Database, oidc: Oidc, provider: Provider, mei: Person
) -> None:
    token = await come_back(oidc, provider, issuer=provider.issuer)

    viewer = await mei.doors.recognise(token)
    assert viewer is not None
    assert viewer.staff_id == mei.staff_id
    assert (await mei.doors.list_sessions(viewer))[0].how is How.OIDC
    assert (await audit(database))[-1][1] == "sign_in"
    await come_back(oidc, provider)
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    assert provider.asked.count("/jwks") == 1


async def test_who_was_invited_may_come_this_way(
    database: Database, oidc: Oidc, provider: Provider, wall: Wall
) -> None:
    li = (await invite(database, "li@shop.example", Role.CARE)).account
    provider.claims |= {"email": "Li@Shop.example", "sub": "li-1"}

    await come_back(oidc, provider)

    async with database.transaction() as tx:
        assert (await service.read_account(tx, li.staff_id)).status == "active"
    assert wall.now is not None


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "nobody@shop.example"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": None},
        {"email": ["mei@shop.example"]},
        {"iss": "https://elsewhere.example"},
        {"aud": "somebody else"},
        {"aud": [CLIENT, "somebody else"]},
        {"azp": "somebody else"},
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"nonce": "another sign-in's"},
        {"nonce": None},
        {"sub": None},
    ],
)
async def test_an_answer_that_does_not_hold_opens_nothing(
    database: Database, oidc: Oidc, provider: Provider, mei: Person, claims: dict[str, object]
) -> None:
    provider.claims |= claims
    before = await audit(database)

    with pytest.raises(SignInElsewhereRefused) as refusal:
        await come_back(oidc, provider)

    assert (refusal.value.data, refusal.value.pointer) == ({}, None)
    assert await audit(database) == before
    assert mei.staff_id.int


@pytest.mark.parametrize(
    "lie",
    [
        Provider.sign_by_shared_secret,
        lambda provider: setattr(provider, "signing", Provider().keys),
    ],
)
async def test_a_token_that_the_provider_did_not_sign_opens_nothing(
    oidc: Oidc, provider: Provider, mei: Person, lie: Callable[[Provider], None]
) -> None:
    lie(provider)
    with pytest.raises(SignInElsewhereRefused):
        await come_back(oidc, provider)
    assert mei.staff_id.int


async def test_a_new_key_is_asked_for(
    oidc: Oidc, provider: Provider, mei: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 1000.0
    monkeypatch.setattr("regulars.platform.auth.staff.oidc.monotonic", lambda: seconds)
    await come_back(oidc, provider)
    provider.rotate()

    with pytest.raises(SignInElsewhereRefused):  # whoever makes tokens up cannot make us ask all the time
        await come_back(oidc, provider)
    seconds += 31
    assert await mei.doors.recognise(await come_back(oidc, provider)) is not None


async def test_a_way_back_is_good_once_for_its_browser_and_for_ten_minutes(
    oidc: Oidc, provider: Provider, mei: Person
) -> None:
    begun = await oidc.begin()
    brought = provider.authorize(begun.location)

    async def finish(**changed: str) -> None:
        said = {**brought, "browser_token": begun.browser_token, **changed}
        await oidc.finish(
            code=said["code"],
            state=said["state"],
            issuer=said.get("issuer"),
            browser_token=said["browser_token"],
            browser=HOME,
        )

    for wrong in ({"browser_token": "another browser's"}, {"state": "made up"}, {"browser_token": ""}):
        with pytest.raises(SignInElsewhereRefused):
            await finish(**wrong)
    await finish()
    with pytest.raises(SignInElsewhereRefused):
        await finish()
    for wrong in ({"issuer": "https://elsewhere.example"}, {"code": ""}, {"code": "made up"}):
        with pytest.raises(SignInElsewhereRefused):
            await come_back(oidc, provider, **wrong)
    late = await oidc.begin()
    mei.wall.advance(minutes=10)
    brought, begun = provider.authorize(late.location), late
    with pytest.raises(SignInElsewhereRefused):
        await finish()


async def test_an_address_that_changes_hands_is_refused(
    database: Database, oidc: Oidc, provider: Provider, mei: Person
) -> None:
    await come_back(oidc, provider)
    provider.claims |= {"sub": "somebody who got the address later"}

    with pytest.raises(SignInElsewhereRefused):
        await come_back(oidc, provider)

    actor, action, detail = (await audit(database))[-1]
    assert (action, detail) == ("refuse_sign_in", "oidc: another subject has this address")
    assert actor == f"staff:stf_{mei.staff_id.hex}"


async def test_a_disabled_account_stays_out(database: Database, oidc: Oidc, provider: Provider, mei: Person) -> None:
    await person(database, mei.wall, "li@shop.example")
    async with database.transaction() as tx:
        await service.disable(tx, mei.staff_id, by=None)

    with pytest.raises(SignInElsewhereRefused):
        await come_back(oidc, provider)


async def test_a_sign_in_that_begins_needs_no_database_and_is_one_browser_s(
    oidc: Oidc, provider: Provider, mei: Person
) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:9/nowhere", pool_size=1, lock_timeout_ms=100, wait_seconds=0.1)
    begun = [await Oidc(nowhere, PEPPER, TERMS, oidc._settings, client=oidc._client).begin() for _ in range(3)]

    other = provider.authorize(begun[1].location)
    with pytest.raises(SignInElsewhereRefused):  # another sign-in's state
        await oidc.finish(
            code=other["code"], state=other["state"], issuer=None, browser_token=begun[0].browser_token, browser=HOME
        )
    late = provider.authorize(begun[2].location)
    mei.wall.advance(minutes=10)
    with pytest.raises(SignInElsewhereRefused):
        await oidc.finish(
            code=late["code"], state=late["state"], issuer=None, browser_token=begun[2].browser_token, browser=HOME
        )
    assert await come_back(oidc, provider)


async def test_made_up_ways_back_are_limited(oidc: Oidc, wall: Wall) -> None:
    told = []
    for _ in range(21):
        with pytest.raises((SignInElsewhereRefused, TooManyAttempts)) as refusal:
            await oidc.finish(code="x", state="x", issuer=None, browser_token="x", browser=HOME)
        told.append(refusal.value.code)

    assert told == ["sign_in_elsewhere_refused"] * 20 + ["too_many_attempts"]
    assert wall.now is not None


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 4711},
    ],
)
async def test_a_provider_that_says_nonsense_is_not_followed(
    oidc: Oidc, provider: Provider, discovery: dict[str, object]
) -> None:
    provider.discovery = discovery

    with pytest.raises(TemporarilyUnavailable):
        await oidc.begin()


async def test_a_provider_that_does_not_answer_is_no_refusal(database: Database) -> None:
    settings = OidcSettings(issuer="http://127.0.0.1:9", client_id=CLIENT, client_secret=SECRET, redirect_uri=BACK)
    async with client() as asking:
        with pytest.raises(TemporarilyUnavailable):
            await Oidc(database, PEPPER, TERMS, settings, client=asking).begin()
    assert SECRET not in repr(settings)
