"""The documents and `customer-intake plan` have the figures that were measured last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from bench import costs
from bench.catalogue import BENCHES
from bench.plotting import plot

ROOT: Final = Path(__file__).parents[2]

MEASURED_APART: Final = {
    "hostile",
    "sweeps",
    "traces",
    "batch-rows",
    "batch-hashing",
    "celery-events",
    "copies",
    "viewers",
    "webhooks",
}
"""Benches that take long. No plot and no plan needs them, and docs/performance.md has their figures."""


@pytest.fixture(scope="module")
def report() -> Any:
    """The report in docs/performance.json."""
    return json.loads((ROOT / "docs/performance.json").read_text())


def test_every_bench_was_measured(report: Any) -> None:
    assert set(report["benches"]) == set(BENCHES) - MEASURED_APART


def test_costs_of_the_plan_are_the_measured_ones(report: Any) -> None:
    assert (ROOT / "cli/planning/measured_costs.py").read_text() == costs.module(report)


def test_plots_are_drawn_from_the_report(report: Any) -> None:
    assert (ROOT / "docs/performance-throughput.svg").read_text() == plot.throughput(report)
    assert (ROOT / "docs/performance-latency.svg").read_text() == plot.latency(report)
