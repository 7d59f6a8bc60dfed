"""Closing a month as an operator does it: commands, processes of their own."""

import asyncio
import json
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.platform.db.database import Database
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.commands import run
from tests.entrypoints.test_configure import EXAMPLE

MAY, JUNE = datetime(2025, 5, 10, 12, tzinfo=UTC), datetime(2025, 6, 5, 12, tzinfo=UTC)


async def _stand_at(database: Database, at: datetime) -> None:
    async with database.transaction() as tx:
        setting = await set_programme_clock(tx.connection, at, ticking=False)
    database.clock.follow(setting)


async def _at(url: str, at: datetime) -> None:
    async with Database(url) as database:
        await _stand_at(database, at)


async def _book(url: str, home: Path) -> None:
    """Give a new member 70 points in May; then it is June."""
    vault = LocalVault(home / "vault")
    wish = SignUp(market="CN", identities=(IdentityValue(IdentityKind.EXTERNAL, "test:1"),), channel="store")
    async with Database(url) as database:
        async with database.transaction() as tx:
            await members.claim_vault(tx, vault)
            (member,) = await members.sign_up(tx, vault, [wish])
        assert isinstance(member, Member)
        async with database.transaction() as tx:
            gift = Accrue(member_id=member.member_id, wallet="points", amount=70, reference="gift")
            await loyalty.post(tx, loyalty.Configuration(), [gift])
        await _stand_at(database, JUNE)
    vault.close()


def test_a_month_from_its_liability_to_its_proof(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    def told(*arguments: str) -> Any:  # noqa: ANN401 - any JSON there is
        return json.loads(run(environment, "finance", *arguments, "--json").stdout)

    asyncio.run(_at(database_url, MAY))
    assert run(environment, "configure", str(EXAMPLE)).returncode == 0
    empty = run(environment, "finance", "close", "2025-05")
    assert (empty.returncode, empty.stderr) == (2, "Nothing is booked yet, so there is no month to close.\n")
    assert run(environment, "finance", "close", "May").returncode == 2
    asyncio.run(_book(database_url, tmp_path))
    assert run(environment, "figures").returncode == 0

    (month,) = told("liability", "--first", "2025-05", "--last", "2025-05", "--wallet", "points")["months"]
    assert (month["closing"]["outstanding"], month["is_closed"]) == (70, False)
    assert "issued +70" in run(environment, "finance", "liability").stdout
    closed = told("close", "2025-05", "--reason", "month end")
    assert (closed["state"], closed["transfers"], closed["asked_by"]) == ("closed", 1, f"cli:{getuser()}")
    assert [one["digest"] for one in told("closes")["closes"]] == [closed["digest"]]
    proven = run(environment, "finance", "prove", "2025-05", "--digest", closed["digest"])
    assert (proven.returncode, closed["digest"] in proven.stdout.replace("\n", "")) == (0, True)
    assert run(environment, "finance", "prove", "2025-05", "--digest", "0" * 64).returncode == 1
    again = run(environment, "finance", "close", "2025-05")
    assert (again.returncode, "stays closed" in again.stderr) == (2, True)
    at = told("as-of", "2025-05-20T00:00:00Z", "--wallet", "points")
    assert at["wallets"][0]["parts"] == {"spendable": 70, "held": 0, "pending": 0, "run_out": 0}
    assert run(environment, "finance", "as-of", "2025-05-20").returncode == 2
