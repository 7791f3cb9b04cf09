"""What a process records of traces. Knows nothing of OpenTelemetry."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from schemas.traceparent import Sampling, parse_traceparent
from startup.environment import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.traceparent import TraceContext
    from startup.tracing.trace_settings import TraceSettings

_NO_ATTRIBUTES: Final[Mapping[str, str | int]] = MappingProxyType({})
"""Those of a span whose name says it all."""


class SpanKind(StrEnum):
    """Whose view a span is, by OpenTelemetry's names."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"
    INTERNAL = "INTERNAL"


class Span(NamedTuple):
    """Something that has been done, and took its time.

    It is recorded as a whole once it has ended. A process that dies leaves no span without its parent.
    """

    name: str
    kind: SpanKind
    context: TraceContext
    parent: TraceContext | None
    """None for the first span of a trace."""
    started_ns: int
    """Unix nanoseconds."""
    ended_ns: int
    attributes: Mapping[str, str | int] = _NO_ATTRIBUTES
    """Ids, counts and codes; nothing of a request."""
    links: tuple[TraceContext, ...] = ()
    error: str = ""
    """A code, where it failed."""


class SpanCounts(Protocol):
    """Counts spans for the process' metrics."""

    def spans(self, result: str, count: int) -> None:
        """Count so many spans with this result, as `SpanMetrics` knows them."""
        ...


class Tracing:
    """Traces of one process. Thread-safe. Nothing that it does waits or raises."""

    def __init__(self, ratio: float, record: Callable[[Span], None], close: Callable[[], None]) -> None:
        """Record `ratio` of the traces that begin here, with `record`. `close` sends what is left and ends threads."""
        self.record = record
        """Records a span of a sampled trace."""
        self.close = close
        """Sends what is left, for a few seconds at most. Call it once, as the process ends."""
        self._sampling = Sampling(ratio)

    def joined(self, traceparent: str | None) -> tuple[TraceContext, TraceContext | None] | None:
        """The context of a span that goes on with a caller's trace, and its parent.

        Without a `traceparent`, or with a malformed one, a new trace begins. None where that is not recorded.
        """
        parent = None if traceparent is None else parse_traceparent(traceparent)
        if parent is not None:
            return parent.child(), parent
        context = self._sampling.new_trace()
        return None if context is None else (context, None)


def open_tracing(settings: TraceSettings, counts: SpanCounts, *, component: str) -> Tracing | None:
    """Begin to record. None where traces are off: OpenTelemetry is not even imported then.

    Args:
        settings: whether and how many.
        counts: the process' metrics.
        component: the name of this kind of process, as in its logs.

    Raises:
        SettingsError: a variable of OpenTelemetry's cannot be used.
    """
    if not settings.is_on:
        return None
    from startup.tracing.exporting import Exporting  # noqa: PLC0415 - costs memory and time that nobody pays who needs none

    try:
        exporting = Exporting(counts, component=component)
    except ValueError as error:
        sentence = "INTAKE_TRACES needs variables OTEL_EXPORTER_OTLP_… and OTEL_BSP_… that the SDK can use"
        raise SettingsError([f"{sentence} ({type(error).__name__})"]) from None
    return Tracing(settings.ratio, exporting.record, exporting.close)


def check_tracing(settings: TraceSettings, *, component: str) -> None:
    """See that `open_tracing` can be called.

    Raises:
        SettingsError: a variable of OpenTelemetry's cannot be used.
    """
    tracing = open_tracing(settings, _NoCounts(), component=component)
    if tracing is not None:
        tracing.close()


class _NoCounts:
    def spans(self, result: str, count: int) -> None:
        """Nothing is recorded where these counts are used."""
