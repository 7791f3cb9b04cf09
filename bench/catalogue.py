"""Every bench by its name and in three sizes: short, long, and smoke, which only shows that the bench runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bench import batches, flatness, hostile, latency, sweeps, throughput, tracing, viewers, webhooks
from bench.peers import measure_peer

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Bench:
    """One bench. Called with a folder and its sizes, it returns a tree of figures."""

    measure: Callable[..., dict[str, Any]]
    sizes: dict[str, Any]
    smoke: dict[str, Any]
    most_runs: int = 1000
    """Whether one run is enough, since its figures hardly vary or it repeats by itself."""
    short: bool = True
    """Whether it runs in the short set too."""
    options: dict[str, str] = field(default_factory=dict)
    """The size that each command-line option sets."""


def _peer(name: str) -> Bench:
    return Bench(
        partial(measure_peer, name=name),
        {"requests": 400, "trivial": 800, "accepts": 1500},
        {"requests": 10, "trivial": 20, "accepts": 20},
    )


BENCHES: Final = {
    "accepts": Bench(throughput.accepts, {"requests": 16_000}, {"requests": 100}),
    "end-to-end": Bench(
        partial(throughput.end_to_end, trivial_hash=False),
        {"requests": 900},
        {"requests": 20},
    ),
    "trivial-hash": Bench(
        partial(throughput.end_to_end, trivial_hash=True),
        {"requests": 6000},
        {"requests": 100},
    ),
    "peer-fastapi-celery": _peer("fastapi_celery"),
    "peer-taskiq": _peer("taskiq_streams"),
    "latency": Bench(
        latency.latency,
        {"seconds": 4, "reference_seconds": 10},
        {"seconds": 0.1, "reference_seconds": 0.3},
        most_runs=3,
    ),
    "batch-rows": Bench(
        batches.batch_rows, {"rows": 40_000, "signups": 6000}, {"rows": 300, "signups": 50}, most_runs=3
    ),
    "batch-hashing": Bench(
        batches.batch_hashing,
        {"rows": 1500, "duplicates": 15_000, "seconds": 15},
        {"rows": 20, "duplicates": 20, "seconds": 0.5},
        most_runs=3,
    ),
    "reads": Bench(throughput.reads, {"tasks": 1000, "requests": 12_000}, {"tasks": 20, "requests": 100}, most_runs=2),
    "memory": Bench(
        throughput.memory,
        {"requests": 200, "hashes": (1, 2, 4, 8)},
        {"requests": 10, "hashes": (1, 8)},
        most_runs=1,
    ),
    "webhooks": Bench(
        webhooks.webhooks,
        {"per_second": 10, "seconds": 30},
        {"per_second": 20, "seconds": 0.5},
        most_runs=3,
        short=False,
    ),
    "viewers": Bench(
        viewers.viewers,
        {"tasks": 1_000_000, "viewers": 50, "seconds": 60},
        {"tasks": 200, "viewers": 3, "seconds": 1.5},
        most_runs=3,
        short=False,
        options={"waiting": "tasks"},
    ),
    "celery-events": Bench(throughput.celery_events, {"requests": 6000}, {"requests": 50}, short=False),
    "copies": Bench(throughput.copies, {"requests": 12_000}, {"requests": 100}, short=False),
    "traces": Bench(
        tracing.traces,
        {"requests": 8000, "hashed": 600, "rounds": 6},
        {"requests": 50, "hashed": 10, "rounds": 1},
        most_runs=1,
        short=False,
    ),
    "hostile": Bench(
        hostile.hostile,
        {"quiet_seconds": 60, "seconds": 600},
        {"quiet_seconds": 0.3, "seconds": 0.5},
        most_runs=1,
        short=False,
        options={"hostile_seconds": "seconds"},
    ),
    "flat-customers": Bench(
        flatness.flat_customers,
        {"customers": 2_000_000, "signups": 900, "trivial": 6000, "rounds": 3},
        {"customers": 1000, "signups": 10, "trivial": 50, "rounds": 1},
        most_runs=1,
        short=False,
        options={"customers": "customers"},
    ),
    "flat-waiting": Bench(
        flatness.flat_waiting,
        {"tasks": 200_000, "accepts": 8000, "starts": 5000, "rounds": 3},
        {"tasks": 300, "accepts": 100, "starts": 50, "rounds": 1},
        most_runs=1,
        short=False,
        options={"waiting": "tasks"},
    ),
    "sweeps": Bench(
        sweeps.sweeps,
        {"tasks": 1_000_000},
        {"tasks": 500},
        most_runs=1,
        short=False,
        options={"swept": "tasks"},
    ),
}
"""Each bench by its name."""
