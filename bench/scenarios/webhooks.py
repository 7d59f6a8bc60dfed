"""Webhooks delivered on the loopback, beside the bare loop of the same HTTP client, which signs and posts."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from time import perf_counter

import msgspec
from standardwebhooks import Webhook

from bench import limits, proofs
from bench.figures import Row, row
from bench.options import Options
from bench.programme import Site, member_id
from bench.receivers import Arrived, Message
from bench.server import ANSWER_SECONDS, HOST, BenchBroken, environment, free_port, product, running
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.platform.clock import wall_now
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from regulars.platform.webhooks import service
from regulars.platform.webhooks.addresses import Guard
from regulars.platform.webhooks.couriers import AT_A_TIME_EACH
from regulars.platform.webhooks.sending import Sender
from regulars.platform.webhooks.signing import open_secret, read_shown, shown, sign

ENDPOINTS = 8
EVENTS_A_SECOND = 100  # of the time that a figure is measured: made before, told to each endpoint
DELIVERED_SECONDS = 120.0
LOOPBACK = {"REGULARS_WEBHOOK_NETWORKS": "127.0.0.0/8"}


async def webhooks(site: Site, options: Options) -> list[Row]:
    """Measure deliveries a second from the first that arrives to the last; the worker is that of `serve`."""
    rates: list[float] = []
    bare: list[float] = []
    count = max(2, round(EVENTS_A_SECOND * options.seconds))
    with _receiver(site) as port:
        for turn in range(options.rounds):
            with product(site.home):
                await proofs.drained(site)  # what was before is told nobody
            secrets = await _endpoints(site, port)
            prefix = f"told-{turn}-"
            await _post(site, prefix, count)
            limits.checkpoint(site)
            with product(site.home, LOOPBACK):
                arrived = await _arrived(port, count * ENDPOINTS)
                await proofs.drained(site)
            _prove(arrived.messages, secrets, {f"{prefix}{number}" for number in range(count)})
            await _prove_noted(site)
            rates.append(len(arrived.messages) / arrived.seconds)
            bare.append(await _bare(port, arrived.messages, secrets))
            await _part(site)
    note = f"{ENDPOINTS} endpoints, {AT_A_TIME_EACH} at a time each; the limit knows neither database nor order"
    return [row("webhooks delivered", "/s", rates, bare, note=note)]


@contextmanager
def _receiver(site: Site) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "bench.receivers", str(port)]
    with running(command, environment(site.home), site.home / "receivers.log", port, "/count"):
        yield port


async def _endpoints(site: Site, port: int) -> dict[str, str]:
    """Make the endpoints; return the secret of each path."""
    vault, secrets = LocalVault(site.home / "vault"), dict[str, str]()
    try:
        async with site.database.transaction(actor="bench") as tx:
            for number in range(ENDPOINTS):
                path = f"/hooks/{number}"
                made = await service.create(tx, vault, f"http://{HOST}:{port}{path}", "", ["points.accrued"])
                secrets[path] = shown(open_secret(vault, made.endpoint.endpoint_id, made.sealed))
    finally:
        vault.close()
    return secrets


async def _part(site: Site) -> None:
    async with site.database.transaction(actor="bench") as tx:
        for endpoint in await service.every(tx):
            await service.delete(tx, endpoint.endpoint_id)


async def _post(site: Site, prefix: str, count: int) -> None:
    """Post what is to be told, by many members."""
    wishes = [
        Accrue(
            member_id=member_id(site.earners[number % len(site.earners)]),
            wallet="points",
            amount=10,
            reference=f"{prefix}{number}",
        )
        for number in range(count)
    ]
    async with site.database.transaction(actor="bench", set_based=True) as tx:
        for result in await loyalty.post(tx, loyalty.Configuration(), wishes):
            if isinstance(result, DomainError):
                raise result


async def _arrived(port: int, wanted: int) -> Arrived:
    async with asyncio.timeout(DELIVERED_SECONDS):
        while int(await asyncio.to_thread(_ask, port, "/count")) < wanted:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)
    return msgspec.msgpack.decode(await asyncio.to_thread(_ask, port, "/all"), type=Arrived)


def _ask(port: int, path: str) -> bytes:
    connection = HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _prove(messages: list[Message], secrets: dict[str, str], wanted: set[str]) -> None:
    """Raise BenchBroken unless each endpoint was told of each posting once; the standard's library reads it."""
    told = Counter[tuple[str, str]]()
    for one in messages:
        content = Webhook(secrets[one.path]).verify(one.body, one.headers)
        told[one.path, content["data"]["reference"]] += 1
    if told != Counter((path, reference) for path in secrets for reference in wanted):
        raise BenchBroken(f"{len(told)} of {len(secrets) * len(wanted)} were told, or some of them twice")


async def _prove_noted(site: Site) -> None:
    """Raise BenchBroken unless the log of deliveries says that all arrived."""
    async with site.database.transaction() as tx:
        left = await tx.rows("SELECT state, count(*) FROM webhook_deliveries WHERE state <> 'delivered' GROUP BY state")
    if left:
        raise BenchBroken(f"the log of deliveries says otherwise: {left}")


async def _bare(port: int, messages: list[Message], secrets: dict[str, str]) -> float:
    """Return how many of the same bodies a second the client signs and posts, as many at a time, and nothing else."""
    sender, left = Sender(Guard(LOOPBACK["REGULARS_WEBHOOK_NETWORKS"])), iter(messages)
    keys = {path: read_shown(secret) for path, secret in secrets.items()}

    async def post() -> None:
        for one in left:
            message_id, timestamp = one.headers["webhook-id"], int(wall_now().timestamp())
            headers = [
                ("Host", HOST),
                ("Content-Type", "application/cloudevents+json"),
                ("webhook-id", message_id),
                ("webhook-timestamp", str(timestamp)),
                ("webhook-signature", sign([keys[one.path]], message_id, timestamp, one.body)),
            ]
            answered = await sender.post(f"http://{HOST}:{port}{one.path}", headers, one.body)
            if not answered.is_taken:
                raise BenchBroken(f"the receiver did not take what was posted: {answered.error}")

    try:
        began = perf_counter()
        await asyncio.gather(*[post() for _ in range(ENDPOINTS * AT_A_TIME_EACH)])
        took = perf_counter() - began
    finally:
        await sender.close()
    _prove((await _arrived(port, len(messages))).messages, secrets, _references(messages))
    return len(messages) / took


def _references(messages: list[Message]) -> set[str]:
    return {msgspec.json.decode(one.body)["data"]["reference"] for one in messages}
