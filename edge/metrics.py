"""What the edge counts, for Prometheus (docs/operations.md lists every name)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper bounds of the histogram of answers, in seconds; the last one is the longest wait."""


class EdgeMetrics:
    """The counts of this process' HTTP."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Add them to the registry."""
        self._requests = Counter(
            "intake_requests", "HTTP requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "intake_request_seconds",
            "From a request's first byte to its answer, waiting included.",
            ["route"],
            buckets=_BUCKETS,
            registry=registry,
        )
        # Looking a series up by its labels costs more than counting. These labels have few values.
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._token_keys = Counter(
            "intake_token_keys_not_renewed",
            "Keys that could not be read or fetched; those of before stay in force.",
            ["setting"],
            registry=registry,
        )
        for setting in ("INTAKE_JWT_SECRET_FILE", "INTAKE_JWT_PUBLIC_KEYS_FILE", "INTAKE_JWT_JWKS_URL"):
            self._token_keys.labels(setting)
        self._turned_away = Counter(
            "intake_turned_away", "What was ended before it was a request.", ["reason"], registry=registry
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

    def token_keys_not_renewed(self, setting: str) -> None:
        """Count keys that could not be read or fetched."""
        self._token_keys.labels(setting).inc()

    def turned_away(self, reason: str) -> None:
        """Count a connection or a request that the edge ended or refused by itself."""
        self._turned_away.labels(reason).inc()
