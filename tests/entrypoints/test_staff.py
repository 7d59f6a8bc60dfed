"""`regulars staff`: the first owner comes by the command line."""

import json
import re
from getpass import getuser
from pathlib import Path

import psycopg
import pytest

from regulars.demo.facts import member_id_of
from regulars.demo.people import PEOPLE, demo_password, let_people_in, staff_email
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, SignUp
from regulars.platform.auth.staff.contracts import Opened
from regulars.platform.auth.staff.permissions import ROLES, Role
from regulars.platform.db.database import Database
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.commands import run, serving
from tests.members.people import define_markets
from tests.platform.staffing import HOME, staff_sign_in


def test_the_first_owner(environment: dict[str, str]) -> None:
    environment["REGULARS_PUBLIC_URL"] = "https://shop.example"
    made = run(environment, "staff", "add", "--email", "Mei@Shop.example", "--role", "owner", "--json")
    told = json.loads(made.stdout)
    assert (told["staff"]["email"], told["staff"]["name"], told["staff"]["stores"]) == ("mei@shop.example", "Mei", None)
    assert re.fullmatch(r"https://shop\.example/console/invitation/[A-Za-z0-9_-]{43}", told["link"])

    again = run(environment, "staff", "add", "--email", "mei@shop.example", "--role", "owner")
    assert (again.returncode, "already" in again.stderr) == (2, True)
    alone = run(environment, "staff", "add", "--email", "li@shop.example", "--role", "assistant")
    assert (alone.returncode, "stores" in alone.stderr) == (2, True)
    renewed = run(environment, "staff", "link", "--email", "mei@shop.example")
    assert renewed.stdout.startswith("https://shop.example/console/invitation/")
    assert renewed.stdout.strip() != told["link"]
    assert "mei@shop.example" in run(environment, "staff", "list").stdout
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT actor, action FROM audit_entries ORDER BY entry_id").fetchall()
    who = f"cli:{getuser()}"
    assert rows == [(who, "add_staff"), (who, "make_staff_link"), (who, "make_staff_link")]


def test_a_link_leads_to_where_it_answers(environment: dict[str, str]) -> None:
    with serving(environment, "--no-work") as (client, _):
        port = client.base_url.port
    added = run(environment, "staff", "add", "--email", "mei@shop.example", "--role", "owner")
    assert added.stdout.startswith(f"http://127.0.0.1:{port}/console/invitation/")


@pytest.mark.anyio
async def test_the_demo_s_people_sign_in_however_often_it_is_started(database: Database, tmp_path: Path) -> None:
    settings, vault, household = Settings(home=tmp_path), LocalVault(tmp_path / "vault"), 900
    await define_markets(database)
    card = IdentityValue(IdentityKind.EXTERNAL, "household:900")
    async with database.transaction() as tx:
        wish = SignUp(market="US", identities=(card,), channel="store", member_id=member_id_of(household))
        await members.sign_up(tx, vault, [wish])

    for _ in range(2):
        await let_people_in(database, vault, settings, stores=("330",), people=PEOPLE[:1])
    (tmp_path / "demo-password.key").unlink()  # the password is made anew, and the accounts get it
    await let_people_in(database, vault, settings, stores=("330",), people=PEOPLE[:1])

    doors = staff_sign_in(database)
    for role in Role:
        opened = await doors.with_password(staff_email(role), demo_password(settings), HOME)
        assert isinstance(opened, Opened)
        viewer = await doors.recognise(opened.token)
        assert viewer is not None
        assert viewer.permissions == ROLES[role]
    async with database.transaction() as tx:
        email = IdentityValue(IdentityKind.EMAIL, PEOPLE[0].email)
        assert await members.lookup(tx, vault, email) == member_id_of(household)
    assert re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", demo_password(settings))
    assert (tmp_path / "demo-password.key").stat().st_mode & 0o077 == 0
    vault.close()
