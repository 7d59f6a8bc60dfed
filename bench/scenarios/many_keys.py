"""A read while the database holds 10,000 API keys, beside the same read while it holds one."""

from typing import LiteralString

from bench import proofs
from bench.figures import Budget, Row, row
from bench.options import Options
from bench.programme import Site, public
from bench.server import BenchBroken, fire, product, request
from regulars.platform.auth import service as auth

CONNECTIONS = 64
KEYS = 10_000
MET_SECONDS = 120.0  # at most
LABEL = "one of many"
NOTHING = Budget(at_least=0.9)  # what two rounds of the same differ by on a quiet machine
_SET_ASIDE: LiteralString = "CREATE TABLE bench_keys AS SELECT * FROM api_keys WHERE label = %s"
_REMOVE: LiteralString = "DELETE FROM api_keys WHERE label = %s"
_PUT_BACK: LiteralString = "INSERT INTO api_keys SELECT * FROM bench_keys"


async def many_keys(site: Site, options: Options) -> list[Row]:
    """Measure `GET /v1/members/{id}/wallets`, asked by one key, and by all in turn."""
    paths = [f"/v1/members/{public(number)}/wallets" for number in site.spenders]
    by_one = [request("GET", path, site.token) for path in paths]
    tokens = [site.token, *await _make(site)]
    count = max(len(tokens), len(paths))
    by_all = [request("GET", paths[at % len(paths)], tokens[at % len(tokens)]) for at in range(count)]
    only: list[float] = []
    of_many: list[float] = []
    in_turn: list[float] = []
    for _ in range(options.rounds):
        only.append(await _rate(site, by_one, options, keys=1))
        await _execute(site, _PUT_BACK)
        of_many.append(await _rate(site, by_one, options, keys=KEYS))
        in_turn.append(await _rate(site, by_all, options, keys=KEYS))
        await _execute(site, _REMOVE, LABEL)
    await _execute(site, "DROP TABLE bench_keys")
    what = f"member read, {CONNECTIONS} connections"
    return [
        row(
            f"{what}, one of {KEYS:,} keys",
            "/s",
            of_many,
            only,
            budget=NOTHING,
            note="the limit: the only key there is",
        ),
        row(f"{what}, {KEYS:,} keys in turn", "/s", in_turn, only, budget=NOTHING, note="the same limit"),
    ]


async def _make(site: Site) -> list[str]:
    """Make the other keys, set them aside, and return their tokens."""
    async with site.database.transaction(actor="bench") as tx:
        made = [
            await auth.create_key(tx, label=LABEL, scopes=["ledger:read"], requests_per_second=0)
            for _ in range(KEYS - 1)
        ]
    await _execute(site, _SET_ASIDE, LABEL)
    await _execute(site, _REMOVE, LABEL)
    return [token for _, token in made]


async def _rate(site: Site, requests: list[bytes], options: Options, *, keys: int) -> float:
    async with site.database.transaction() as tx:
        await tx.rows("ANALYZE api_keys")
        ((found,),) = await tx.rows("SELECT count(*) FROM api_keys")
    if found != keys:
        raise BenchBroken(f"there are {found} keys, not {keys}")
    with product(site.home) as (port, _):
        await proofs.drained(site)
        fire(port, requests, connections=CONNECTIONS, seconds=MET_SECONDS)  # each key is met once
        return fire(port, requests, connections=CONNECTIONS, seconds=options.seconds, cycle=True).rate


async def _execute(site: Site, statement: LiteralString, *parameters: str) -> None:
    async with site.database.transaction(actor="bench") as tx:
        await tx.rows(statement, parameters)
