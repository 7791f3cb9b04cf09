"""What is known of the tasks that a worker holds, and which event tells what became of one."""

from __future__ import annotations

import pytest

from schemas.protocol.lanes import SIGNUPS
from schemas.protocol.steps.ending import RecordChange
from schemas.protocol.steps.working import NotStarted
from worker.celery_tools.watching import GIVEN_BACK, MOST_EVENTS, Events, WatchedTasks

NAME = SIGNUPS.task_name


def types(events: Events) -> list[str]:
    return [event["type"] for event in events.take(MOST_EVENTS)]


@pytest.mark.parametrize(
    ("ending", "event"),
    [
        ("created", "task-succeeded"),
        ("duplicate_key", "task-succeeded"),
        ("validation_error", "task-succeeded"),
        ("done", "task-succeeded"),
        ("halved", "task-succeeded"),
        (GIVEN_BACK, "task-retried"),
        ("deferred", "task-retried"),
        ("failed", "task-retried"),
        (NotStarted.CANCELED, "task-succeeded"),
        ("sealed_request_unreadable", "task-failed"),
        ("too_many_starts", "task-failed"),
    ],
)
def test_an_event_tells_what_became_of_a_task(ending: str, event: str) -> None:
    events = Events()
    watched = WatchedTasks(events)
    watched.received("task", NAME)
    watched.started(["task"])
    watched.ended("task", ending, 0.5)
    assert types(events) == ["task-received", "task-started", event]
    assert watched.held() == []


@pytest.mark.parametrize("ending", [NotStarted.FINISHED, NotStarted.LEASED, NotStarted.PARKED, RecordChange.UNKNOWN])
def test_a_delivery_that_changed_nothing_has_no_event_of_its_end(ending: str) -> None:
    """What another delivery has told of the task stays true."""
    events = Events()
    watched = WatchedTasks(events)
    watched.received("task", NAME)
    watched.started(["task"])
    watched.ended("task", ending, 0.5)
    assert types(events) == ["task-received", "task-started"]
    assert watched.held() == []


def test_a_task_is_reserved_until_a_thread_begins_with_it() -> None:
    watched = WatchedTasks(None)
    watched.received("first", NAME)
    watched.received("second", NAME)
    watched.received("third", NAME)
    watched.started(["first"])
    watched.let_go(["third"])
    assert [(each.task_id, each.started_at is None) for each in watched.held()] == [("first", False), ("second", True)]
    assert watched.begun() == {NAME: 1}


def test_the_oldest_events_are_dropped_where_too_many_wait() -> None:
    events = Events()
    for number in range(MOST_EVENTS + 3):
        events.add("task-started", str(number))
    assert events.take(1)[0]["uuid"] == "3"
    assert events.dropped() == 3
    assert events.dropped() == 0
    assert len(events.take(MOST_EVENTS)) == MOST_EVENTS - 1
