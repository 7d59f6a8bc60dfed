"""The commands as an operator runs them: processes of their own, on a database of the test's own."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from getpass import getuser
from pathlib import Path

import psycopg
import pytest

from regulars.platform.audit.service import seal_all
from regulars.platform.db.database import Database
from regulars.platform.http.versions import LATEST
from tests.entrypoints.commands import run, run_from_nothing, serving
from tests.entrypoints.test_configure import EXAMPLE


def test_help_loads_no_framework() -> None:
    code = (
        "import sys, regulars.entrypoints.cli; "
        "print([name for name in ('litestar', 'sqlalchemy', 'psycopg') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout == "[]\n"


def test_a_key_from_its_making_to_its_revocation(environment: dict[str, str]) -> None:
    made = run_from_nothing(environment, "keys", "create", "--scope", "members:read", "--label", "till [7]", "--json")
    key = json.loads(made.stdout)
    assert key["scopes"] == ["members:read"]
    assert key["api_version"] == LATEST
    assert "till [7]" in run(environment, "keys", "list").stdout
    unspoken = run(environment, "keys", "change", key["id"], "--api-version", "2019-01-01")
    assert (unspoken.returncode, f"Pin the key to one of these: {LATEST}." in unspoken.stderr) == (2, True)
    header = {"Authorization": f"Bearer {key['key']}"}

    with serving(environment, "--no-work") as (client, process):
        nobody = "/v1/members/mbr_" + "0" * 32
        assert client.get(nobody).status_code == 401
        assert client.get(nobody, headers=header).status_code == 404
        assert run(environment, "keys", "revoke", key["id"], "--reason", "lost").returncode == 0
        revoked_at = time.monotonic()
        while client.get(nobody, headers=header).status_code != 401:
            assert time.monotonic() < revoked_at + 1.5
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        lines = [json.loads(line) for line in process.stderr.read().splitlines()]

    requests = [line for line in lines if line["logger"] == "regulars.requests"]
    assert {line["route"] for line in requests} >= {"/v1/members/{member_id}", "/ready"}
    assert key["key"].rpartition("_")[2] not in json.dumps(lines)
    listed = json.loads(run(environment, "keys", "list", "--json").stdout)["keys"]
    assert [(one["key_id"], one["revoked_at"] is not None) for one in listed] == [(key["id"], True)]
    assert listed[0]["api_version"] == LATEST


def test_served_with_its_worker_and_described(environment: dict[str, str]) -> None:
    with serving(environment) as (client, process):
        described = client.get("/openapi.json").json()
        taken = run_from_nothing(environment, "serve", "--port", str(client.base_url.port))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0

    operations = {
        (method, path): operation for path, item in described["paths"].items() for method, operation in item.items()
    }
    for (method, path), operation in operations.items():
        assert "500" in operation["responses"], path
        assert "summary" in operation, path
        if path.startswith("/v1/"):
            assert {"401", "403", "429"} <= set(operation["responses"]), (
                path
            )  # a key may be bound to networks, and to a rate
            assert operation["security"] != [], path
        if method in {"post", "put", "patch", "delete"} and path != "/v1/members/lookup":  # which changes nothing
            assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}, path
    assert (taken.returncode, "--port" in taken.stderr) == (2, True)
    assert taken.stderr.count("\n") == 1


def test_the_doctor_and_the_books(environment: dict[str, str], database_url: str, tmp_path: Path) -> None:
    assert run(environment, "keys", "create", "--scope", "admin").returncode == 0
    bare = run(environment, "doctor", "--json")
    lacking = {one["name"]: one for one in json.loads(bare.stdout)["examined"]}["programme"]
    assert (bare.returncode, lacking["said"]) == (1, "no market, no wallets, no policy")
    assert "regulars configure" in lacking["remedy"]

    assert run(environment, "configure", str(EXAMPLE)).returncode == 0
    well = run(environment, "doctor", "--json")
    books = run(environment, "verify", "--json")

    assert (well.returncode, json.loads(well.stdout)["ok"]) == (0, True)
    assert (books.returncode, json.loads(books.stdout)["ok"]) == (0, True)
    assert {one["name"] for one in json.loads(books.stdout)["checks"]} >= {"audit chain", "outbox drained"}

    def channels(examined: subprocess.CompletedProcess[str]) -> dict[str, str]:
        return next(one for one in json.loads(examined.stdout)["examined"] if one["name"] == "channels")

    assert "REGULARS_SMTP_HOST" in channels(well)["remedy"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO replay_progress (replay, shard, facts_done) VALUES ('easy', 0, 1)")
    in_a_demo = channels(run(environment, "doctor", "--json"))
    assert (in_a_demo["remedy"], "/outbox" in in_a_demo["said"]) == ("", True)

    (tmp_path / "vault").mkdir(mode=0o700)
    (tmp_path / "vault" / "master.key").touch(0o644)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    ill = run(environment, "doctor", "--json")

    found = {one["name"]: one for one in json.loads(ill.stdout)["examined"]}
    assert ill.returncode == 1
    assert "chmod" in found["vault"]["remedy"]
    assert "regulars migrate" in found["schema"]["remedy"]


def test_the_version_is_told() -> None:
    told = run_from_nothing({}, "--version")

    assert (told.returncode, re.fullmatch(r"regulars \d+\.\d+\.\d+\S*\n", told.stdout) is not None) == (0, True)


def test_a_parked_event_is_discarded_by_hand(environment: dict[str, str], database_url: str) -> None:
    assert run(environment, "migrate").returncode == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO outbox (event_id, type, recorded_at, payload)"
            " VALUES (gen_random_uuid(), 'OrderPaid', now(), '{}')"
        )
        connection.execute(
            "INSERT INTO parked_events (handler, seq, reader, state, attempts, error, parked_at)"
            " SELECT 'a.handler', seq, 'reactions', 'parked', 8, 'Broken', now() FROM outbox"
        )
        ((seq,),) = connection.execute("SELECT seq FROM outbox")
        listed = json.loads(run(environment, "parked", "list", "--json").stdout)["parked"]
        which = ("parked", "discard", "--handler", "a.handler", "--seq", str(seq))
        without = run(environment, *which)
        blank = run(environment, *which, "--reason", " ", "--yes")
        unsure = run(environment, *which, "--reason", "not needed")
        left = connection.execute("SELECT count(*) FROM parked_events").fetchall()
        done = run(environment, *which, "--reason", "not needed", "--yes")
        again = run(environment, *which, "--reason", "not needed", "--yes")
        audited = connection.execute("SELECT actor, reason FROM audit_entries WHERE action = 'discard_parked_event'")

        assert [one["handler"] for one in listed] == ["a.handler"]
        assert (without.returncode, blank.returncode, unsure.returncode, left) == (2, 2, 1, [(1,)])
        assert (done.returncode, done.stdout) == (0, f"a.handler will not get event {seq} (OrderPaid).\n")
        assert (again.returncode, connection.execute("SELECT count(*) FROM parked_events").fetchall()) == (2, [(0,)])
        assert audited.fetchall() == [(f"cli:{getuser()}", "not needed")]


async def _seal(database_url: str) -> None:
    async with Database(database_url, pool_size=2) as database:
        await seal_all(database)


def test_a_verification_is_known_to_whoever_looks_at_the_health(environment: dict[str, str]) -> None:
    def books() -> str:
        examined = json.loads(run(environment, "doctor", "--json").stdout)["examined"]
        return next(str(one["said"]) for one in examined if one["name"] == "books")

    run(environment, "migrate")
    assert books() == "never verified in full in the background"
    assert run(environment, "verify").returncode == 0
    assert re.fullmatch(r"(\d+) of \1 checks found everything right", books())


def test_a_rewritten_audit_log_is_found_by_its_earlier_head_alone(
    environment: dict[str, str], database_url: str
) -> None:
    for label in ("till 1", "till 2"):
        assert run(environment, "keys", "create", "--scope", "admin", "--label", label).returncode == 0
    asyncio.run(_seal(database_url))
    told = run(environment, "verify")
    head = json.loads(run(environment, "verify", "--json").stdout)["audit_head"]
    assert re.fullmatch(r"1:[0-9a-f]{64}", head)
    assert f"--audit-head {head}" in told.stdout
    extended = run(environment, "verify", "--audit-head", head, "--json")
    assert (extended.returncode, json.loads(extended.stdout)["audit_head"]) == (0, head)

    with psycopg.connect(database_url, autocommit=True) as connection:
        for table in ("audit_entries", "audit_seals"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.execute("UPDATE audit_entries SET reason = 'nothing' WHERE entry_id = 1")
        connection.execute("TRUNCATE audit_seals")
        connection.execute("DELETE FROM relay_cursors")
    asyncio.run(_seal(database_url))

    assert [run(environment, "verify").returncode for _ in range(2)] == [1, 1]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE reports CASCADE")
    assert run(environment, "verify").returncode == 0
    found = run(environment, "verify", "--audit-head", head, "--json")
    assert found.returncode == 1
    chain = {one["name"]: one for one in json.loads(found.stdout)["checks"]}["audit chain"]
    assert len(chain["problems"]) == 1
    assert f"does not extend the head {head}" in chain["problems"][0]
    assert run(environment, "verify", "--audit-head", "1:beef").returncode == 2


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        ({}, ["keys", "create", "--scope", "ledger:fly"], "There is no scope ledger:fly"),
        (
            {},
            ["keys", "create", "--scope", "admin", "--staff", "no@x.example"],
            "no account of staff with no@x.example",
        ),
        ({}, ["keys", "revoke", "ak_nothing"], "There is nothing here"),
        ({"REGULARS_PORT": "0"}, ["serve"], "REGULARS_PORT"),
        (
            {"DATABASE_URL": "postgresql://nobody@/nothing?host=/nonexistent"},
            ["verify"],
            "The database does not answer",
        ),
    ],
)
def test_what_an_operator_can_mend_is_one_sentence(
    environment: dict[str, str], change: dict[str, str], arguments: list[str], said: str
) -> None:
    told = run_from_nothing({**environment, **change}, *arguments)

    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr
