"""The member read, beside the framework's empty JSON route served the same way."""

from bench import proofs
from bench.figures import Budget, Row, row
from bench.options import Options
from bench.programme import Site, public
from bench.server import empty_route, fire, product, request

CONNECTIONS = 64
OF_THE_EMPTY_ROUTE = Budget(at_least=0.5)


async def reads(site: Site, options: Options) -> list[Row]:
    """Measure `GET /v1/members/{id}/wallets`."""
    rates: list[float] = []
    p99: list[float] = []
    empty: list[float] = []
    requests = [request("GET", f"/v1/members/{public(number)}/wallets", site.token) for number in site.spenders]
    for _ in range(options.rounds):
        with product(site.home) as (port, _pid):
            await proofs.drained(site)
            result = fire(port, requests, connections=CONNECTIONS, seconds=options.seconds, cycle=True)
        rates.append(result.rate)
        p99.append(result.p99_ms)
        with empty_route(site.home) as (port, _pid):
            nothing = [request("GET", "/empty", site.token)]
            empty.append(fire(port, nothing, connections=CONNECTIONS, seconds=options.seconds, cycle=True).rate)
    return [
        row(f"member read, {CONNECTIONS} connections", "/s", rates, empty, budget=OF_THE_EMPTY_ROUTE),
        row(f"member read, {CONNECTIONS} connections: p99", "ms", p99),
    ]
