"""The queue as it is now, for Prometheus, from one overview: all that is shown was so at the same instant."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from schemas.protocol.steps.overseeing import read_overview
from schemas.protocol.steps.pausing import Paused
from startup.broker.redis_requirements import parse_info

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api_shim.broker.overviews import Overviews
    from api_shim.broker.redis_calls import RedisCalls
    from schemas.protocol.overview import Overview

_MEMORY_GAUGES: Final = (
    ("used_memory", "intake_redis_used_bytes", "Memory that Redis has allocated."),
    ("maxmemory", "intake_redis_maximum_bytes", "Redis' maxmemory; 0: no limit of its own."),
)
"""Fields of `INFO memory`, each with the name and the meaning of its metric."""


async def render_queue(calls: RedisCalls, overviews: Overviews) -> bytes:
    """The state of the queue and of Redis' memory, in Prometheus' text format.

    Where Redis does not answer, only `intake_redis_up` is there, as 0.
    """
    gauges: list[GaugeMetricFamily]
    try:
        gauges = [*_of_queue(await overviews.fresh()), await _of_processes(calls), *await _of_memory(calls)]
    except BrokerUnavailableError:
        gauges = []
    up = GaugeMetricFamily("intake_redis_up", "Whether Redis answered this scrape.", int(bool(gauges)))
    registry = CollectorRegistry()
    registry.register(_Gauges([up, *gauges]))
    return generate_latest(registry)


class _Gauges(Collector):
    """Gauges that were read already."""

    def __init__(self, gauges: list[GaugeMetricFamily]) -> None:
        self._gauges = gauges

    def collect(self) -> list[GaugeMetricFamily]:
        return self._gauges


def _of_queue(now: Overview) -> Iterator[GaugeMetricFamily]:
    signups, chunks = now.signup_lane, now.chunk_lane
    for name, meaning, value in (
        ("intake_open_tasks", "Tasks accepted and without outcome.", signups.open),
        ("intake_oldest_open_seconds", "Age of the oldest open task.", signups.oldest_seconds),
        ("intake_queue_messages", "Messages waiting in the queue.", signups.queued),
        ("intake_held_tasks", "Tasks that workers work on.", now.held),
        ("intake_open_chunks", "Chunks of batches accepted and without outcome.", chunks.open + chunks.behind),
        ("intake_oldest_open_chunk_seconds", "Age of the oldest chunk in the queue or held.", chunks.oldest_seconds),
        ("intake_queue_chunks", "Chunks waiting in their queue.", chunks.queued),
        ("intake_open_rows", "Rows of batches accepted and without outcome.", now.rows.open),
        ("intake_dead_letters", "Tasks that wait for an operator.", now.dead_letters),
        ("intake_events_kept", "Events in the outbox.", now.events_kept),
        ("intake_oldest_event_seconds", "Age of the oldest event in the outbox.", now.oldest_event_seconds),
    ):
        yield GaugeMetricFamily(name, meaning, value)
    paused = GaugeMetricFamily("intake_paused", "Whether an operator has paused the taking of this.", labels=("what",))
    for what in (Paused.ALL, Paused.BATCHES):
        paused.add_metric((what,), int(now.pause.what is what))
    yield paused


async def _of_processes(calls: RedisCalls) -> GaugeMetricFamily:
    overview = await calls.read(read_overview(processes=True))
    running = Counter((each.details.kind, each.details.version) for each in overview.processes if each.is_heard)
    gauge = GaugeMetricFamily(
        "intake_processes", "Processes that said lately that they run, by kind and release.", labels=("kind", "version")
    )
    for labels, count in running.items():
        gauge.add_metric(labels, count)
    return gauge


async def _of_memory(calls: RedisCalls) -> list[GaugeMetricFamily]:
    try:
        told: bytes = await calls.command("INFO", "memory")
    except BrokerRefusedError:
        return []  # this user may not call INFO; `intake_redis_finding` tells
    fields = parse_info(told)
    # Managed servers and proxies leave fields out, or their values. The rest of the scrape must not fail for it.
    return [
        GaugeMetricFamily(name, meaning, int(fields[field]))
        for field, name, meaning in _MEMORY_GAUGES
        if fields.get(field, "").isdecimal()
    ]
