"""What Prometheus would have after a run: each series with the labels of its target, at two scrapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIRST_SCRAPE_AT: Final = 1_700_000_000
"""When the first scrape was, as a Unix time. Any time does: the record is evaluated by a Prometheus of its own."""

BETWEEN_SCRAPES_SECONDS: Final = 60
"""From one scrape to the next."""

LAST_SCRAPE_AT: Final = FIRST_SCRAPE_AT + BETWEEN_SCRAPES_SECONDS
"""When the second and last scrape was."""

NAMESPACE: Final = "customer-intake"
"""That of the pods, where Prometheus' operator found them (deploy/kubernetes)."""


@dataclass(frozen=True)
class Sample:
    """One value of one series."""

    name: str
    labels: Mapping[str, str]
    value: float
    at: int

    def line(self) -> str:
        """As a line of OpenMetrics."""
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in self.labels.items())
        return f"{self.name}{{{labels}}} {self.value} {self.at}"


@dataclass
class Recording:
    """The samples of a run."""

    samples: list[Sample] = field(default_factory=list)
    metrics: set[str] = field(default_factory=set)
    """The names of all metrics, those without samples too. A histogram has one name."""

    def add(self, exposition: str, *, job: str, instance: str, at: int) -> None:
        """Record what a target exposed. Prometheus gives its series the target's labels."""
        target = {"job": job, "instance": instance, "namespace": NAMESPACE}
        for family in text_string_to_metric_families(exposition):
            if not family.name.endswith("_created"):
                self.metrics.add(f"{family.name}_total" if family.type == "counter" else family.name)
            self.samples += [
                Sample(sample.name, {**sample.labels, **target}, sample.value, at) for sample in family.samples
            ]

    def series(self, name: str) -> list[Mapping[str, str]]:
        """The labels of each series of this metric."""
        return [sample.labels for sample in self.samples if sample.name == name and sample.at == LAST_SCRAPE_AT]

    def open_metrics(self) -> str:
        """All of it, as `promtool tsdb create-blocks-from openmetrics` reads it."""
        return "".join(f"{line}\n" for line in [*self._lines(), "# EOF"])

    def _lines(self) -> Iterable[str]:
        # The samples of a metric must stand together.
        return (sample.line() for sample in sorted(self.samples, key=lambda sample: sample.name))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
