"""What counting costs: a request of a hot route through the edge's own bookkeeping, and a batch's."""

from collections.abc import Callable
from time import process_time_ns
from typing import Final

from bench.figures import Budget, Row, row
from bench.options import Options
from regulars.platform.metrics.measures import Batches, Requests

REQUEST_MICROSECONDS: Final = Budget(most=2)
_TIMES: Final = 500_000
_ROUTES: Final = tuple(f"/v1/members/{{member_id}}/{name}" for name in ("accruals", "redemptions", "wallets", "orders"))


def metrics(options: Options) -> list[Row]:
    """Measure the processor's time that a counted request and a counted batch take beyond an uncounted one."""
    requests, batches = Requests(), Batches()

    def request(number: int) -> None:
        requests.note("POST", _ROUTES[number & 3], 201, 0.000_4 * (number & 31))

    def batch(number: int) -> None:
        batches.sizes.observe(number & 127)
        batches.waits.observe(0.000_1 * (number & 31))
        batches.writes.observe(0.000_4 * (number & 31))

    return [
        row(f"counting a {name}", "µs", [_microseconds(work) for _ in range(options.rounds)], budget=budget)
        for name, work, budget in (("request", request, REQUEST_MICROSECONDS), ("batch", batch, None))
    ]


def _microseconds(work: Callable[[int], None]) -> float:
    """Return what one call takes, without what calling nothing takes."""
    return _nanoseconds(work) / 1000 - _nanoseconds(lambda _: None) / 1000


def _nanoseconds(work: Callable[[int], None]) -> float:
    began = process_time_ns()
    for number in range(_TIMES):
        work(number)
    return (process_time_ns() - began) / _TIMES
