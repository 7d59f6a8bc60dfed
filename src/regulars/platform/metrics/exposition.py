"""What was measured, in the words of Prometheus. Its library is loaded here, with the first question."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from regulars.platform.commit.lane import Lane
from regulars.platform.db.database import Database
from regulars.platform.health.figures import Figures
from regulars.platform.metrics.measures import COUNTED, Histogram, Requests

_BATCH: Final = "A group commit's batch: "
Lanes = Iterable[Lane]  # type: ignore[type-arg]  # of whatever commands


class Told(Collector):
    """Metrics made when they are asked for."""

    def __init__(self, tell: Callable[[], Iterable[Metric]]) -> None:
        self._tell = tell

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they are now."""
        return self._tell()


def render(tell: Callable[[], Iterable[Metric]], accept: str) -> tuple[bytes, str]:
    """Return the text of metrics and its media type: OpenMetrics for whoever accepts that, else Prometheus's own."""
    encode, media_type = choose_encoder(accept)
    return encode(registry_of(tell)), media_type


def registry_of(tell: Callable[[], Iterable[Metric]]) -> CollectorRegistry:
    """Return a registry of these metrics, and of what the system knows of this process (memory, processor, files)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Told(tell))
    ProcessCollector(registry=registry)
    return registry


def of_process(database: Database) -> Iterator[Metric]:
    """Tell what every process knows: its release, its connections, what it counted."""
    yield InfoMetricFamily("regulars_build", "The release that runs.", value={"version": version("regulars")})
    yield from _of_pool(database.pool_stats())
    counters = {what: CounterMetricFamily(what.metric, what.says, labels=what.labels) for what in COUNTED}
    for (what, labels), number in database.counts.told():
        counters[what].add_metric(labels, number)
    yield from counters.values()


def of_web(requests: Requests, lanes: Lanes) -> Iterator[Metric]:
    """Tell how requests are answered, and how they are committed together."""
    answered = HistogramMetricFamily(
        "regulars_http_request_duration_seconds",
        "Requests answered, from the whole body to the whole answer, by template of the route.",
        labels=("method", "route", "status"),
    )
    for labels, found in requests.told():
        _add(answered, labels, found)
    yield answered
    sizes = HistogramMetricFamily("regulars_commit_batch_size", _BATCH + "its requests.", labels=("lane",))
    waits = HistogramMetricFamily(
        "regulars_commit_wait_seconds", _BATCH + "how long its first request waited to be begun.", labels=("lane",)
    )
    writes = HistogramMetricFamily(
        "regulars_commit_write_seconds", _BATCH + "from its begin to its COMMIT.", labels=("lane",)
    )
    depth: dict[str, int] = {}
    by_action: dict[str, list[Lane]] = {}  # type: ignore[type-arg]  # as above
    for lane in lanes:
        by_action.setdefault(lane.action, []).append(lane)
        depth[lane.action] = depth.get(lane.action, 0) + lane.waiting
    for action, same in by_action.items():
        _add(sizes, (action,), *[lane.batches.sizes for lane in same])
        _add(waits, (action,), *[lane.batches.waits for lane in same])
        _add(writes, (action,), *[lane.batches.writes for lane in same])
    yield from (sizes, waits, writes)
    yield _gauge("regulars_commit_waiting", "Requests that wait for a batch.", ("lane",), depth)


def of_deployment(found: Figures | None) -> Iterator[Metric]:
    """Tell how the deployment stands; every web process says the same."""
    yield GaugeMetricFamily(
        "regulars_database_up", "Whether the database answered this question (1) or not (0).", value=found is not None
    )
    if found is None:
        return
    left, jobs, hooks = found.backlog, found.jobs, found.webhooks
    yield _one("regulars_outbox_unread_events", "Events that were not relayed yet.", left.unread)
    yield _one(
        "regulars_outbox_lag_seconds",
        "How long the oldest event has waited to be relayed.",
        left.oldest_unread_seconds or 0,
    )
    yield _gauge(
        "regulars_events_held",
        "Events that did not get through: tried again, behind another one, or parked for a person.",
        ("state",),
        {"retrying": left.retrying, "waiting": left.waiting, "parked": left.parked},
    )
    yield _gauge(
        "regulars_jobs",
        "Jobs in the queue, by state.",
        ("state",),
        {"due": jobs.due, "later": jobs.later, "running": jobs.running, "failed": jobs.failed},
    )
    yield _one("regulars_jobs_oldest_due_seconds", "How long the oldest due job has waited.", jobs.oldest_due_seconds)
    yield _one("regulars_workers", "Workers that gave a sign of life lately.", found.workers.alive)
    yield _gauge("regulars_webhook_endpoints", "Webhooks, by state.", ("state",), hooks.endpoints)
    yield _one("regulars_webhook_deliveries_pending", "Deliveries that wait, of active webhooks.", hooks.pending)
    yield _one("regulars_webhook_deliveries_given_up", "Deliveries that were given up and kept.", hooks.given_up)
    yield _one(
        "regulars_webhook_oldest_pending_seconds",
        "How long the oldest waiting delivery has waited.",
        _seconds(found.at, hooks.oldest_queued_at),
    )
    yield from _of_database(found)
    yield from _of_proofs(found)


def _of_database(found: Figures) -> Iterator[Metric]:
    size = found.size
    yield _one("regulars_database_size_bytes", "How large the database is.", size.size_bytes)
    yield _one("regulars_database_connections", "Connections to the server, all programs' together.", size.connections)
    yield _one("regulars_database_connections_limit", "How many the server takes.", size.most_connections)
    yield _one(
        "regulars_database_longest_transaction_seconds",
        "How long the oldest transaction has been open.",
        size.oldest_transaction_seconds,
    )


def _of_proofs(found: Figures) -> Iterator[Metric]:
    sealed = found.sealing
    yield _one("regulars_audit_seals", "Seals of the audit log.", sealed.last_seal_no)
    yield _one("regulars_audit_unsealed_entries", "Entries of the audit log that are not sealed yet.", sealed.unsealed)
    yield _one(
        "regulars_audit_oldest_unsealed_seconds",
        "How long the oldest of them has not been sealed.",
        sealed.oldest_unsealed_seconds or 0,
    )
    verified_at, wrong, checks = 0.0, 0, 0
    if found.books is not None:
        at, books = found.books
        verified_at, wrong, checks = at.timestamp(), len(books.wrong), len(books.findings)
    yield _one(
        "regulars_books_verified_timestamp_seconds",
        "When the books were last verified in full (Unix time); 0: never.",
        verified_at,
    )
    yield _one("regulars_books_checks", "How many checks that verification ran.", checks)
    yield _one("regulars_books_problems", "How many of them found something wrong.", wrong)


def _of_pool(stats: dict[str, int]) -> Iterator[Metric]:
    size, free = stats.get("pool_size", 0), stats.get("pool_available", 0)
    yield _gauge(
        "regulars_pool_connections",
        "This process's connections to the database.",
        ("state",),
        {"used": size - free, "free": free},
    )
    yield _one("regulars_pool_connections_limit", "How many it may have.", stats.get("pool_max", 0))
    yield _one("regulars_pool_waiting", "Transactions that wait for a connection.", stats.get("requests_waiting", 0))
    for name, says, key, scale in (
        ("regulars_pool_waits", "Transactions that had to wait for one.", "requests_queued", 1.0),
        ("regulars_pool_wait_seconds", "How long they waited in all.", "requests_wait_ms", 0.001),
        ("regulars_pool_timeouts", "Transactions that waited in vain.", "requests_errors", 1.0),
        ("regulars_pool_lost_connections", "Connections that were lost.", "connections_lost", 1.0),
    ):
        yield CounterMetricFamily(name, says, value=stats.get(key, 0) * scale)


def _one(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


def _gauge(name: str, says: str, labels: tuple[str, ...], values: dict[str, int]) -> Metric:
    made = GaugeMetricFamily(name, says, labels=labels)
    for label, value in values.items():
        made.add_metric((label,), value)
    return made


def _add(family: HistogramMetricFamily, labels: tuple[str, ...], *found: Histogram) -> None:
    """Add one histogram: several of the same kind together."""
    told = [one.cumulated() for one in found]
    if not told or not any(one[-1][1] for one in told):
        return
    buckets = [
        ("+Inf" if column[0][0] == float("inf") else repr(column[0][0]), float(sum([count for _, count in column])))
        for column in zip(*told, strict=True)
    ]
    family.add_metric(labels, buckets, sum_value=sum([one.total for one in found]))


def _seconds(at: datetime, since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (at - since).total_seconds())
