"""Fifty households through the API, request by request, against the same households replayed in bulk."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from heapq import merge
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from regulars.commerce.contracts import PutOrder, ReturnOrder
from regulars.commerce.orders.rules import shown_quantity
from regulars.demo.facts import SHARDS, Fact, Narrator
from regulars.demo.programme import END, PROGRAMMES, Programme
from regulars.demo.replay import Replay, month_ends
from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.auth.service import create_key
from regulars.platform.clock import ClockSetting
from regulars.platform.db.database import Database
from regulars.platform.environment import load_settings
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.platform.vault.local import LocalVault

from .oracle import recompute
from .replaying import TENTH, Scope, replay, standings

pytestmark = pytest.mark.anyio

assert TENTH.households is not None
FIFTY = Scope("fifty", frozenset(sorted(TENTH.households)[:51]))  # one of these numbers is no household's

BOOKS = (
    """
    SELECT member_id, wallet_id, kind, debit_account, credit_account, amount, balance_after, debt_change, reference,
        order_id, effective_at, recorded_at, policy_version, basis
    FROM ledger_transfers ORDER BY member_id, seq
    """,
    """
    SELECT member_id, from_tier, to_tier, cause, reference, metric, effective_at, recorded_at
    FROM tier_changes ORDER BY member_id, seq
    """,
    """
    SELECT member_id, order_id, total_minor, points_used, base, multiplier, tier, effective_at, recorded_at,
        returned_minor, points_used_now, base_now
    FROM settlements ORDER BY member_id, order_id
    """,
    """
    SELECT member_id, order_id, state, channel, store_id, total_minor, returned_minor, points_used, occurred_at,
        recorded_at, effects
    FROM orders ORDER BY member_id, order_id
    """,
    """
    SELECT member_id, order_id, line_no, line_id, sku, quantity_milli, amount_minor, returned_milli, returned_minor
    FROM order_lines ORDER BY member_id, order_id, line_no
    """,
)


@pytest.mark.parametrize("programme", [pytest.param("easy", marks=pytest.mark.year), "hard"])
async def test_fifty_households_by_http_give_what_the_bulk_replay_gives(
    database: Database, database_url: str, second_database_url: str, tmp_path: Path, programme: str
) -> None:
    year = FIFTY.year()
    months = iter(month_ends())
    month_end = next(months)
    async with served(database, tmp_path / "http", PROGRAMMES[programme]) as (client, replayed):
        for fact in in_order_of_time(PROGRAMMES[programme]):
            assert fact.recorded_at is not None
            while fact.recorded_at >= month_end:
                await replayed.time_passes(month_end)
                month_end = next(months)
            database.clock.follow(ClockSetting(fact.recorded_at, fact.recorded_at, ticking=False))
            await send(client, fact)
        await replayed.time_passes(END)
    async with Database(second_database_url) as other:
        await replay(other, tmp_path / "bulk", FIFTY, programme)
    for query in BOOKS:
        assert rows(database_url, query) == rows(second_database_url, query)
    database.clock.follow(ClockSetting(END, END, ticking=False))
    theirs = recompute("hard" if programme == "hard" else "easy", FIFTY.households).households
    ours = await standings(database, sorted(theirs))
    assert {
        household: (one.tier, one.available, one.pending, one.growth, one.debt) for household, one in ours.items()
    } == {household: (one.tier, one.available, one.pending, one.growth, one.debt) for household, one in theirs.items()}
    assert len(theirs) == len(set(year.households.tolist())) == 50


@asynccontextmanager
async def served(
    database: Database, folder: Path, programme: Programme
) -> AsyncIterator[tuple[httpx.AsyncClient, Replay]]:
    """Give a client of the product, with the programme, its stores and its members in place, and no order yet.

    With it comes the replay that set them up, for the jobs that time brings on.
    """
    vault = LocalVault(folder / "vault")
    replayed = Replay(database, vault, FIFTY.year(), programme)
    await replayed.prepare()
    async with database.transaction() as tx:
        _, token = await create_key(tx, label="till", scopes=["orders:write"], requests_per_second=0)
    services = Services(load_settings({"REGULARS_HOME": str(folder)}), database, vault)
    application = create_app(services, web(services))
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(application),
            base_url="http://regulars.test",
            headers={"Authorization": f"Bearer {token}"},
        ) as client:
            yield client, replayed
        await services.drain()
    finally:
        vault.close()


def in_order_of_time(programme: Programme) -> Iterator[Fact]:
    """Tell every fact of the fifty in order of time."""
    year = FIFTY.year()
    tales = [Narrator(year, programme, shard).tell() for shard in range(SHARDS)]
    yield from merge(*tales, key=lambda fact: fact.recorded_at or END)


async def send(client: httpx.AsyncClient, fact: Fact) -> None:
    """Send a fact as a till would, and expect it to be taken."""
    if isinstance(fact, PutOrder):
        answer = await client.put(f"/v1/orders/{fact.order_id}", json=order_body(fact))
        assert answer.status_code == 201, answer.text
    else:
        answer = await client.post(
            f"/v1/orders/{fact.order_id}/returns",
            json=return_body(fact),
            headers={"Idempotency-Key": f"{fact.order_id}:{fact.return_id}"},
        )
        assert answer.status_code == 201, answer.text


def order_body(fact: PutOrder) -> dict[str, Any]:
    """Write an order as JSON."""
    assert fact.member_id is not None
    assert fact.occurred_at is not None
    payments = [{"method": "points", "points_at_most": fact.points_at_most}] if fact.points_at_most else []
    return {
        "member_id": public_id("mbr", fact.member_id),
        "state": fact.state,
        "channel": fact.channel,
        "store_id": fact.store_id,
        "market": fact.market,
        "occurred_at": fact.occurred_at.isoformat(),
        "total": {"amount_minor": fact.total_minor, "currency": fact.currency},
        "lines": [
            {
                "line_id": line.line_id,
                "sku": line.sku,
                "quantity": shown_quantity(line.quantity_milli),
                "amount": {"amount_minor": line.amount_minor, "currency": fact.currency},
            }
            for line in fact.lines
        ],
        "payments": payments,
    }


def return_body(fact: ReturnOrder) -> dict[str, Any]:
    """Write a return as JSON."""
    assert fact.lines is not None
    assert fact.occurred_at is not None
    return {
        "return_id": fact.return_id,
        "lines": [{"line_id": line.line_id} for line in fact.lines],
        "store_id": fact.store_id,
        "occurred_at": fact.occurred_at.isoformat(),
    }


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """Read everything a query gives."""
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()
