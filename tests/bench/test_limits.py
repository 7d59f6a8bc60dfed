"""The limits write what the product writes, row for row, and the books then balance."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from bench import limits, proofs
from bench.programme import LOTS_EACH, POINTS_A_LOT, Site, member_id, opened
from bench.scenarios import batches, postings
from bench.server import BenchBroken, fire, product, request
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
    await asyncio.to_thread(limits.raw_statement, site, [limits.Batch(members, references)], 1.0)

    assert await rows_of(site, "raw-0") == await rows_of(site, "ours-0")
    await proofs.exactly(site, "raw-", references)
    await proofs.books_balance(site)


async def test_one_call_an_order_writes_the_products_rows(site: Site) -> None:
    first, second = site.shoppers[:2]
    with product(site.home) as (port, _):
        order = postings.order(site, first, "ours-o")
        result = await asyncio.to_thread(fire, port, [order], connections=1, seconds=5.0)
        assert len(result.acknowledged) == 1
    with psycopg.connect(site.url) as connection:
        connection.execute("SELECT bench_order(%s, %s, 'limit-o', 'answer')", (second, postings.ORDER_POINTS))

    ours, limit = await order_rows(site, "ours-o"), await order_rows(site, "limit-o")
    assert ours["event"] == pytest.approx(limit["event"], rel=0.05)
    assert {**ours, "event": 0} == {**limit, "event": 0}
    await proofs.books_balance(site)


async def order_rows(site: Site, order_id: str) -> dict[str, Any]:
    """Return what an order left, without what differs from order to order."""
    async with site.database.transaction() as tx:
        (event,) = await tx.rows("SELECT length(payload) FROM outbox WHERE strpos(payload, %s) > 0", (order_id,))
        return {
            "event": event[0],
            "order": await tx.rows(
                "SELECT state, channel, store_id, market, currency, total_minor, returned_minor, points_used, "
                "occurred_at = recorded_at, paid_at = recorded_at, length(content_hash), payments, "
                "regexp_replace(effects, '_at\":\"[^\"]+', '', 'g') FROM orders WHERE order_id = %s",
                (order_id,),
            ),
            "lines": await tx.rows(
                "SELECT line_no, line_id, sku, quantity_milli, amount_minor, returned_milli, returned_minor "
                "FROM order_lines WHERE order_id = %s ORDER BY line_no",
                (order_id,),
            ),
            "settlement": await tx.rows(
                "SELECT total_minor, points_used, base, multiplier, tier, policy_version, redeem_seq, earn_seq, "
                "effective_at = recorded_at, returned_minor, points_used_now, base_now FROM settlements "
                "WHERE order_id = %s",
                (order_id,),
            ),
            "transfers": await tx.rows(
                "SELECT wallet_id, kind, debit_account, credit_account, amount, balance_after, debt_change, "
                "qualifying, replace(reference, %s, ''), policy_version, basis, command_hash, seq "
                "FROM ledger_transfers WHERE order_id = %s ORDER BY seq",
                (order_id, order_id),
            ),
            "lot": await tx.rows(
                "SELECT wallet_id, lot_no, amount, remaining, available_at - earned_at, date_trunc('day', expires_at) "
                "FROM lots WHERE order_id = %s",
                (order_id,),
            ),
            "key": await tx.rows("SELECT count(*) FROM order_keys WHERE order_id = %s", (order_id,)),
        }


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


async def test_the_raw_statement_keeps_the_records_of_a_batch_by_http(site: Site) -> None:
    members = [member_id(number) for number in site.earners]
    references = [f"raw-{number}" for number in site.earners]
    answer = batches.answer_to([*site.earners], references)
    await asyncio.to_thread(limits.raw_statement, site, [limits.Batch(members, references, answer)], 1.0)

    async with site.database.transaction() as tx:
        audited = await tx.rows("SELECT detail FROM audit_entries WHERE action = 'accrue_in_batch' ORDER BY entry_id")
        assert sorted(detail for (detail,) in audited) == sorted(references)
        assert await tx.rows("SELECT body FROM idempotency_answers") == [(answer,)]


async def test_the_answers_of_the_limits_are_as_long_as_the_products(site: Site) -> None:
    """To a tenth: how long they are depends on the members' numbers and on the references. A batch's says the same."""
    references = [f"batch-{n}" for n in range(MEMBERS)]
    requests = {
        "order": postings.order(site, site.shoppers[0], "an-order-0-256-1234"),
        "accrual": postings.posting("accruals")(site, site.earners[0], "an-accrual-0-256-1234"),
        "redemption": postings.posting("redemptions")(site, site.spenders[0], "a-redemption-0-256-1234"),
        "batch": request(
            "POST",
            "/v1/accruals/batch",
            site.token,
            batches.body_of([*site.earners], references),
            "b",
        ),
    }
    with product(site.home) as (port, _):
        result = await asyncio.to_thread(fire, port, list(requests.values()), connections=1, seconds=5.0)
    assert len(result.acknowledged) == len(requests)
    async with site.database.transaction() as tx:
        stored = await tx.rows("SELECT length(body), body FROM idempotency_answers ORDER BY length(body)")
    accrual, redemption, order, batch = [length for length, _ in stored]
    assert order == pytest.approx(postings.ORDER_ANSWER_BYTES, rel=0.1)
    assert accrual == pytest.approx(postings.ACCRUAL_ANSWER_BYTES, rel=0.1)
    assert redemption == pytest.approx(postings.REDEMPTION_ANSWER_BYTES, rel=0.1)
    rendered = batches.answer_to([*site.earners], references)
    assert batch == pytest.approx(len(rendered), rel=0.02)
    ours, limits_ = msgspec.json.decode(stored[-1][1]), msgspec.json.decode(rendered)
    assert [told(row) for row in limits_["rows"]] == [told(row) for row in ours["rows"]]


def told(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of an answer without what differs from batch to batch."""
    varying = dict.fromkeys(("transfer_id", "balance", "effective_at", "recorded_at", "available_at", "expires_at"))
    assert varying.keys() <= row["posting"].keys()
    return {**row, "posting": row["posting"] | varying}
