"""How many signups the service can accept, finish and answer a second."""

from __future__ import annotations

import json
import time
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench.driver import saturate
from bench.hash_limit import measure_hash_limit
from bench.service import TRIVIAL_HASH, Service

if TYPE_CHECKING:
    from pathlib import Path

CONNECTIONS: Final = 32
"""Of the driver."""

LIMIT_SECONDS: Final = 2.0
"""How long the hash limit is measured."""


def accepts(folder: Path, *, requests: int) -> dict[str, Any]:
    """How many signups one shim process accepts a second while no worker runs."""
    with Service(folder) as service:
        target = service.target()
        service.warm_up(min(500, requests))
        held, meter = service.redis_bytes(), service.meter()
        load = saturate(target.port, target.signups("load"), requests=requests, connections=CONNECTIONS)
        consumed = meter.read()
        return {
            "per_second": load.per_second,
            "p50_ms": 1000 * load.percentile(0.5),
            "p99_ms": 1000 * load.percentile(0.99),
            "cpu_ms_each": consumed.milliseconds_each(requests),
            "share_of_cores": consumed.shares(),
            "redis_kib_each": (service.redis_bytes() - held) / 1024 / requests,
            "memory_mib": service.memory(),
            "statuses": load.statuses,
        }


def copies(folder: Path, *, requests: int) -> dict[str, Any]:
    """What `INTAKE_REDIS_COPIES=1` costs: accepts of one shim with a replica that confirms them, and that does not."""
    figures = {}
    with Service(folder, replica=True) as service:
        for name, wanted in (("without", "0"), ("with_a_copy", "1")):
            service.start_shim(INTAKE_REDIS_COPIES=wanted)
            target = service.target()
            service.warm_up(min(500, requests))
            load = saturate(target.port, target.signups(name), requests=requests, connections=CONNECTIONS)
            figures[name] = {
                "per_second": load.per_second,
                "p50_ms": 1000 * load.percentile(0.5),
                "p99_ms": 1000 * load.percentile(0.99),
                "statuses": load.statuses,
            }
    return figures


def celery_events(folder: Path, *, requests: int) -> dict[str, Any]:
    """What `INTAKE_CELERY_EVENTS=1` costs with the hash made trivial: without, with, with, without."""
    figures: dict[str, list[float]] = {"without": [], "with_events": []}
    cpu: dict[str, list[float]] = {"without": [], "with_events": []}
    with Service(folder) as service:
        for turn, name in enumerate(("without", "with_events", "with_events", "without")):
            service.start_worker(**TRIVIAL_HASH, INTAKE_CELERY_EVENTS=str(int(name == "with_events")))
            target = service.target()
            service.warm_up(min(500, requests))
            meter, started = service.meter(), time.perf_counter()
            saturate(target.port, target.signups(f"load-{turn}"), requests=requests, connections=CONNECTIONS)
            service.wait_until_drained()
            figures[name].append(requests / (time.perf_counter() - started))
            cpu[name].append(meter.read().milliseconds_each(requests)["worker"])
    return {
        "without_per_second": median(figures["without"]),
        "with_events_per_second": median(figures["with_events"]),
        "ratio": sum(figures["with_events"]) / sum(figures["without"]),
        "worker_cpu_ms_without": median(cpu["without"]),
        "worker_cpu_ms_with_events": median(cpu["with_events"]),
    }


def end_to_end(folder: Path, *, requests: int, trivial_hash: bool) -> dict[str, Any]:
    """From the first POST to the last outcome, with as many requests as the service can take.

    Args:
        folder: for data and logs.
        requests: signups.
        trivial_hash: hash at next to no cost, to see what everything else could move.

    What is beside the hash is told twice: as what is left when the hash limit's CPU is taken off, which can be done
    to any peer alike, and as what the service did not spend in hashes by the worker's own count, which is exact.
    """
    limit = measure_hash_limit(0.2 if trivial_hash else LIMIT_SECONDS)
    with Service(folder) as service:
        service.start_worker(**(TRIVIAL_HASH if trivial_hash else {}))
        target = service.target()
        service.warm_up(min(500 if trivial_hash else 50, requests))
        hashed, held, meter = service.hash_cpu_seconds(), service.redis_bytes(), service.meter()
        started = time.perf_counter()
        load = saturate(target.port, target.signups("load"), requests=requests, connections=CONNECTIONS)
        service.wait_until_drained()
        consumed, seconds = meter.read(), time.perf_counter() - started
        hashed = 1000 * (service.hash_cpu_seconds() - hashed) / requests
        figures = {
            "per_second": requests / seconds,
            "accepts_per_second": load.per_second,
            "cpu_ms_each": consumed.milliseconds_each(requests),
            "redis_kib_each": (service.redis_bytes() - held) / 1024 / requests,
            "memory_mib": service.memory(),
            "statuses": load.statuses,
        }
    total = sum(consumed.milliseconds_each(requests).values())
    if trivial_hash:
        return {**figures, "cpu_ms_all": total, "share_of_cores": consumed.shares()}
    return {
        **figures,
        "cpu_ms_hash": limit.cpu_milliseconds,
        "cpu_ms_beside_hash": total - limit.cpu_milliseconds,
        "cpu_ms_in_hashes": hashed,
        "cpu_ms_outside_hashes": total - hashed,
        "share_of_hash_limit": requests / seconds / limit.per_second,
        "hash_limit_per_second": limit.per_second,
        "share_of_cores": consumed.shares(limit.cpu_milliseconds * requests / 1000),
    }


def reads(folder: Path, *, tasks: int, requests: int) -> dict[str, Any]:
    """How many results that are there can be read a second while no worker runs."""
    with Service(folder) as service:
        service.start_worker(**TRIVIAL_HASH)
        target = service.target()
        load = saturate(target.port, target.signups("load"), requests=tasks, connections=CONNECTIONS, keep_bodies=True)
        service.wait_until_drained()
        service.stop_worker()
        read = target.reads([json.loads(body)["task"]["id"] for body in load.bodies or ()])
        saturate(target.port, read, requests=tasks, connections=CONNECTIONS)
        meter = service.meter()
        load = saturate(target.port, read, requests=requests, connections=CONNECTIONS)
        return {
            "per_second": load.per_second,
            "p50_ms": 1000 * load.percentile(0.5),
            "p99_ms": 1000 * load.percentile(0.99),
            "cpu_ms_each": meter.read().milliseconds_each(requests),
            "statuses": load.statuses,
        }


def memory(folder: Path, *, requests: int, hashes: tuple[int, ...]) -> dict[str, Any]:
    """Resident memory of a busy shim, and of workers by how many hashes they do at the same time."""
    workers: dict[str, dict[str, float]] = {}
    with Service(folder) as service:
        for count in hashes:
            service.start_worker(INTAKE_HASH_CONCURRENCY=str(count), INTAKE_WORKER_CONCURRENCY=str(count + 2))
            idle = service.memory()["worker"]
            service.warm_up(requests, connections=CONNECTIONS)
            workers[f"{count}_hashes"] = {
                "idle": idle,
                "peak": service.memory(peak=True)["worker"],
                "afterwards": service.memory()["worker"],
            }
        return {"shim_mib": service.memory(peak=True)["shim"], "worker_mib": workers}
