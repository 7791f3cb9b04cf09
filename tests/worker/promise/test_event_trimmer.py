"""Old events are removed from the outbox, and whoever still needed them can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from structlog.testing import capture_logs

from schemas.ids import new_task_id
from schemas.protocol.keys import EVENTS_KEY
from tests.support.records import Scripts
from worker.metrics import WorkerMetrics
from worker.promise import event_trimmer
from worker.promise.event_trimmer import EventTrimmer

if TYPE_CHECKING:
    import pytest
    import redis


def _finish(client: redis.Redis, count: int) -> None:
    scripts = Scripts(client)
    for _ in range(count):
        task_id = new_task_id()
        scripts.accept(task_id)
        scripts.finish(task_id)


def test_events_go_by_their_age_and_what_a_consumer_still_needed_is_told(redis_client: redis.Redis) -> None:
    metrics = WorkerMetrics()
    _finish(redis_client, 2)
    redis_client.xgroup_create(EVENTS_KEY, "a consumer", id="0")
    # All events are older than a negative number of seconds.
    EventTrimmer(redis_client, kept_seconds=-60, unread_seconds=60, metrics=metrics).trim()
    assert redis_client.xlen(EVENTS_KEY) == 2

    with capture_logs() as lines:
        EventTrimmer(redis_client, kept_seconds=-60, unread_seconds=-60, metrics=metrics).trim()

    assert redis_client.xlen(EVENTS_KEY) == 0
    assert [(line["event"], line["count"]) for line in lines] == [("unread_events_removed", 2)]
    assert b"intake_unread_events_removed_total 2.0" in generate_latest(metrics.registry)


def test_a_round_makes_several_calls_and_leaves_the_rest_to_the_next(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_trimmer, "EVENTS_A_CALL", 2)
    monkeypatch.setattr(event_trimmer, "CALLS_A_ROUND", 2)
    _finish(redis_client, 5)
    trimmer = EventTrimmer(redis_client, kept_seconds=-60, unread_seconds=-60, metrics=WorkerMetrics())
    trimmer.trim()
    assert redis_client.xlen(EVENTS_KEY) == 1
    with capture_logs() as lines:
        trimmer.trim()
    assert redis_client.xlen(EVENTS_KEY) == 0
    assert lines == []
