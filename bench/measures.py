"""The measurements of the service."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from bench.driver import at_rate, saturate, signups
from bench.hash_limit import measure_hash_limit
from bench.service import Service
from worker.settings import usable_cores

if TYPE_CHECKING:
    from pathlib import Path

_CONNECTIONS = 32
_WARM_UP = 50


def end_to_end(folder: Path, *, requests: int, trivial_hash: bool) -> dict[str, Any]:
    """From the first POST to the last outcome, under saturation.

    Args:
        folder: for data and logs.
        requests: signups.
        trivial_hash: hash at next to no cost, to see what everything else could move.
    """
    settings = {"INTAKE_ARGON2_TEST_PROFILE": "1"} if trivial_hash else {}
    limit = measure_hash_limit(2)
    with Service(folder, **settings) as service:
        service.start_worker()
        target = service.target()
        asyncio.run(saturate(target, signups("warm"), requests=_WARM_UP, connections=4))
        service.wait_until_drained()
        before, started = service.cpu(), time.perf_counter()
        load = asyncio.run(saturate(target, signups("load"), requests=requests, connections=_CONNECTIONS))
        service.wait_until_drained()
        seconds = time.perf_counter() - started
        cpu = {name: 1000 * (after - before[name]) / requests for name, after in service.cpu().items()}
        memory = service.memory()
    hash_milliseconds = 0.0 if trivial_hash else limit.cpu_milliseconds
    total = sum(cpu.values())
    return {
        "per_second": requests / seconds,
        "accepts_per_second": load.per_second,
        "statuses": load.statuses,
        "cpu_ms_per_signup": cpu,
        "cpu_ms_hash": hash_milliseconds,
        "cpu_ms_beside_hash": total - hash_milliseconds,
        "share_of_hash_limit": requests / seconds / limit.per_second,
        "hash_share_of_cores": hash_milliseconds * requests / 1000 / (seconds * usable_cores()),
        "hash_limit_per_second": limit.per_second,
        "memory_mib": memory,
    }


def accepts(folder: Path, *, requests: int) -> dict[str, Any]:
    """What one shim process accepts, with no worker running."""
    with Service(folder) as service:
        target = service.target()
        asyncio.run(saturate(target, signups("warm"), requests=500, connections=4))
        before = service.cpu()
        load = asyncio.run(saturate(target, signups("load"), requests=requests, connections=_CONNECTIONS))
        cpu = {name: 1000 * (after - before[name]) / requests for name, after in service.cpu().items()}
        return {
            "per_second": load.per_second,
            "p50_ms": 1000 * load.percentile(0.5),
            "p99_ms": 1000 * load.percentile(0.99),
            "statuses": load.statuses,
            "cpu_ms_per_accept": cpu,
            "memory_mib": service.memory(),
        }


def latency(folder: Path, *, per_second: float, seconds: float) -> dict[str, Any]:
    """How long a call with `Prefer: wait` takes at a moderate rate, against the hash alone."""
    limit = measure_hash_limit(1)
    with Service(folder) as service:
        service.start_worker()
        target = service.target(prefer="wait=10")
        asyncio.run(at_rate(target, signups("warm"), per_second=10, seconds=2))
        before = service.cpu()
        load = asyncio.run(at_rate(target, signups("load"), per_second=per_second, seconds=seconds))
        cpu = sum(after - before[name] for name, after in service.cpu().items())
    requests = len(load.latencies)
    return {
        "p50_ms": 1000 * load.percentile(0.5),
        "p99_ms": 1000 * load.percentile(0.99),
        "hash_alone_ms": limit.alone_milliseconds,
        "p50_ratio": 1000 * load.percentile(0.5) / limit.alone_milliseconds,
        "p99_ratio": 1000 * load.percentile(0.99) / limit.alone_milliseconds,
        "cpu_ms_beside_hash": 1000 * cpu / requests - limit.cpu_milliseconds,
        "statuses": load.statuses,
    }
