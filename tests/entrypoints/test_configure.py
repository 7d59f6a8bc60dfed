"""From an empty database to points on a member's account, by the example file alone; and what a file may not say."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from regulars.entrypoints.configure import Change, ProgrammeFileError, configure, missing, read_programme
from regulars.platform.db.database import Database
from regulars.platform.db.programme_clock import set_programme_clock
from tests.architecture.source import ROOT
from tests.entrypoints.commands import run, serving

EXAMPLE = ROOT / "docs" / "examples" / "programme.toml"
MINUTE = timedelta(minutes=1)


def written(tmp_path: Path, *replacements: tuple[str, str]) -> Path:
    """Write the example, with parts of it replaced."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "programme.toml"
    path.write_text(text, encoding="utf-8")
    return path


def effects(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(change.what, change.name, change.effect) for change in changes]


async def contents(database: Database) -> list[Any]:
    async with database.transaction() as tx:
        return [
            await tx.rows("SELECT * FROM markets ORDER BY code"),
            await tx.rows("SELECT * FROM wallets ORDER BY wallet_id"),
            await tx.rows("SELECT * FROM stores ORDER BY store_id"),
            await tx.rows("SELECT version, active_from, document FROM loyalty_policies ORDER BY version"),
            await tx.rows("SELECT actor, action, subject, reason FROM audit_entries ORDER BY entry_id"),
        ]


ALL_OF_IT = [
    ("market", "CN"),
    ("wallet", "points"),
    ("wallet", "growth"),
    ("store", "nanjing-road"),
    ("store", "chunxi-road"),
    ("policy", "version 1"),
]


def test_a_fresh_database_serves_orders_once_it_is_configured(environment: dict[str, str]) -> None:
    tried = run(environment, "configure", str(EXAMPLE), "--dry-run", "--json")
    done = run(environment, "configure", str(EXAMPLE), "--json", "--reason", "opening day")
    again = run(environment, "configure", str(EXAMPLE), "--json")

    assert tried.returncode == done.returncode == again.returncode == 0, (tried.stderr, done.stderr, again.stderr)
    told = [json.loads(each.stdout) for each in (tried, done, again)]
    assert [(each["dry_run"], each["changed"]) for each in told] == [(True, True), (False, True), (False, False)]
    for each, effect in zip(told, ("new", "new", "unchanged"), strict=True):
        assert [(c["what"], c["name"], c["effect"]) for c in each["changes"]] == [(*one, effect) for one in ALL_OF_IT]
    key = json.loads(run(environment, "keys", "create", "--scope", "admin", "--json").stdout)["key"]

    with serving(environment, "--no-work") as (client, _):
        client.headers["Authorization"] = f"Bearer {key}"
        signed_up = client.post(
            "/v1/members",
            json={"market": "CN", "channel": "store", "identities": [{"kind": "phone", "value": "138 0013 8000"}]},
            headers={"Idempotency-Key": "1"},
        )
        assert signed_up.status_code == 201, signed_up.text
        member = signed_up.json()["member_id"]
        total = {"amount_minor": 120_000, "currency": "CNY"}
        order = {
            "member_id": member,
            "state": "paid",
            "channel": "store",
            "store_id": "nanjing-road",
            "market": "CN",
            "total": total,
            "lines": [{"sku": "phone", "amount": total, "quantity": 1}],
        }
        paid = client.put("/v1/orders/1", json=order)
        points = client.get(f"/v1/members/{member}/wallets").json()["wallets"][0]
        tier = client.get(f"/v1/members/{member}/tier").json()
        wallets = client.get("/v1/wallets").json()["wallets"]
        policies = client.get("/v1/policies").json()

    assert paid.status_code == 201, paid.text
    assert (points["wallet"], points["pending"], points["available"]) == ("points", 1200, 0)
    status = tier["status"]
    assert (status["tier"], status["metric"]) == ("silver", 1200)
    assert (status["next_tier"], status["missing"]) == ("gold", 1300)
    assert wallets == [
        {"code": "points", "qualifying": False, "spendable": True},
        {"code": "growth", "qualifying": True, "spendable": False},
    ]
    assert (policies["in_force"], [policy["version"] for policy in policies["policies"]]) == (1, [1])
    assert policies["policies"][0]["tier"]["review"] == {"kind": "anniversary", "after_months": 12, "grace_days": 30}
    verified = run(environment, "verify", "--json")
    problems = [one["problems"] for one in json.loads(verified.stdout)["checks"] if one["name"] != "outbox drained"]
    assert not any(problems), problems


@pytest.mark.anyio
async def test_each_change_is_audited_and_a_dry_run_keeps_nothing(database: Database) -> None:
    empty = await contents(database)
    async with database.transaction() as tx:
        assert await missing(tx) == ["no market", "no wallets", "no policy"]
    programme = read_programme(EXAMPLE)

    assert effects(await configure(database, programme, dry_run=True)) == [(*one, "new") for one in ALL_OF_IT]
    assert await contents(database) == empty
    await configure(database, programme, reason="opening day")
    configured = await contents(database)
    assert configured[-1] == [
        ("cli", "define_market", "CN", "opening day"),
        ("cli", "define_wallet", "points", "opening day"),
        ("cli", "define_wallet", "growth", "opening day"),
        ("cli", "define_store", "nanjing-road", "opening day"),
        ("cli", "define_store", "chunxi-road", "opening day"),
        ("cli", "activate_policy", "policy version 1", "opening day"),
    ]
    assert effects(await configure(database, programme)) == [(*one, "unchanged") for one in ALL_OF_IT]
    assert await contents(database) == configured
    async with database.transaction() as tx:
        assert await missing(tx) == []


