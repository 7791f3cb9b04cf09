"""What each process counts of Redis and MongoDB, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class DependencyMetrics:
    """Failures and refusals of the servers that a process depends on. The metrics of a process begin with these."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._dependency_failures = Counter(
            "intake_dependency_failures",
            "Calls to the broker or the database, or connections, that failed and are repeated.",
            ["dependency"],
            registry=registry,
        )
        self._dependency_refusals = Counter(
            "intake_dependency_refusals",
            "Calls to the broker or the database that it refused, by its error's name.",
            ["dependency", "code"],
            registry=registry,
        )

    def dependency_failed(self, dependency: str) -> None:
        """Count a call that failed, or a connection that was lost or could not be made."""
        self._dependency_failures.labels(dependency).inc()

    def dependency_refused(self, dependency: str, code: str) -> None:
        """Count a refusal."""
        self._dependency_refusals.labels(dependency, code).inc()
