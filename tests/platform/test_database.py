"""What transactions tell the planner."""

from uuid import uuid4

import pytest

from regulars.platform.commit.store import SELECT_ANSWERS
from regulars.platform.db import database as databases
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction

pytestmark = pytest.mark.anyio
WALLETS = """
SELECT w.wallet_id, w.balance FROM unnest(%s::uuid[]) AS asked (member_id)
JOIN member_wallets AS w ON w.member_id = asked.member_id
"""
PLANS = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s"
NAME = "SELECT name FROM pg_prepared_statements WHERE statement LIKE %s"
GROW = """
INSERT INTO idempotency_answers (client, key, request_hash, status, body, written_at)
SELECT 'a', 'k' || number, '', 200, '', now() FROM generate_series(1, 10000) AS number
"""


async def plan(tx: Transaction, keys: int) -> str:
    ids = [uuid4() for _ in range(keys)]
    return "\n".join(row[0] for row in await tx.rows("EXPLAIN " + WALLETS, (ids,)))


async def test_by_keys_a_statement_is_planned_once_for_any_number_of_keys(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "monotonic", lambda: 0.0)
    for keys in (1, 500, 1, 60, 1, 1, 1, 1):
        async with database.transaction(by_keys=True) as tx:
            await tx.rows(WALLETS, ([uuid4() for _ in range(keys)],))

    async with database.transaction() as tx:
        assert await tx.rows(PLANS, ("%asked (member_id)%",)) == [(8, 0)]


async def test_by_keys_every_row_is_met_through_an_index(database: Database) -> None:
    async with database.transaction() as tx:
        tx.write("SET LOCAL session_replication_role = replica")
        tx.write(
            """
            INSERT INTO member_wallets (member_id, wallet_id, balance, debt)
            SELECT gen_random_uuid(), 1, 0, 0 FROM generate_series(1, 1000)
            """
        )
    async with database.transaction() as tx:
        assert "Nested Loop" not in await plan(tx, 500), "there is nothing to turn off"
        assert await tx.rows("SHOW plan_cache_mode") == [("auto",)]

    async with database.transaction(by_keys=True) as tx:
        found = await plan(tx, 500)
    assert "Nested Loop" in found
    assert "member_wallets_pkey" in found

    async with database.transaction() as tx:
        assert await tx.rows("SHOW plan_cache_mode") == [("auto",)], "the next transaction goes on without"


async def test_a_plan_by_keys_of_an_empty_table_is_forgotten_when_it_has_grown(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = 0.0
    monkeypatch.setattr(databases, "monotonic", lambda: since)

    async def kept() -> str:
        """Return the plan that is kept; the statement is carried out by it first."""
        async with database.transaction(by_keys=True) as tx:
            await tx.rows(SELECT_ANSWERS, (["a"], ["b"]))
            ((name,),) = await tx.rows(NAME, ("%AS asked (client, key)%",))
            return "\n".join(row[0] for row in await tx.rows(f"EXPLAIN EXECUTE {name}('{{a}}', '{{b}}')"))

    async with Database(database_url, pool_size=1) as database:
        async with database.transaction() as tx:
            tx.write("ANALYZE idempotency_answers")
        empty = await kept()
        assert "Index Cond: ((client = asked.client) AND (key = asked.key))" not in empty, "it is a good plan already"
        async with database.transaction() as tx:
            tx.write(GROW)
        assert await kept() == empty

        since = 1.1
        assert "Index Cond: ((client = asked.client) AND (key = asked.key))" in await kept()
