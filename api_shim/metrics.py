"""What the shim counts, for Prometheus, right also with several processes (docs/operations.md lists every name)."""

from __future__ import annotations

import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from edge.metrics import EdgeMetrics
from startup.broker.redis_requirements import EVICTS, Severity
from startup.dependency_metrics import DependencyMetrics
from startup.tracing.span_metrics import SpanMetrics

MULTIPROCESS_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own variable: where the processes of one shim keep their counts together."""


class ShimMetrics(DependencyMetrics):
    """The counts of this process. Those of its HTTP are in `edge`."""

    def __init__(self) -> None:
        # The time at which each series began would double their number, and Prometheus' rate() needs none of it.
        disable_created_metrics()
        super().__init__(CollectorRegistry())
        self.edge = EdgeMetrics(self.registry)
        self._promised = 0
        self._accepts = Counter(
            "intake_accepts", "Create requests by what became of them.", ["result"], registry=self.registry
        )
        self._batches = Counter(
            "intake_batches", "Calls that upload a batch by what became of them.", ["result"], registry=self.registry
        )
        self._batch_rows = Counter(
            "intake_batch_rows", "Rows of batches that were promised an outcome.", ["result"], registry=self.registry
        )
        self._uploads = Gauge(
            "intake_uploads", "Uploads that run.", multiprocess_mode="livesum", registry=self.registry
        )
        self._token_refusals = Counter(
            "intake_token_refusals", "Calls refused for their token.", ["reason"], registry=self.registry
        )
        self._dependency_failures.labels("broker")
        self._redis_finding = Gauge(
            "intake_redis_finding",
            "1 where this does not hold of Redis: see docs/operations.md.",
            ["finding", "severity"],
            multiprocess_mode="livemax",
            registry=self.registry,
        )
        # The series exists from the start, so that an alert never asks for a metric that is not there.
        self._redis_finding.labels(EVICTS, Severity.REFUSE).set(0)
        self.traces = SpanMetrics(self.registry)
        self._waiting = Gauge(
            "intake_waiting_requests",
            "Requests that are held until an outcome is there.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )

    def waiting(self, calls: int) -> None:
        """Show how many calls are held now."""
        self._waiting.set(calls)

    def accepted(self, *, repeated: bool) -> None:
        """Count a promise, or the repeat of one."""
        self._promised += not repeated
        self._accepts.labels("repeated" if repeated else "accepted").inc()

    def promised(self) -> int:
        """How many signups and rows this process has accepted."""
        return self._promised

    def refused(self, reason: str) -> None:
        """Count a request that was not accepted."""
        self._accepts.labels(reason).inc()

    def upload_ended(self, result: str) -> None:
        """Count a call that uploaded a batch, or was refused."""
        self._batches.labels(result).inc()

    def rows_accepted(self, rows: int, known: bool) -> None:
        """Count the rows of a chunk; `known` says whether a batch had listed the same chunk before."""
        self._promised += 0 if known else rows
        self._batch_rows.labels("known" if known else "accepted").inc(rows)

    def uploading(self, uploads: int) -> None:
        """Show how many uploads run now."""
        self._uploads.set(uploads)

    def token_refused(self, reason: str) -> None:
        """Count a call whose token is not good."""
        self._token_refusals.labels(str(reason)).inc()

    def redis_finding(self, code: str, severity: Severity, *, stands: bool) -> None:
        """Show whether this finding about Redis stands."""
        self._redis_finding.labels(code, severity).set(stands)

    def render(self) -> bytes:
        """The counts of all processes of this shim, in Prometheus' text format."""
        registry = self.registry
        if os.environ.get(MULTIPROCESS_DIRECTORY):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return generate_latest(registry)
