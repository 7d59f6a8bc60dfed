"""Spans, as OpenTelemetry knows them. This module is loaded where traces are wanted, and nowhere else.

No span says whose it is: no id of ours, no address, no path, no value of a statement. A span names templates, lanes,
tasks, handlers, types of events; statements are counted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final, LiteralString

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from psycopg import AsyncConnection

from regulars.platform.traces.transaction import TracedTransaction

_EXPORT_SECONDS: Final = 5.0
_EVERY_MILLISECONDS: Final = 1_000
_MOST_LINKS: Final = 100  # a batch of more names the first of them
_FAULT: Final = 500

_W3C = TraceContextTextMapPropagator()


class Tracer:
    """Makes spans and sends them to a collector, from a thread of its own. `share` of new traces are kept, in percent.

    A caller's `traceparent` is followed, its decision whether the trace is kept included.
    """

    def __init__(self, url: str, *, share: int = 100, process: str) -> None:
        resource = Resource.create(
            {"service.name": "regulars", "service.version": version("regulars"), "regulars.process": process}
        )
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share / 100)), resource=resource, shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(endpoint=url, timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EVERY_MILLISECONDS))
        self._tracer = self._provider.get_tracer("regulars")

    def close(self) -> None:
        """Send what waits, for a few seconds at most, and end."""
        self._provider.shutdown()

    # --- requests -------------------------------------------------------------------------------------------------

    def begin_request(self, traceparent: bytes | None, tracestate: bytes | None) -> Span:
        """Begin the span of a request, in the caller's trace if it has one."""
        carrier = {
            name: value.decode("latin-1")
            for name, value in (("traceparent", traceparent), ("tracestate", tracestate))
            if value is not None
        }
        parent = _W3C.extract(carrier, context.Context()) if carrier else context.Context()
        return self._tracer.start_span("request", parent, SpanKind.SERVER)

    def end_request(self, span: Span, method: str, route: str, status: int) -> None:
        """End it: what was asked for is known by now."""
        span.update_name(f"{method} {route}".rstrip())
        span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
        if status >= _FAULT:
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    @contextmanager
    def within(self, span: Span) -> Iterator[None]:
        """Let what is begun inside be a part of `span`, which goes on."""
        with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
            yield

    # --- work -----------------------------------------------------------------------------------------------------

    @contextmanager
    def batch(self, lane: str, requests: Iterable[Span | None]) -> Iterator[None]:
        """Trace a batch of a group commit, linked to every request in it; it stands in the first one's trace."""
        spans = [span for span in requests if span is not None]
        parent = trace.set_span_in_context(spans[0], context.Context()) if spans else context.Context()
        links = [Link(span.get_span_context()) for span in spans[:_MOST_LINKS]]
        with self._span(f"commit {lane}", parent, links, requests=len(spans), lane=lane):
            yield

    @contextmanager
    def handling(self, handler: str, origins: Iterable[str | None], events: int) -> Iterator[None]:
        """Trace how one handler takes events, linked to what they came of."""
        with self._span(f"handle {handler}", context.Context(), _links(origins), handler=handler, events=events):
            yield

    @contextmanager
    def job(self, task: str, origin: str | None) -> Iterator[None]:
        """Trace the run of a job, linked to what deferred it."""
        with self._span(f"job {task}", context.Context(), _links([origin]), task=task):
            yield

    @contextmanager
    def delivery(
        self, event_type: str, origin: str | None, attempt: int
    ) -> Iterator[Callable[[int | None, bool], None]]:
        """Trace one attempt to deliver a webhook, linked to what its event came of; say what status it had, if any."""
        links = _links([origin])
        with self._span("deliver webhook", context.Context(), links, event_type=event_type, attempt=attempt) as span:

            def ended(status: int | None, is_taken: bool) -> None:  # noqa: FBT001 - told by name of what it is
                if status is not None:
                    span.set_attribute("http.response.status_code", status)
                if not is_taken:
                    span.set_status(Status(StatusCode.ERROR))

            yield ended

    @contextmanager
    def transaction(
        self,
        connection: AsyncConnection[Any],
        now: datetime,
        asking: tuple[str, str],
        settings: tuple[LiteralString, ...],
    ) -> Iterator[TracedTransaction]:
        """Give a transaction, traced as a part of what is traced; one of nothing, e.g. a look for work, is not."""
        made = TracedTransaction(connection, now, *asking, settings, tracer=self)
        if not trace.get_current_span().get_span_context().is_valid:
            yield made
            return
        with self._span("transaction", None, ()) as span:
            try:
                yield made
            finally:
                span.set_attributes({"regulars.statements": made.statements, "regulars.round_trips": made.round_trips})

    def current(self) -> str | None:
        """Return what is traced now, by W3C's `traceparent`; None if nothing is."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent")

    @contextmanager
    def _span(
        self, name: str, parent: context.Context | None, links: Sequence[Link], **attributes: str | int
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name,
            parent,
            attributes={f"regulars.{key}": value for key, value in attributes.items()},
            links=links,
            record_exception=False,  # its message may say whose it is
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(Status(StatusCode.ERROR))
                raise


def _links(origins: Iterable[str | None]) -> list[Link]:
    links = []
    for origin in list(dict.fromkeys(origins))[:_MOST_LINKS]:
        if origin:
            found = trace.get_current_span(_W3C.extract({"traceparent": origin}, context.Context()))
            if found.get_span_context().is_valid:
                links.append(Link(found.get_span_context()))
    return links
