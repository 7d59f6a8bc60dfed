"""Half of all redemptions on one member: what gathering them is worth."""

from bench import limits, proofs
from bench.figures import Budget, Row, row
from bench.options import Options
from bench.programme import Site
from bench.scenarios.postings import REDEMPTION_ANSWER_BYTES, posting, rendered
from bench.server import fire, product

CONNECTIONS = 256
ONE_BY_ONE = {"REGULARS_BATCH_SIZE": "1"}
WORTH_IT = Budget(at_least=5)
P99_MS = Budget(most=100)


async def hot_member(site: Site, options: Options) -> list[Row]:
    """Measure gathered redemptions beside the same ones written one by one, and beside pgbench's."""
    hot, numbers = site.spenders[0], site.spenders[1:]
    gathered: list[float] = []
    p99: list[float] = []
    one_by_one: list[float] = []
    database: list[float] = []
    for turn in range(options.rounds):
        for settings, rates in (({}, gathered), (ONE_BY_ONE, one_by_one)):
            prefix = f"hot-{turn}-{len(settings)}-"
            with product(site.home, settings) as (port, _):
                await proofs.drained(site)
                requests = rendered(
                    site,
                    posting("redemptions"),
                    numbers,
                    prefix,
                    connections=CONNECTIONS,
                    seconds=options.seconds,
                    hot=hot,
                )
                limits.checkpoint(site)
                result = fire(port, requests, connections=CONNECTIONS, seconds=options.seconds)
                await proofs.each_once(site, prefix, result.acknowledged)
            await proofs.books_balance(site)
            rates.append(result.rate)
            if not settings:
                p99.append(result.p99_ms)
        script = limits.posting_script(
            "bench_redeem", numbers, REDEMPTION_ANSWER_BYTES, run=f"limit-hot-{turn}", hot=hot
        )
        database.append(limits.best_of_clients(site, script, options.seconds))
        await proofs.books_balance(site)
    return [
        row("one hot member, beside a batch of one", "/s", gathered, one_by_one, budget=WORTH_IT),
        row("one hot member, beside pgbench", "/s", gathered, database),
        row("one hot member: p99", "ms", p99, budget=P99_MS),
    ]
