"""Accruals, redemptions and orders by HTTP, each beside PostgreSQL's own rate of one transaction a posting."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random

import msgspec

from bench import limits, proofs
from bench.figures import Budget, Row, row
from bench.options import Options
from bench.programme import STORE, Site, public
from bench.server import fire, product, request

MOST_A_SECOND = {1: 2_000, 16: 7_000, 64: 10_000, 256: 12_000}
POINTS = 10
BASKET_LINES = 9
LINE_MINOR = 19
ORDER_POINTS = 3  # so little that nobody reaches another tier
# The lengths of the answers that the product stores; a test compares.
ACCRUAL_ANSWER_BYTES = 429
REDEMPTION_ANSWER_BYTES = 467
ORDER_ANSWER_BYTES = 490
BUDGET_CONNECTIONS = 256
FASTER_THAN_PGBENCH = Budget(at_least=1.5)
P99_MS = Budget(most=100)

Render = Callable[[Site, int, str], bytes]


def posting(what: str) -> Render:
    """Return a renderer of `POST /v1/members/{id}/accruals` or `/redemptions`."""

    def render(site: Site, number: int, reference: str) -> bytes:
        body = msgspec.json.encode({"wallet": "points", "amount": POINTS, "reference": reference})
        return request("POST", f"/v1/members/{public(number)}/{what}", site.token, body, reference)

    return render


def order(site: Site, number: int, order_id: str) -> bytes:
    """Render `PUT /v1/orders/{id}`: a basket of nine lines, paid in a shop."""
    lines = [
        {
            "line_id": str(line),
            "sku": f"{1_000_000 + line * 7919}",
            "quantity": "1",
            "amount": {"amount_minor": LINE_MINOR + 5 * line, "currency": "USD"},
        }
        for line in range(1, BASKET_LINES + 1)
    ]
    total = sum(LINE_MINOR + 5 * line for line in range(1, BASKET_LINES + 1))
    body = {
        "member_id": public(number),
        "state": "paid",
        "channel": "store",
        "store_id": STORE,
        "market": "US",
        "total": {"amount_minor": total, "currency": "USD"},
        "lines": lines,
    }
    return request("PUT", f"/v1/orders/{order_id}", site.token, msgspec.json.encode(body), order_id)


def rendered(
    site: Site,
    render: Render,
    numbers: Sequence[int],
    prefix: str,
    *,
    connections: int,
    seconds: float,
    hot: int | None = None,
) -> list[bytes]:
    """Render more requests than can be answered, for random members; with `hot`, half of them for that one."""
    random = Random(prefix)
    count = int(MOST_A_SECOND.get(connections, max(MOST_A_SECOND.values())) * (seconds + 1))
    return [
        render(site, random.choice(numbers) if hot is None or random.random() < 0.5 else hot, f"{prefix}{position}")
        for position in range(count)
    ]


async def measure(
    site: Site,
    options: Options,
    name: str,
    *,
    render: Render,
    numbers: Sequence[int],
    script: Callable[[str], str],
    budget: Budget | None = FASTER_THAN_PGBENCH,
    orders: bool = False,
) -> list[Row]:
    """Measure a kind of mutation at every number of connections, beside its limit, in interleaved rounds."""
    rates, p50, p99 = (defaultdict[int, list[float]](list) for _ in range(3))
    limit_rates: list[float] = []
    for turn in range(options.rounds):
        with product(site.home) as (port, _):
            await proofs.drained(site)
            for connections in options.connections:
                prefix = f"{name}-{turn}-{connections}-"
                requests = rendered(site, render, numbers, prefix, connections=connections, seconds=options.seconds)
                limits.checkpoint(site)
                result = fire(port, requests, connections=connections, seconds=options.seconds)
                await proofs.each_once(site, prefix, result.acknowledged, orders=orders)
                rates[connections].append(result.rate)
                p50[connections].append(result.p50_ms)
                p99[connections].append(result.p99_ms)
        await proofs.books_balance(site)
        limit_rates.append(limits.best_of_clients(site, script(f"limit-{name}-{turn}"), options.seconds))
        await proofs.books_balance(site)
    lines = []
    for connections in options.connections:
        asked = budget if connections == BUDGET_CONNECTIONS else None
        what = f"{name}, {connections} connections"
        lines.append(row(what, "/s", rates[connections], limit_rates, budget=asked))
        lines.append(row(f"{what}: p50", "ms", p50[connections]))
        lines.append(row(f"{what}: p99", "ms", p99[connections], budget=P99_MS if asked else None))
    return lines


async def accruals(site: Site, options: Options) -> list[Row]:
    """Measure `POST /v1/members/{id}/accruals`."""

    def script(run: str) -> str:
        return limits.posting_script("bench_accrue", site.earners, ACCRUAL_ANSWER_BYTES, run=run)

    return await measure(site, options, "accruals", render=posting("accruals"), numbers=site.earners, script=script)


async def redemptions(site: Site, options: Options) -> list[Row]:
    """Measure `POST /v1/members/{id}/redemptions`."""

    def script(run: str) -> str:
        return limits.posting_script("bench_redeem", site.spenders, REDEMPTION_ANSWER_BYTES, run=run)

    return await measure(
        site, options, "redemptions", render=posting("redemptions"), numbers=site.spenders, script=script
    )


async def orders(site: Site, options: Options) -> list[Row]:
    """Measure `PUT /v1/orders/{id}`."""

    def script(run: str) -> str:
        return limits.posting_script("bench_order", site.shoppers, ORDER_ANSWER_BYTES, run=run, points=ORDER_POINTS)

    return await measure(
        site, options, "orders", render=order, numbers=site.shoppers, script=script, budget=None, orders=True
    )
