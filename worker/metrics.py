"""What the worker counts, for Prometheus (docs/operations.md lists every name)."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.outcome import OUTCOME_NAMES
from startup.dependency_metrics import DependencyMetrics
from startup.tracing.span_metrics import SpanMetrics

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from startup.broker.redis_requirements import Finding

_TASK_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Seconds from START to the end of a task."""

_WAIT_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400)
"""Seconds from accepting to START, which are hours behind a backlog."""

_HASH_BUCKETS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1)
"""Seconds of one password hash."""


class WorkerMetrics(DependencyMetrics):
    """The worker's metrics in a registry of their own."""

    def __init__(self) -> None:
        super().__init__(CollectorRegistry())
        self._tasks = Counter(
            "intake_tasks",
            "Tasks that this worker ended, by outcome (created, an error code, or what happened instead).",
            ["outcome"],
            registry=self.registry,
        )
        self._task_seconds = Histogram(
            "intake_task_seconds", "From START to the end of a task.", buckets=_TASK_BUCKETS, registry=self.registry
        )
        self._wait_seconds = Histogram(
            "intake_task_wait_seconds", "From accepting to START.", buckets=_WAIT_BUCKETS, registry=self.registry
        )
        self._hash_seconds = Histogram(
            "intake_password_hash_seconds",
            "One password hash.",
            buckets=_HASH_BUCKETS,
            registry=self.registry,
        )
        self._hash_cpu_seconds = Counter(
            "intake_password_hash_cpu_seconds", "CPU time of password hashes.", registry=self.registry
        )
        self._in_flight = Gauge("intake_tasks_in_flight", "Tasks that this worker works on.", registry=self.registry)
        self._deferred = Counter(
            "intake_tasks_deferred",
            "Tasks that this worker could not read and left to others, by what it lacks.",
            ["reason"],
            registry=self.registry,
        )
        self._taking = Gauge(
            "intake_taking_tasks",
            "Whether this worker takes tasks: 0 while it cannot use Redis or MongoDB.",
            registry=self.registry,
        )
        self._taking_by_dependency: dict[str, bool] = {}
        self._findings = Gauge(
            "intake_redis_finding",
            "1 where this does not hold of Redis: see docs/operations.md.",
            ["finding", "severity"],
            registry=self.registry,
        )
        self._rows = Counter(
            "intake_rows",
            "Rows of batches that got an outcome, by it (created, repeated, valid, an error code).",
            ["outcome"],
            registry=self.registry,
        )
        self._chunks_in_work = Gauge(
            "intake_chunks_in_work", "Chunks of batches that this worker works on.", registry=self.registry
        )
        self._chunk_seconds = Histogram(
            "intake_chunk_seconds",
            "From opening a chunk of a batch to its end.",
            buckets=_TASK_BUCKETS,
            registry=self.registry,
        )
        self._resent = Counter(
            "intake_tasks_resent", "Tasks that were missing from the queue and were sent again.", registry=self.registry
        )

        self._unread_events = Counter(
            "intake_unread_events_removed",
            "Events that were removed for their age before a consumer group had acknowledged them.",
            registry=self.registry,
        )
        self.traces = SpanMetrics(self.registry)
        self._not_taken = Counter(
            "intake_messages_not_taken",
            "Messages of the queue that were dropped: none of this service's, or sent again by the sweeper.",
            ["reason"],
            registry=self.registry,
        )

        self._celery_events = Counter(
            "intake_celery_events",
            "Celery's events of tasks, by what became of them: sent, or dropped while Redis was away.",
            ["fate"],
            registry=self.registry,
        )

    @contextmanager
    def tasks_in_flight(self, count: int) -> Iterator[None]:
        """Count tasks while they are worked on, and measure how long that takes."""
        started = time.perf_counter()
        self._in_flight.inc(count)
        try:
            yield
        finally:
            self._in_flight.dec(count)
            seconds = time.perf_counter() - started
            for _ in range(count):
                self._task_seconds.observe(seconds)

    @contextmanager
    def chunk_in_work(self) -> Iterator[None]:
        """Count a chunk while it is worked on, and measure how long that takes."""
        with self._chunks_in_work.track_inprogress(), self._chunk_seconds.time():
            yield

    def rows_ended(self, counts: Mapping[str, int]) -> None:
        """Count rows by their outcomes."""
        for outcome, count in counts.items():
            self._rows.labels(outcome).inc(count)

    @contextmanager
    def hashing(self) -> Iterator[None]:
        """Time one hash, made by this thread."""
        with self._hash_seconds.time():
            began = time.thread_time()
            try:
                yield
            finally:
                self._hash_cpu_seconds.inc(time.thread_time() - began)

    def task_started(self, waited_seconds: float) -> None:
        """Count a start."""
        self._wait_seconds.observe(max(0.0, waited_seconds))

    def task_ended(self, outcome: str) -> None:
        """Count an end."""
        self._tasks.labels(outcome).inc()

    def ended(self) -> float:
        """How many signups and rows this worker has given their outcomes."""
        samples = [
            sample for counter in (self._tasks, self._rows) for family in counter.collect() for sample in family.samples
        ]
        # A counter also has samples that say when each of its series began.
        return sum(
            [each.value for each in samples if each.name.endswith("_total") and each.labels["outcome"] in OUTCOME_NAMES]
        )

    def task_deferred(self, reason: str) -> None:
        """Count a task that was left to others."""
        self._deferred.labels(reason).inc()

    def taking_tasks(self, dependency: str, taking: bool) -> None:
        """Set whether this dependency allows the worker to take tasks."""
        self._taking_by_dependency[dependency] = taking
        self._taking.set(int(all([*self._taking_by_dependency.values()])))

    def broker_findings(self, findings: Collection[Finding]) -> None:
        """Set what is wrong with Redis now."""
        self._findings.clear()
        for each in findings:
            self._findings.labels(each.code, each.severity).set(1)

    def message_not_taken(self, reason: str) -> None:
        """Count a message that was dropped."""
        self._not_taken.labels(reason).inc()

    def unread_events_removed(self, count: int) -> None:
        """Count events that were removed although a consumer group needed them."""
        self._unread_events.inc(count)

    def celery_events(self, *, sent: int, dropped: int) -> None:
        """Count Celery's events of tasks."""
        self._celery_events.labels("sent").inc(sent)
        self._celery_events.labels("dropped").inc(dropped)

    def tasks_resent(self, count: int) -> None:
        """Count tasks that the sweeper sent again."""
        self._resent.inc(count)
