"""Batches that are written while they are still decided: the same books as ever, whatever breaks in the middle."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import psycopg
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.loyalty import api
from regulars.loyalty.ledger.needs import PostingCommand
from regulars.loyalty.ledger.service import WRITTEN_AHEAD
from regulars.loyalty.routes import routes
from regulars.platform.auth import service as auth
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import DAY, EASY, NOON, Programme, accrue, adjust, redeem

pytestmark = pytest.mark.anyio
MEMBERS: Final = 40
ROUNDS: Final = 12
BREAKS: Final = {
    "the connection": "PERFORM pg_terminate_backend(pg_backend_pid())",
    "the transaction": "RAISE SQLSTATE '40001'",
}
# The second part that is written breaks, once: a sequence counts on whatever is rolled back.
BREAKING: Final = """
CREATE SEQUENCE parts;
CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('parts') = 2 THEN {how}; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER breaking AFTER INSERT ON ledger_transfers FOR EACH STATEMENT EXECUTE FUNCTION break();
"""


def commands_of(members: Sequence[UUID]) -> list[PostingCommand]:
    """Return postings to the same members again and again: some alike, some refused, some sent twice."""
    wishes: list[PostingCommand] = []
    for number in range(ROUNDS):
        at = NOON + number * timedelta(hours=1)
        for place, member in enumerate(members):
            wishes.append(accrue(member, f"gift:{number}", at, 100))
            if number == ROUNDS // 2:
                wishes.append(accrue(member, f"late:{number}", at, 7, reason=f"{place}", expires_at=at + place * DAY))
            if place % 3 == number % 3:
                wishes.append(redeem(member, f"shop:{number}", at, 100 * place))
            if place % 5 == number % 5:
                wishes += [adjust(member, f"desk:{number}", at, -30), accrue(member, f"gift:{number}", at, 100)]
    return wishes


async def posted(programme: Programme, commands: Sequence[PostingCommand], at_once: int) -> list[str]:
    """Post in transactions of so many; returns what came of each, without ids."""
    shown = []
    for first in range(0, len(commands), at_once):
        async with programme.database.transaction(by_keys=True) as tx:
            results = await api.post(tx, programme.configuration, commands[first : first + at_once])
        shown += [one.code if isinstance(one, DomainError) else repr(one).partition("seq=")[2] for one in results]
    return shown


async def test_what_is_written_ahead_is_what_is_written_in_small_parts(programme: Programme) -> None:
    large, small = await programme.members(MEMBERS, "large"), await programme.members(MEMBERS, "small")
    commands = commands_of(large)
    assert len(commands) > 3 * WRITTEN_AHEAD

    outcomes = await posted(programme, commands, len(commands))
    assert outcomes == await posted(programme, commands_of(small), 17)
    assert {"insufficient_points", "times_contradict"} <= set(outcomes)
    ours, theirs = await programme.books(large), await programme.books(small)
    for table, rows in theirs.items():
        assert ours[table] == rows, table
    told = [await events(programme, members) for members in (large, small)]
    assert told[0] == told[1]
    assert len(told[0]) == MEMBERS + len(ours["ledger_transfers"])
    assert await programme.problems() == {}


async def events(programme: Programme, members: Sequence[UUID]) -> list[tuple[Any, ...]]:
    """Return what is told of members, in the order of each, without ids."""
    return await programme.rows(
        "SELECT m.place, o.type, o.recorded_at, o.payload::jsonb - 'member_id' FROM outbox AS o "
        "JOIN unnest(%s::uuid[]) WITH ORDINALITY AS m (member_id, place) USING (member_id) ORDER BY m.place, o.seq",
        (list(members),),
    )


@pytest.mark.parametrize("broken", BREAKS)
async def test_a_batch_that_breaks_in_the_middle_is_posted_once(
    database: Database, vault: LocalVault, database_url: str, tmp_path: Path, broken: str
) -> None:
    programme = await Programme.begin(database, vault, EASY)
    members = await programme.members(MEMBERS)
    rows = rows_of(members)
    services = Services(Settings(home=tmp_path), database, vault)
    app = create_app(services, Web(routes=routes(services).routes, hot=[]))
    async with database.transaction() as tx:
        _, token = await auth.create_key(tx, label="test", scopes=("ledger:write",))
    with psycopg.connect(database_url) as connection:
        connection.execute(BREAKING.format(how=BREAKS[broken]).encode())

    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-batch"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        first = await client.post("/v1/accruals/batch", json={"accruals": rows}, headers=headers)
        again = await client.post("/v1/accruals/batch", json={"accruals": rows}, headers=headers)
    assert (first.status_code, first.json()["posted"]) == (200, len(rows))
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")

    assert await counted(programme, "ledger_transfers", "lots", "outbox", "audit_entries") == [len(rows)] * 4
    assert (await programme.rows("SELECT last_value FROM parts"))[0][0] > 3, "it broke, and was tried again"
    assert await programme.problems() == {}


def rows_of(members: Sequence[UUID], amount: int = 10, **rest: str) -> list[dict[str, Any]]:
    """Return the rows of a batch that is written in more than three parts."""
    return [
        {"member_id": public_id("mbr", member), "amount": amount, "reference": f"{number}", **rest}
        for number in range(1 + 3 * WRITTEN_AHEAD // MEMBERS)
        for member in members
    ]


@pytest.mark.parametrize("kind", ["adjustments", "redemptions"])
async def test_a_batch_of_rows_that_breaks_in_the_middle_is_posted_in_halves(
    database: Database, vault: LocalVault, database_url: str, tmp_path: Path, kind: str
) -> None:
    programme = await Programme.begin(database, vault, EASY)
    members = await programme.members(MEMBERS)
    rows = rows_of(members, 10 if kind == "adjustments" else 3, reason="counted twice")
    services = Services(Settings(home=tmp_path), database, vault)
    app = create_app(services, Web(routes=routes(services).routes, hot=[]))
    async with database.transaction() as tx:
        _, token = await auth.create_key(tx, label="test", scopes=("ledger:write",))

    headers = {"Authorization": f"Bearer {token}"}
    gifts = [row | {"amount": 100, "reference": "gift"} for row in rows[:MEMBERS]]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers) as client:
        await client.post("/v1/adjustments/batch", json={"adjustments": gifts}, headers={"Idempotency-Key": "gifts"})
        with psycopg.connect(database_url) as connection:
            connection.execute(BREAKING.format(how="RAISE SQLSTATE '22003'").encode())
        answer = await client.post(f"/v1/{kind}/batch", json={kind: rows}, headers={"Idempotency-Key": "a-batch"})
    assert (answer.status_code, answer.json()["posted"]) == (200, len(rows)), answer.text[:500]
    assert (await programme.rows("SELECT last_value FROM parts"))[0][0] > 3, "it broke, and was halved"
    assert await counted(programme, "ledger_transfers") == [len(members) + len(rows)]
    audited = "SELECT count(*) FROM audit_entries WHERE action LIKE '%%_in_batch'"
    assert await programme.rows(audited) == [(len(members) + len(rows),)]
    assert await programme.problems() == {}


async def counted(programme: Programme, *tables: str) -> list[Any]:
    """Return how many rows of each table there are of what the batch did."""
    kinds = {"audit_entries": "WHERE action = 'accrue_in_batch'", "outbox": "WHERE type = 'PointsAccrued'"}
    return [(await programme.rows(f"SELECT count(*) FROM {table} {kinds.get(table, '')}"))[0][0] for table in tables]
