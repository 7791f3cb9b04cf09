"""What the shim counts, for Prometheus, right also with several processes (docs/operations.md lists every name)."""

from __future__ import annotations

import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from startup.broker.redis_requirements import EVICTS, Severity

MULTIPROCESS_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own variable: where the processes of one shim keep their counts together."""

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper bounds of the histogram of answers, in seconds; the last one is the longest wait."""


class ShimMetrics:
    """The counts of this process."""

    def __init__(self) -> None:
        # The time at which each series began would double their number, and Prometheus' rate() needs none of it.
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self._promised = 0
        self._requests = Counter(
            "intake_requests", "HTTP requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "intake_request_seconds",
            "From a request's first byte to its answer, waiting included.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        # Looking a series up by its labels costs more than counting. These labels have few values.
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
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
        self._token_keys = Counter(
            "intake_token_keys_not_renewed",
            "Keys that could not be read or fetched; those of before stay in force.",
            ["setting"],
            registry=self.registry,
        )
        for setting in ("INTAKE_JWT_SECRET_FILE", "INTAKE_JWT_PUBLIC_KEYS_FILE", "INTAKE_JWT_JWKS_URL"):
            self._token_keys.labels(setting)
        self._turned_away = Counter(
            "intake_turned_away", "What was ended before it was a request.", ["reason"], registry=self.registry
        )
        self._dependency_failures = Counter(
            "intake_dependency_failures",
            "Connections to a dependency that were lost or could not be made.",
            ["dependency"],
            registry=self.registry,
        )
        self._dependency_failures.labels("broker")
        self._dependency_refusals = Counter(
            "intake_dependency_refusals",
            "Calls that a dependency refused, by its error's name.",
            ["dependency", "code"],
            registry=self.registry,
        )
        self._redis_finding = Gauge(
            "intake_redis_finding",
            "1 where this does not hold of Redis: see docs/operations.md.",
            ["finding", "severity"],
            multiprocess_mode="livemax",
            registry=self.registry,
        )
        # The series exists from the start, so that an alert never asks for a metric that is not there.
        self._redis_finding.labels(EVICTS, Severity.REFUSE).set(0)
        self._waiting = Gauge(
            "intake_waiting_requests",
            "Requests that are held until an outcome is there.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        key = method, route, status
        series = self._answered.get(key)
        if series is None:
            series = self._requests.labels(method, route, str(status)), self._seconds.labels(route)
            self._answered[key] = series
        count, histogram = series
        count.inc()
        histogram.observe(seconds)

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

    def token_keys_not_renewed(self, setting: str) -> None:
        """Count keys that could not be read or fetched."""
        self._token_keys.labels(setting).inc()

    def turned_away(self, reason: str) -> None:
        """Count a connection or a request that the edge ended or refused by itself."""
        self._turned_away.labels(reason).inc()

    def dependency_failed(self, dependency: str) -> None:
        """Count a connection that was lost or could not be made."""
        self._dependency_failures.labels(dependency).inc()

    def dependency_refused(self, dependency: str, code: str) -> None:
        """Count a call that was refused."""
        self._dependency_refusals.labels(dependency, code).inc()

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
