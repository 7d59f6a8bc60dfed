"""Accounts as owners manage them: roles, stores, the last owner; and the one page of roles and permissions."""

import re
from pathlib import Path

import pytest

from regulars.entrypoints.doctor import proxies
from regulars.platform.auth.browsers import agent_family
from regulars.platform.auth.staff import service
from regulars.platform.auth.staff.contracts import NewAccount, Status
from regulars.platform.auth.staff.errors import (
    AccountDisabled,
    LastOwner,
    NotOnYourself,
    RolesMissing,
    StaffEmailImpossible,
    StaffEmailTaken,
    StaffNameImpossible,
    StoresMissing,
)
from regulars.platform.auth.staff.permissions import (
    BOUND_TO_STORES,
    OF_THE_WHOLE,
    PERMISSIONS,
    ROLES,
    Role,
    permissions_of,
)
from regulars.platform.auth.throttle.subjects import place_of
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.http.origin import Origins, address_of, networks_in, proxy_not_believed
from regulars.platform.ids import new_id
from regulars.platform.settings import SettingError, Settings
from regulars.platform.texts import catalogue
from tests.architecture.source import ROOT
from tests.platform.staffing import Person, Wall, audit, invite, person

pytestmark = pytest.mark.anyio


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


@pytest.fixture
async def mei(database: Database, wall: Wall) -> Person:
    return await person(database, wall)


def test_roles_give_permissions_that_exist_and_each_is_given() -> None:
    assert set(ROLES) == set(Role)
    assert permissions_of(set(Role) - {Role.OWNER}) <= set(PERMISSIONS)
    assert permissions_of([Role.OWNER]) == set(PERMISSIONS)
    assert permissions_of([Role.OWNER], bound=True) == set(PERMISSIONS)  # somebody must be able to undo it
    assert set(PERMISSIONS) > OF_THE_WHOLE
    assert {"members:read", "orders:read"} <= permissions_of([Role.CARE], bound=True)
    everything_else = permissions_of(set(Role) - {Role.OWNER}, bound=True)
    assert not {"messages:read", "staff:read", "health:read"} & everything_else
    assert [role for role in Role if "staff:write" in ROLES[role]] == [Role.OWNER]
    assert permissions_of([]) == frozenset()
    assert ROLES[Role.ASSISTANT] == {"till:use", "returns:write"}
    assert not any("write" in permission for permission in ROLES[Role.AUDITOR])


def test_every_permission_is_told_in_chinese() -> None:
    assert set(PERMISSIONS.values()) <= catalogue("zh").keys()


def test_the_page_lists_the_roles_as_they_are() -> None:
    page = (ROOT / "docs" / "signin.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+:[a-z_]+)` \|(.*)\|$", page, re.MULTILINE)
    order = list(Role)

    assert [name for name, _ in rows] == list(PERMISSIONS)
    for name, cells in rows:
        marks = [cell.strip() for cell in cells.split("|")][1:]
        assert [bool(mark) for mark in marks] == [name in ROLES[role] for role in order], name


@pytest.mark.parametrize(
    ("wish", "refused"),
    [
        ({"email": "nobody"}, StaffEmailImpossible),
        ({"email": "mei@shop.example"}, StaffEmailTaken),
        ({"name": "  "}, StaffNameImpossible),
        ({"name": "Mei\nBcc: all"}, StaffNameImpossible),
        ({"roles": ()}, RolesMissing),
        ({"roles": (Role.ASSISTANT,)}, StoresMissing),
        ({"roles": (Role.STORE_MANAGER, Role.ASSISTANT), "stores": None}, StoresMissing),
        ({"stores": ()}, StoresMissing),
    ],
)
async def test_an_impossible_wish_leaves_nothing(
    database: Database, mei: Person, wish: dict[str, object], refused: type[DomainError]
) -> None:
    before = await audit(database)
    fields = {"email": "li@shop.example", "name": "Li", "roles": (Role.CARE,)} | wish
    async with database.transaction() as tx:
        with pytest.raises(refused):
            await service.invite(tx, NewAccount(**fields))  # type: ignore[arg-type] # a table of cases

    async with database.transaction() as tx:
        assert [one.staff_id for one in await service.list_accounts(tx)] == [mei.staff_id]
    assert await audit(database) == before


async def test_who_works_in_shops_sees_those(database: Database, wall: Wall) -> None:
    li = await person(database, wall, "li@shop.example", Role.ASSISTANT, stores=("7", "330", "7"))

    viewer = await li.viewer()

    assert viewer.stores == frozenset({"7", "330"})
    assert [viewer.sees_store(store) for store in ("7", "8", None)] == [True, False, False]
    assert frozenset({Role.STORE_MANAGER, Role.ASSISTANT}) == BOUND_TO_STORES


async def test_access_changes_at_once(database: Database, wall: Wall, mei: Person) -> None:
    li = await person(database, wall, "li@shop.example", Role.CARE)
    opened = await li.sign_in()
    async with database.transaction(actor=(await mei.viewer()).actor) as tx:
        changed = await service.change_access(
            tx,
            li.staff_id,
            by=mei.staff_id,
            name=" Li Na ",
            language="zh",
            roles=[Role.ASSISTANT, Role.MARKETER],
            stores=["9", "7"],
        )

    viewer = await li.viewer(opened)
    assert (viewer.name, viewer.language, viewer.roles) == ("Li Na", "zh", (Role.MARKETER, Role.ASSISTANT))
    assert viewer.permissions == (ROLES[Role.MARKETER] | ROLES[Role.ASSISTANT]) - OF_THE_WHOLE
    assert (changed.stores, viewer.may("staff:write")) == (("7", "9"), False)
    actor, action, detail = (await audit(database))[-1]
    assert (actor, action, detail) == (
        f"staff:stf_{mei.staff_id.hex}",
        "change_staff_access",
        "marketer assistant; stores 7 9",
    )


