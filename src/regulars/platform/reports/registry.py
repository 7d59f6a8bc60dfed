"""The kinds of reports: a room declares its own in a module that the worker knows (its tasks.py)."""

from collections.abc import Callable

from regulars.platform.reports.contracts import Kind, Slice

KINDS: dict[str, Kind] = {}


def report(name: str) -> Callable[[Slice], Kind]:
    """Declare `async def work(tx, parameters, carry)` what does one slice of a kind of reports.

    It reads one snapshot and returns `More` (how far it has come, and what the next slice is given as `carry`) or
    `Done` (the result). A slice should take about a second; it may run twice, so it writes nothing, or what follows
    from facts. One that raises is tried again twice, then the report has failed.
    """

    def declare(work: Slice) -> Kind:
        if name in KINDS:
            raise ValueError(f"two kinds of reports are called {name}")
        KINDS[name] = Kind(name, work)
        return KINDS[name]

    return declare
