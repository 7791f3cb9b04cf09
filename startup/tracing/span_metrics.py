"""What each process counts of its spans, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_RESULTS: Final = ("recorded", "exported", "failed")
"""What may become of a span. One that was recorded, and is neither of the others, waits or was dropped."""


class SpanMetrics:
    """Counts spans. The series are there from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        spans = Counter("intake_spans", "Spans of traces, by what became of them.", ["result"], registry=registry)
        self._spans = {result: spans.labels(result) for result in _RESULTS}

    def spans(self, result: str, count: int) -> None:
        """Count so many spans with this result: recorded, exported or failed."""
        self._spans[result].inc(count)
