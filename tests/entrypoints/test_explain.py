"""Asking why on the command line: sentences in both languages, data, and exit codes."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Line, PutOrder
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.platform.commit import store
from regulars.platform.commit.store import StoredRefusal
from regulars.platform.db.database import Database
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.ids import public_id
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.commands import run
from tests.entrypoints.test_configure import EXAMPLE

MAY = datetime(2026, 5, 10, 4, tzinfo=UTC)
LINES = (Line(line_id="1", sku="kettle", quantity_milli=1_000, amount_minor=66_050),)


async def _stand(url: str) -> None:
    async with Database(url) as database, database.transaction() as tx:
        await set_programme_clock(tx.connection, MAY, ticking=False)


async def _buy(url: str, home: Path) -> str:
    """Let a new member buy for 660.50, and keep a refusal; returns the member's id."""
    vault = LocalVault(home / "vault")
    wish = SignUp(market="CN", identities=(IdentityValue(IdentityKind.EXTERNAL, "test:1"),), channel="store")
    async with Database(url) as database:
        await database.follow_clock()
        async with database.transaction() as tx:
            await members.claim_vault(tx, vault)
            (member,) = await members.sign_up(tx, vault, [wish])
        assert isinstance(member, Member)
        order = PutOrder(
            order_id="web-7",
            member_id=member.member_id,
            state="paid",
            channel="online",
            store_id=None,
            market="CN",
            currency="CNY",
            total_minor=66_050,
            lines=LINES,
        )
        async with database.transaction(set_based=True) as tx:
            (done,) = await commerce.apply(tx, commerce.Commerce(loyalty.Configuration()), [order])
            data = '{"wallet":"points","asked":10,"available":1,"missing":9}'
            kept = StoredRefusal("cafe-1", "key:x", b"k", "post", "it", "insufficient_points", 409, None, data, tx.now)
            store.remember_refusals(tx, [kept])
        assert not isinstance(done, Exception), done
    vault.close()
    return public_id("mbr", member.member_id)


def test_why_is_told_in_sentences_and_as_data(environment: dict[str, str], database_url: str, tmp_path: Path) -> None:
    asyncio.run(_stand(database_url))
    assert run(environment, "configure", str(EXAMPLE)).returncode == 0
    member = asyncio.run(_buy(database_url, tmp_path))
    lot = f"trf_{member[4:]}000000000001"

    def told(*arguments: str) -> list[str]:
        done = run(environment, "explain", *arguments)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()

    order = told("order", "web-7")
    assert order[:2] == [
        "order web-7  policy 1",
        "→ CN¥660.50 were paid in money; every full CN¥1.00 gives one base point: 660.",
    ]
    assert "  ≈ CN¥0.50 more paid in money would have given one more base point (1 point)." in order
    assert told("lot", lot, "--lang", "zh")[1].startswith("→ 660 积分中剩余 660；自 ")
    assert told("transfer", lot)[1] == "→ Order web-7 earned 660 points."
    tier = told("tier", member)
    assert tier[1] == "→ Everybody begins at the tier Regular."
    assert "  ≈ 340 more growth within 365 days reach the tier Silver." in tier
    everything = json.loads("".join(told("member", member, "--json")))["explanations"]
    assert [(one["about"], one["id"]) for one in everything] == [
        ("balance", "points"),
        ("balance", "growth"),
        ("tier", "regular"),
    ]
    sentences: dict[str, Any] = everything[0]["reasons"][0]["sentences"]
    assert sorted(sentences) == ["en", "zh"]
    refusal = told("refusal", "cafe-1")
    assert refusal[1:3] == [
        "→ Only 1 can be spent from “points” now, 10 are asked. Ask for less, or wait for others.",
        "  ≈ 9 more would have been enough.",
    ]


def test_what_is_not_there_is_said_with_exit_code_2(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    asyncio.run(_stand(database_url))
    assert run(environment, "configure", str(EXAMPLE)).returncode == 0
    member = asyncio.run(_buy(database_url, tmp_path))
    for arguments in (
        ("order", "nobodys"),
        ("lot", "trf_x"),
        ("transfer", f"trf_{member[4:]}000000000009"),
        ("member", "mbr_x"),
        ("hold", member, "hld_x"),
        ("adjustment", member, "adj_x"),
        ("refusal", "unknown"),
        ("tier", member, "--as-of", "yesterday"),
        ("tier", member, "--as-of", "2036-01-01T00:00:00Z"),
    ):
        done = run(environment, "explain", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), (arguments, done)
        assert done.stderr, arguments
