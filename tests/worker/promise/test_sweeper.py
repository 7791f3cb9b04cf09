"""The sweeper: what it sends again, and the lease by which one worker at a time sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import generate_latest
from structlog.testing import capture_logs

from schemas.ids import new_task_id
from schemas.protocol.keys import QUEUE, SWEEPER_LEASE_KEY
from tests.support.records import Scripts
from worker.promise import sweeper
from worker.promise.sweeper import TASKS_A_CALL, Sweeper

if TYPE_CHECKING:
    import pytest
    import redis

    from worker.metrics import WorkerMetrics


def a_sweeper(client: redis.Redis, metrics: WorkerMetrics, **changes: Any) -> Sweeper:
    settings: dict[str, Any] = {"interval_seconds": 60, "grace_seconds": 1, "lease_seconds": 60} | changes
    return Sweeper(client, metrics=metrics, **settings)


def lose_a_task(client: redis.Redis) -> str:
    return lose_tasks(client, 1)[0]


def lose_tasks(client: redis.Redis, count: int) -> list[str]:
    scripts, task_ids = Scripts(client), [new_task_id() for _ in range(count)]
    scripts.accept_all(task_ids)
    client.ltrim(QUEUE, count, -1)
    scripts.start_all(task_ids, lease_milliseconds=0)  # A worker started them and died, and its leases have run out.
    scripts.age(*task_ids, milliseconds=10_000)
    return task_ids


def test_a_lost_task_is_sent_again_with_its_own_message_and_counted(
    redis_client: redis.Redis, metrics: WorkerMetrics
) -> None:
    task_id = lose_a_task(redis_client)
    assert a_sweeper(redis_client, metrics).sweep_if_due() == 1
    scripts = Scripts(redis_client)
    assert scripts.queued() == [scripts.messages.message(task_id)]
    assert b"intake_tasks_resent_total 1.0" in generate_latest(metrics.registry)


def test_of_several_workers_only_one_sweeps_in_each_interval(redis_client: redis.Redis, metrics: WorkerMetrics) -> None:
    first, second = (a_sweeper(redis_client, metrics) for _ in range(2))
    lose_a_task(redis_client)
    assert first.sweep_if_due() == 1
    lose_a_task(redis_client)
    redis_client.delete("customer.create")
    assert second.sweep_if_due() == 0
    assert first.sweep_if_due() == 0


def test_the_sweepers_lease_ends_within_the_interval(redis_client: redis.Redis, metrics: WorkerMetrics) -> None:
    a_sweeper(redis_client, metrics, interval_seconds=60).sweep_if_due()
    assert 50_000 < redis_client.pttl(SWEEPER_LEASE_KEY) < 60_000
    redis_client.delete(SWEEPER_LEASE_KEY)  # This is as if the lease had expired.
    lose_a_task(redis_client)
    assert a_sweeper(redis_client, metrics).sweep_if_due() == 1


def test_a_sweep_goes_through_all_pages(redis_client: redis.Redis, metrics: WorkerMetrics) -> None:
    lose_tasks(redis_client, 4 * TASKS_A_CALL + 1)
    with capture_logs() as lines:
        assert a_sweeper(redis_client, metrics).sweep_if_due() == 4 * TASKS_A_CALL + 1
    # Only some of them are named.
    assert [line["event"] for line in lines] == ["task_resent"] * 100 + ["tasks_resent"]
    assert lines[-1]["count"] == 4 * TASKS_A_CALL + 1


def test_a_long_sweep_stops_and_the_next_sweep_of_any_worker_goes_on_from_there(
    redis_client: redis.Redis, metrics: WorkerMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "TASKS_A_CALL", 10)
    monkeypatch.setattr(sweeper, "CALLS_A_SWEEP", 3)
    scripts, held = Scripts(redis_client), [new_task_id() for _ in range(40)]
    scripts.accept_all(held)
    scripts.age(*held, milliseconds=100_000)
    for task_id in held:
        scripts.start(task_id, lease_milliseconds=60_000)
    redis_client.delete(QUEUE)
    lost = lose_a_task(redis_client)  # The lost task was sent after all of these.
    assert a_sweeper(redis_client, metrics).sweep_if_due() == 0
    redis_client.delete(SWEEPER_LEASE_KEY)  # This is as if the lease had expired.
    assert a_sweeper(redis_client, metrics).sweep_if_due() == 1
    assert scripts.queued() == [scripts.messages.message(lost)]


def test_the_sweepers_lease_is_renewed_while_it_sweeps(redis_client: redis.Redis, metrics: WorkerMetrics) -> None:
    lose_a_task(redis_client)
    redis_client.config_resetstat()
    a_sweeper(redis_client, metrics, interval_seconds=60).sweep_if_due()
    assert redis_client.info("commandstats")["cmdstat_pexpire"]["calls"] >= 1


def test_a_sweepers_lease_of_a_clock_that_was_set_back_ends_within_the_interval(
    redis_client: redis.Redis, metrics: WorkerMetrics
) -> None:
    redis_client.set(SWEEPER_LEASE_KEY, "a dead worker", px=3_600_000)
    assert a_sweeper(redis_client, metrics, interval_seconds=60).sweep_if_due() == 0
    assert 0 < redis_client.pttl(SWEEPER_LEASE_KEY) < 60_000
