"""A club with a history, served with its worker once for all tests in a browser: what journeys and walks go through."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg
from msgspec.structs import replace

from regulars.commerce import api as commerce
from regulars.commerce.contracts import DeviceEnrolled, Line, Payment, PutOrder, ReturnLine, ReturnOrder
from regulars.engagement.channels.addresses import confirm_token
from regulars.engagement.channels.stopping import stop_token
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, Adjust, PlaceHold
from regulars.loyalty.policy.contracts import TransferPolicy
from regulars.members import api as members
from regulars.members.access.sessions import open_session as open_member_session
from regulars.members.contracts import ChangeProfile, ProfileChange
from regulars.members.contracts.households import FormHousehold
from regulars.platform.auth import service as keys
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.staff import sessions
from regulars.platform.auth.staff.contracts import Account, How, NewAccount
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.limits import terms_of
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.auth.staff.service import add_demo_account, invite
from regulars.platform.auth.staff.store import UPDATE_SECRETS
from regulars.platform.bulk import service as jobs
from regulars.platform.bulk.contracts import JOB_PREFIX
from regulars.platform.bulk.tasks import run_job
from regulars.platform.db.database import Database
from regulars.platform.ids import new_id, public_id
from regulars.platform.imports.contracts import IMPORT
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from regulars.web.portal.wishes import Wish, Wishes
from regulars.web.store.seals import RETURN, Seals
from tests.browser.chromium import Visit
from tests.entrypoints.commands import as_url
from tests.faults.product import answers, product_at, until
from tests.web.counter import EMAIL, HERE, CounterWorld
from tests.web.visitors import OTHER_STORE, STORE

PASSWORD: Final = "correct horse battery"
OWNER_EMAIL: Final = "owner@club.example"
PHONES: Final = {"xu": "13700137001", "li": "13700137002", "lin": "13700137003", "zhou": "13700137004"}
# What somebody may be called who means harm: on pages and in files it must stay a text.
MARKUP: Final = """"><img src=x onerror=alert(1)><script>alert(1)</script>'{{7*7}}"""
FORMULA: Final = '=HYPERLINK("http://evil.example";"click")'
HARM: Final = "EVE00-00001"
RECEIPT: Final = "K7QD3-M9X2A"
Outcome = TypeVar("Outcome")


@dataclass
class Club:
    """Where the club is, what opens it, and the real ids of what is in it."""

    url: str
    address: str = ""
    home: Path = Path()
    accounts: dict[tuple[Role, str], Account] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)
    device: str = ""
    other_device: str = ""
    harm_device: str = ""
    key: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    own: dict[str, dict[str, str]] = field(default_factory=dict)

    def staff(self, role: Role = Role.OWNER, language: str = "en") -> str:
        """Return the token of somebody of staff who has just signed in."""

        async def open_one() -> str:
            async with Database(self.url, pool_size=1) as database, database.transaction() as tx:
                terms = terms_of(Settings())
                return sessions.open_session(tx, self.accounts[role, language], How.PASSWORD, terms, browser=HERE).token

        return elsewhere(open_one())

    def member(self, name: str) -> str:
        """Return the token of a member who has just signed in."""

        async def open_one() -> str:
            async with Database(self.url, pool_size=1) as database, database.transaction() as tx:
                return (await open_member_session(tx, self.people[name], HERE, remember=True)).token

        return elsewhere(open_one())

    def card_code(self, name: str) -> str:
        """Return a code as a member's phone shows it, good for a minute."""
        vault = LocalVault(self.home / "vault")
        try:
            return members.still_card_code(vault, self.people[name]).code
        finally:
            vault.close()

    def wait_for_message(self, member_id: str, kind: str) -> None:
        """Wait until the worker has told a member of something in their inbox."""
        asked = "SELECT 1 FROM messages WHERE recipient_id = %s AND kind = %s AND channel = 'inbox'"
        with psycopg.connect(self.url, autocommit=True) as connection:
            until(lambda: connection.execute(asked, (member_id.partition("_")[2], kind)).fetchone())

    def message(self, channel: str, name: str = "wang", kind: str = "receipt") -> str:
        """Return the id of a member's message of that channel, once the worker has written one."""
        asked = "SELECT message_id FROM messages WHERE channel = %s AND recipient_id = %s AND kind = %s"
        told = (channel, self.people[name], kind)
        with psycopg.connect(self.url, autocommit=True) as connection:
            until(lambda: connection.execute(asked, told).fetchone())
            found = connection.execute(asked, told).fetchone()
        assert found is not None
        return public_id("msg", found[0])


def holds(visit: Visit, **cookies: str) -> None:
    """Let a browser hold cookies: `staff`, `member` or `device`."""
    visit.page.context.add_cookies(
        [{"name": f"rgl_{name}", "value": value, "url": visit.address} for name, value in cookies.items()]
    )


