"""What the notifier counts, for Prometheus (docs/operations.md lists every name)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.protocol.steps.delivering import Ending
from startup.dependency_metrics import DependencyMetrics
from startup.tracing.span_metrics import SpanMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.protocol.steps.delivering import EndpointState

_TRY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds of one try."""
_DELAY_BUCKETS: Final = (0.05, 0.1, 0.2, 0.5, 1, 5, 30, 60, 300, 3600, 21600, 86400)
"""Seconds from an event to its delivery."""


class NotifierMetrics(DependencyMetrics):
    """The notifier's metrics in a registry of their own. Labels are names of endpoints, and words of which few are."""

    def __init__(self) -> None:
        super().__init__(CollectorRegistry())
        self._sends = Gauge(
            "intake_notifier_sends",
            "1 where this notifier sends, 0 where it waits until another one does not.",
            registry=self.registry,
        )
        self._tries = Counter(
            "intake_webhook_tries",
            "Tries to deliver an event, by the status of the answer or by why there was none.",
            ["endpoint", "outcome"],
            registry=self.registry,
        )
        self._events = Counter(
            "intake_webhook_events",
            "Events that were delivered or given up.",
            ["endpoint", "ending"],
            registry=self.registry,
        )
        self._try_seconds = Histogram(
            "intake_webhook_try_seconds",
            "One try to deliver an event.",
            ["endpoint"],
            buckets=_TRY_BUCKETS,
            registry=self.registry,
        )
        self._delay_seconds = Histogram(
            "intake_webhook_delay_seconds",
            "From an event to its delivery.",
            ["endpoint"],
            buckets=_DELAY_BUCKETS,
            registry=self.registry,
        )
        self._waiting = Gauge(
            "intake_webhook_waiting",
            "Events of an endpoint that are being tried or wait for a further try.",
            ["endpoint"],
            registry=self.registry,
        )
        self._oldest = Gauge(
            "intake_webhook_oldest_undelivered_seconds",
            "The age of the oldest event that an endpoint does not have.",
            ["endpoint"],
            registry=self.registry,
        )
        self._off = Gauge(
            "intake_webhook_endpoint_off",
            "1 where nothing is sent to an endpoint until an operator switches it on.",
            ["endpoint"],
            registry=self.registry,
        )
        self._file = Gauge(
            "intake_webhooks_file_faulty",
            "1 where the file of endpoints has a fault, so that an earlier one is in force.",
            registry=self.registry,
        )
        self.traces = SpanMetrics(self.registry)

    def sends(self, sends: bool) -> None:
        """Set whether this notifier sends. The states of endpoints are told by the one that does."""
        self._sends.set(int(sends))
        if not sends:
            self.states({})

    def tried(self, endpoint: str, outcome: str, *, seconds: float) -> None:
        """Count a try."""
        self._tries.labels(endpoint, outcome).inc()
        self._try_seconds.labels(endpoint).observe(seconds)

    def ended(self, endpoint: str, ending: str, *, delay_seconds: float) -> None:
        """Count an event that is tried no more."""
        self._events.labels(endpoint, ending).inc()
        self._delay_seconds.labels(endpoint).observe(delay_seconds)

    def delivered(self) -> float:
        """How many events this notifier has delivered."""
        samples = [sample for family in self._events.collect() for sample in family.samples]
        return sum(
            [
                each.value
                for each in samples
                if each.name.endswith("_total") and each.labels["ending"] == Ending.DELIVERED
            ]
        )

    def states(self, states: Mapping[str, EndpointState]) -> None:
        """Set what is known of each endpoint."""
        for gauge in (self._waiting, self._oldest, self._off):
            gauge.clear()
        for name, state in states.items():
            self._waiting.labels(name).set(state.waiting)
            self._oldest.labels(name).set(state.oldest_seconds or 0)
            self._off.labels(name).set(int(state.off_reason is not None))

    def file_faulty(self, faulty: bool) -> None:
        """Set whether the file of endpoints has a fault."""
        self._file.set(int(faulty))
