"""What traces cost: the same signups with traces off, and with the default share of them recorded, in turns."""

from __future__ import annotations

import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from bench.driver import saturate
from bench.service import TRIVIAL_HASH, Service
from bench.throughput import CONNECTIONS
from bench.waiting import wait_while
from local_stack.environments import environment_without_settings
from local_stack.ports import free_port
from local_stack.service_process import service_process, start_service_process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_OFF: Final = {"INTAKE_TRACES": "0"}
"""The default."""

_RECORDED: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""The `traceparent` of a caller who wants its trace to be recorded."""

_WARM_UP: Final = 1000
"""Signups that do not count, right before those that do."""

_FIRST: Final = 20
"""Signups whose spans are exported before anything counts. A process' first export costs it 0.2 s of CPU, once."""


def traces(folder: Path, *, requests: int, hashed: int, rounds: int) -> dict[str, Any]:
    """Throughput and CPU with traces on, as shares of those with traces off.

    Args:
        folder: for data and logs.
        requests: accepts, and signups with a trivial hash, which hides nothing, for each turn.
        hashed: signups with a real hash for each turn.
        rounds: pairs of turns.
    """
    off: list[dict[str, float]] = []
    on: list[dict[str, float]] = []
    with Service(folder) as service, _a_collector(folder) as port:
        settings = {"INTAKE_TRACES": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        for turn in range(rounds):
            # Each is the first one as often as the other, since a machine may be slower later.
            for is_on in (bool(turn % 2), not turn % 2):
                (on if is_on else off).append(_measured(service, requests, hashed, settings if is_on else _OFF))
    pairs = list(zip(off, on, strict=True))
    return {
        **{
            f"{name}_ratio": statistics.median(traced[name] / untraced[name] for untraced, traced in pairs)
            for name in off[0]
        },
        "off": {name: statistics.median(each[name] for each in off) for name in off[0]},
        "on": {name: statistics.median(each[name] for each in on) for name in on[0]},
    }


def _measured(service: Service, requests: int, hashed: int, settings: dict[str, str]) -> dict[str, float]:
    service.start_shim(**settings)
    service.stop_worker()
    target = service.target()
    _warm_up(service, requests, ["shim"] if settings is not _OFF else [])
    meter = service.meter()
    accepted = saturate(
        target.port, target.signups(f"a-{time.monotonic_ns()}"), requests=requests, connections=CONNECTIONS
    )
    of_accepts = meter.read().milliseconds_each(requests)
    per_second, each = _finished(service, requests, {**TRIVIAL_HASH, **settings})
    hashed_per_second, hashed_each = _finished(service, hashed, settings)
    return {
        "accepts_per_second": accepted.per_second,
        "accept_cpu_ms": of_accepts["shim"] + of_accepts["redis"],
        "per_second": per_second,
        "cpu_ms": sum(each.values()),
        "shim_cpu_ms": each["shim"],
        "worker_cpu_ms": each["worker"],
        "hashed_per_second": hashed_per_second,
        "hashed_cpu_ms": sum(hashed_each.values()),
    }


def _finished(service: Service, requests: int, settings: dict[str, str]) -> tuple[float, dict[str, float]]:
    """Signups that a worker finished a second, and the CPU time of each by component, in milliseconds."""
    service.start_worker(**settings)
    _warm_up(service, requests, ["worker"] if settings["INTAKE_TRACES"] == "1" else [])
    target, meter, started = service.target(), service.meter(), time.perf_counter()
    saturate(target.port, target.signups(f"b-{time.monotonic_ns()}"), requests=requests, connections=CONNECTIONS)
    service.wait_until_drained()
    return requests / (time.perf_counter() - started), meter.read().milliseconds_each(requests)


def _warm_up(service: Service, requests: int, exporting: Sequence[str]) -> None:
    recorded = service.target(traceparent=_RECORDED)
    saturate(recorded.port, recorded.signups(f"first-{time.monotonic_ns()}"), requests=_FIRST, connections=CONNECTIONS)
    for component in exporting:
        wait_while(lambda component=component: not service.exported_spans(component), [service.shim])  # type: ignore[misc]
    # Behind that wait, which only one side has: the first second after it is slower.
    service.warm_up(min(_WARM_UP, requests))


@contextmanager
def _a_collector(folder: Path) -> Iterator[int]:
    """A collector in a process of its own, which throws away what comes."""
    port = free_port()
    process = service_process(
        "collector",
        "bench.collector",
        {**environment_without_settings(), "PORT": str(port)},
        log_path=folder / "collector.log",
    )
    start_service_process(process)
    try:
        yield port
    finally:
        process.kill()
