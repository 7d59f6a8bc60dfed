"""`regulars privacy` as an operator runs it: exported for a purpose, erased with a word, looks listed."""

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Store
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import ChangeProfile, IdentityKind, IdentityValue, Member, ProfileChange, SignUp
from regulars.platform.db.database import Database
from regulars.platform.ids import public_id
from regulars.platform.markets.service import define_market
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.commands import as_url, run
from tests.members.people import CN

NAME, PHONE = "楚云深", "+8613800138000"


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": as_url(database_url), "REGULARS_HOME": str(tmp_path), "USER": "operator"}


@pytest.fixture
def member(database_url: str, tmp_path: Path) -> str:
    async def join() -> str:
        vault = LocalVault(tmp_path / "vault")
        try:
            async with Database(database_url, pool_size=1) as database, database.transaction() as tx:
                await members.claim_vault(tx, vault)
                await define_market(tx, CN)
                await commerce.define_stores(tx, [Store("7", "CN", "Nanjing Road")])
                loyalty.define_standard_wallets(tx)
                wish = SignUp(market="CN", identities=(IdentityValue(IdentityKind.PHONE, PHONE),), channel="online")
                (made,) = await members.sign_up(tx, vault, [wish])
                assert isinstance(made, Member), made
                change = ChangeProfile(member_id=made.member_id, change=ProfileChange(display_name=NAME))
                await members.change_profile(tx, vault, change)
                return public_id("mbr", made.member_id)
        finally:
            vault.close()

    return asyncio.run(join())


def test_everything_is_exported_for_a_purpose_and_logged(
    environment: dict[str, str], member: str, tmp_path: Path
) -> None:
    out = tmp_path / "export.html"
    short = run(environment, "privacy", "export", member, "--purpose", "why")
    unknown = run(environment, "privacy", "export", f"mbr_{'0' * 32}", "--purpose", "letter of 3 May")
    nonsense = run(environment, "privacy", "export", "nobody", "--purpose", "letter of 3 May")
    before = run(environment, "privacy", "looks", "--json")
    told = run(environment, "privacy", "export", member, "--purpose", "letter of 3 May")
    written = run(
        environment, "privacy", "export", member, "--purpose", "call of May", "--form", "html", "--out", str(out)
    )
    again = run(environment, "privacy", "export", member, "--purpose", "call of May", "--out", str(out))
    looks = json.loads(run(environment, "privacy", "looks", "--member", member, "--json").stdout)["looks"]
    narrowed = run(environment, "privacy", "looks", "--purpose", "LETTER", "--since", "2020-01-01", "--json")
    none = run(environment, "privacy", "looks", "--until", "2020-01-01", "--json")
    table = run(environment, "privacy", "looks")

    assert [one.returncode for one in (short, unknown, nonsense, told, written, again)] == [2, 2, 2, 0, 0, 2]
    assert json.loads(before.stdout) == {"looks": []}
    assert json.loads(told.stdout)["sections"]["member_profiles"][0]["display_name"] == NAME
    assert NAME in out.read_text(encoding="utf-8")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "there already" in again.stderr
    assert [(one["action"], one["subject"], one["purpose"]) for one in looks] == [
        ("read_export", member, "call of May"),
        ("read_export", member, "letter of 3 May"),
    ]
    assert all(one["actor"].startswith("cli:") for one in looks)
    assert [one["purpose"] for one in json.loads(narrowed.stdout)["looks"]] == ["letter of 3 May"]
    assert json.loads(none.stdout) == {"looks": []}
    assert "letter" in table.stdout


def test_a_member_is_erased_with_a_reason_and_meant(environment: dict[str, str], member: str) -> None:
    reason = ("--reason", "letter of 3 May")
    not_meant = run(environment, "privacy", "erase", member, *reason)
    nothing = json.loads(run(environment, "privacy", "erasures", "--json").stdout)
    asked = run(environment, "privacy", "erase", member, *reason, "--confirm", member, "--json")
    waiting = json.loads(run(environment, "privacy", "erasures", "--state", "waiting", "--json").stdout)["erasures"]
    stays = run(environment, "privacy", "stay", member)
    again = run(environment, "privacy", "stay", member)
    listed = json.loads(run(environment, "privacy", "erasures", "--member", member, "--json").stdout)["erasures"]
    table = run(environment, "privacy", "erasures")

    assert (not_meant.returncode, nothing) == (2, {"erasures": []})
    assert f"--confirm {member}" in not_meant.stderr
    assert [one.returncode for one in (asked, stays, again, table)] == [0, 0, 2, 0]
    assert (json.loads(asked.stdout)["state"], json.loads(asked.stdout)["member_id"]) == ("waiting", member)
    assert [(one["member_id"], one["reason"], one["key_destroyed_at"]) for one in waiting] == [
        (member, "letter of 3 May", None)
    ]
    assert [one["state"] for one in listed] == ["withdrawn"]
    assert "No erasure of this member waits" in again.stderr
    assert "withdrawn" in table.stdout
