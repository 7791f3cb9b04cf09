"""Works out what hardware a load needs, from what one signup costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from cli.planning import measured_costs as costs

BUSY: Final = 0.8
"""The share of the cores' time to plan with. Above it, waiting times grow fast (docs/performance.md, latency)."""

THREAD_BUSY: Final = 0.6
"""The same for whatever does all its work in one thread: a shim process, Redis, a worker's interpreter. No other thread
can take its work while the kernel runs something else on its core."""

_MILLISECONDS: Final = 1000
"""In a second."""

_DAY_SECONDS: Final = 24 * 60 * 60
"""In a day."""

EVENT_BYTES: Final = 160
"""Memory of Redis for the event of a signup (docs/operations.md)."""

_BYTES_A_GIB: Final = 1024**3
"""In a GiB."""

_KIB_A_GIB: Final = 1024 * 1024
"""In a GiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The load that is to be served, and the machine that is to serve it."""

    signups_per_second: float
    cores: int
    """All there are, for workers, shims, Redis and MongoDB together."""
    hash_milliseconds: float
    """CPU time of one hash on these cores."""
    reads_per_signup: float
    backlog: int
    """How many tasks wait when the queue begins to be worked off."""
    result_ttl_seconds: int
    events_kept_days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the load needs. A core stands for one second of CPU time a second."""

    fits: bool
    """Whether the cores are enough, with `BUSY` of their time used."""
    cores_needed: int
    signups_per_second_at_most: float
    """What these cores can do when none of them is ever idle."""
    signups_per_second_with_room: float
    cores_busy: dict[str, float]
    """How many cores each component keeps busy at this load."""
    worker_processes: int
    hashes_at_once: int
    """The INTAKE_HASH_CONCURRENCY of each worker process."""
    shim_processes: int
    redis_share_of_its_core: float
    """Redis does its work in one thread, so that it needs partitioning where this comes near 1."""
    brokers: int
    mongodb_inserts_per_second: float
    memory_mib: dict[str, float]
    """The memory of each component, all its processes together."""
    redis_gib: dict[str, float]
    mongodb_gib_a_day: float
    drain_seconds: float | None
    """How long the backlog takes to be worked off while the load goes on; None where it never is."""
    drain_seconds_alone: float
    """The same while nothing arrives."""


def reckon(demand: Demand) -> Plan:
    """Work out what this demand needs."""
    # The other costs were measured on another machine. They are assumed to scale as the hash does.
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
    # A worker's Python code runs in one thread at a time. Only hashes run beside it.
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
            "events": wanted * _DAY_SECONDS * demand.events_kept_days * EVENT_BYTES / _BYTES_A_GIB,
            "backlog": demand.backlog * costs.WAITING_KIB / _KIB_A_GIB,
        },
        mongodb_gib_a_day=wanted * _DAY_SECONDS * costs.CUSTOMER_KIB / _KIB_A_GIB,
        drain_seconds=demand.backlog / spare if spare > 0 else None,
        drain_seconds_alone=demand.backlog / at_most,
    )
