"""Sends spans to a collector, by OpenTelemetry's SDK: OTLP over HTTP, from a thread of its own.

Spans wait in a queue of bounded length. While the collector is away or slow, the oldest are dropped.
Where it is, and how to speak to it, the exporter reads from OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_*`).
"""

from __future__ import annotations

import secrets
import threading
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from schemas.traceparent import KNOWN_FLAGS
from startup.seldom import Seldom
from startup.tracing.collector_session import CollectorSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.traceparent import TraceContext
    from startup.tracing.tracing import Span, SpanCounts

_CLOSING_SECONDS: Final = 2.0
"""How long a process that ends goes on sending the spans that it has."""

_PACKAGE: Final = "customer-intake"
"""The name of the package, of the namespace of its services, and of what made the spans."""

_KINDS: Final = {kind.name: kind for kind in SpanKind}
"""OpenTelemetry's kinds by the names of ours. Like all that follow: what many spans share is made once."""
_FLAGS: Final = [TraceFlags(flags) for flags in range(KNOWN_FLAGS + 1)]
"""The flags of a trace, by their number."""
_NO_STATE: Final = TraceState()
"""The `tracestate` of each span."""
_UNSET: Final = Status(StatusCode.UNSET)
"""The status of a span without an error."""
_FAILED: Final = Status(StatusCode.ERROR)
"""The status of a span with an error."""

log = structlog.get_logger("startup.tracing")


class Exporting:
    """Records spans and sends them. Thread-safe."""

    def __init__(self, counts: SpanCounts, *, component: str) -> None:
        """Start the thread that sends. See `startup.tracing.tracing.open_tracing`."""
        self._counts = counts
        session = CollectorSession()
        self._exporter = _CountedExporter(OTLPSpanExporter(session=session), session, counts)
        self._batches = BatchSpanProcessor(self._exporter)
        self._resource = _resource(component)
        self._scope = InstrumentationScope(_PACKAGE, _version())

    def record(self, span: Span) -> None:
        """Queue a span that has ended.

        The SDK's tracer would make it in eight times as long: it decides, draws ids and locks, all for spans that are
        still to change.
        """
        self._batches.on_end(
            ReadableSpan(
                span.name,
                context=_span_context(span.context),
                parent=None if span.parent is None else _span_context(span.parent),
                resource=self._resource,
                attributes={**span.attributes, "error.type": span.error} if span.error else span.attributes,
                links=[Link(_span_context(each)) for each in span.links],
                kind=_KINDS[span.kind],
                status=_FAILED if span.error else _UNSET,
                start_time=span.started_ns,
                end_time=span.ended_ns,
                instrumentation_scope=self._scope,
            )
        )
        self._counts.spans("recorded", 1)

    def close(self) -> None:
        """Send what is queued, for two seconds at most, and let the threads end."""
        # The SDK's own shutdown waits for up to half a minute where the collector is away.
        closing = threading.Thread(target=self._batches.shutdown, name="traces-close", daemon=True)
        closing.start()
        closing.join(_CLOSING_SECONDS)
        if closing.is_alive():
            # Ends the waits between tries, and with them the thread that sends and the one that waits for it.
            self._exporter.shutdown()


class _CountedExporter(SpanExporter):
    """Counts what became of spans, and logs now and then that they do not get through."""

    def __init__(self, exporter: SpanExporter, session: CollectorSession, counts: SpanCounts) -> None:
        self._exporter = exporter
        self._session = session
        self._counts = counts
        self._seldom = Seldom()
        self._is_shut = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
        except Exception:  # noqa: BLE001 - whatever the exporter makes of an answer, the spans are lost and counted
            result = SpanExportResult.FAILURE
        is_sent = result is SpanExportResult.SUCCESS
        lost = min(self._session.rejected, len(spans)) if is_sent else len(spans)
        # First, so that whoever sees the count finds the line.
        if lost and self._seldom.is_due("export"):
            log.warning("traces_not_exported", spans=lost, reason=self._session.reason or "failed")
        self._counts.spans("exported", len(spans) - lost)
        if lost:
            self._counts.spans("failed", lost)
        return result

    def shutdown(self) -> None:
        if not self._is_shut.is_set():
            self._is_shut.set()
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _span_context(context: TraceContext) -> SpanContext:
    return SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=True,
        trace_flags=_FLAGS[context.flags],
        trace_state=_NO_STATE,
    )


def _resource(component: str) -> Resource:
    """What is said of this process. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word."""
    own = Resource(
        {
            "service.name": f"{_PACKAGE}-{component}",
            "service.namespace": _PACKAGE,
            "service.version": _version(),
            "service.instance.id": secrets.token_hex(16),
        }
    )
    return own.merge(OTELResourceDetector().detect())


def _version() -> str:
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return ""
