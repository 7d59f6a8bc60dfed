"""A web process that is told to end under load answers every request that reached it, and loses none it answered."""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from regulars.platform.ids import public_id
from tests.faults.product import Product, Shop, answers, product_at, until_true
from tests.faults.shop import found_at
from tests.faults.victims import WEB

pytestmark = pytest.mark.anyio

CALLERS = 24
BEFORE = 400  # answers before the signal


@dataclass
class Calls:
    """What was asked on connections that were open, and what became of it."""

    done: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)
    told_to_go: int = 0

    async def post(self, product: Product, shop: Shop, caller: int) -> None:
        """Post one thing after the other on one connection, until told that it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", product.port)
        member = member_of(shop.members[caller % len(shop.members)])
        for number in range(100_000):
            reference = f"stop-{caller}-{number}"
            body = f'{{"amount": 1, "reference": "{reference}"}}'.encode()
            writer.write(
                f"POST /v1/members/{member}/accruals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.token}\r\n"
                f"Idempotency-Key: {reference}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await head_of(reader)
            if not head:
                self.unanswered.append(reference)
                break
            (self.done.append(reference) if head.startswith(b"HTTP/1.1 201") else self.others.append(head))
            if b"connection: close" in head:
                self.told_to_go += 1
                break
        writer.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """Return the head of an answer in small letters but for its first line, its body read; empty: there was none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        lines = dict(line.split(b": ", 1) for line in rest.lower().strip().split(b"\r\n"))
        await reader.readexactly(int(lines[b"content-length"]))
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    return first + b"\r\n" + rest.lower()


def member_of(member_id: UUID) -> str:
    return public_id("mbr", member_id)


async def status_of(product: Product, target: str, token: str = "") -> int:
    """Ask on a connection of its own; 0 if nobody listens."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", product.port)
    except ConnectionError:
        return 0
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    head = await head_of(reader)
    writer.close()
    return int(head.split()[1]) if head else 0


async def measured_by(product: Product, shop: Shop) -> dict[str, float]:
    """Return what the web process measured, added up over labels; of requests those of the load."""
    async with httpx.AsyncClient(base_url=product.address) as client:
        answer = await client.get("/metrics", headers={"Authorization": f"Bearer {shop.token}"})
    assert answer.status_code == 200
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            if sample.labels.get("route", "/accruals").endswith("/accruals"):
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


async def test_sigterm_under_load_answers_everything_and_loses_nothing(database_url: str, tmp_path: Path) -> None:
    with product_at(tmp_path, settings={"REGULARS_DRAIN_SECONDS": "1", "REGULARS_STOP_SECONDS": "30"}) as product:
        shop = await found_at(product, database_url, 40)
        web = product.add(WEB, "serve", "--no-work")
        await until_true(lambda: answers(f"{product.address}/ready"))
        calls = Calls()
        posting = [asyncio.create_task(calls.post(product, shop, caller)) for caller in range(CALLERS)]
        waiting = asyncio.create_task(status_of(product, "/v1/events?cursor=now&wait=20", shop.token))
        await until_true(lambda: len(calls.done) >= BEFORE)
        assert await status_of(product, "/ready") == 200
        measured = await measured_by(product, shop)
        assert measured["regulars_postings_total"] >= BEFORE
        assert measured["regulars_http_request_duration_seconds_count"] >= BEFORE
        assert measured["regulars_commit_batch_size_sum"] >= BEFORE
        assert measured["regulars_commit_batch_size_count"] < measured["regulars_commit_batch_size_sum"], "in groups"
        assert web.process is not None
        web.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        statuses = [await status_of(product, "/ready")]
        while statuses[-1] == 200:
            statuses.append(await status_of(product, "/ready"))
        draining, at = statuses[-1], len(calls.done)
        await until_true(lambda: len(calls.done) > at)
        await asyncio.gather(*posting)
        ended = await asyncio.to_thread(web.wait)

        assert (ended, draining) == (0, 503)
        assert time.monotonic() - began < 15
        assert await status_of(product, "/ready") == 0
        assert await waiting == 200
        assert (calls.unanswered, calls.others, calls.told_to_go) == ([], [], CALLERS)
        with psycopg.connect(database_url) as connection:
            found = connection.execute(
                "SELECT reference FROM ledger_transfers WHERE reference LIKE 'stop-%'"
            ).fetchall()
        assert sorted(reference for (reference,) in found) == sorted(calls.done)
