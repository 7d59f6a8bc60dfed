"""Metrics at a glance: what the database knows of the deployment now, and what this process measured since it began.

Nothing is kept over time here: Prometheus does that (docs/metrics.md). Each figure leads to where something is done.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from math import inf
from typing import Any, Final, NamedTuple

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler

from regulars.platform.clock import wall_now
from regulars.platform.commit.lane import Lane
from regulars.platform.health.contracts import Bytes, TableSize
from regulars.platform.health.figures import Figures, figures_of, largest_tables
from regulars.platform.metrics.measures import POSTINGS, Histogram, Requests
from regulars.web.console.audit_codes import ACTIONS
from regulars.web.console.member_words import kind_name
from regulars.web.kit.cells import Cell, Code, Quiet
from regulars.web.kit.formats import Formats
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

METRICS: Final = "/console/metrics"
READ: Final = "health:read"
WORDS: Final = mark("latency, requests a second, throughput, Prometheus, slow, size of the database")
_ROUTES: Final = 15
_TABLES: Final = 8
_HALF, _MOST = 0.5, 0.95

AnyRequest = Request[Any, Any, Any]


class Tile(NamedTuple):
    """A figure in the viewer's language, with the page on which something is done about it."""

    label: str
    value: str
    path: str
    note: str = ""
    tone: str = ""


def metrics_pages(kit: Kit) -> Pages:
    """Return the page of metrics."""
    entry = Entry(METRICS, mark("Metrics"), icon="chart-histogram", permission=READ, words=WORDS)
    return Pages(ViewerKind.STAFF, [_page(kit)], navigation=[Group(mark("Operations"), (entry,))])


def _page(kit: Kit) -> ControllerRouterHandler:
    services = kit.services

    @get(METRICS, guards=[kit.guards.staff(READ)])
    async def metrics(request: AnyRequest) -> Response[bytes]:
        formats, now = kit.page(request).formats, wall_now()
        found = await figures_of(services.database)
        tables = await largest_tables(services.database, _TABLES) if found is not None else []
        seconds = max((now - services.began_at).total_seconds(), 1.0)
        pool = services.database.pool_stats()
        return kit.render(
            request,
            "console/metrics.html",
            at=now,
            began_at=services.began_at,
            tiles=list(_tiles(found, formats)) if found is not None else [],
            is_up=found is not None,
            routes=_routes(services.requests, seconds, formats),
            lanes=_lanes(services.lanes, formats),
            postings=_postings(services.database.counts.told(), seconds, formats),
            pool_used=pool.get("pool_size", 0) - pool.get("pool_available", 0),
            pool_most=pool.get("pool_max", 1),
            pool_waits=pool.get("requests_queued", 0),
            tables=_tables(tables),
            size=found.size.size_bytes if found is not None else 1,
        )

    return metrics


# --- what the database knows -----------------------------------------------------------------------------------------


def _tiles(found: Figures, formats: Formats) -> Iterator[Tile]:
    def said(text: str, **values: object) -> str:
        return in_language(text, formats.language).format(**values)

    def tile(label: str, number: int, path: str, note: str = "", tone: str = "") -> Tile:
        return Tile(said(label), formats.number(number), path, note, tone)

    def late(seconds: float) -> str:
        return said(mark("the oldest for {span}"), span=formats.span(timedelta(seconds=seconds))) if seconds else ""

    left, jobs, hooks = found.backlog, found.jobs, found.webhooks
    yield tile(mark("Events on their way"), left.unread, "/console/health", late(left.oldest_unread_seconds or 0))
    yield tile(mark("Events parked"), left.parked, "/console/health/parked", tone="warning" if left.parked else "")
    yield tile(mark("Jobs due"), jobs.due, "/console/health/jobs", late(jobs.oldest_due_seconds))
    yield tile(mark("Jobs failed for good"), jobs.failed, "/console/health/jobs", tone="warning" if jobs.failed else "")
    alive = found.workers.alive
    none = "" if alive else said(mark("nothing is done in the background"))
    yield tile(mark("Workers"), alive, "/console/health", none, "" if alive else "error")
    yield tile(
        mark("Deliveries of webhooks that wait"),
        hooks.pending,
        "/console/webhooks",
        said(mark("{count} given up"), count=formats.number(hooks.given_up)) if hooks.given_up else "",
        "warning" if hooks.given_up else "",
    )
    yield tile(mark("Entries not sealed"), found.sealing.unsealed, "/console/audit/chain")
    yield _books(found, formats)
    size = found.size
    yield Tile(said(mark("Size of the database")), str(Bytes(size.size_bytes)), "/console/health")
    yield Tile(
        said(mark("Connections to the server")),
        said(mark("{used} of {all}"), used=formats.number(size.connections), all=formats.number(size.most_connections)),
        "/console/health",
    )


