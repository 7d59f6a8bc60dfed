"""Shop devices: enrolled by a code that is good once, known by their key, refused once revoked."""

import asyncio

import psycopg
import pytest

from regulars.commerce import api
from regulars.commerce.contracts import DeviceEnrolled, DeviceViewer, EnrolmentCode
from regulars.commerce.devices import service, store
from regulars.commerce.devices.errors import DeviceNameImpossible, EnrolmentCodeRefused
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.staff.contracts import Viewer
from regulars.platform.auth.staff.permissions import ROLES, Role
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id
from regulars.platform.vault.contracts import Vault
from tests.commerce.shop import Shop
from tests.platform.staffing import Wall

pytestmark = pytest.mark.anyio

TABLET = Browser(address="192.0.2.7", user_agent="Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Safari/604.1")
ELSEWHERE = Browser(address="198.51.100.9")


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


@pytest.fixture
def shops(shop: Shop, wall: Wall) -> Shop:  # noqa: ARG001 - the clock stands before it is asked
    return shop


async def code_for(shop: Shop, store_id: str = "367", name: str = " Till 2 ") -> EnrolmentCode:
    async with shop.database.transaction(actor="staff:stf_1") as tx:
        return await api.make_device_enrolment(tx, shop.vault, store_id, name)


async def enrol(database: Database, vault: Vault, code: str, browser: Browser = TABLET) -> DeviceEnrolled | DomainError:
    async with database.transaction() as tx:
        return await api.enrol_device(tx, vault, code, browser)


async def enrolled(shop: Shop, store_id: str = "367") -> DeviceEnrolled:
    outcome = await enrol(shop.database, shop.vault, (await code_for(shop, store_id)).code)
    assert isinstance(outcome, DeviceEnrolled)
    return outcome


async def recognise(shop: Shop, token: str) -> DeviceViewer | None:
    async with shop.database.transaction() as tx:
        return await api.recognise_device(tx, token)


async def test_a_code_turns_a_browser_into_a_device(shops: Shop, wall: Wall) -> None:
    made = await code_for(shops)
    assert (len(made.code), made.code[4], made.name, made.code in repr(made)) == (9, "-", "Till 2", False)

    outcome = await enrol(shops.database, shops.vault, f" {made.code.lower().replace('0', 'o')} ")

    assert isinstance(outcome, DeviceEnrolled)
    viewer = await recognise(shops, outcome.token)
    assert viewer is not None
    assert (viewer.device_id, viewer.name, viewer.store_id, viewer.market) == (
        outcome.device.device_id,
        "Till 2",
        "367",
        "CN",
    )
    assert viewer.actor == f"device:dev_{outcome.device.device_id.hex}"
    wall.advance(minutes=10)
    await recognise(shops, outcome.token)
    async with shops.database.transaction() as tx:
        (listed,) = await api.list_store_devices(tx, None)
    assert (listed.agent, listed.enrolled_by, listed.last_seen_at) == ("Safari on iPad", "staff:stf_1", wall.now)


async def test_a_code_is_good_once_and_for_a_quarter_of_an_hour(shops: Shop, wall: Wall) -> None:
    made = await code_for(shops)
    assert isinstance(await enrol(shops.database, shops.vault, made.code), DeviceEnrolled)
    for wrong in (made.code, "", "0000-0000", "é" * 300):
        assert isinstance(await enrol(shops.database, shops.vault, wrong), EnrolmentCodeRefused)
    late = await code_for(shops)
    wall.advance(minutes=15)
    assert isinstance(await enrol(shops.database, shops.vault, late.code), EnrolmentCodeRefused)
    async with shops.database.transaction() as tx:
        assert len(await api.list_store_devices(tx, None)) == 1


async def test_codes_cannot_be_guessed(shops: Shop) -> None:
    made = await code_for(shops)
    for _ in range(10):
        assert isinstance(await enrol(shops.database, shops.vault, "0000-0000"), EnrolmentCodeRefused)
    assert isinstance(await enrol(shops.database, shops.vault, made.code), TooManyAttempts)

    assert isinstance(await enrol(shops.database, shops.vault, made.code, ELSEWHERE), DeviceEnrolled)


