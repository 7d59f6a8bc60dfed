"""Traces: off they cost nothing, on they lead from a request to all that came of it, without saying whose it was."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from regulars.domain_events.loyalty import PointsAccrued
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.queue import run_jobs
from regulars.platform.jobs.registry import task
from regulars.platform.outbox.contracts import Delivered
from regulars.platform.outbox.relay import Relay
from regulars.platform.settings import SettingError, Settings
from regulars.platform.traces.starting import traced
from tests.platform.counters import create_counters, room
from tests.platform.feeding import ANNE, accrued
from tests.platform.receiving import House, Receiver, answering, house, receiver
from tests.platform.supplying import SUPPLIES

pytestmark = pytest.mark.anyio
__all__ = ["house", "receiver"]  # the fixtures

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


class Collector:
    """Takes spans by OTLP over HTTP, as a collector does."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.came = Condition()

    def named(self, beginning: str) -> list[Any]:
        return [span for span in self.spans if span.name.startswith(beginning)]


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    """Give a collector and where it listens."""
    collector = Collector()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = ExportTraceServiceRequest.FromString(body)
            with collector.came:
                for resource in told.resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                collector.came.notify_all()
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector, f"http://127.0.0.1:{server.server_port}/v1/traces"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


ran = asyncio.Event()


@task()
async def remember(_: Transaction) -> None:
    """Stand for a job that a request leaves behind."""
    ran.set()


async def take(_: Transaction, events: Sequence[Delivered[PointsAccrued]]) -> None:
    """Stand for a handler."""
    assert events


async def test_a_request_leads_to_its_batch_its_event_and_its_job(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    create_counters(database_url, "a")
    with collecting() as (collector, url), traced(Settings(traces_url=url), database, "web"):
        async with room(database, tmp_path) as counters:

            async def leave(tx: Transaction) -> None:
                tx.publish(accrued(ANNE, 1))
                await tx.defer(remember)

            counters.adder.before = leave
            one = await counters.add(key="one", more={"traceparent": f"00-{TRACE}-{CALLER}-01"})
            counters.adder.before = None
            many = await asyncio.gather(*[counters.add(key=f"k{n}", side="v1" if n % 2 else "cold") for n in range(9)])
            refused = await counters.client.get("/v1/counters/13800138000")
        assert [one.status_code, *[each.status_code for each in many], refused.status_code] == [*[200] * 10, 404]
        assert await Relay(database, {PointsAccrued: [take]}).drain() == 1
        stop = asyncio.Event()
        ran.clear()
        working = asyncio.create_task(run_jobs(database, database_url, stop, given=SUPPLIES))
        await asyncio.wait_for(ran.wait(), 20)
        stop.set()
        await working
    assert database.tracer is None

    requests = {span.span_id: span for span in collector.named("POST /")}
    (first,) = [span for span in requests.values() if span.trace_id.hex() == TRACE]
    assert (first.name, first.parent_span_id.hex()) == ("POST /v1/counters/{counter_id}/additions", CALLER)
    batches = collector.named("commit add_to_counter")
    assert sorted(link.span_id for batch in batches for link in batch.links) == sorted(requests)
    (alone,) = [batch for batch in batches if batch.trace_id.hex() == TRACE]
    assert alone.parent_span_id == first.span_id
    (handled,) = collector.named("handle tests.platform.test_traces.take")
    (job,) = collector.named(f"job {remember.name}")
    assert (
        [link.span_id for link in handled.links]
        == [link.span_id for link in job.links]
        == [written_in(collector, alone)]
    )
    assert {span.name for span in collector.named("GET ")} == {"GET /v1/counters/{counter_id}"}
    assert len(collector.named("transaction")) >= len(batches) + 2
    assert told_of(collector) <= {
        "error.type", "http.request.method", "http.route", "http.response.status_code", "regulars.events",
        "regulars.handler", "regulars.lane", "regulars.requests", "regulars.round_trips", "regulars.statements",
        "regulars.task",
    }  # fmt: skip
    everything = "".join(map(str, collector.spans))
    assert not any(text in everything for text in ("13800138000", str(ANNE), "rgl_", "SELECT", "key:ak"))


def written_in(collector: Collector, batch: Any) -> bytes:  # noqa: ANN401 - theirs, made from a description
    """Return the span of a batch's transaction."""
    (span,) = [span for span in collector.named("transaction") if span.parent_span_id == batch.span_id]
    counted = {one.key: one.value.int_value for one in span.attributes}
    assert counted["regulars.statements"] > counted["regulars.round_trips"] > 0
    return bytes(span.span_id)


def told_of(collector: Collector) -> set[str]:
    return {one.key for span in collector.spans for one in span.attributes}


async def test_a_delivery_brings_the_trace_along_that_it_came_of(house: House, receiver: Receiver) -> None:
    await house.endpoint(receiver.url)
    with collecting() as (collector, url), traced(Settings(traces_url=url), house.database, "worker"):
        await house.tell(accrued(ANNE, 1))
        await house.courier.drain()
        receiver.always(answering(500))
        await house.tell(accrued(ANNE, 2))
        await house.courier.drain()
    delivered, failed = sorted(collector.named("deliver webhook"), key=lambda span: span.start_time_unix_nano)
    handled = sorted(
        collector.named("handle platform.webhooks.handlers.announce"), key=lambda span: span.start_time_unix_nano
    )

    assert [one.headers["traceparent"].rpartition("-")[0] for one in receiver.received] == [
        f"00-{span.trace_id.hex()}-{span.span_id.hex()}" for span in (delivered, failed)
    ]
    assert [span.links[0].span_id for span in (delivered, failed)] == [span.span_id for span in handled]
    assert (delivered.status.code, failed.status.code) == (0, 2)
    assert receiver.url not in "".join(map(str, collector.spans))


async def test_a_collector_that_is_gone_delays_nobody(database_url: str, database: Database, tmp_path: Path) -> None:
    create_counters(database_url, "a")
    with collecting() as (_, url):
        pass
    with traced(Settings(traces_url=url), database, "web"):
        async with room(database, tmp_path) as counters:
            answers = [await counters.add(key=f"k{n}") for n in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 5


def test_off_nothing_of_it_is_loaded() -> None:
    asked = (
        "import sys, regulars.entrypoints.http, regulars.entrypoints.worker, regulars.platform.webhooks.couriers;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


async def test_without_the_libraries_the_setting_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "regulars.platform.traces.tracer", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with (
        pytest.raises(SettingError, match=r"REGULARS_TRACES_URL is set, but OpenTelemetry is not installed"),
        traced(Settings(traces_url="http://127.0.0.1:9/v1/traces"), database, "web"),
    ):
        pass
    async with database.transaction() as tx:
        assert (type(tx), tx.traceparent) == (Transaction, None)