def elsewhere(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Run what is asynchronous in a thread of its own: playwright keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, work).result()


@contextmanager
def open_club(url: str, folder: Path) -> Iterator[Club]:
    """Serve a club on an empty, migrated database."""
    settings = {
        "DATABASE_URL": as_url(url),
        "REGULARS_DEVELOPMENT": "true",
        "REGULARS_BRAND_NAME": "Beichen",
        "REGULARS_POOL_SIZE": "3",
    }
    with product_at(folder, settings=settings) as product:
        product.home.mkdir(mode=0o700)
        club = Club(url, product.address, product.home)
        elsewhere(_found(club, product.home))
        product.add("web", "serve")
        until(lambda: answers(f"{product.address}/ready"))
        yield club


async def _found(club: Club, home: Path) -> None:
    async with Database(club.url, pool_size=2) as database:
        vault = LocalVault(home / "vault")
        try:
            world = await CounterWorld(database, vault).begin()
            await _members(club, world, Services(Settings(home=home), database, vault))
            await _staff(club, database)
            await _orders(club, world)
            await _harm(club, world, vault)
            await _together(club, world, vault)
            club.device, club.other_device = world.device.token, world.other_device.token
            spare = await world.enrol(OTHER_STORE, "Spare till")
            seals = Seals(vault.pepper)
            club.ids |= {
                "member_id": public_id("mbr", club.people["wang"]),
                "device_id": public_id("dev", spare.device.device_id),
                "order_id": RECEIPT,
                "return_id": "BACK-1",
                "entry_id": "1",
                "store_id": STORE,
                "stop": stop_token(vault, club.people["wang"]),
                "confirm": confirm_token(vault, club.people["wang"], EMAIL),
                "ticket": seals.write(RETURN, world.device.device.device_id, RECEIPT),
            }
        finally:
            vault.close()


async def _members(club: Club, world: CounterWorld, services: Services) -> None:
    """Wang has a history, and so has Xu, who reads Chinese; Li and Lin are new."""
    club.people["wang"] = world.member
    for name, phone in PHONES.items():
        club.people[name] = await world.sign_up(phone, f"{name}@home.example", f"RG{phone[1:]}")
    await world.grant(club.people["xu"], 1_234)
    async with services.database.transaction(actor="test") as tx:
        for name, language in (("wang", "en"), ("li", "en"), ("xu", "zh"), ("lin", "zh")):
            change = ProfileChange(language=language)
            await members.change_profile(tx, services.vault, ChangeProfile(member_id=club.people[name], change=change))


async def _together(club: Club, world: CounterWorld, vault: LocalVault) -> None:
    """Wang lives with Eve and Xu with Zhou; they may give points to anybody, gave some, and some are kept for them."""
    people, wishes = club.people, Wishes(vault.pepper)
    async with world.database.transaction(actor="test") as tx:
        (policy,) = await loyalty.list_policies(tx)
        among = TransferPolicy(among="anyone", smallest=5, largest=500, given_per_month=2_000)
        await loyalty.activate_policy(tx, replace(policy, transfers=among), tx.now)
        for head, other in (("eve", "wang"), ("xu", "zhou")):
            wish = FormHousehold(
                household_id=new_id(),
                head_id=people[head],
                member_ids=(people[other],),
                name=MARKUP[:60],
                actor="test",
                reason="they asked",
            )
            await members.households.form_household(tx, vault, 8, wish)
    await world.grant(people["xu"], 25, "to give and to keep")  # so that as many can be spent as before
    for name, other in (("wang", "eve"), ("xu", "zhou"), ("eve", "wang")):
        mine, to = people[name], people[other]
        gift = loyalty.TransferPoints(member_id=mine, to_id=to, amount=5, reference=f"to {other}", actor="test")
        async with world.database.transaction(actor="test", by_keys=True) as tx:
            (given,) = await loyalty.transfer_points(tx, world.desk.configuration, [gift])
            kept = PlaceHold(
                member_id=mine,
                wallet="points",
                amount=20,
                purpose=MARKUP,
                deadline=tx.now + timedelta(days=5),
                reference=f"kept for {name}",
            )
            (held,) = await loyalty.carry_out(tx, world.desk.configuration, [kept])
        assert isinstance(given, loyalty.Transferred), given
        assert given.transfer_id is not None
        assert not isinstance(held, Exception), held
        club.own[name] = {
            "given_id": public_id("ptr", given.transfer_id),
            "wish": wishes.write(mine, Wish(to_id=to, amount=5, key=new_id().hex, typed=FORMULA)),
        }