async def test_nobody_raises_themselves_and_the_last_owner_stays(database: Database, wall: Wall, mei: Person) -> None:
    li = await person(database, wall, "li@shop.example", Role.CARE)
    await invite(database, "invited@shop.example")  # an owner who never came counts for nothing

    async def change(who: Person, by: Person | None, roles: list[Role], stores: list[str] | None = None) -> None:
        async with database.transaction() as tx:
            await service.change_access(
                tx, who.staff_id, by=by.staff_id if by else None, name="X", language="en", roles=roles, stores=stores
            )

    for roles, stores in (([Role.CARE, Role.OWNER], None), ([Role.CARE], ["7"])):
        with pytest.raises(NotOnYourself):
            await change(li, li, roles, stores)
    await change(mei, mei, [Role.OWNER])  # the name only
    with pytest.raises(LastOwner):
        await change(mei, None, [Role.CARE])
    async with database.transaction() as tx:
        with pytest.raises(NotOnYourself):
            await service.disable(tx, mei.staff_id, by=mei.staff_id)
        with pytest.raises(LastOwner):
            await service.disable(tx, mei.staff_id, by=li.staff_id)
        assert (await service.read_account(tx, mei.staff_id)).roles == (Role.OWNER,)


async def test_disabled_accounts_get_no_link_and_come_back_as_they_were(database: Database, mei: Person) -> None:
    invitation = await invite(database, "li@shop.example", Role.CARE)
    staff_id = invitation.account.staff_id
    async with database.transaction() as tx:
        assert (await service.disable(tx, staff_id, by=mei.staff_id)).status is Status.DISABLED
        with pytest.raises(AccountDisabled):
            await service.renew_link(tx, staff_id)
        assert (await service.enable(tx, staff_id)).status is Status.INVITED
        assert (await service.enable(tx, staff_id)).status is Status.INVITED
        for verb in (
            service.enable(tx, new_id()),
            service.read_account(tx, new_id()),
            service.renew_link(tx, new_id()),
        ):
            with pytest.raises(NotFound):
                await verb


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "?"),
        ("", "?"),
    ],
)
def test_places(address: str, place: str) -> None:
    assert place_of(address) == place


@pytest.mark.parametrize(
    ("peer", "forwarded", "believed", "address"),
    [
        ("192.0.2.7", [b"203.0.113.1"], "", "192.0.2.7"),
        ("10.0.0.1", [b"203.0.113.1"], "10.0.0.0/8", "203.0.113.1"),
        ("10.0.0.1", [b"1.1.1.1, 203.0.113.1"], "10.0.0.0/8", "203.0.113.1"),
        ("10.0.0.1", [b"1.1.1.1", b"203.0.113.1, 10.0.0.2"], "10.0.0.0/8", "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.0/8, ::1", "10.0.0.1"),
        ("192.0.2.7", [b"203.0.113.1"], "10.0.0.0/8", "192.0.2.7"),
        ("10.0.0.1", [b"203.0.113.1, nonsense"], "10.0.0.0/8", "nonsense"),
    ],
)
def test_a_caller_cannot_choose_its_address(peer: str, forwarded: list[bytes], believed: str, address: str) -> None:
    scope = {"client": (peer, 4711), "headers": [(b"x-forwarded-for", value) for value in forwarded]}

    assert address_of(scope, networks_in(believed)) == address


def test_proxies_that_are_no_addresses_are_refused() -> None:
    assert address_of({"client": None, "headers": []}, ()) == "?"
    with pytest.raises(SettingError, match="REGULARS_TRUSTED_PROXIES"):
        networks_in("10.0.0.0/99")


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel) Chrome/140 Mobile Safari/537.36 MicroMessenger/8.0",
            "WeChat on Android",
        ),
        ("curl/8", "?"),
        ("", "?"),
    ],
)
def test_browsers_are_named_by_family(agent: str, family: str) -> None:
    assert agent_family(agent) == family


def test_a_proxy_that_is_not_believed_is_noted_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    forwarded = {"client": ("10.0.0.1", 4711), "headers": [(b"x-forwarded-for", b"203.0.113.1")]}
    plain = {"client": ("10.0.0.1", 4711), "headers": []}
    believing, not_believing = Origins("10.0.0.0/8", tmp_path), Origins("", tmp_path)
    assert [believing.address_of(one) for one in (plain, forwarded)] == ["10.0.0.1", "203.0.113.1"]
    assert not_believing.address_of(plain) == "10.0.0.1"
    assert (caplog.messages, proxy_not_believed("", tmp_path)) == ([], None)

    assert {not_believing.address_of(forwarded) for _ in range(3)} == {"10.0.0.1"}

    (said,) = caplog.messages
    assert "X-Forwarded-For comes from 10.0.0.1, which REGULARS_TRUSTED_PROXIES does not name" in said
    assert proxy_not_believed("", tmp_path) == "10.0.0.1"
    assert proxy_not_believed("10.0.0.0/8", tmp_path) is None
    seen = proxies(Settings(home=tmp_path))
    assert (seen.ok, "Set REGULARS_TRUSTED_PROXIES to 10.0.0.1" in seen.remedy) == (True, True)
    assert proxies(Settings(home=tmp_path, trusted_proxies="10.0.0.0/8")).remedy == ""
    encrypted = proxies(Settings(home=tmp_path / "x", public_url="https://club.example"))
    assert encrypted.remedy.startswith("Warning: REGULARS_PUBLIC_URL begins with https")
