"""How much it takes to serve a load: arithmetic on what one signup costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from cli.planning import measured_costs as costs

BUSY: Final = 0.8
"""Share of the cores' time to plan with: above it, waiting grows faster than work (docs/performance.md's latency)."""

THREAD_BUSY: Final = 0.6
"""The same for what has one thread for everything: a shim process, Redis, the worker's interpreter. It cannot lean on
a neighbour while the kernel does something else."""

_MILLISECONDS: Final = 1000
_DAY_SECONDS: Final = 24 * 60 * 60
_KIB_A_GIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is to be served, and with what."""

    signups_per_second: float
    cores: int
    """For everything: workers, shims, Redis and MongoDB."""
    hash_milliseconds: float
    """CPU of one hash, on these cores."""
    reads_per_signup: float
    backlog: int
    """Tasks that wait when the queue is to be drained."""
    result_ttl_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What it takes. Cores are cores' worth of CPU."""

    fits: bool
    """Whether the cores are enough, with room left."""
    cores_needed: int
    signups_per_second_at_most: float
    """What these cores move when they do nothing else and none of them is idle."""
    signups_per_second_with_room: float
    cores_busy: dict[str, float]
    """By component, at the demanded load."""
    worker_processes: int
    hashes_at_once: int
    """In each worker process: INTAKE_HASH_CONCURRENCY."""
    shim_processes: int
    redis_share_of_its_core: float
    """Redis has one thread: near 1, partition."""
    brokers: int
    mongodb_inserts_per_second: float
    memory_mib: dict[str, float]
    """By component, of all its processes together."""
    redis_gib: dict[str, float]
    mongodb_gib_a_day: float
    drain_seconds: float | None
    """To work off the backlog while the load goes on; None: never."""
    drain_seconds_alone: float
    """The same while nothing arrives."""


def reckon(demand: Demand) -> Plan:
    """What this demand takes."""
    # What was measured elsewhere is as much slower or faster here as the hash is.
    here = demand.hash_milliseconds / costs.HASH_MILLISECONDS
    each = {
        "hash": demand.hash_milliseconds,
        "worker": here * costs.WORKER_MILLISECONDS,
        "shim": here * (costs.ACCEPT_MILLISECONDS + demand.reads_per_signup * costs.READ_MILLISECONDS),
        "redis": here * costs.REDIS_MILLISECONDS,
        "mongodb": here * costs.MONGODB_MILLISECONDS,
    }
    wanted = demand.signups_per_second
    at_most = _MILLISECONDS * demand.cores / sum(each.values())
    busy = {name: wanted * milliseconds / _MILLISECONDS for name, milliseconds in each.items()}
    cores_needed = math.ceil(sum(busy.values()) / BUSY)

    working_cores = busy["hash"] + busy["worker"]
    # A process' interpreter does one thing at a time; only hashes run beside it.
    cores_a_process = max(1, math.floor(THREAD_BUSY * (each["hash"] + each["worker"]) / each["worker"]))
    cores_for_workers = max(1, math.ceil(working_cores / BUSY))
    worker_processes = math.ceil(cores_for_workers / cores_a_process)
    hashes_at_once = math.ceil(cores_for_workers / worker_processes)
    shim_processes = max(1, math.ceil(busy["shim"] / THREAD_BUSY))

    spare = at_most - wanted
    return Plan(
        fits=cores_needed <= demand.cores,
        cores_needed=cores_needed,
        signups_per_second_at_most=at_most,
        signups_per_second_with_room=BUSY * at_most,
        cores_busy=busy,
        worker_processes=worker_processes,
        hashes_at_once=hashes_at_once,
        shim_processes=shim_processes,
        redis_share_of_its_core=busy["redis"],
        brokers=max(1, math.ceil(busy["redis"] / THREAD_BUSY)),
        mongodb_inserts_per_second=wanted,
        memory_mib={
            "shims": shim_processes * costs.SHIM_MIB,
            "workers": worker_processes * (costs.WORKER_MIB + hashes_at_once * costs.WORKER_HASH_MIB),
        },
        redis_gib={
            "outcomes": wanted * demand.result_ttl_seconds * costs.OUTCOME_KIB / _KIB_A_GIB,
            "backlog": demand.backlog * costs.WAITING_KIB / _KIB_A_GIB,
        },
        mongodb_gib_a_day=wanted * _DAY_SECONDS * costs.CUSTOMER_KIB / _KIB_A_GIB,
        drain_seconds=demand.backlog / spare if spare > 0 else None,
        drain_seconds_alone=demand.backlog / at_most,
    )
