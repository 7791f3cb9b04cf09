"""How long a caller who waits for the outcome of a signup waits, at several rates of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.driver import at_rate, saturate
from bench.hash_limit import measure_hash_limit, measure_paced_hash
from bench.service import TRIVIAL_HASH, Service

if TYPE_CHECKING:
    from pathlib import Path

RATES: Final = (5.0, 20.0)
"""Rates at which signups arrive, a second."""

SHARES: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Further rates, as shares of the machine's hash limit, so that each machine is as near to saturation."""

REFERENCE: Final = 20.0
"""The rate for which the CPU time beside the hash is reported."""


def latency(folder: Path, *, seconds: float, reference_seconds: float) -> dict[str, Any]:
    """Open-loop arrivals with `Prefer: wait`, compared with the hash alone.

    And one call after another with the hash made trivial: what a signup costs that shares nothing, and never pauses.
    """
    limit = measure_hash_limit(2 if seconds > 1 else 0.2)
    hash_milliseconds = measure_paced_hash(per_second=REFERENCE, seconds=min(5, reference_seconds))
    points: dict[str, Any] = {}
    with Service(folder) as service:
        service.start_worker()
        service.warm_up(50)
        target = service.target(prefer="wait=10")
        offered = {f"{rate:g}_per_second": rate for rate in RATES}
        offered |= {f"{100 * share:g}_percent_of_hash_limit": share * limit.per_second for share in SHARES}
        for name, rate in offered.items():
            hashed, meter = service.hash_cpu_seconds(), service.meter()
            load = at_rate(
                target.port,
                target.signups(name.replace("_", "-")),
                per_second=rate,
                seconds=reference_seconds if rate == REFERENCE else max(seconds, 30 / rate if seconds > 1 else 0),
            )
            consumed = meter.read()
            service.wait_until_drained()
            points[name] = {
                "offered_per_second": rate,
                "answered_per_second": load.per_second,
                "p50_ms": 1000 * load.percentile(0.5),
                "p99_ms": 1000 * load.percentile(0.99),
                "p50_ratio": 1000 * load.percentile(0.5) / limit.alone_milliseconds,
                "p99_ratio": 1000 * load.percentile(0.99) / limit.alone_milliseconds,
                "cpu_ms_each": consumed.milliseconds_each(len(load.latencies)),
                "cpu_ms_in_hashes": 1000 * (service.hash_cpu_seconds() - hashed) / len(load.latencies),
                "statuses": load.statuses,
            }
        service.start_worker(**TRIVIAL_HASH)
        requests = max(1, int(2 * REFERENCE * reference_seconds))
        service.warm_up(min(50, requests))
        meter = service.meter()
        load = saturate(target.port, target.signups("trivial"), requests=requests, connections=1)
        one_after_another = {
            "p50_ms": 1000 * load.percentile(0.5),
            "cpu_ms_all": sum(meter.read().milliseconds_each(requests).values()),
        }
    reference = points[f"{REFERENCE:g}_per_second"]
    total = sum(reference["cpu_ms_each"].values())
    return {
        "hash_alone_ms": limit.alone_milliseconds,
        "hash_limit_per_second": limit.per_second,
        "cpu_ms_hash": hash_milliseconds,
        "cpu_ms_beside_hash": total - hash_milliseconds,
        "cpu_ms_outside_hashes": total - reference["cpu_ms_in_hashes"],
        "trivial_hash_one_after_another": one_after_another,
        "points": points,
    }
