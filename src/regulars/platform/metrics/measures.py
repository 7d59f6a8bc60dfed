"""What a process measures of itself as it works: plain numbers, written by one thread, read when somebody asks.

Nothing here knows Prometheus: its library is loaded with the first question (`exposition`), a tenth of a second that no
start pays, and a request is counted without a lock.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
BATCH_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0)
BATCH_SIZES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
NO_ROUTE: Final = "none"


class Histogram:
    """How often a value was at most each bound, and the sum of all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def within(self, share: float) -> float | None:
        """Return the bound below which at least so large a share of the values lies; infinity: above all of them.

        None where nothing was counted.
        """
        wanted = share * self.count
        return next((bound for bound, count in self.cumulated() if count >= wanted), None) if self.count else None

    def cumulated(self) -> list[tuple[float, int]]:
        """Return each bound, infinity last, with how many values were at most that."""
        so_far, told = 0, []
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            so_far += count
            told.append((bound, so_far))
        return told


class RequestLabels(NamedTuple):
    """What tells requests apart: few values each, never an id. `status` is a class, e.g. `2xx`."""

    method: str
    route: str
    status: str


class Requests:
    """How many requests were answered, and how quickly, by method, template of the route and class of status."""

    __slots__ = ("_by_status", "_told")

    def __init__(self) -> None:
        self._by_status: dict[tuple[str, str, int], Histogram] = {}
        self._told: dict[RequestLabels, Histogram] = {}

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. `route` is a template of ours; a method is whatever the caller wrote."""
        found = self._by_status.get((method, route, status))
        (found or self._begin(method, route, status)).observe(seconds)

    def told(self) -> list[tuple[RequestLabels, Histogram]]:
        """Return what was counted."""
        return list(self._told.items())

    def _begin(self, method: str, route: str, status: int) -> Histogram:
        known = method in METHODS
        labels = RequestLabels(method if known else OTHER, route or NO_ROUTE, f"{status // 100}xx")
        found = self._told.setdefault(labels, Histogram(REQUEST_SECONDS))
        if known:  # whoever invents methods must not make this grow
            self._by_status[method, route, status] = found
        return found


class Batches:
    """How large the batches of a group commit are, how long their oldest request waited, how long they were written."""

    __slots__ = ("sizes", "waits", "writes")

    def __init__(self) -> None:
        self.sizes = Histogram(BATCH_SIZES)
        self.waits = Histogram(BATCH_SECONDS)
        self.writes = Histogram(BATCH_SECONDS)


class Counted(NamedTuple):
    """Something that is counted when it is committed: its metric, what that says, and the names of its labels.

    What is `known` of the labels' values is told as 0 before it happens: from nothing to 1 would be no increase.
    """

    metric: str
    says: str
    labels: tuple[str, ...] = ()
    known: tuple[tuple[str, ...], ...] = ()


POSTINGS: Final = Counted(
    "regulars_postings", "Transfers written to the books, by kind; a posting writes one or more.", ("kind",)
)
RELAYED: Final = Counted(
    "regulars_relayed_events", "Events that the relay handed to those that react to them.", known=((),)
)
JOB_RUNS: Final = Counted("regulars_job_runs", "Runs of background jobs that ended.", ("task", "outcome"))
WEBHOOK_ATTEMPTS: Final = Counted(
    "regulars_webhook_attempts",
    "Attempts to deliver a webhook, by what the receiver answered.",
    ("outcome",),
    (("delivered",), ("3xx",), ("4xx",), ("5xx",), ("no_answer",)),
)
WEBHOOKS_DISABLED: Final = Counted(
    "regulars_webhooks_disabled",
    "Webhooks that were disabled because nothing got through.",
    ("reason",),
    (("gone",), ("failing",)),
)
COUNTED: Final = (POSTINGS, RELAYED, JOB_RUNS, WEBHOOK_ATTEMPTS, WEBHOOKS_DISABLED)

Key = tuple[Counted, tuple[str, ...]]


class Counts:
    """What a process counted since it began."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[Key, int] = {(what, labels): 0 for what in COUNTED for labels in what.known}

    def add(self, what: Counted, labels: tuple[str, ...] = (), number: int = 1) -> None:
        """Count so many."""
        key = what, labels
        self._found[key] = self._found.get(key, 0) + number

    def add_all(self, others: Iterable[tuple[Key, int]]) -> None:
        """Count what somebody else has counted."""
        for (what, labels), number in others:
            self.add(what, labels, number)

    def told(self) -> Iterator[tuple[Key, int]]:
        """Return everything that was counted."""
        return iter(list(self._found.items()))