@pytest.mark.anyio
async def test_what_may_change_changes_alone(database: Database, tmp_path: Path) -> None:
    async with database.transaction() as tx:
        database.clock.follow(await set_programme_clock(tx.connection, tx.now, ticking=False))
    now = database.clock.now()
    await configure(database, read_programme(EXAMPLE))
    more = written(
        tmp_path,
        ("北辰 春熙路店", "北辰 春熙路新店"),
        ("max_percent = 5", "max_percent = 10"),
        ("[[stores]]", '[[wallets]]\ncode = "coins"\nqualifying = false\nspendable = true\n\n[[stores]]'),
    )

    changes = await configure(database, read_programme(more))
    assert [change for change in effects(changes) if change[2] != "unchanged"] == [
        ("wallet", "coins", "new"),
        ("store", "chunxi-road", "changed"),
        ("policy", "version 2", "changed"),
    ]
    _, wallets, _, policies, _ = await contents(database)
    assert wallets == [(1, "points", False, True), (2, "growth", True, False), (3, "coins", False, True)]
    assert [row[:2] for row in policies] == [(1, now), (2, now + MINUTE)]
    assert json.loads(policies[1][2])["payment"]["max_percent"] == 10
    assert {change[2] for change in effects(await configure(database, read_programme(more)))} == {"unchanged"}


REFUSED = [
    (("maturity_hours", "maturity_hour"), "policy.earning.maturity_hour: there is no such field"),
    (("[[markets]]", "[[market]]"), "market: there is no such field"),
    (('code = "CN"', 'code = "CN"\ncountries = 1'), "markets[0].countries: there is no such field"),
    (("max_percent = 5", "max_percent = 500"), "policy.payment.max_percent: Expected `int` <= 100"),
    (("threshold = 1000", 'threshold = "1000"'), "policy.tier.tiers[1].threshold: Expected `int`, got `str`"),
    (
        ("threshold = 1000", "threshold = 3000"),
        "policy.tier.tiers[2].threshold: The tier gold",
    ),
    (('currency = "CNY"\n', ""), "markets[0]: Object missing required field `currency`"),
    (('"Asia/Shanghai"', '"Asia/Beichen"'), "markets[0].time_zone: A market needs"),
    (('market = "CN"', 'market = "US"'), "stores[0].market: The programme has no market US"),
    (('store_id = "chunxi-road"', 'store_id = "nanjing-road"'), "stores[1].store_id: it is there twice"),
    (('"nanjing-road"', '"南京路"'), "stores[0].path.store_id"),
    (("spendable = true", "spendable = false"), "wallets[0]: The wallet points cannot be"),
    (
        ("# active_from = 2026-01-01T00:00:00+08:00", "active_from = 2026-01-01T00:00:00"),
        "policy.active_from: Expected",
    ),
    (
        ('qualifying_wallet = "growth"', 'qualifying_wallet = "points"'),
        "policy.tier.qualifying_wallet: The wallet",
    ),
    (("[policy]", "[policy"), "is not TOML"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("replacement", "said"), REFUSED)
async def test_a_file_that_cannot_be_is_refused_by_the_field(
    database: Database, tmp_path: Path, replacement: tuple[str, str], said: str
) -> None:
    empty = await contents(database)

    with pytest.raises(ProgrammeFileError) as caught:
        await configure(database, read_programme(written(tmp_path, replacement)))

    assert said in str(caught.value)
    assert await contents(database) == empty


CONTRADICTING = [
    (('"CNY"', '"USD"'), "markets[0]: The market CN is already defined differently"),
    (("qualifying = false\nspendable = true", "qualifying = true\nspendable = false"), "wallets[0]: The wallet points"),
    (
        ("# active_from = 2026-01-01T00:00:00+08:00", "active_from = 2020-01-01T00:00:00Z"),
        "policy.active_from: a policy",
    ),
    (
        ('code = "silver"', 'code = "bronze"'),
        "The tiers regular, silver, gold, diamond must stay in this order",
    ),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("replacement", "said"), CONTRADICTING)
async def test_what_books_stand_on_stays(
    database: Database, tmp_path: Path, replacement: tuple[str, str], said: str
) -> None:
    await configure(database, read_programme(EXAMPLE))
    before = await contents(database)

    with pytest.raises(ProgrammeFileError) as caught:
        await configure(database, read_programme(written(tmp_path, replacement)))

    assert said in str(caught.value)
    assert await contents(database) == before


def test_a_file_that_is_not_there_is_one_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    told = run(environment, "configure", str(tmp_path / "none.toml"))

    assert (told.returncode, told.stderr.count("\n"), told.stdout) == (2, 1, "")
    assert "cannot be read" in told.stderr


def test_every_field_is_documented() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    example = msgspec.toml.decode(EXAMPLE.read_text(encoding="utf-8"))

    assert sorted(name for name in fields(example) if not re.search(rf"[`.\[]{name}[`\]]", page)) == []


def fields(node: object) -> set[str]:
    """Return the name of every field of a document."""
    if isinstance(node, dict):
        return set(node).union(*[fields(value) for value in node.values()])
    return set().union(*[fields(value) for value in node]) if isinstance(node, list) else set()
