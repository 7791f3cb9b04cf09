"""How long one command blocks Redis while a million tasks wait, are requeued, or have lost their workers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import redis
from structlog.testing import capture_logs

from bench.backlog import accept_all, batches, run_all
from console.service.dead_letters import DeadLetters
from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from schemas.ids import new_task_id
from schemas.protocol.keys import (
    DEAD_KEY,
    OPEN_KEY,
    QUEUE,
    RESENT_KEY,
    SWEEPER_LEASE_KEY,
    Field,
    State,
    record_key,
)
from schemas.protocol.steps.working import Delivery, start
from worker.metrics import WorkerMetrics
from worker.promise.sweeper import Sweeper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def sweeps(folder: Path, *, tasks: int) -> dict[str, Any]:
    """Redis' longest command, the time of a sweep, and the memory of a task, in each state of the tasks."""
    server = RedisServer(folder / "redis", free_port())
    server.start()
    try:
        # Each sweep logs the ids of tasks.
        with redis.Redis.from_url(server.url, protocol=2) as client, capture_logs():
            # The hundredth percentile is the longest call. On a busy machine that measures the machine.
            client.config_set("latency-tracking-info-percentiles", "99 100")
            return {"tasks": tasks, **_Backlog(client).measure(tasks)}
    finally:
        server.kill()


class _Backlog:
    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._sweeper = Sweeper(
            client,
            interval_seconds=60,
            # With no grace, what is lost is sent again immediately.
            grace_seconds=0,
            lease_seconds=60,
            metrics=WorkerMetrics(),
        )

    def measure(self, tasks: int) -> dict[str, Any]:
        empty = self._used_bytes()
        task_ids = [new_task_id() for _ in range(tasks)]
        accept_all(self._client, task_ids)
        bytes_each = (self._used_bytes() - empty) / tasks
        figures: dict[str, Any] = {"open": {**self._one_sweep(), "bytes_each": bytes_each}}

        self._park(task_ids)
        letters = DeadLetters(self._client)
        self._client.config_resetstat()
        requeued = sum(1 for _ in letters.requeue_all())
        assert requeued == tasks
        figures["requeue_all"] = self._longest()
        resent_bytes: Any = self._client.memory_usage(RESENT_KEY, samples=0)
        figures["requeued"] = {**self._one_sweep(), "bytes_more_each": resent_bytes / tasks}

        # As if every worker had died: no task is in the queue, and all leases have run out.
        self._client.delete(QUEUE)
        run_all(self._client, (start(Delivery(task_id, "dead"), lease_seconds=0, alone=False) for task_id in task_ids))
        figures["expired_leases"] = self._sweeps_until_sent(tasks)
        return figures

    def _one_sweep(self) -> dict[str, float]:
        self._client.delete(SWEEPER_LEASE_KEY)
        self._client.config_resetstat()
        assert self._sweeper.sweep_if_due() == 0
        return {**self._longest(), "sweep_ms_of_redis": self._scripts_ms()}

    def _sweeps_until_sent(self, tasks: int) -> dict[str, float]:
        self._client.config_resetstat()
        started, sent, sweeps_made, most = time.perf_counter(), 0, 0, 0
        while sent < tasks:
            self._client.delete(SWEEPER_LEASE_KEY)
            resent = self._sweeper.sweep_if_due()
            sent, sweeps_made, most = sent + resent, sweeps_made + 1, max(most, resent)
        return {
            **self._longest(),
            "sweeps": sweeps_made,
            "most_sent_a_sweep": most,
            "sweep_ms_of_redis": self._scripts_ms() / sweeps_made,
            "sent_per_second": sent / (time.perf_counter() - started),
        }

    def _park(self, task_ids: Sequence[str]) -> None:
        """Make dead letters of tasks, as far as REQUEUE and a sweep look at them."""
        for batch in batches(task_ids):
            with self._client.pipeline(transaction=False) as pipeline:
                for task_id in batch:
                    pipeline.hset(record_key(task_id), Field.STATE, State.FAILURE)
                pipeline.zadd(DEAD_KEY, dict.fromkeys(batch, time.time() * 1000 - 1))
                pipeline.execute()
        self._client.delete(OPEN_KEY, QUEUE)

    def _longest(self) -> dict[str, float]:
        percentiles: dict[str, dict[str, float]] = self._client.info("latencystats")
        return {
            "longest_command_ms": max(float(each["p100"]) for each in percentiles.values()) / 1000,
            "p99_of_scripts_ms": float(percentiles["latency_percentiles_usec_evalsha"]["p99"]) / 1000,
        }

    def _scripts_ms(self) -> float:
        stats: dict[str, dict[str, float]] = self._client.info("commandstats")
        return float(stats["cmdstat_evalsha"]["usec"]) / 1000

    def _used_bytes(self) -> int:
        return int(self._client.info("memory")["used_memory"])
