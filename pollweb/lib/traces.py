"""Traces for an OpenTelemetry collector: one request's way from the door through its line to worker and upstream.

    with traces.span("attempt", provider="behind") as span:
        ...
        span.set(pieces=7)

Without a collector no exporter is imported, and every span is one object that does nothing. Attributes are
names and numbers of ours: never a prompt, a token or an address. What went wrong is told by its kind alone, since its
words may repeat what somebody wrote.
"""

import asyncio
import logging
import os
import re
import threading
from contextvars import ContextVar
from typing import Any, Self

from django.conf import settings
from django.http import HttpRequest

STANDARD = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORT_SECONDS = 3.0
LAST_SECONDS = 2.0  # for what is not told yet when a process ends
# https://www.w3.org/TR/trace-context/#traceparent-header; a later version may go on after it.
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?![^-])")

log = logging.getLogger(__name__)
_tracer: Any = None
_provider: Any = None
_current: ContextVar[Any] = ContextVar("span", default=None)


class Span:
    """What is not traced."""

    def set(self, **attributes: str | int | float | bool) -> None:
        """Say more about it."""

    def fail(self, kind: str) -> None:
        """It went wrong in this way."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None: ...


class _Traced(Span):
    def __init__(self, span: Any) -> None:
        self._span = span

    def set(self, **attributes: str | int | float | bool) -> None:
        self._span.set_attributes({f"pollweb.{name}": value for name, value in attributes.items()})

    def fail(self, kind: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))

    def __enter__(self) -> Self:
        self._token = _current.set(self._span)
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        try:
            _current.reset(self._token)
        except ValueError:
            pass  # a generator that is closed from elsewhere: the context it began in is gone
        if kind is not None and not issubclass(kind, GeneratorExit | asyncio.CancelledError):
            self.fail(kind.__name__)
        self._span.end()


NOTHING = Span()


def span(name: str, *, role: str = "internal", parent: str = "", **attributes: str | int | float | bool) -> Span:
    """A span of this name below `parent`, a traceparent from elsewhere, or else below the one that is open here.

    `role` is one of OpenTelemetry's: internal, server, client, producer, consumer.
    """
    if _tracer is None:
        return NOTHING
    from opentelemetry.trace import SpanKind, set_span_in_context

    above = _remote(parent) or _current.get()
    context = set_span_in_context(above) if above is not None else _nowhere()
    opened = _Traced(_tracer.start_span(name, context=context, kind=SpanKind[role.upper()]))
    opened.set(**attributes)
    return opened


def request(request: HttpRequest, id: str, face: str) -> Span:
    """From the head of a request to the end of its answer, as part of the caller's own trace if it names one."""
    parent = request.META.get("HTTP_TRACEPARENT", "")
    return span("request", role="server", parent=parent, request_id=id, face=face, method=request.method or "")


def answered(span: Span, request: HttpRequest, status: int) -> None:
    """Paths hold prompts: the route is told instead."""
    if span is not NOTHING:
        span.set(status=status, route=request.resolver_match.route if request.resolver_match else "")
        if status >= 500:
            span.fail(str(status))


def carried() -> str:
    """The traceparent of the span that is open here, for whoever goes on with it elsewhere; "" without one."""
    if (open_span := _current.get()) is None:
        return ""
    told = open_span.get_span_context()
    return f"00-{told.trace_id:032x}-{told.span_id:016x}-{told.trace_flags:02x}" if told.is_valid else ""


def _remote(parent: str) -> Any:
    """The span that a traceparent names; None for what is none."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

    if not (found := TRACEPARENT.match(parent)):
        return None
    trace, above, flags = (int(part, 16) for part in found.groups())
    return NonRecordingSpan(SpanContext(trace, above, is_remote=True, trace_flags=TraceFlags(flags & 3)))


def _nowhere() -> Any:
    """An empty context: nothing that a library opened in OpenTelemetry's own is above a span of ours."""
    from opentelemetry.context import Context

    return Context()


def start(process: str) -> None:
    """Tell a collector from now on, if one is named. `process` is web or worker."""
    global _tracer, _provider
    if _tracer is not None or not (settings.TRACES_URL or any(os.environ.get(name) for name in STANDARD)):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("There are no traces: the packages of requirements-traces.txt are not installed.")
        return
    name = os.environ.get("OTEL_SERVICE_NAME") or "pollweb"
    resource = Resource.create({"service.name": name, "pollweb.process": process})
    where = f"{settings.TRACES_URL}/v1/traces" if settings.TRACES_URL else None
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=where, timeout=EXPORT_SECONDS)))
    _tracer = _provider.get_tracer("pollweb")


def stop() -> None:
    """Tell what is not told yet; a collector that is away holds nobody up for long."""
    global _tracer, _provider
    if _provider is not None:
        last = threading.Thread(target=_provider.shutdown, name="last traces", daemon=True)
        last.start()
        last.join(LAST_SECONDS)
        _tracer = _provider = None
