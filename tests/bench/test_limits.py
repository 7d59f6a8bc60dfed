"""The limits write what the product writes, row for row, and the books then balance."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench import limits, proofs
from bench.programme import LOTS_EACH, POINTS_A_LOT, Site, member_id, opened
from bench.server import BenchBroken
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, Posting, Redeem

pytestmark = pytest.mark.anyio
MEMBERS = 4


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with opened(tmp_path, MEMBERS) as made:
        limits.install(made)
        yield made


async def post(site: Site, *commands: Accrue | Redeem) -> None:
    async with site.database.transaction(set_based=True) as tx:
        results = await loyalty.post(tx, loyalty.Configuration(), commands)
    assert all(isinstance(result, Posting) for result in results), results


def call(site: Site, function: str, number: int, reference: str) -> None:
    with psycopg.connect(site.url) as connection:
        connection.execute(f"SELECT {function}(%s, 10, %s, 'answer')", (number, reference))


async def rows_of(site: Site, reference: str) -> dict[str, Any]:
    """Return what a posting left, without what differs from posting to posting."""
    async with site.database.transaction() as tx:
        return {
            "transfer": await tx.rows(
                "SELECT wallet_id, kind, debit_account, credit_account, amount, debt_change, qualifying, order_id, "
                "policy_version, basis, length(command_hash), effective_at = recorded_at FROM ledger_transfers "
                "WHERE reference = %s",
                (reference,),
            ),
            "lot": await tx.rows(
                "SELECT l.wallet_id, l.amount, l.remaining, l.order_id, l.earned_at = t.recorded_at, "
                "l.available_at = t.recorded_at FROM ledger_transfers AS t "
                "JOIN lots AS l ON l.member_id = t.member_id AND l.lot_no = t.seq WHERE t.reference = %s",
                (reference,),
            ),
            "uses": await tx.rows(
                "SELECT u.use_no, u.lot_no, u.amount, u.gives_back, u.of_seq FROM ledger_transfers AS t "
                "JOIN lot_uses AS u USING (member_id, seq) WHERE t.reference = %s",
                (reference,),
            ),
            "event": await tx.rows(
                "SELECT o.type, o.member_id = t.member_id, o.recorded_at = t.recorded_at, "
                "length(o.payload) - length(t.reference) FROM ledger_transfers AS t "
                "JOIN outbox AS o ON strpos(o.payload, '\"' || t.reference || '\"') > 0 WHERE t.reference = %s",
                (reference,),
            ),
        }


async def test_one_call_a_posting_writes_the_products_rows(site: Site) -> None:
    earner, spender = site.earners[0], site.spenders[0]
    await post(
        site,
        Accrue(member_id=member_id(earner), wallet="points", amount=10, reference="ours-a"),
        Redeem(member_id=member_id(spender), wallet="points", amount=10, reference="ours-r"),
    )
    call(site, "bench_accrue", earner, "limit-a")
    call(site, "bench_redeem", spender, "limit-r")

    assert await rows_of(site, "limit-a") == await rows_of(site, "ours-a")
    assert await rows_of(site, "limit-r") == await rows_of(site, "ours-r")
    await proofs.books_balance(site)


async def test_the_raw_statement_writes_the_products_rows(site: Site) -> None:
    members = [member_id(number) for number in site.earners]
    await post(site, Accrue(member_id=members[0], wallet="points", amount=10, reference="ours-0"))
    references = [f"raw-{number}" for number in site.earners]
    await asyncio.to_thread(limits.raw_statement, site, [(members, references)], 1.0)

    assert await rows_of(site, "raw-0") == await rows_of(site, "ours-0")
    await proofs.exactly(site, "raw-", references)
    await proofs.books_balance(site)


async def test_pgbench_runs_the_limit(site: Site) -> None:
    script = limits.posting_script("bench_redeem", site.spenders, 100, run="limit", hot=site.spenders[0])

    assert await asyncio.to_thread(limits.pgbench, site, script, clients=2, seconds=1) > 0
    await proofs.books_balance(site)


async def test_a_proof_finds_what_is_lost_double_or_out_of_balance(site: Site) -> None:
    call(site, "bench_accrue", 0, "r-0")
    await proofs.exactly(site, "r-", ["r-0"])
    with pytest.raises(BenchBroken, match="1 lost, 0 double, 0 never"):
        await proofs.exactly(site, "r-", ["r-0", "r-1"])
    with pytest.raises(BenchBroken, match="0 lost, 0 double, 1 never"):
        await proofs.exactly(site, "r-", [])
    with psycopg.connect(site.url) as connection:
        connection.execute("UPDATE lots SET remaining = remaining - 1 WHERE amount = %s", (POINTS_A_LOT,))
    with pytest.raises(BenchBroken, match=f"{MEMBERS} sums of lots"):
        await proofs.books_balance(site)
    assert LOTS_EACH > 1, "several lots of a member make one wrong sum"