def _books(found: Figures, formats: Formats) -> Tile:
    label = in_language(mark("Books"), formats.language)
    if found.books is None:
        return Tile(
            label, in_language(mark("never verified"), formats.language), "/console/health/books", tone="warning"
        )
    at, verified = found.books
    said = mark("balanced") if not verified.wrong else mark("something is wrong")
    tone = "error" if verified.wrong else ""
    return Tile(label, in_language(said, formats.language), "/console/health/books", formats.moment(at), tone)


def _tables(tables: Iterable[TableSize]) -> list[tuple[str, str, int, int]]:
    return [(one.table, str(Bytes(one.size_bytes)), one.size_bytes, one.rows) for one in tables]


# --- what this process measured --------------------------------------------------------------------------------------


def _routes(requests: Requests, seconds: float, formats: Formats) -> list[list[Cell]]:
    """Return the routes that were asked most: how often, how fast, how many answers were our own faults."""
    by_route: dict[tuple[str, str], list[tuple[str, Histogram]]] = {}
    for labels, found in requests.told():
        by_route.setdefault((labels.method, labels.route), []).append((labels.status, found))
    rows: list[tuple[int, list[Cell]]] = []
    for (method, route), answers in by_route.items():
        whole = _together([found for _, found in answers])
        faults = sum([found.count for status, found in answers if status == "5xx"])
        rows.append((whole.count, [
            Code(f"{method} {route}"),
            whole.count,
            _rate(whole.count, seconds, formats),
            _span(whole.within(_HALF), formats),
            _span(whole.within(_MOST), formats),
            faults,
        ]))  # fmt: skip
    return [cells for _, cells in sorted(rows, key=lambda one: -one[0])[:_ROUTES]]


def _lanes(lanes: Iterable[Lane[Any, Any]], formats: Formats) -> list[list[Cell]]:
    """Return the group commits that had something to do."""
    rows: list[tuple[int, list[Cell]]] = []
    for lane in lanes:
        sizes, writes = lane.batches.sizes, lane.batches.writes
        if not sizes.count:
            continue
        named = in_language(ACTIONS.get(lane.action, lane.action), formats.language)
        rows.append((sizes.count, [
            Quiet(named, lane.action),
            round(sizes.total),
            sizes.count,
            round(sizes.total / sizes.count, 1),
            _span(lane.batches.waits.within(_MOST), formats),
            _span(writes.within(_MOST), formats),
            lane.waiting,
        ]))  # fmt: skip
    return [cells for _, cells in sorted(rows, key=lambda one: -one[0])]


def _postings(counted: Iterable[Any], seconds: float, formats: Formats) -> list[list[Cell]]:
    found = sorted([(labels[0], number) for (what, labels), number in counted if what is POSTINGS and number])
    return [
        [Quiet(kind_name(kind, formats.language), kind), number, _rate(number, seconds, formats)]
        for kind, number in found
    ]


def _together(found: list[Histogram]) -> Histogram:
    whole = Histogram(found[0].bounds)
    for one in found:
        whole.counts = [a + b for a, b in zip(whole.counts, one.counts, strict=True)]
        whole.total += one.total
    return whole


def _rate(count: int, seconds: float, formats: Formats) -> Cell:
    per_second = count / seconds
    text = mark("{number} a second") if per_second >= 1 else mark("{number} a minute")
    number = round(per_second if per_second >= 1 else per_second * 60, 1)
    return in_language(text, formats.language).format(number=formats.number(number))


def _span(bound: float | None, formats: Formats) -> Cell:
    """Return a bound of a histogram: what it counted lies at most there."""
    if bound is None:
        return None
    if bound == inf:
        return in_language(mark("more than 10 s"), formats.language)
    return f"≤ {formats.number(bound * 1000)} ms" if bound < 1 else f"≤ {formats.number(bound)} s"