@pytest.mark.parametrize(
    ("store_id", "name", "refused"),
    [("nowhere", "Till", NotFound), ("367", "  ", DeviceNameImpossible), ("367", "a\nb", DeviceNameImpossible)],
)
async def test_impossible_codes(shops: Shop, store_id: str, name: str, refused: type[DomainError]) -> None:
    with pytest.raises(refused):
        await code_for(shops, store_id, name)


async def test_a_revoked_device_is_nobody(shops: Shop) -> None:
    one, two = await enrolled(shops), await enrolled(shops)
    async with shops.database.transaction(actor="staff:stf_1") as tx:
        for stores in (["406"], []):  # of other stores, it is not there
            with pytest.raises(NotFound):
                await api.revoke_device(tx, one.device.device_id, stores)
        with pytest.raises(NotFound):
            await api.revoke_device(tx, new_id(), None)
        assert await api.list_store_devices(tx, ["406"]) == []
        await api.revoke_device(tx, one.device.device_id, ["367"])
        devices = await api.list_store_devices(tx, ["367"])

    assert [(device.device_id, device.revoked_at is None) for device in devices] == [
        (two.device.device_id, True),
        (one.device.device_id, False),
    ]
    assert [await recognise(shops, token) for token in (one.token, "", "made up")] == [None] * 3
    assert await recognise(shops, two.token) is not None


async def test_only_hashes_are_kept(shops: Shop, database_url: str) -> None:
    made, outcome = await code_for(shops), await enrolled(shops)
    with psycopg.connect(database_url) as connection:
        kept = repr(connection.execute("SELECT d::text FROM store_devices d").fetchall())
        kept += repr(connection.execute("SELECT e::text FROM device_enrolments e").fetchall())
        kept += repr(connection.execute("SELECT detail, subject FROM audit_entries").fetchall())

    for secret in (outcome.token, made.code, made.code.replace("-", "")):
        assert secret not in kept
        assert secret.encode().hex() not in kept
    assert outcome.token not in repr(outcome)


async def test_what_ended_is_forgotten(shops: Shop, wall: Wall) -> None:
    await code_for(shops)
    wall.advance(days=8)
    async with shops.database.transaction() as tx:
        assert await service.forget_old(tx, at_most=1) is True
        assert await tx.rows("SELECT count(*) FROM device_enrolments") == [(0,)]


def test_who_signs_in_at_a_device_may_more_there_and_nowhere_else() -> None:
    device = DeviceViewer(device_id=new_id(), name="Till", store_id="367", store_name="One", market="CN")

    def manager(*stores: str) -> Viewer:
        return Viewer(
            staff_id=new_id(),
            session_id=new_id(),
            email="",
            name="",
            language="en",
            roles=(Role.STORE_MANAGER,),
            stores=frozenset(stores) or None,
            permissions=ROLES[Role.STORE_MANAGER],
        )

    alone = api.counter_permissions(device, None)
    assert alone == {"till:use", "returns:write"}
    assert api.counter_permissions(device, None, needs_person=True) == frozenset()
    assert api.counter_permissions(device, manager("406")) == alone
    assert "returns:above_policy" in api.counter_permissions(device, manager("367", "406"))
    assert "returns:above_policy" in api.counter_permissions(device, manager())


async def at_once(shop: Shop) -> list[str]:
    code = (await code_for(shop)).code
    outcomes = await asyncio.gather(*[enrol(shop.database, shop.vault, code) for _ in range(2)])
    return sorted(type(outcome).__name__ for outcome in outcomes)


async def test_a_code_enrols_one_of_two(shops: Shop) -> None:
    assert await at_once(shops) == ["DeviceEnrolled", "EnrolmentCodeRefused"]


async def test_without_its_guard_a_code_would_enrol_both(shops: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: whether the code was used is no longer asked."""
    monkeypatch.setattr(store, "USE_ENROLMENT", store.USE_ENROLMENT.replace("AND used_at IS NULL", ""))

    assert await at_once(shops) == ["DeviceEnrolled", "DeviceEnrolled"]
