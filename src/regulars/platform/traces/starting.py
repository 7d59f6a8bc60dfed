"""Traces where they are wanted: the one place that loads OpenTelemetry, and only then."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from regulars.platform.db.database import Database
from regulars.platform.settings import SettingError, Settings

if TYPE_CHECKING:
    from regulars.platform.traces.tracer import Tracer


@contextmanager
def traced(settings: Settings, database: Database, process: str | None) -> Iterator[None]:
    """Trace what is done on this database, where a collector is named; `process` is web or worker, None for neither.

    Raises SettingError where the libraries are not installed.
    """
    tracer = None if process is None else _tracer(settings, process)
    if tracer is None:
        yield
        return
    database.tracer = tracer
    try:
        yield
    finally:
        database.tracer = None
        tracer.close()


def _tracer(settings: Settings, process: str) -> "Tracer | None":
    if settings.traces_url is None:
        return None
    try:
        from regulars.platform.traces.tracer import Tracer  # noqa: PLC0415 - a second of a start
    except ImportError:
        raise SettingError(
            "REGULARS_TRACES_URL",
            "is set, but OpenTelemetry is not installed",
            "Install it (pip install 'regulars[traces]'), or unset the variable.",
        ) from None
    return Tracer(settings.traces_url, share=settings.traces_share, process=process)