async def _staff(club: Club, database: Database) -> None:
    hashed = await PasswordHashing(kib=8, rounds=1, lanes=1).hash(PASSWORD)
    async with database.transaction(actor="test") as tx:
        for role in Role:
            for language in ("en", "zh"):
                wish = NewAccount(
                    email=f"{role.value}.{language}@club.example",
                    name=f"{role.value} {language}",
                    roles=(role,),
                    stores=(STORE,) if role in {Role.STORE_MANAGER, Role.ASSISTANT} else None,
                    language=language,
                )
                account = (await invite(tx, wish)).account
                tx.write(UPDATE_SECRETS, (hashed, None, "test", account.staff_id))
                club.accounts[role, language] = account
        await add_demo_account(tx, NewAccount(email=OWNER_EMAIL, name="Owner", roles=(Role.OWNER,)), hashed)
        invited = await invite(tx, NewAccount(email="new@club.example", name="New", roles=(Role.CARE,)))
        club.ids |= {"invitation": invited.token, "staff_id": public_id("stf", invited.account.staff_id)}
        scopes = ["members:write", "members:read", "orders:write", "orders:read", "ledger:write", "ledger:read"]
        _, club.key = await keys.create_key(tx, label="web shop", scopes=scopes)
    async with database.transaction(actor="test") as tx:
        job_id = new_id()
        await jobs.ask(tx, run_job, job_id, IMPORT, by="cli:test", all_of_it=1)  # fails: it has no file
        club.ids["job_id"] = public_id(JOB_PREFIX, job_id)


async def _harm(club: Club, world: CounterWorld, vault: LocalVault) -> None:
    """Eve and all that she touches are called what would be markup or a formula."""
    eve = club.people["eve"] = await world.sign_up("13700137666", "eve@home.example", "RG3700137666")
    async with world.database.transaction(actor="test") as tx:
        change = ProfileChange(display_name=MARKUP, given_name=MARKUP, family_name=FORMULA, language="en")
        await members.change_profile(tx, vault, ChangeProfile(member_id=eve, change=change))
        stores = [commerce.Store("666", "CN", MARKUP), commerce.Store("667", "CN", FORMULA)]
        await commerce.define_stores(tx, stores)
        wish = NewAccount(email="eve@club.example", name=MARKUP, roles=(Role.CARE,))
        club.ids["harm_staff_id"] = public_id("stf", (await invite(tx, wish)).account.staff_id)
        made = await commerce.make_device_enrolment(tx, vault, "666", MARKUP[:60])
        enrolled = await commerce.enrol_device(tx, vault, made.code, Browser(address="127.0.0.1", user_agent=MARKUP))
    assert isinstance(enrolled, DeviceEnrolled)
    club.harm_device = enrolled.token
    club.ids["harm_ticket"] = Seals(vault.pepper).write(RETURN, enrolled.device.device_id, HARM)
    for wanted in (
        Accrue(member_id=eve, wallet="points", amount=100, reference="gift eve", reason=MARKUP),
        Adjust(member_id=eve, wallet="points", amount=7, reference=FORMULA, reason=FORMULA),
    ):
        async with world.database.transaction(by_keys=True) as tx:
            (posting,) = await loyalty.post(tx, world.desk.configuration, [wanted])
        assert not isinstance(posting, Exception), posting
    lines = (Line(MARKUP[:64], MARKUP, 2_000, 90_000), Line("2", FORMULA, 1_000, 30_000))
    order = PutOrder(
        order_id=HARM,
        member_id=eve,
        state="paid",
        channel="store",
        store_id="666",
        market="CN",
        currency="CNY",
        total_minor=120_000,
        lines=lines,
        payments=(Payment(MARKUP[:32], 120_000),),
    )
    back = ReturnOrder(order_id=HARM, return_id="EVE-R", lines=(ReturnLine(MARKUP[:64], 1_000),), store_id="667")
    for fact in (order, back):
        async with world.database.transaction(by_keys=True) as tx:
            (outcome,) = await commerce.apply(tx, world.desk, [fact])
        assert not isinstance(outcome, Exception), outcome


async def _orders(club: Club, world: CounterWorld) -> None:
    wang, xu = club.people["wang"], club.people["xu"]
    await world.buy(RECEIPT, 120_00, 50_00, 30_00, member_id=wang, points=1_000)
    back = ReturnOrder(order_id=RECEIPT, return_id="BACK-1", lines=(ReturnLine("2", 1_000),), store_id=OTHER_STORE)
    async with world.database.transaction(by_keys=True) as tx:
        (outcome,) = await commerce.apply(tx, world.desk, [back])
    assert not isinstance(outcome, Exception), outcome
    await world.buy("XU000-00001", 900_00, 300_00, member_id=xu)
    await world.buy("GUEST-00001", 9_90)
